"""What an institution outside is shown of its one referral, and the steps it takes: those of the state table, by `referral.commands`.

Shown is what the receiving side's paper says (转诊单) and what was asked and answered; no other part of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest
from yilian.fhir import json, urls
from yilian.fhir.dates import region_zone
from yilian.referral import allowed, commands, conversation, register, slips, states
from yilian.referral.codes import DECLINE_REASONS
from yilian.referral.conversation import Saying
from yilian.referral.outside import doors
from yilian.referral.outside.doors import Visit
from yilian.referral.slip_content import referral_slip, return_slip
from yilian.store import read
from yilian.store.read import Stored

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

STEPS: Mapping[str, Mapping[str, bool]] = {
    # action    what may be typed, and whether it must be
    "receive": {"note": False},
    "accept": {"start": False, "place": False, "doctor": False, "note": False},
    "decline": {"reason": True, "note": False},
    "ask": {"question": True},
    "arrive": {"note": False},
    "plan": {"plan": True},
    "report": {"note": True},
    "complete": {
        "diagnosis": True, "treatment": True, "advice": True, "findings": False, "medication": False, "nextVisit": False,
        "recordNumber": False,
    },
}  # fmt: skip
"""The receiver's steps that are offered outside. Not booking: its places are not on the platform; nor
forwarding: that is the sender's."""

SLIP = (
    "number", "state", "direction", "priority", "specialty", "reasons", "referred-on", "institution", "institution-phone", "doctor",
    "doctor-phone", "to", "name", "sex", "age", "phone", "identity-kind", "identity", "address", "impression", "present-illness",
    "past-history", "allergies", "treatment", "vital-signs", "results", "precautions", "care-type", "transport", "escort", "infectious",
    "payment", "consent", "arranged", "attachments",
)  # fmt: skip
RETURN = ("arrived-on", "diagnosis", "findings", "treatment", "medication-changes", "advice", "next-visit", "record-number")
INSIDE = frozenset({"draft", "approve", "return"})
"""Notes of the sender's own house, which the receiver is not shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page has: `told` as JSON, `seen` for the trail."""

    told: dict[str, Any]
    seen: tuple[Stored, ...]


async def show(tx: Tx, visit: Visit) -> Shown:
    """The referral as this visitor sees it."""
    scope, referral = visit.scope, visit.referral
    stored = await read.by_id(tx, scope, "Task", referral.task_id)
    facts = await slips.facts_of(tx, scope, referral)
    slip = referral_slip(facts)
    said = await conversation.conversation(tx, scope, referral.task_id)
    legal = {one.code: one for one in (await allowed.actions(tx, scope, referral.task_id)).actions}
    told = {
        "version": stored.version,
        "state": referral.state,
        "stateName": states.STATES[referral.state].zh,
        "due": referral.due_at.isoformat(timespec="seconds") if referral.due_at is not None else None,
        "answering": scope.name.partition("·")[0],
        "slip": {name: _hidden(slip[name]) if name == "identity" else slip[name] for name in SLIP if slip.get(name)},
        "outcome": {name: value for name, value in return_slip(facts).items() if name in RETURN and value},
        "steps": [
            {"code": code, "name": states.ACTIONS[code][0], "primary": legal[code].primary, "danger": legal[code].danger}
            for code in legal
            if code in STEPS
        ],
        "reasons": [{"code": code, "name": words[0]} for code, words in DECLINE_REASONS.items()],
        "talk": sorted(_notes(facts.task) + [_line(json.parse(one.body)) for one in said.lines], key=lambda line: line["time"]),
    }
    return Shown(told, (stored, *said.lines))


async def task(tx: Tx, visit: Visit) -> Stored:
    """The Task of the referral, for the trail of its paper."""
    return await read.by_id(tx, visit.scope, "Task", visit.referral.task_id)


async def act(tx: Tx, visit: Visit, version: int, action: str, given: Mapping[str, str]) -> str:
    """Take one step, in `tx`; where the referral stands then. The referral is locked before the link is looked at again, so that what was
    sent anew or taken back meanwhile counts. Raises BadRequest (no step of these, something typed it does not take or lacks), NotSignedIn,
    and what `commands.act` raises."""
    if action not in STEPS:
        raise BadRequest(f"{action[:40]!r} is no step that is taken here; there are {', '.join(STEPS)}.", zh="不能在此办理该操作。")
    takes = STEPS[action]
    given = {name: text.strip() for name, text in given.items() if text.strip()}
    if strange := sorted(given.keys() - takes):
        raise BadRequest(f"{action!r} takes no {strange[0][:40]}; it takes {', '.join(takes)}.", zh="填写的内容与操作不符。")
    if lacking := [name for name, needed in takes.items() if needed and name not in given]:
        raise BadRequest(f"{action!r} needs {', '.join(lacking)}.", zh="请把必填项填写完整。", expression=lacking[0], code="required")
    parameters = {"resourceType": "Parameters", "parameter": _parameters(action, given)}
    await register.lock(tx, visit.referral.task_rid)
    await doors.require_good(tx, visit)
    await commands.act(tx, visit.scope, visit.referral.task_id, version, parameters)
    now = await register.of_task(tx, visit.referral.task_rid)
    assert now is not None  # it was written just now
    return now.state


async def say(tx: Tx, visit: Visit, text: str) -> None:
    """A word to the sender, in `tx`. Raises as `conversation.say`."""
    await conversation.say(tx, visit.scope, visit.referral.task_id, Saying("remark", text))


def _parameters(action: str, given: Mapping[str, str]) -> list[Resource]:
    """What was typed, as `$act` takes it."""
    found: list[Resource] = [{"name": "action", "valueCode": action}]
    for name, text in given.items():
        if name in ("place", "doctor", "note"):
            continue
        if name == "reason":
            if text not in DECLINE_REASONS:
                raise BadRequest(f"{text[:40]!r} is no reason.", zh="请从列表中选择不予接收的原因。", expression="reason")
            coding = {"system": urls.REFERRAL_DECLINE_REASON, "code": text, "display": DECLINE_REASONS[text][0]}
            found.append({"name": name, "valueCoding": coding})
        elif name == "start":
            found.append({"name": name, "valueDateTime": _instant(text)})
        elif name == "nextVisit":
            found.append({"name": name, "valueDate": text})
        elif name == "plan":
            found.append({"name": name, "resource": {"resourceType": "CarePlan", "title": "随访计划", "description": text}})
        else:
            found.append({"name": name, "valueString": text})
    words = [given.get("place") and f"接诊地点:{given['place']}", given.get("doctor") and f"接诊医生:{given['doctor']}", given.get("note")]
    if note := ";".join(word for word in words if word):
        found.append({"name": "note", "valueString": note})
    return found


def _instant(text: str) -> str:
    """What a page typed as local time of the region ("2026-11-24T09:30"), with its offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is no date and time.", zh="请填写正确的日期和时间。", expression="start") from None
    return (at if at.tzinfo else at.replace(tzinfo=region_zone())).isoformat(timespec="seconds")


def _notes(task: Resource) -> list[dict[str, str]]:
    """What was said with the steps."""
    found = []
    for note in task.get("note", []):
        step = next((e.get("valueCode", "") for e in note.get("extension", []) if e.get("url") == urls.REFERRAL_NOTE), "")
        if step not in INSIDE:
            by = note.get("authorReference", {}).get("display") or note.get("authorString", "")
            found.append({"by": by, "time": note.get("time", ""), "text": note.get("text", "")})
    return found


def _hidden(number: str) -> str:
    """A number as a page without an account shows it; the paper has all of it, for who registers the patient."""
    return f"{number[:3]}{'*' * max(len(number) - 7, 4)}{number[-4:]}"


def _line(communication: Resource) -> dict[str, str]:
    text = "\n".join(one["contentString"] for one in communication.get("payload", []) if one.get("contentString"))
    return {"by": communication.get("sender", {}).get("display", ""), "time": communication.get("sent", ""), "text": text}


__all__ = ["RETURN", "SLIP", "STEPS", "Shown", "act", "say", "show", "task"]
