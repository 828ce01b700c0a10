"""What 转诊单 and 回转单 say: every field as text, from the referral's resources and the record around it. Pure.

Fields of 双向转诊(转出)单 and (回转)单: 国家基本公共卫生服务规范(第三版) annex; the others are those regional platforms keep beside them.
An unknown field is "", and the paper leaves room to write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from yilian.directory import specialties
from yilian.directory.institutions import Institution
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.referral import codes, marks, resources, standing
from yilian.referral.states import STATES

Resource = dict[str, Any]

SEXES = {"male": "男", "female": "女", "other": "未说明", "unknown": "未知"}
IDENTITIES = {urls.RESIDENT_ID: "居民身份证", urls.HEALTH_FILE: "健康档案编号"}
VITAL_SIGNS = {
    "8480-6": ("收缩压", "mmHg"),
    "8462-4": ("舒张压", "mmHg"),
    "8867-4": ("心率", "次/分"),
    "9279-1": ("呼吸", "次/分"),
    "8310-5": ("体温", "℃"),
    "59408-5": ("血氧饱和度", "%"),
    "2708-6": ("血氧饱和度", "%"),
}
MARKS = {"H": "↑", "HH": "↑↑", "L": "↓", "LL": "↓↓"}
MOST = 12
"""Lines of one kind on the paper; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a slip is made of.

    now           when it is printed, aware
    people        name and telephone by reference
    record        the patient's resources by type, newest first: Condition, AllergyIntolerance, MedicationRequest, Observation
    attached      what the referral's supportingInfo and outputs refer to
    steps         Provenance of the referral, oldest first
    plan          the follow-up plan of the down-referral that answers this one, or None; `down_number` that referral's number
    """

    now: datetime
    state: str
    request: Resource
    task: Resource
    patient: Resource
    sender: Institution
    receiver: Institution | None
    people: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    record: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    attached: Sequence[Resource] = ()
    steps: Sequence[Resource] = ()
    plan: Resource | None = None
    down_number: str = ""


def referral_slip(facts: Facts) -> dict[str, Any]:
    """双向转诊(转出)单 by the names its template uses."""
    request, form = facts.request, _form(facts.request)
    author = request.get("requester", {})
    doctor, arranged_at = marks.arranged(facts.task)
    return {
        **_patient(facts),
        **_both(facts),
        "title": "双向转诊(转出)单",
        "institution": facts.sender.name,
        "institution-phone": facts.sender.phone,
        "to": facts.receiver.name if facts.receiver else "",
        "to-code": facts.receiver.code if facts.receiver else "",
        "doctor": _name(facts, author),
        "doctor-phone": _phone(facts, author) or facts.sender.phone,
        "receiving-doctor": _name(facts, doctor or {}),
        "signed-on": _day(request.get("authoredOn", "")),
        "impression": _lines([_concept(c) for c in request.get("reasonCode", []) if not _is_reason(c)] + _referred_conditions(facts)),
        "present-illness": _lines(
            [form.get("present-illness", ""), *(note.get("text", "") for note in request.get("note", [])), _reasons(request)]
        ),
        "past-history": form.get("past-history") or _conditions(facts),
        "treatment": form.get("treatment") or _medication(facts),
        "precautions": form.get("precautions") or request.get("patientInstruction", ""),
        "care-type": resources.CARE_TYPES.get(form.get("care-type", ""), form.get("care-type", "")),
        "transport": form.get("transport", ""),
        "escort": form.get("escort", ""),
        "infectious": form.get("infectious", ""),
        "payment": form.get("payment", ""),
        "diagnosis-codes": _lines([f"{c.get('code', '')} {c.get('display', '')}".strip() for c in _diagnosis_codings(request)], "、"),
        "arranged": " ".join(part for part in (_name(facts, doctor or {}), _minute(arranged_at)) if part),
        "consent": _consent(request),
        "standing": _lines(standing.lines(request, facts.task, facts.state)),
        "vital-signs": _vital_signs(facts),
        "results": _lines([result_line(one) for one in facts.attached if one["resourceType"] in ("Observation", "DiagnosticReport")]),
    }


def return_slip(facts: Facts) -> dict[str, Any]:
    """双向转诊(回转)单 by the names its template uses."""
    task = facts.task
    finished = next((step for step in reversed(facts.steps) if _activity(step) == "complete"), {})
    doctor: Resource = next((agent.get("who", {}) for agent in finished.get("agent", [])), {})
    said = {kind: _lines([_output(item) for item in resources.outputs(task, kind)]) for kind in codes.OUTPUTS}
    period = task.get("executionPeriod", {})
    return {
        **_patient(facts),
        **_both(facts),
        "title": "双向转诊(回转)单",
        "institution": facts.receiver.name if facts.receiver else "",
        "institution-phone": facts.receiver.phone if facts.receiver else "",
        "to": facts.sender.name,
        "doctor": _name(facts, doctor),
        "doctor-phone": _phone(facts, doctor) or (facts.receiver.phone if facts.receiver else ""),
        "receiving-doctor": _name(facts, facts.request.get("requester", {})),
        "signed-on": _day(period.get("end", "")),
        "returned-on": _day(period.get("end", "")),
        "arrived-on": _minute(period.get("start", "")),
        "record-number": said["record-number"],
        "diagnosis": said["diagnosis"],
        "findings": said["findings"],
        "treatment": said["treatment"],
        "medication-changes": said["medication"],
        "advice": said["advice"],
        "next-visit": said["next-visit"],
        "plan": _plan(facts.plan),
        "down-number": facts.down_number,
    }


def age(born: str, on: date) -> str:
    """岁, below two years 月, in the first four weeks 天. `born` is a FHIR date of any precision; "" when unknown or in the future."""
    if not born:
        return ""
    parts = [int(part) for part in born.split("-")]
    if len(parts) == 1:
        return f"{on.year - parts[0]}岁" if on.year >= parts[0] else ""
    start = date(parts[0], parts[1], parts[2] if len(parts) > 2 else 1)
    if start > on:
        return ""
    months = (on.year - start.year) * 12 + on.month - start.month - (on.day < start.day)
    if months >= 24:
        return f"{months // 12}岁"
    days = (on - start).days
    return f"{months}月" if days >= 28 and months else f"{days}天"


def _patient(facts: Facts) -> dict[str, str]:
    patient = facts.patient
    known = {i.get("system", ""): str(i.get("value", "")) for i in patient.get("identifier", [])}
    identity = next((system for system in IDENTITIES if known.get(system)), "")
    return {
        "name": resources.person_name(patient),
        "sex": SEXES.get(patient.get("gender", ""), ""),
        "age": age(patient.get("birthDate", ""), _local(facts.request.get("authoredOn", ""), facts.now).date()),
        "phone": next((t.get("value", "") for t in patient.get("telecom", []) if t.get("system") == "phone"), ""),
        "address": next((_address(a) for a in patient.get("address", [])), ""),
        "file-number": known.get(urls.HEALTH_FILE, ""),
        "card": known.get(urls.HEALTH_CARD, ""),
        "identity-kind": IDENTITIES.get(identity, "证件"),
        "identity": known.get(identity, ""),
        "patient-id": patient["id"],
    }


def _both(facts: Facts) -> dict[str, Any]:
    wish = resources.read_wish(facts.request)
    return {
        "number": resources.number_of(facts.request),
        "state": STATES[facts.state].zh,
        "direction": codes.DIRECTIONS.get(wish.direction, ("", ""))[0],
        "priority": codes.PRIORITIES.get(wish.priority, ("", ""))[0],
        "specialty": specialties.name(wish.specialty),
        "specialty-code": wish.specialty,
        "reasons": _reasons(facts.request),
        "referred-on": _day(facts.request.get("authoredOn", "")),
        "allergies": _lines([_concept(one.get("code", {})) for one in facts.record.get("AllergyIntolerance", ())], "、") or "未记录",
        "medication": _medication(facts),
        "attachments": _lines([_attachment(one) for one in facts.attached]),
        "steps": [_step(step) for step in facts.steps],
    }


def _form(request: Resource) -> dict[str, str]:
    """The paper form's own fields, by the names of `resources.FORM`."""
    parts = (p for e in request.get("extension", []) if e.get("url") == urls.REFERRAL_FORM for p in e.get("extension", []))
    return {p.get("url", ""): _text(next((value for key, value in p.items() if key.startswith("value")), "")) for p in parts}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        return _concept(value) if "coding" in value or "text" in value else str(value.get("display", value.get("code", "")))
    return str(value)


def _reasons(request: Resource) -> str:
    return _lines([_concept(c) for c in request.get("reasonCode", []) if _is_reason(c)], ";")


def _is_reason(concept: Resource) -> bool:
    return any(coding.get("system") == urls.REFERRAL_REASON for coding in concept.get("coding", []))


def _diagnosis_codings(request: Resource) -> list[Resource]:
    return [c for concept in request.get("reasonCode", []) for c in concept.get("coding", []) if c.get("system") != urls.REFERRAL_REASON]


def _referred_conditions(facts: Facts) -> list[str]:
    return [_concept(one.get("code", {})) for one in facts.attached if one["resourceType"] == "Condition"]


def _conditions(facts: Facts) -> str:
    found = []
    for one in facts.record.get("Condition", ()):
        since = str(one.get("onsetDateTime", ""))[:4]
        found.append(_concept(one.get("code", {})) + (f"({since} 年)" if since else ""))
    return _lines(found, "、")


def _medication(facts: Facts) -> str:
    found = []
    for one in facts.record.get("MedicationRequest", ()):
        medicine = _concept(one.get("medicationCodeableConcept", {})) or one.get("medicationReference", {}).get("display", "")
        dosage = next((d.get("text", "") for d in one.get("dosageInstruction", [])), "")
        found.append(f"{medicine} {dosage}".strip())
    return _lines(found, ";")


def _vital_signs(facts: Facts) -> str:
    """The newest value of each sign, with the day it was taken."""
    found: dict[str, str] = {}
    for one in facts.record.get("Observation", ()):
        for part in (one, *one.get("component", [])):
            code = next((c.get("code") for c in part.get("code", {}).get("coding", []) if c.get("code") in VITAL_SIGNS), None)
            value = part.get("valueQuantity", {}).get("value")
            if code is not None and value is not None:
                sign, unit = VITAL_SIGNS[code]
                found.setdefault(sign, f"{sign} {_number(value)} {unit}({_day(one.get('effectiveDateTime', ''))})")
    return _lines(list(found.values()), ";")


def result_line(one: Resource) -> str:
    """NT-proBNP 890 ng/L ↑(参考 0–125,2026-11-20)"""
    name, day = _concept(one.get("code", {})), _day(str(one.get("effectiveDateTime") or one.get("issued") or ""))
    if one["resourceType"] == "DiagnosticReport":
        return f"{name}:{one.get('conclusion', '')}({day})" if one.get("conclusion") else f"{name}({day})"
    parts = [_measured(one)] + [f"{_concept(p.get('code', {}))} {_measured(p)}" for p in one.get("component", [])]
    reference = next((r.get("text") or _span(r) for r in one.get("referenceRange", [])), "")
    beside = ",".join(part for part in (f"参考 {reference}" if reference else "", day) if part)
    return f"{name} {' '.join(part for part in parts if part)}" + (f"({beside})" if beside else "")


def _measured(one: Resource) -> str:
    quantity = one.get("valueQuantity", {})
    if "value" in quantity:
        value = f"{_number(quantity['value'])} {quantity.get('unit', quantity.get('code', ''))}".strip()
    else:
        value = str(one.get("valueString", "")) or _concept(one.get("valueCodeableConcept", {}))
    mark = next((MARKS[c["code"]] for i in one.get("interpretation", []) for c in i.get("coding", []) if c.get("code") in MARKS), "")
    return f"{value} {mark}".strip()


def _span(reference: Resource) -> str:
    low, high = (reference.get(end, {}).get("value") for end in ("low", "high"))
    return (
        f"{_number(low) if low is not None else ''}–{_number(high) if high is not None else ''}"
        if low is not None or high is not None
        else ""
    )


def _attachment(one: Resource) -> str:
    kind = {"DocumentReference": "文书", "DiagnosticReport": "报告", "Observation": "检验", "ImagingStudy": "影像", "Condition": "诊断"}
    name = one.get("description") or _concept(one.get("code") or one.get("type") or {}) or one["id"]
    return f"{kind.get(one['resourceType'], one['resourceType'])}:{name}"


def _consent(request: Resource) -> str:
    for extension in request.get("extension", []):
        if extension.get("url") == urls.REFERRAL_CONSENT:
            parts = {part.get("url"): part for part in extension.get("extension", [])}
            way = parts.get("way", {}).get("valueCoding", {}).get("display", "同意")
            return f"{way},{_minute(parts.get('time', {}).get('valueDateTime', ''))}"
    return "未记录"


def _plan(plan: Resource | None) -> str:
    return _lines([plan.get("title", ""), plan.get("description", "")]) if plan else ""


def _output(item: Resource) -> str:
    return (
        str(item.get("valueString", ""))
        or _concept(item.get("valueCodeableConcept", {}))
        or item.get("valueReference", {}).get("display", "")
    )


def _step(step: Resource) -> list[str]:
    activity = _activity(step)
    who: Resource = next(iter(step.get("agent", [])), {})
    name, where = who.get("who", {}).get("display", ""), who.get("onBehalfOf", {}).get("display", "")
    why = next((_concept(reason) for reason in step.get("reason", []) if reason.get("text") or _is_decline(reason)), "")
    what = codes.ACTIVITIES.get(activity, (activity, ""))[0]
    return [_minute(step.get("recorded", "")), what, f"{name}({where})" + (f":{why}" if why else "") if where else name]


def _is_decline(concept: Resource) -> bool:
    return any(coding.get("system") == urls.REFERRAL_DECLINE_REASON for coding in concept.get("coding", []))


def _activity(step: Resource) -> str:
    return next((str(c.get("code", "")) for c in step.get("activity", {}).get("coding", [])), "")


def _concept(concept: Resource) -> str:
    return str(concept.get("text") or next((c.get("display") or c.get("code", "") for c in concept.get("coding", [])), ""))


def _name(facts: Facts, reference: Resource) -> str:
    return facts.people.get(reference.get("reference", ""), ("", ""))[0] or str(reference.get("display", ""))


def _phone(facts: Facts, reference: Resource) -> str:
    return facts.people.get(reference.get("reference", ""), ("", ""))[1]


def _address(address: Resource) -> str:
    return str(
        address.get("text")
        or "".join([address.get("state", ""), address.get("city", ""), address.get("district", ""), *address.get("line", [])])
    )


def _number(value: Any) -> str:
    return f"{Decimal(str(value)):f}"


def _lines(texts: Sequence[str], between: str = "\n") -> str:
    found = [text for text in dict.fromkeys(text.strip() for text in texts) if text]
    more = f"{between}等 {len(found)} 项" if len(found) > MOST else ""
    return between.join(found[:MOST]) + more


def _day(text: str) -> str:
    return _local(text, None).strftime("%Y-%m-%d") if text else ""


def _minute(text: str) -> str:
    if len(text) <= 10:
        return text
    return _local(text, None).strftime("%Y-%m-%d %H:%M")


def _local(text: str, otherwise: datetime | None) -> datetime:
    """The beginning of a FHIR date or time, in the region's zone."""
    if not text and otherwise is not None:
        return otherwise.astimezone(region_zone())
    return interval(text, region_zone())[0].astimezone(region_zone())
