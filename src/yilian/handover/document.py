"""A document of a referral as a FHIR document Bundle: a Composition and everything it refers to. Pure.

FHIR R4: http://hl7.org/fhir/R4/documents.html, http://hl7.org/fhir/R4/composition.html, invariants bdl-7, bdl-9 to bdl-11, cmp-1.
Sections carry LOINC codes of the C-CDA transfer summary and referral note; 转诊(院)记录: WS 445.16, WS/T 483.20.

A document names its patient by reference, name, sex and birth date. The numbers and telephones of a person are kept, and sealed, in the
Patient alone: whoever prints a document takes them from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from yilian.fhir import urls
from yilian.fhir.dates import region_zone

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """zh: what the paper is called; loinc: code and display of Composition.type; said_by: "sender" or "receiver"."""

    zh: str
    loinc: tuple[str, str]
    said_by: str


KINDS = {
    "transfer": Kind("转诊交接文书", ("18761-7", "Transfer summary note"), "sender"),
    "out": Kind("转出记录", ("57133-1", "Referral note"), "sender"),
    "in": Kind("接收记录", ("34117-2", "History and physical note"), "receiver"),
    "return": Kind("双向转诊(回转)单", ("11488-4", "Consult note"), "receiver"),
}

SECTIONS = {
    # code of ours → LOINC, 中文
    "reason": ("42349-1", "转诊原因与初步印象"),
    "present-illness": ("10164-2", "主要现病史"),
    "past-history": ("11348-0", "主要既往史"),
    "course": ("8648-8", "治疗经过"),
    "problems": ("11450-4", "诊断与健康问题"),
    "allergies": ("48765-2", "过敏史"),
    "medication": ("10160-0", "当前用药"),
    "vital-signs": ("8716-3", "生命体征"),
    "results": ("30954-2", "检验检查结果"),
    "imaging": ("18748-4", "影像检查"),
    "documents": ("55107-7", "随附资料"),
    "plan": ("18776-5", "下一步安排"),
    "consent": ("59284-0", "知情同意"),
    "handling": ("11506-3", "办理经过"),
    "diagnosis": ("11535-2", "诊断结果"),
    "medication-changes": ("10183-2", "用药调整"),
    "advice": ("69730-0", "下一步治疗方案及康复建议"),
    "next-visit": ("61146-7", "复诊与随访"),
    "arrival": ("46241-6", "到诊情况"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `code` of `SECTIONS`, the words as lines, and the resources of the record they come from."""

    code: str
    lines: Sequence[str]
    entries: Sequence[Resource] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What a document is made of.

    kind          a code of `KINDS`; number: 转诊单号; id: makes the Bundle's identifier
    patient       the Patient as it is stored; author, sender, receiver: Practitioner (or None) and Organizations as they are stored
    related       "ServiceRequest/…": the referral it belongs to
    at            when it was made, aware
    """

    kind: str
    id: str
    number: str
    patient: Resource
    author: Resource | None
    sender: Resource
    receiver: Resource
    related: str
    at: datetime
    sections: Sequence[Section] = field(default_factory=tuple)

    @property
    def said_by(self) -> Resource:
        """The institution whose document it is."""
        return self.sender if KINDS[self.kind].said_by == "sender" else self.receiver


def bundle(document: Document) -> Resource:
    """The document Bundle. The same Document gives the same Bundle, to the byte."""
    kind = KINDS[document.kind]
    patient = nameless(document.patient)
    author = document.author or document.said_by
    entries: dict[str, Resource] = {}
    for one in (patient, author, document.sender, document.receiver):
        entries.setdefault(_reference(one), one)
    for section in document.sections:
        for one in section.entries:
            entries.setdefault(_reference(one), one)
    title = f"{kind.zh} {document.number}"
    composition: Resource = {
        "resourceType": "Composition",
        "id": document.id,
        "text": _narrative([title, _text_of(document)]),
        "status": "final",
        "type": {
            "coding": [
                {"system": urls.LOINC, "code": kind.loinc[0], "display": kind.loinc[1]},
                {"system": urls.HANDOVER_DOCUMENT, "code": document.kind, "display": kind.zh},
            ],
            "text": kind.zh,
        },
        "subject": _link(patient),
        "date": _stamp(document.at),
        "author": [_link(author)],
        "title": title,
        "custodian": _link(document.said_by),
        "section": [_section(section) for section in document.sections],
    }
    listed = [composition, *entries.values()]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": urls.HANDOVER_NO, "value": document.id},
        "type": "document",
        "timestamp": document.at.astimezone(region_zone()).isoformat(timespec="milliseconds"),
        "entry": [{"fullUrl": urls.BASE + _reference(one), "resource": one} for one in listed],
    }


def nameless(patient: Resource) -> Resource:
    """A Patient without numbers, telephones and addresses to reach the person by: what a document says of whom it is about."""
    kept = ("resourceType", "id", "name", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime")
    return {key: patient[key] for key in kept if key in patient}


def composition(document: Resource) -> Resource:
    """The Composition of a document Bundle."""
    found: Resource = document["entry"][0]["resource"]
    return found


def _section(section: Section) -> Resource:
    code, title = SECTIONS[section.code]
    made: Resource = {"title": title, "code": {"coding": [{"system": urls.LOINC, "code": code}], "text": title}}
    made["text"] = _narrative(section.lines or ["未记录"])
    if section.entries:
        made["entry"] = [{"reference": _reference(one)} for one in section.entries]
    else:
        made |= {} if section.lines else {"emptyReason": {"coding": [{"system": EMPTY, "code": "unavailable"}], "text": "未记录"}}
    return made


EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"


def _text_of(document: Document) -> str:
    """The way the document goes: a back-referral goes from the receiver to the one who sent the patient."""
    way = (document.receiver, document.sender) if document.kind == "return" else (document.sender, document.receiver)
    return " → ".join(_name(one) for one in way)


def _narrative(lines: Iterable[str]) -> Resource:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for line in lines for part in line.split("\n") if part.strip())
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs or "<p>未记录</p>"}</div>'}


def _link(one: Resource) -> Resource:
    name = _name(one)
    return {"reference": _reference(one)} | ({"display": name} if name else {})


def _name(one: Resource) -> str:
    names = one.get("name")
    if isinstance(names, str):
        return names
    first = names[0] if isinstance(names, list) and names else {}
    return str(first.get("text") or "".join([first.get("family", ""), *first.get("given", [])]))


def _reference(one: Resource) -> str:
    return f"{one['resourceType']}/{one['id']}"


def _stamp(at: datetime) -> str:
    return at.astimezone(region_zone()).isoformat(timespec="seconds")
