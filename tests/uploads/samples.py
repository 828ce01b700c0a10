"""The smallest files that are what they say, and some that are not."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The harmless file every scanner is to take for malware, https://www.eicar.org/download-anti-malware-testfile/."""


def png() -> bytes:
    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    head = piece(b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + piece(b"IDAT", zlib.compress(b"\0\0")) + piece(b"IEND", b"")


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as whole:
        for name, content in files.items():
            whole.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


def docx(**more: bytes) -> bytes:
    return packed(Content_Types_xml=b"<Types/>", word__document_xml=b"<document/>", **more)


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\0\0\1\0\1\0\0" + b"\0" * 50 + b"\xff\xd9"
DICOM = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0\0\0\0\0"
CDA = (
    b'<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="CDA.xsl"?>'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>\xe5\x87\xba\xe9\x99\xa2\xe5\xb0\x8f\xe7\xbb\x93</title></ClinicalDocument>'
)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
