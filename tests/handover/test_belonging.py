"""A document that names another patient in its own header is not attached to a referral."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.referral.region import Region, up
from yilian.errors import InvalidResource
from yilian.handover.belonging import Named, another, named_in

PATIENT = {
    "resourceType": "Patient",
    "name": [{"text": "李秀英"}],
    "birthDate": "1956-03-12",
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "510102195603120045"}],
}


def cda(name: str, number: str = "", born: str = "19560312") -> bytes:
    id = f'<id root="2.16.156.10011.1.3" extension="{number}"/>' if number else ""
    return (
        f'<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>{id}<patient><name>{name}</name>'
        f'<birthTime value="{born}"/></patient></patientRole></recordTarget></ClinicalDocument>'
    ).encode()


def element(group: int, number: int, kind: bytes, value: bytes, *, implicit: bool = False) -> bytes:
    value += b" " * (len(value) % 2)
    head = struct.pack("<HH", group, number)
    return head + (struct.pack("<I", len(value)) if implicit else kind + struct.pack("<H", len(value))) + value


def dicom(name: str, *, implicit: bool = False) -> bytes:
    syntax = b"1.2.840.10008.1.2" + (b"" if implicit else b".1")
    body = element(0x0008, 0x0005, b"CS", b"ISO_IR 192", implicit=implicit)
    body += element(0x0010, 0x0010, b"PN", f"Li^XiuYing={name}".encode(), implicit=implicit)
    body += element(0x0010, 0x0020, b"LO", b"CT-0001", implicit=implicit)
    body += element(0x0010, 0x0030, b"DA", b"19560312", implicit=implicit)
    return (
        b"\0" * 128 + b"DICM" + element(0x0002, 0x0010, b"UI", syntax) + body + element(0x0028, 0x0010, b"US", b"\0\1", implicit=implicit)
    )


def document(kind: str, content: bytes, **more: Any) -> dict[str, Any]:
    attachment = {"contentType": kind, "data": base64.b64encode(content).decode()}
    return {"resourceType": "DocumentReference", "content": [{"attachment": attachment}], **more}


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (document("text/xml", cda("李秀英", "510102195603120045")), ""),
        (document("text/xml", cda("王小明")), "name"),
        (document("text/xml", cda("李秀英", "510102196001010013")), "number"),
        (document("text/xml", cda("李秀英", born="19600101")), "born"),
        (document("text/xml", b"<note>no CDA</note>"), ""),
        (document("application/dicom", dicom("李^秀英")), ""),
        (document("application/dicom", dicom("李^秀英", implicit=True)), ""),
        (document("application/dicom", dicom("王^小明")), "name"),
        (document("application/dicom", dicom("王^小明", implicit=True)), "name"),
        (document("application/pdf", b"%PDF-", context={"sourcePatientInfo": {"display": "王小明"}}), "name"),
        (document("text/plain", b"", context={"sourcePatientInfo": {"display": "Wang"}}), ""),
    ],
)
def test_a_header_is_read_and_held_against_the_patient(found: dict[str, Any], what: str) -> None:
    assert next((one for who in named_in(found) if (one := another(PATIENT, who))), "") == what


@given(st.binary(max_size=400), st.sampled_from(["text/xml", "application/dicom"]))
def test_whatever_the_bytes_are_nothing_is_raised(content: bytes, kind: str) -> None:
    for bytes_ in (content, b"\0" * 128 + b"DICM" + content):
        assert all(isinstance(one, Named) for one in named_in(document(kind, bytes_)))


async def test_another_patients_document_is_refused_though_it_is_filed_here(region: Region) -> None:
    about = {"status": "current", "subject": {"reference": "Patient/p1"}}
    await region.write(
        {**document("text/xml", cda("欧阳建国")), "id": "strange", **about}, {**document("text/xml", cda("李秀英")), "id": "own", **about}
    )
    with pytest.raises(InvalidResource, match="names another patient"):
        await region.refer("gp", up("p1", supportingInfo=[{"reference": "DocumentReference/strange"}]))
    await region.refer("gp", up("p1", supportingInfo=[{"reference": "DocumentReference/own"}]))
