"""A referral as FHIR: ServiceRequest (what), Task (who, how far), Provenance (who did it), CarePlan (what comes after).

The only file that knows their JSON.
Everything the referrer wrote stays as it was given; the house adds its number, state, names and times. Nothing here reads the database.
FHIR R4: http://hl7.org/fhir/R4/servicerequest.html, http://hl7.org/fhir/R4/task.html, http://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yilian.directory import specialties
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.referral import codes
from yilian.referral.states import STATES
from yilian.store.scope import Scope

Resource = dict[str, Any]

REFERRAL_CATEGORY = {"system": urls.SNOMED, "code": "3457005", "display": "Patient referral"}
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

FORM = {
    # url in the extension, and how the paper form calls it
    "present-illness": "主要现病史(转出原因)",
    "past-history": "主要既往史",
    "treatment": "治疗经过",
    "precautions": "转诊注意事项",
    "care-type": "就诊类型",
    "transport": "转运方式",
    "escort": "陪护",
    "infectious": "传染病标识",
    "payment": "支付方式",
}
"""What 双向转诊(转出)单 asks for and ServiceRequest has no element for: sub-extensions of `urls.REFERRAL_FORM`, each one value."""

CARE_TYPES = {"outpatient": "门诊", "inpatient": "住院", "examination": "检查", "remote": "远程"}


@dataclass(frozen=True, slots=True)
class Named:
    """A reference and how it is called: {"reference": …, "display": …}."""

    reference: str
    name: str = ""

    @property
    def json(self) -> Resource:
        return {"reference": self.reference} | ({"display": self.name} if self.name else {})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a referrer asks for, read out of a ServiceRequest; "" and () where it says nothing.

    directions   codes of `urls.REFERRAL_DIRECTION` in category; a sound request has one
    reasons      codes of `urls.REFERRAL_REASON` in reasonCode
    receivers    references of the Organizations among the performers; `people`: of the others
    evidence     (expression, reference) of everything attached: supportingInfo and reasonReference
    """

    patient: str
    directions: tuple[str, ...]
    priority: str
    specialties: tuple[str, ...]
    receivers: tuple[str, ...]
    people: tuple[str, ...]
    reasons: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    based_on: tuple[str, ...]
    replaces: tuple[str, ...]
    requester: str

    @property
    def direction(self) -> str:
        return self.directions[0] if len(self.directions) == 1 else ""

    @property
    def specialty(self) -> str:
        return self.specialties[0] if len(self.specialties) == 1 else ""

    @property
    def receiver(self) -> str:
        return self.receivers[0] if len(self.receivers) == 1 else ""


def completed_by_house(request: Resource) -> Resource:
    """A request as a user sends it, with what FHIR demands and the user need not say: type, status, intent, system of a direction code."""
    given = {**request, "resourceType": "ServiceRequest", "status": "draft", "intent": "order"}
    for concept in given.get("category", []) if isinstance(given.get("category"), list) else []:
        for coding in concept.get("coding", []) if isinstance(concept, dict) and isinstance(concept.get("coding"), list) else []:
            if isinstance(coding, dict) and "system" not in coding and coding.get("code") in tuple(codes.DIRECTIONS):
                coding["system"] = urls.REFERRAL_DIRECTION
    return given


def read_wish(request: Resource) -> Wish:
    """The wish in a structurally valid ServiceRequest."""
    performers = [_reference(performer) for performer in request.get("performer", [])]
    evidence = [
        (f"ServiceRequest.{key}[{place}]", _reference(item))
        for key in ("supportingInfo", "reasonReference")
        for place, item in enumerate(request.get(key, []))
    ]
    return Wish(
        patient=_reference(request.get("subject", {})),
        directions=tuple(_codes(request.get("category", []), urls.REFERRAL_DIRECTION)),
        priority=request.get("priority", "routine"),
        specialties=tuple(_codes(request.get("locationCode", []), urls.SPECIALTY)),
        receivers=tuple(p for p in performers if _is(p, "Organization")),
        people=tuple(p for p in performers if p and not _is(p, "Organization")),
        reasons=tuple(_codes(request.get("reasonCode", []), urls.REFERRAL_REASON)),
        evidence=tuple((place, reference) for place, reference in evidence if reference),
        based_on=tuple(_reference(item) for item in request.get("basedOn", [])),
        replaces=tuple(_reference(item) for item in request.get("replaces", [])),
        requester=_reference(request.get("requester", {})),
    )


def new_request(
    given: Resource,
    *,
    id: str,
    number: str,
    requisition: str,
    patient: Named,
    requester: Named,
    sender: Named,
    receiver: Named | None,
    at: datetime,
) -> Resource:
    """The ServiceRequest as the house keeps it: the referrer's own, with number, names and sender. Still a draft."""
    request = deepcopy(given)
    request["id"] = id
    request["identifier"] = [_number(number), *(i for i in request.get("identifier", []) if i.get("system") != urls.REFERRAL_NO)]
    request["requisition"] = _number(requisition)
    request["priority"] = request.get("priority", "routine")
    request["subject"] = patient.json
    request["requester"] = requester.json
    request["authoredOn"] = stamp(at)
    request["extension"] = [e for e in request.get("extension", []) if e.get("url") not in (urls.REFERRAL_SENDER, urls.GREEN_CHANNEL)]
    request["extension"].append({"url": urls.REFERRAL_SENDER, "valueReference": sender.json})
    if receiver is not None:
        request["performer"] = [receiver.json if _is(_reference(p), "Organization") else p for p in request.get("performer", [])]
    _display(request, "category", urls.REFERRAL_DIRECTION, {code: zh for code, (zh, _) in codes.DIRECTIONS.items()})
    _display(request, "locationCode", urls.SPECIALTY, {code: specialties.name(code) for code in specialties.SPECIALTIES})
    _display(request, "reasonCode", urls.REFERRAL_REASON, {code: zh for code, (zh, _) in (codes.UP_REASONS | codes.DOWN_REASONS).items()})
    if not any(c.get("code") == REFERRAL_CATEGORY["code"] for concept in request.get("category", []) for c in concept.get("coding", [])):
        request.setdefault("category", []).append({"coding": [dict(REFERRAL_CATEGORY)]})
    return request


def forwarded_request(old: Resource, *, id: str, number: str, receiver: Named, at: datetime) -> Resource:
    """The successor of a request that is sent on: the same wish to another institution, under the same requisition."""
    request = deepcopy(old)
    request["id"] = id
    request["identifier"] = [_number(number), *(i for i in request.get("identifier", []) if i.get("system") != urls.REFERRAL_NO)]
    request["replaces"] = [{"reference": f"ServiceRequest/{old['id']}", "display": number_of(old)}]
    request["performer"] = [receiver.json]
    request["authoredOn"] = stamp(at)
    return request


def add_words(request: Resource, text: str, by: Named, at: datetime, action: str) -> None:
    """A note of the referrer on the request."""
    request.setdefault("note", []).append(_annotation(text, by, at, action))


def add_evidence(request: Resource, references: Iterable[Resource]) -> None:
    known = {_reference(item) for item in request.get("supportingInfo", [])}
    new = [item for item in references if _reference(item) not in known]
    if new:
        request.setdefault("supportingInfo", []).extend(new)


def set_consent(request: Resource, consent: Resource) -> None:
    """The patient's consent as an extension of the request, in place of an earlier one."""
    request["extension"] = [e for e in request.get("extension", []) if e.get("url") != urls.REFERRAL_CONSENT] + [consent]


def consent_extension(*, agreed: bool, way: str, at: datetime, by: Named, document: Resource | None) -> Resource:
    """知情同意: whether, how, when and to whom the patient agreed, and the signed form where there is one."""
    parts: list[Resource] = [{"url": "agreed", "valueBoolean": agreed}]
    if way:
        parts.append({"url": "way", "valueCoding": {"code": way, "display": codes.CONSENT_WAYS[way][0]}})
    parts.append({"url": "time", "valueDateTime": stamp(at)})
    parts.append({"url": "by", "valueReference": by.json})
    if document is not None:
        parts.append({"url": "document", "valueReference": document})
    return {"url": urls.REFERRAL_CONSENT, "extension": parts}


def new_task(request: Resource, *, id: str, number: str, patient: Named, requester: Named, sender: Named, at: datetime) -> Resource:
    """The Task that carries a new referral; `step_task` gives it its state."""
    return {
        "resourceType": "Task",
        "id": id,
        "extension": [{"url": urls.REFERRAL_SENDER, "valueReference": sender.json}],
        "identifier": [_number(number)],
        "groupIdentifier": request["requisition"],
        "status": "draft",
        "intent": "order",
        "code": _task_code("referral", "fulfill"),
        "focus": {"reference": f"ServiceRequest/{request['id']}", "display": number},
        "for": patient.json,
        "authoredOn": stamp(at),
        "requester": requester.json,
    }


def step_task(task: Resource, request: Resource, *, state: str, at: datetime, due: datetime | None) -> None:
    """Bring the Task to a state, in place: status, business status, urgency, owner and clock follow from the state and the request."""
    task["status"] = STATES[state].task
    task["businessStatus"] = {
        "coding": [{"system": urls.REFERRAL_STATE, "code": state, "display": STATES[state].zh}],
        "text": STATES[state].zh,
    }
    task["priority"] = request["priority"]
    task["lastModified"] = stamp(at)
    owner = next((performer for performer in request.get("performer", []) if _is(_reference(performer), "Organization")), None)
    _set(task, "owner", owner)
    _set(task, "reasonCode", next(iter(request.get("reasonCode", [])), None))
    _set(task, "restriction", {"period": {"end": stamp(due)}} if due is not None else None)
    _set(task, "description", summary(request))


def step_request(request: Resource, state: str, *, settled: bool = False) -> bool:
    """Give the request the status of its state, in place; `settled`: its sender has closed a declined one. True when that changed it."""
    status = "revoked" if settled else STATES[state].request
    before, request["status"] = request.get("status"), status
    return bool(before != status)


def say_why(task: Resource, reason: Resource | None) -> None:
    """Task.statusReason for the state it is in; None clears it."""
    _set(task, "statusReason", reason)


def add_note(task: Resource, text: str, by: Named, at: datetime, action: str) -> None:
    """One more line of the conversation."""
    task.setdefault("note", []).append(_annotation(text, by, at, action))


def set_outputs(task: Resource, kind: str, values: Iterable[Resource]) -> None:
    """The outcome of one kind, each value as {"value…": …}. It replaces what was said before (see the history); attachments add up."""
    outputs = [
        item for item in task.get("output", []) if kind == "attachment" or kind not in _codes([item.get("type", {})], urls.REFERRAL_OUTPUT)
    ]
    new = [{"type": {"coding": [codes.coding(urls.REFERRAL_OUTPUT, kind, codes.OUTPUTS)]}, **value} for value in values]
    merged = outputs + [item for item in new if item not in outputs]
    order = list(codes.OUTPUTS)
    task["output"] = sorted(merged, key=lambda item: order.index(next(iter(_codes([item["type"]], urls.REFERRAL_OUTPUT)), "attachment")))


def outputs(task: Resource, kind: str) -> list[Resource]:
    """The outputs of one kind, as they stand in the Task."""
    return [item for item in task.get("output", []) if kind in _codes([item.get("type", {})], urls.REFERRAL_OUTPUT)]


def begin(task: Resource, at: datetime) -> None:
    """The patient is there."""
    task["executionPeriod"] = {"start": stamp(at)}


def end(task: Resource, at: datetime) -> None:
    task["executionPeriod"] = {**task.get("executionPeriod", {}), "end": stamp(at)}


def approval_task(*, id: str, main: Resource, post: Resource, institution: Named, at: datetime, due: datetime) -> Resource:
    """The Task of one approver: part of the referral's, asked of a post at the sending institution."""
    return {
        "resourceType": "Task",
        "id": id,
        "partOf": [{"reference": f"Task/{main['id']}"}],
        "groupIdentifier": main["groupIdentifier"],
        "status": "requested",
        "intent": "order",
        "priority": main["priority"],
        "code": _task_code("approval", "approve"),
        "focus": main["focus"],
        "for": main["for"],
        "authoredOn": stamp(at),
        "lastModified": stamp(at),
        "requester": main["requester"],
        "performerType": [post],
        "owner": institution.json,
        "restriction": {"period": {"end": stamp(due)}},
    }


def decide_approval(task: Resource, *, status: str, by: Named, at: datetime, reason: Resource | None, note: str) -> None:
    """Close an approver's Task, in place: completed, rejected or cancelled."""
    task["status"] = status
    task["lastModified"] = stamp(at)
    task["executionPeriod"] = {"end": stamp(at)}
    say_why(task, reason)
    if note:
        add_note(task, note, by, at, {"completed": "approve", "rejected": "return"}.get(status, "cancel"))


def provenance(
    *,
    targets: Iterable[tuple[str, int]],
    patient: str,
    action: str,
    scope: Scope,
    at: datetime,
    reason: Resource | None,
) -> Resource:
    """Who took a step, for whom, when and why. `targets` are ("Task/…", version); the patient is named too: it belongs to the record."""
    agent: Resource = {
        "type": {"coding": [{"system": PARTICIPANT, "code": "author"}]},
        "who": Named(scope.agent, scope.name).json if not scope.agent.startswith("Device/") else {"type": "Device", "display": scope.name},
    }
    if scope.roles:
        agent["role"] = [{"coding": [{"system": urls.ROLE, "code": role}]} for role in sorted(scope.roles)]
    if scope.institution:
        agent["onBehalfOf"] = Named(scope.institution, scope.institution_name).json
    purpose = {"coding": [{"system": urls.PURPOSE, "code": scope.purpose}]}
    return {
        "resourceType": "Provenance",
        "target": [*({"reference": f"{reference}/_history/{version}"} for reference, version in targets), {"reference": patient}],
        "occurredDateTime": stamp(at),
        "recorded": stamp(at),
        "reason": [reason, purpose] if reason else [purpose],
        "activity": {"coding": [codes.coding(urls.REFERRAL_ACTION, action, codes.ACTIVITIES)]},
        "agent": [agent],
    }


def care_plan(given: Resource, *, id: str, patient: Named, author: Named, request: Resource, at: datetime) -> Resource:
    """A follow-up plan as its author sent it, with what need not be said: whose, by whom, since when, after which referral."""
    plan = deepcopy(given)
    plan["resourceType"], plan["id"] = "CarePlan", id
    plan.setdefault("status", "active")
    plan.setdefault("intent", "plan")
    plan["subject"] = patient.json
    plan.setdefault("period", {"start": at.astimezone(region_zone()).date().isoformat()})
    plan.setdefault("created", stamp(at))
    plan.setdefault("author", author.json)
    link = {"reference": f"ServiceRequest/{request['id']}", "display": number_of(request)}
    plan["supportingInfo"] = [*plan.get("supportingInfo", []), link]
    return plan


def payment_of(request: Resource) -> str:
    """支付方式 as the form has it, "" where it says none."""
    form: Resource = next((e for e in request.get("extension", []) if e.get("url") == urls.REFERRAL_FORM), {})
    found: Resource = next((e for e in form.get("extension", []) if e.get("url") == "payment"), {})
    return str(found.get("valueString") or found.get("valueCode") or found.get("valueCoding", {}).get("code", ""))


def has_content(plan: Resource) -> bool:
    """Whether a plan plans anything."""
    return any(plan.get(key) for key in ("activity", "goal", "description", "title"))


def number_of(request: Resource) -> str:
    """转诊单号 of a ServiceRequest or Task, "" where it has none."""
    return next((str(i.get("value", "")) for i in request.get("identifier", []) if i.get("system") == urls.REFERRAL_NO), "")


def diagnosis(request: Resource) -> tuple[str | None, str | None]:
    """The ICD-10 code of the first diagnosis the request names, and what it is called there; None where none is coded."""
    for concept in request.get("reasonCode", []):
        for coding in concept.get("coding", []):
            if coding.get("system") == urls.ICD10 and coding.get("code"):
                return coding["code"], coding.get("display") or concept.get("text")
    return None, None


def requisition_of(request: Resource) -> str:
    """The number all requests of one chain of forwardings share."""
    return str(request.get("requisition", {}).get("value", ""))


def summary(request: Resource) -> str:
    """One line a person understands: 上转 · 心血管内科 · 云溪市第一人民医院."""
    wish = read_wish(request)
    receiver = next((p.get("display", "") for p in request.get("performer", []) if _is(_reference(p), "Organization")), "")
    words = (
        codes.DIRECTIONS[wish.direction][0] if wish.direction in codes.DIRECTIONS else "转诊",
        specialties.name(wish.specialty),
        receiver,
    )
    return " · ".join(word for word in words if word)


def is_referral(resource: Resource) -> bool:
    """Whether a Task or ServiceRequest says of itself that it belongs to a referral. Never raises, whatever its shape."""
    marks = [("category", urls.REFERRAL_DIRECTION)]
    if resource.get("resourceType") == "Task":
        marks = [("businessStatus", urls.REFERRAL_STATE), ("code", urls.REFERRAL_TASK)]
    return any(_mentions(resource.get(key), system) for key, system in marks) or _mentions_number(resource.get("identifier"))


def person_name(resource: Resource) -> str:
    """How a Patient or Practitioner is called: text, or family and given names without a space when they are Chinese."""
    names = [name for name in resource.get("name", []) if isinstance(name, dict)]
    name = next((n for n in names if n.get("use") in ("official", "usual")), names[0] if names else {})
    if name.get("text"):
        return str(name["text"])
    parts = [name.get("family", ""), *name.get("given", [])]
    joined = " ".join(part for part in parts if part)
    return joined if joined.isascii() else joined.replace(" ", "")


def stamp(at: datetime) -> str:
    """An instant as FHIR dateTime in the region's zone, to the second."""
    return at.astimezone(region_zone()).isoformat(timespec="seconds")


def _annotation(text: str, by: Named, at: datetime, action: str) -> Resource:
    signed = {"authorString": by.name} if by.reference.startswith("Device/") else {"authorReference": by.json}  # of the platform itself
    return {"extension": [{"url": urls.REFERRAL_NOTE, "valueCode": action}], **signed, "time": stamp(at), "text": text}


def _task_code(code: str, general: str) -> Resource:
    return {
        "coding": [codes.coding(urls.REFERRAL_TASK, code, codes.TASKS), {"system": TASK_CODE, "code": general}],
        "text": codes.TASKS[code][0],
    }


def _number(value: str) -> Resource:
    return {"use": "official", "system": urls.REFERRAL_NO, "value": value}


def _reference(item: Any) -> str:
    return str(item.get("reference", "")) if isinstance(item, dict) else ""


def _is(reference: str, kind: str) -> bool:
    return reference.startswith(f"{kind}/") or f"/{kind}/" in reference


def _codes(concepts: Iterable[Resource], system: str) -> list[str]:
    return [coding.get("code", "") for concept in concepts for coding in concept.get("coding", []) if coding.get("system") == system]


def _display(request: Resource, key: str, system: str, words: dict[str, str]) -> None:
    for concept in request.get(key, []):
        for coding in concept.get("coding", []):
            if coding.get("system") == system and coding.get("code") in words:
                coding["display"] = words[coding["code"]]


def _set(resource: Resource, key: str, value: Any) -> None:
    if value is None or value == "":
        resource.pop(key, None)
    else:
        resource[key] = value


def _mentions(value: Any, system: str) -> bool:
    concepts = value if isinstance(value, list) else [value]
    codings = [concept.get("coding") for concept in concepts if isinstance(concept, dict)]
    return any(isinstance(coding, dict) and coding.get("system") == system for some in codings if isinstance(some, list) for coding in some)


def _mentions_number(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(i, dict) and i.get("system") == urls.REFERRAL_NO for i in value)
