"""What is taken for what: by its own bytes, never by its name."""

from __future__ import annotations

import pytest

from tests.uploads.samples import CDA, DICOM, EICAR, JPEG, PDF, docx, packed, png
from yilian import policy
from yilian.errors import InvalidResource
from yilian.records.content_types import DOCX, HEADS, TEXTS, XML, checked

ALLOWED = policy.defaults()["upload.mib_by_type"].value

SOUND = {
    "application/pdf": [PDF],
    "image/jpeg": [JPEG],
    "image/png": [png()],
    "image/tiff": [b"II*\0\x08\0\0\0\0\0", b"MM\0*\0\0\0\x08"],
    "application/dicom": [DICOM],
    "text/plain": ["血压 120/80".encode(), "血压".encode("gb18030"), EICAR, b"a < b"],
    "text/csv": [b"code,value\r\n8480-6,120\r\n"],
    "application/json": [b'{"a": 1}'],
    "text/xml": [CDA],
    "application/xml": [CDA],
    DOCX: [docx()],
}
HTML, SVG = b"<!DOCTYPE html><html><script>alert(1)</script></html>", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
XHTML = b'<a xmlns="urn:x"><b:script xmlns:b="http://www.w3.org/1999/xhtml">1</b:script></a>'
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
PROGRAM = b"MZ\x90\0" + b"\0" * 100

NOT_SO = [
    ("text/html", HTML),
    ("image/svg+xml", SVG),
    ("application/octet-stream", PDF),
    ("", PDF),
    ("application/x-msdownload", PROGRAM),
    ("text/plain", HTML),
    ("text/plain", b" \n<SVG onload=alert(1)>"),
    ("text/plain", PROGRAM),
    ("text/plain", b"\xff\xfe\x80\xff"),
    ("text/xml", HTML),
    ("text/xml", SVG),
    ("application/xml", XHTML),
    ("text/xml", BOMB),
    ("text/xml", b"<a>"),
    ("application/pdf", PNG := png()),
    ("application/pdf", HTML + PDF),
    ("application/pdf", b""),
    ("image/png", JPEG),
    ("image/jpeg", SVG),
    ("application/dicom", b"DICM" + b"\0" * 200),
    (DOCX, packed(readme=b"hello")),
    (DOCX, docx(word__vbaProject_bin=b"x", **{"word__vbaProject.bin": b"macro"})),
    (DOCX, PDF),
]


def test_every_allowed_type_is_known_by_its_bytes() -> None:
    assert set(ALLOWED) == set(HEADS) | TEXTS | XML == set(SOUND)
    for kind, contents in SOUND.items():
        for content in contents:
            assert checked(f"{kind.upper()}; charset=utf-8", content, ALLOWED, "Binary") == kind


@pytest.mark.parametrize(("declared", "content"), NOT_SO)
def test_what_is_another_thing_or_runs_in_a_browser_is_refused(declared: str, content: bytes) -> None:
    with pytest.raises(InvalidResource) as refused:
        checked(declared, content, ALLOWED, "Binary")
    assert refused.value.issues[0].zh


def test_each_type_has_its_size() -> None:
    content = b"x" * (2 * 1024 * 1024)
    assert checked("text/plain", content, ALLOWED, "Binary")
    with pytest.raises(InvalidResource, match="2 MiB"):
        checked("text/plain", content + b"x", ALLOWED, "Binary")
