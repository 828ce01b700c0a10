"""A referral as the message of one of its steps, for another platform: within what the asker may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.directory.institutions import by_rid
from yilian.errors import BadRequest, Conflict
from yilian.exchange.bridge.form import STEPS, Back, Message, Out, Person
from yilian.exchange.bridge.messages import write_message
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.referral import register, resources
from yilian.referral.states import STATES
from yilian.store import read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

SOURCE = urls.BASE + "bridge"
THERE: dict[str, frozenset[str]] = {
    "apply": frozenset(STATES) - {"draft", "in-approval"},
    "answer": frozenset(STATES) - {"draft", "in-approval", "submitted", "received", "need-info", "cancelled"},
    "arrival": frozenset({"arrived", "completed"}),
    "record": frozenset({"completed"}),
}
"""The states in which there is a message of each step."""
NUMBERS = (urls.RESIDENT_ID, urls.HEALTH_FILE, urls.HEALTH_CARD)


async def give_out(tx: Tx, scope: Scope, task_id: str, step: str) -> Resource:
    """The message Bundle of this step. Raises NotFound, BadRequest (no such step, no referral), Conflict (not come so far yet)."""
    if step not in STEPS:
        raise BadRequest(f"step is one of {', '.join(STEPS)}.", zh="消息步骤不正确。")
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None:
        raise BadRequest(f"Task/{task_id} is no referral.", zh="该任务不是转诊。", code="not-supported")
    if referral.state not in THERE[step]:
        raise Conflict(f"The referral is {referral.state!r}; it has no such message yet.", zh="转诊尚未进行到这一步。")
    task = json.parse(stored.body)
    request = json.parse((await read.by_id(tx, scope, "ServiceRequest", referral.request_id)).body)
    patient = json.parse((await read.by_id(tx, scope, "Patient", request["subject"]["reference"].split("/")[1])).body)
    known = await by_rid(tx, [rid for rid in (referral.from_org, referral.to_org) if rid is not None])
    numbers = {i.get("system", ""): str(i.get("value", "")) for i in patient.get("identifier", [])}
    why = next((c.get("code", "") for c in task.get("statusReason", {}).get("coding", [])), "")
    message = Message(
        id=f"{referral.number}-{step}",
        source=SOURCE,
        step=step,
        person=Person(
            tuple((system, numbers[system]) for system in NUMBERS if numbers.get(system)),
            resources.person_name(patient),
            str(patient.get("gender", "")),
            str(patient.get("birthDate", "")),
        ),
        sender=known[referral.from_org].code,
        receiver=known[referral.to_org].code if referral.to_org is not None else "",
        number=referral.number,
        agreed=referral.state != "declined",
        why=why if referral.state == "declined" else "",
        why_text=str(task.get("statusReason", {}).get("text", "")) if referral.state == "declined" else "",
        out=_out(request) if step == "apply" else None,
        back=_back(task) if step == "record" else None,
    )
    return write_message(message, tx.now.astimezone(region_zone()).isoformat(timespec="milliseconds"))


def _out(request: Resource) -> Out:
    wish = resources.read_wish(request)
    form = {
        part.get("url", ""): str(next((value for key, value in part.items() if key.startswith("value")), ""))
        for extension in request.get("extension", [])
        if extension.get("url") == urls.REFERRAL_FORM
        for part in extension.get("extension", [])
    }
    code, text = _diagnosis(
        [c for c in request.get("reasonCode", []) if not any(k.get("system") == urls.REFERRAL_REASON for k in c.get("coding", []))]
    )
    consent: Resource = next((e for e in request.get("extension", []) if e.get("url") == urls.REFERRAL_CONSENT), {})
    way = next((p["valueCoding"]["code"] for p in consent.get("extension", []) if p.get("url") == "way"), "")
    return Out(
        direction=wish.direction,
        priority=wish.priority,
        specialty=wish.specialty,
        reason=next(iter(wish.reasons), ""),
        impression=text,
        impression_code=code,
        present_illness=form.get("present-illness", ""),
        past_history=form.get("past-history", ""),
        treatment=form.get("treatment", ""),
        precautions=form.get("precautions", ""),
        care_type=form.get("care-type", ""),
        transport=form.get("transport", ""),
        escort=form.get("escort", ""),
        payment=form.get("payment", ""),
        consent=way,
        doctor=str(request.get("requester", {}).get("display", "")),
    )


def _back(task: Resource) -> Back:
    def said(kind: str) -> str:
        return "\n".join(str(item.get("valueString", "")) for item in resources.outputs(task, kind) if item.get("valueString"))

    code, text = _diagnosis([item.get("valueCodeableConcept", {}) for item in resources.outputs(task, "diagnosis")])
    return Back(
        diagnosis=text,
        diagnosis_code=code,
        record_number=said("record-number"),
        findings=said("findings"),
        treatment=said("treatment"),
        advice=said("advice"),
        medication=said("medication"),
        next_visit=said("next-visit"),
    )


def _diagnosis(concepts: list[Resource]) -> tuple[str, str]:
    """The first code, and all words."""
    codes = [c.get("code", "") for concept in concepts for c in concept.get("coding", []) if c.get("code")]
    texts = [str(concept.get("text") or next((c.get("display", "") for c in concept.get("coding", [])), "")) for concept in concepts]
    return next(iter(codes), ""), "、".join(text for text in texts if text)
