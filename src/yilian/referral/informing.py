"""Who is told of a step: the other side, the patient where it concerns them, and whoever has the next step.

One table, in the order of a referral. Words are `notifications/templates.toml`; everything is told in the transaction of the step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from yilian.directory.institutions import by_rid, institution
from yilian.directory.specialties import SPECIALTIES
from yilian.fhir import json
from yilian.fhir.dates import region_zone
from yilian.notifications import Message, Reader, tell
from yilian.notifications.templates import templates
from yilian.referral import marks
from yilian.referral.outside import windows
from yilian.referral.resources import person_name
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.register import Referral
    from yilian.referral.step import Step

SENDER, RECEIVER, PATIENT = "sender", "receiver", "patient"

TOLD = {
    # action          who is told
    "receive": (SENDER,),
    "accept": (SENDER, PATIENT),
    "decline": (SENDER, PATIENT),
    "forward": (SENDER, PATIENT),
    "redirect": (RECEIVER,),
    "ask": (SENDER,),
    "answer": (RECEIVER,),
    "hold": (SENDER, RECEIVER),
    "expire": (SENDER, RECEIVER),
    "book": (SENDER, RECEIVER, PATIENT),
    "defer": (SENDER, PATIENT),
    "cancel-booking": (SENDER, RECEIVER, PATIENT),
    "no-show": (SENDER, PATIENT),
    "arrive": (SENDER,),
    "plan": (SENDER, PATIENT),
    "report": (SENDER,),
    "complete": (SENDER, PATIENT),
    "close": (RECEIVER,),
    "cancel": (SENDER, RECEIVER, PATIENT),
    "stay": (SENDER, RECEIVER, PATIENT),
    "travel": (RECEIVER, PATIENT),
    "leave": (SENDER, RECEIVER),
    "end": (SENDER, RECEIVER),
    "green": (SENDER, RECEIVER),
}
"""Whoever acts is not told of it. `submit`, `approve` and `return` depend on where the referral stands then: see `inform`."""

DESKS = ("coordinator", "gp", "physician", "consultant", "head")
"""The posts that see to referrals of an institution, the first that somebody holds there."""
URGENT = ("stat", "urgent", "asap")
OUTSIDE_NEWS = "referral.outside-news"
OUTSIDE = {
    **dict.fromkeys(("referral.due-soon", "referral.overdue", "referral.escalated"), "referral.outside-due"),
    **dict.fromkeys(("referral.cancel", "referral.redirect"), "referral.outside-over"),
    **dict.fromkeys(("referral.submit", "referral.offer", "referral.close"), ""),
}
"""What an institution outside is told in place of an event; of all others, that there is news. "": nothing, since a link comes for it
(`outside.links`), or since it is done with."""

HELD = """
select p.role from post p join account a on a.name = p.account and a.disabled is null
where p.institution = $1 and p.role = any($2::text[]) group by p.role order by array_position($2::text[], p.role) limit 1
"""


async def inform(step: Step) -> None:
    """Tell of a step that was written, in its transaction."""
    after, action = step.after, step.action
    told: list[tuple[str, tuple[Reader, ...]]] = []
    if after.state == "in-approval" and action in ("submit", "approve"):
        told.append(("referral.approval", (Reader.post(after.from_org, after.post),)))
    elif after.state == "submitted" and action in ("submit", "approve", "forward", "redirect"):
        event = "referral.submit" if action in ("submit", "approve") else "referral.offer"
        told.append((event, (await desk(step.tx, after.to_org or 0),)))
        if action in ("submit", "approve"):
            told.append(("referral.submit", (Reader.patient(after.patient),)))
        if action == "approve":
            told.append(("referral.approve", (Reader.account(after.referrer),)))
        if action == "redirect":
            told.append(("referral.offered-onward", (Reader.account(after.referrer), Reader.patient(after.patient))))
    elif action == "mark":
        if after.ending is not None:
            sides = (Reader.account(after.referrer), *([await desk(step.tx, after.to_org)] if after.submitted_at and after.to_org else []))
            told.append((f"referral.{after.ending}", sides))
    elif action == "return":
        told.append(("referral.return", (Reader.account(after.referrer),)))
    elif action in TOLD and (step.before is None or step.before.submitted_at is not None):
        told.append((f"referral.{action}", await _readers(step)))
    values = await values_of(step.tx, after, step)
    for event, readers in told:
        if readers:
            await tell_all(
                step.tx,
                Message(event, readers, f"Task/{after.task_id}", after.patient, values, urgent=after.priority in URGENT),
            )


async def tell_all(tx: Tx, message: Message) -> None:
    """Tell of a referral; an institution that is not on the platform only that there is news, or until when: a letter names nobody."""
    inside = tuple(reader for reader in message.to if reader.kind != "address")
    outside = tuple(reader for reader in message.to if reader.kind == "address")
    if inside:
        await tell(tx, replace(message, to=inside))
    event = OUTSIDE.get(message.event, OUTSIDE_NEWS)
    if outside and event:
        takes = templates()[event].optional
        await tell(tx, replace(message, event=event, to=outside, values={k: v for k, v in message.values.items() if k in takes}))


async def desk(tx: Tx, institution: int) -> Reader:
    """Whoever sees to the referrals of this institution (rid); its window where it is not on the platform."""
    if (window := await windows.reader_channel(tx, institution)) is not None:
        return Reader.address(*window)
    reference = await tx.fetchval("select 'Organization/' || id from resource where rid = $1", institution)
    role = await tx.fetchval(HELD, reference, list(DESKS))
    return Reader.post(institution, role or DESKS[0])


async def values_of(tx: Tx, referral: Referral, step: Step | None = None) -> dict[str, str]:
    """What a message on this referral may say; nothing empty."""
    known = await by_rid(tx, [one for one in (referral.from_org, referral.to_org) if one is not None])
    name = step.request["subject"].get("display", "") if step else await _name(tx, referral)
    values = {
        "patient": name or "-",
        "number": referral.number,
        "from": known[referral.from_org].name if referral.from_org in known else "",
        "to": known[referral.to_org].name if referral.to_org in known else "",
        "specialty": SPECIALTIES.get(referral.specialty or "", ""),
        "until": local(referral.due_at) if referral.due_at is not None else "",
    }
    if step is not None:
        doctor, start = marks.arranged(step.task)
        values |= {
            "by": step.scope.name if step.action == "submit" else str((doctor or {}).get("display", "")),
            "when": local(datetime.fromisoformat(start)) if start else "",
            "where": str((doctor or {}).get("display", "")),
            "reason": _reason(step),
            "text": step.asked.question or step.asked.answer,
        }
        if step.action == "forward" and step.after.state == "referred-onward":
            onward = await institution(tx, step.asked.to.rpartition("/")[2])
            values["to"] = onward.name if onward is not None else ""  # where it went, not who sent it there
        if step.action == "hold" and step.after.held_until is not None:
            values["until"] = local(step.after.held_until)
    return {key: value[:2000] for key, value in values.items() if value}


def local(at: datetime) -> str:
    """A moment as people of the region read it."""
    return f"{at.astimezone(region_zone()):%m-%d %H:%M}"


async def _readers(step: Step) -> tuple[Reader, ...]:
    """The sides that did not act, of those who are told of this action."""
    after, sides = step.after, TOLD[step.action]
    readers = []
    if SENDER in sides and step.scope.agent != after.referrer:
        readers.append(Reader.account(after.referrer))
    if RECEIVER in sides and after.to_org is not None and step.scope.institution_rid != after.to_org:
        readers.append(await desk(step.tx, after.to_org))
    if PATIENT in sides and step.scope.reach != "self":
        readers.append(Reader.patient(after.patient))
    return tuple(readers)


async def _name(tx: Tx, referral: Referral) -> str:
    body = await tx.fetchval("select body from resource where rid = $1", referral.patient)
    return person_name(json.parse(opened(referral.patient, body).encode())) if body else ""


def _reason(step: Step) -> str:
    reason = step.asked.reason or {}
    said = str(reason.get("text") or next((c.get("display", "") for c in reason.get("coding", ())), ""))
    return said or step.asked.note


__all__ = ["desk", "inform", "local", "tell_all", "values_of"]
