"""Whose document it is by its own words: the patient a CDA header, a DICOM header or `context.sourcePatientInfo` names. Pure.

A document may say less than who it is about, and is then believed; one that names somebody else is not this patient's.
CDA R2: ClinicalDocument/recordTarget/patientRole; WS/T 482. DICOM PS3.10 7.1, PS3.5 7.1, PS3.6: (0010,0010), (0010,0020), (0010,0030).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

Resource = Mapping[str, Any]

CDA = "{urn:hl7-org:v3}"
XML = ("text/xml", "application/xml", "application/hl7-v3+xml", "application/cda+xml")
DICOM = "application/dicom"
HEAD = 256 * 1024
"""Base64 characters of a DICOM file that are looked at: its patient stands near the beginning. A multiple of four."""
IMPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
LONG = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
CHARACTERS = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk", "ISO 2022 IR 58": "gb2312"}
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_RESIDENT = re.compile(r"\d{17}[\dXx]")


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a document names. name: "" where it says none in Chinese; born: "1956-03-12" or ""; numbers: system ("" unknown) → value."""

    name: str = ""
    born: str = ""
    numbers: tuple[tuple[str, str], ...] = ()


def named_in(document: Resource) -> Iterator[Named]:
    """Everybody a DocumentReference names, in its metadata and in the contents it holds."""
    info = document.get("context", {}).get("sourcePatientInfo", {})
    contained = {f"#{one.get('id')}": one for one in document.get("contained", []) if one.get("resourceType") == "Patient"}
    if (source := contained.get(str(info.get("reference", "")))) is not None:
        yield _of_patient(source)
    elif display := str(info.get("display", "")):
        yield Named(name=display if _CHINESE.search(display) else "")
    for content in document.get("content", []):
        attachment = content.get("attachment", {})
        kind = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
        data = attachment.get("data")
        if not isinstance(data, str) or kind not in (*XML, DICOM):
            continue
        try:
            found = _in_dicom(base64.b64decode(data[:HEAD])) if kind == DICOM else _in_cda(base64.b64decode(data))
        except (binascii.Error, ValueError):
            continue  # what cannot be read says nothing; whether it is what it claims was asked when it was sent
        if found is not None:
            yield found


def another(patient: Resource, named: Named) -> str:
    """What shows that somebody else is named: "name", "born" or "number"; "" where nothing does."""
    numbers = {(i.get("system", ""), str(i.get("value", "")).upper()) for i in patient.get("identifier", []) if i.get("value")}
    systems = {system for system, _ in numbers}
    for system, value in named.numbers:
        known = {number for where, number in numbers if where == system} if system in systems else set()
        if known and value.upper() not in known:
            return "number"
        if (
            not system
            and _RESIDENT.fullmatch(value)
            and (ids := {n for _, n in numbers if _RESIDENT.fullmatch(n)})
            and value.upper() not in ids
        ):
            return "number"
    born = str(patient.get("birthDate", ""))
    if named.born and len(born) == len(named.born) and born != named.born:
        return "born"
    names = {_name(one) for one in patient.get("name", [])} - {""}
    if named.name and names and "".join(named.name.split()) not in names:
        return "name"
    return ""


def _of_patient(patient: Resource) -> Named:
    name = next((_name(one) for one in patient.get("name", [])), "")
    numbers = tuple((str(i.get("system", "")), str(i["value"])) for i in patient.get("identifier", []) if i.get("value"))
    return Named(name if _CHINESE.search(name) else "", str(patient.get("birthDate", "")), numbers)


def _name(name: Mapping[str, Any]) -> str:
    return "".join(str(name.get("text") or "".join([name.get("family", ""), *name.get("given", [])])).split())


def _in_cda(content: bytes) -> Named | None:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return None
    role = root.find(f"{CDA}recordTarget/{CDA}patientRole") if root.tag == f"{CDA}ClinicalDocument" else None
    if role is None:
        return None
    numbers = tuple(
        (f"urn:oid:{one.get('root', '')}", one.get("extension", "")) for one in role.findall(f"{CDA}id") if one.get("extension")
    )
    name = role.find(f"{CDA}patient/{CDA}name")
    birth = role.find(f"{CDA}patient/{CDA}birthTime")
    words = "".join("".join(name.itertext()).split()) if name is not None else ""
    return Named(words if _CHINESE.search(words) else "", _day(birth.get("value", "") if birth is not None else ""), numbers)


def _in_dicom(content: bytes) -> Named | None:
    if content[128:132] != b"DICM":
        return None
    found: dict[tuple[int, int], bytes] = {}
    for tag, value in _elements(content):
        if tag[0] > 0x0010:
            break
        found[tag] = value
    kind = found.get((0x0008, 0x0005), b"").decode("ascii", "replace").strip("\0 ").split("\\")[-1]
    encoding = CHARACTERS.get(kind, "ascii")
    parts = [part.decode(encoding, "replace") for part in found.get((0x0010, 0x0010), b"").split(b"=")]
    name = next(("".join(part.strip("\0 ").replace("^", "").split()) for part in parts if _CHINESE.search(part)), "")
    number = found.get((0x0010, 0x0020), b"").decode(encoding, "replace").strip("\0 ")
    born = _day(found.get((0x0010, 0x0030), b"").decode("ascii", "replace").strip("\0 "))
    return Named(name, born, (("", number),) if number else ())


def _elements(content: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Data elements in their order, up to one whose end cannot be told (a sequence of undefined length) or that is cut off."""
    place, order, implicit, syntax = 132, "<", False, ""
    while place + 8 <= len(content):
        group, element = struct.unpack_from("<HH", content, place)
        if group != 0x0002 and syntax:
            order, implicit, syntax = (">" if syntax == BIG else "<"), syntax == IMPLICIT, ""
        if order == ">":
            group, element = struct.unpack_from(">HH", content, place)
        place += 4
        if implicit and group != 0x0002:
            (length,) = struct.unpack_from("<I", content, place)
            place += 4
        elif content[place : place + 2] in LONG:
            if place + 8 > len(content):
                return
            (length,) = struct.unpack_from(f"{order}I", content, place + 4)
            place += 8
        else:
            (length,) = struct.unpack_from(f"{order}H", content, place + 2)
            place += 4
        if length == 0xFFFFFFFF or place + length > len(content):
            return
        value = content[place : place + length]
        place += length
        if (group, element) == (0x0002, 0x0010):
            syntax = value.decode("ascii", "replace").strip("\0 ")
        yield (group, element), value


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if re.fullmatch(r"\d{8}.*", text) else ""
