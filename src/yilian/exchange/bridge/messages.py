"""Messages as FHIR message Bundles, and back: what is written is read as the same value. Pure.

FHIR R4: http://hl7.org/fhir/R4/messaging.html, http://hl7.org/fhir/R4/messageheader.html. The Appointment of an application carries the
form as an extension, because the form's own profile allows neither slot, basedOn nor reason on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from yilian.errors import Issue
from yilian.exchange.bridge.form import BACK_FIELDS, OUT_FIELDS, STEPS, Back, Message, Out, Person, Refused
from yilian.fhir import urls

Resource = dict[str, Any]

EVENT = urls.BASE + "CodeSystem/bridge-event"
FORM = urls.BASE + "StructureDefinition/bridge-form"
DECISION = urls.BASE + "StructureDefinition/bridge-decline-reason"
SEXES = ("male", "female", "other", "unknown")
LONGEST = 10_000


def write_message(message: Message, at: str) -> Resource:
    """The message Bundle; `at`: FHIR instant."""
    patient: Resource = {
        "resourceType": "Patient",
        "identifier": [{"system": system, "value": value} for system, value in message.person.numbers],
        "name": [{"text": message.person.name}],
    }
    if message.person.sex:
        patient["gender"] = message.person.sex
    if message.person.born:
        patient["birthDate"] = message.person.born
    patient_url = _url(message, "patient")
    focus_url = _url(message, "focus")
    header: Resource = {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": EVENT, "code": message.step, "display": STEPS[message.step]},
        "destination": [{"endpoint": urls.BASE, "receiver": _institution(message.receiver)}],
        "sender": _institution(message.sender),
        "source": {"endpoint": message.source},
        "focus": [{"reference": focus_url}],
    }
    if message.step == "record":
        focus = _record(message, patient_url, at[:10])
    else:
        focus = (_application if message.step == "apply" else _answer)(message, patient_url)
        focus |= {"comment": message.note} if message.note else {}
    return {
        "resourceType": "Bundle",
        "identifier": {"system": message.source, "value": message.id},
        "type": "message",
        "timestamp": at,
        "entry": [
            {"fullUrl": _url(message, "header"), "resource": header},
            {"fullUrl": focus_url, "resource": focus},
            {"fullUrl": patient_url, "resource": patient},
        ],
    }


def _application(message: Message, patient: str) -> Resource:
    out = message.out or Out()
    made: Resource = {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [{"actor": {"reference": patient}, "required": "required", "status": "accepted"}],
    }
    return _numbered(made, message) | _form(asdict(out))


def _answer(message: Message, patient: str) -> Resource:
    agreed = message.agreed or message.step == "arrival"
    made: Resource = {
        "resourceType": "AppointmentResponse",
        "appointment": {"identifier": {"system": urls.REFERRAL_NO, "value": message.number}},
        "actor": {"reference": patient},
        "participantStatus": "accepted" if agreed else "declined",
    }
    if not agreed:
        parts = [{"url": "code", "valueCode": message.why}] if message.why else []
        parts += [{"url": "text", "valueString": message.why_text}] if message.why_text else []
        made["extension"] = [{"url": DECISION, "extension": parts}]
    return _numbered(made, message)


def _record(message: Message, patient: str, day: str) -> Resource:
    back = message.back or Back()
    made: Resource = {
        "resourceType": "Composition",
        "identifier": {"system": urls.REFERRAL_NO, "value": message.number},
        "status": "final",
        "type": {"coding": [{"system": urls.LOINC, "code": "11488-4"}], "text": "双向转诊(回转)单"},
        "subject": {"reference": patient},
        "date": day,
        "author": [_institution(message.receiver)],
        "title": "双向转诊(回转)单",
    }
    return made | _form(asdict(back))


def read_message(bundle: Resource) -> Message:
    """A message of a sound Bundle. Refused, with every reason, for one that is none of the form's."""
    faults: list[Issue] = []
    entries = [entry.get("resource", {}) for entry in bundle.get("entry", []) if isinstance(entry, dict)]
    header = entries[0] if entries else {}
    if bundle.get("type") != "message" or header.get("resourceType") != "MessageHeader":
        raise Refused(
            [_fault("Bundle.type", "A message is a Bundle of type message, whose first entry is a MessageHeader.", "不是转诊消息。")]
        )
    step = str(header.get("eventCoding", {}).get("code", "")) if header.get("eventCoding", {}).get("system") == EVENT else ""
    if step not in STEPS:
        text = f"eventCoding is one of {', '.join(STEPS)} of {EVENT}."
        raise Refused([_fault("Bundle.entry[0].resource.eventCoding", text, "消息事件不是转诊申请、应答、到诊或病历。")])
    focus: Resource = next((one for one in entries[1:] if one.get("resourceType") == FOCUS[step]), {})
    patient: Resource = next((one for one in entries[1:] if one.get("resourceType") == "Patient"), {})
    if not focus:
        faults.append(_fault("Bundle.entry", f"A message of the step {step} has a {FOCUS[step]}.", "消息缺少主体资源。"))
    numbers = tuple(
        (str(i.get("system", "")), str(i["value"])) for i in patient.get("identifier", []) if i.get("system") and i.get("value")
    )
    name = next((str(n.get("text") or "".join([n.get("family", ""), *n.get("given", [])])) for n in patient.get("name", [])), "")
    if not numbers or not name:
        faults.append(_fault("Bundle.entry", "The Patient has an identifier with its system, and a name.", "患者须有证件号码和姓名。"))
    destination: Resource = next(iter(header.get("destination", [])), {})
    sender, receiver = _code(header.get("sender")), _code(destination.get("receiver"))
    for place, code in (("sender", sender), ("destination.receiver", receiver)):
        if not code:
            text = f"{place} names its institution by 医疗卫生机构代码 ({urls.INSTITUTION_ID})."
            faults.append(_fault(f"Bundle.entry[0].resource.{place}", text, "缺少转出或接收机构代码。"))
    id = str(bundle.get("identifier", {}).get("value", ""))
    if not id:
        faults.append(_fault("Bundle.identifier", "A message has an identifier, so that it is taken once.", "消息缺少编号。"))
    number = _number_of(focus)
    if step != "apply" and not number:
        faults.append(_fault("Bundle.entry", "The referral is named by its number.", "缺少转诊单号。"))
    known = _form_of(focus)
    names = OUT_FIELDS if step == "apply" else BACK_FIELDS if step == "record" else ()
    faults += [
        _fault("Bundle.entry", f"The form has no field {one[:40]!r}.", f"表单没有字段“{one[:40]}”。") for one in known if one not in names
    ]
    faults += [
        _fault("Bundle.entry", f"{one} is longer than {LONGEST} characters.", "内容过长。") for one in known if len(known[one]) > LONGEST
    ]
    if faults:
        raise Refused(faults)
    declined = focus.get("participantStatus") == "declined"
    why = {str(p.get("url")): p for e in focus.get("extension", []) if e.get("url") == DECISION for p in e.get("extension", [])}
    return Message(
        id=id,
        source=str(header.get("source", {}).get("endpoint", "")),
        step=step,
        person=Person(numbers, name, str(patient.get("gender", "")), str(patient.get("birthDate", ""))),
        sender=sender,
        receiver=receiver,
        number=number,
        agreed=not declined,
        why=str(why.get("code", {}).get("valueCode", "")),
        why_text=str(why.get("text", {}).get("valueString", "")),
        note=str(focus.get("comment", "")),
        out=Out(**known) if step == "apply" else None,
        back=Back(**known) if step == "record" else None,
    )


FOCUS = {"apply": "Appointment", "answer": "AppointmentResponse", "arrival": "AppointmentResponse", "record": "Composition"}


def acknowledged(bundle: Resource, *, number: str, at: str) -> Resource:
    """The answer to a message that was taken: response code ok, and the number this platform knows the referral by."""
    header = bundle["entry"][0]["resource"]
    id = str(bundle["identifier"]["value"])
    answer: Resource = {
        "resourceType": "MessageHeader",
        "eventCoding": header["eventCoding"],
        "source": {"endpoint": urls.BASE},
        "destination": [{"endpoint": header.get("source", {}).get("endpoint", "")}],
        "response": {"identifier": str(uuid5(NAMESPACE_URL, id)), "code": "ok"},
        "extension": [{"url": FORM, "extension": [{"url": "number", "valueString": number}]}],
    }
    url = f"urn:uuid:{uuid5(NAMESPACE_URL, f'ack:{id}')}"
    return {
        "resourceType": "Bundle",
        "identifier": {"system": urls.BASE, "value": f"ack-{id}"},
        "type": "message",
        "timestamp": at,
        "entry": [{"fullUrl": url, "resource": answer}],
    }


def _form(values: Mapping[str, str]) -> Resource:
    parts = [{"url": name, "valueString": value} for name, value in values.items() if value]
    return {"extension": [{"url": FORM, "extension": parts}]} if parts else {}


def _form_of(focus: Resource) -> dict[str, str]:
    parts = [p for e in focus.get("extension", []) if e.get("url") == FORM for p in e.get("extension", [])]
    return {str(p.get("url", "")): str(p.get("valueString", "")) for p in parts}


def _numbered(made: Resource, message: Message) -> Resource:
    return made | ({"identifier": [{"system": urls.REFERRAL_NO, "value": message.number}]} if message.number else {})


def _number_of(focus: Resource) -> str:
    given = focus.get("identifier", [])
    listed = given if isinstance(given, list) else [given]
    return next((str(i["value"]) for i in listed if i.get("system") == urls.REFERRAL_NO and i.get("value")), "")


def _institution(code: str) -> Resource:
    return {"type": "Organization", "identifier": {"system": urls.INSTITUTION_ID, "value": code}}


def _code(reference: Any) -> str:
    identifier = reference.get("identifier", {}) if isinstance(reference, dict) else {}
    return str(identifier.get("value", "")) if identifier.get("system") == urls.INSTITUTION_ID else ""


def _url(message: Message, part: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{message.source}|{message.id}|{part}')}"


def _fault(place: str, diagnostics: str, zh: str) -> Issue:
    return Issue("error", "business-rule", diagnostics, place, zh)
