"""The clocks as jobs: who owes a step is warned, overdue is told to both sides, then it goes to the duty officer and to the office.

One job for each clock, enqueued in the transaction that sets it, which enqueues itself for the next moment; so a server that was killed, or
slept, goes on where it was. What was told is a row of `referral_alarm`, written with it: told once, whatever is killed when. A job whose
clock does not run any more does nothing. It never changes the state of a referral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yilian import jobs, policy
from yilian.directory.institutions import by_rid, institution
from yilian.fhir import json
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.notifications import Message, Reader, tell
from yilian.referral import register, states
from yilian.referral.codes import POSTS
from yilian.referral.informing import URGENT, desk, tell_all, values_of
from yilian.referral.register import Referral
from yilian.referral.resources import person_name
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Database, Tx

CLOCK = "referral.clock"
STAGES = ("warn", "overdue", "duty", "office")

OFFICES = """
select distinct r.rid, exists (select from membership l join membership m on m.consortium = l.consortium
        where l.member = r.rid and l.lead and m.member = $1 and m.period @> $2::date and l.period @> $2::date) as leads, r.rid = $1 as own
from post p join account a on a.name = p.account and a.disabled is null
join resource r on r.type = $3 and 'Organization/' || r.id = p.institution
where p.role = 'office'
"""
"""Institutions ($3: Organizations) that have a consortium office; which of them leads a consortium this one ($1) is of on this day ($2)."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When each stage of one clock comes; aware."""

    warn: datetime
    overdue: datetime
    duty: datetime
    office: datetime

    def of(self, stage: str) -> datetime:
        return {"warn": self.warn, "overdue": self.overdue, "duty": self.duty, "office": self.office}[stage]


async def moments(tx: Tx, referral: Referral, since: datetime, due: datetime) -> Moments:
    """Of a clock that began then and ends at `due`, by the policies of today.

    What is due at once is given a few minutes, or nobody could answer in time.
    """
    share = float(await policy.value(tx, "referral.warn_share", tx.now, referral.to_org))
    grace = timedelta(minutes=float(await policy.value(tx, "referral.at_once_minutes", tx.now, referral.to_org)))
    later = (await policy.value(tx, "referral.escalate_after_minutes", tx.now, referral.to_org))[referral.priority]
    overdue = max(due, since + grace)
    warn = since + (due - since) * share if due > since + grace else overdue
    return Moments(warn, overdue, overdue + timedelta(minutes=later["duty"]), overdue + timedelta(minutes=later["office"]))


async def start(tx: Tx, before: Referral | None, after: Referral) -> None:
    """Enqueue the job of the clock that was set by a step, in its transaction; none where it is the one that ran already."""
    if after.due_at is None or (before is not None and before.due_at == after.due_at):
        return
    when = await moments(tx, after, tx.now, after.due_at)
    payload = {"task": after.task_rid, "due": after.due_at.isoformat(), "since": tx.now.isoformat()}
    await jobs.enqueue(tx, CLOCK, payload, run_at=min(when.warn, when.overdue))


async def ring(db: Database, job: jobs.Job) -> None:
    """Handler of `CLOCK`; payload: task (rid), due and since (ISO)."""
    async with db.transaction() as tx:
        due, since = (datetime.fromisoformat(job.payload[name]) for name in ("due", "since"))
        following = await ring_at(tx, job.payload["task"], due, since)
        if following is not None:
            await jobs.enqueue(tx, CLOCK, job.payload, run_at=following)
        await jobs.complete(tx, job)


async def ring_at(tx: Tx, task_rid: int, due: datetime, since: datetime) -> datetime | None:
    """Tell what is due by now of this clock and was not told, in `tx`; when there is more to tell, None for never."""
    referral = await register.lock(tx, task_rid)
    if referral is None or not referral.is_open or referral.due_at != due:
        return None
    when = await moments(tx, referral, since, due)
    for stage in STAGES:
        if when.of(stage) > tx.now:
            return when.of(stage)
        new = await tx.fetchval(
            "insert into referral_alarm (task_rid, due_at, kind, at) values ($1, $2, $3, $4) on conflict do nothing returning true",
            task_rid,
            due,
            stage,
            tx.now,
        )
        if new and (stage != "warn" or when.overdue > tx.now):  # who comes late is told what is, not what was
            told_to = await _called(tx, await _tell(tx, referral, stage))
            await tx.execute(
                "update referral_alarm set told = $4 where task_rid = $1 and due_at = $2 and kind = $3", task_rid, due, stage, told_to
            )
    return None


async def _tell(tx: Tx, referral: Referral, stage: str) -> list[Reader]:
    """Whom."""
    values = await values_of(tx, referral)
    urgent = referral.priority in URGENT
    event = {"warn": "referral.due-soon", "overdue": "referral.overdue"}.get(stage, "referral.escalated")
    readers = list(await _readers(tx, referral, stage))
    if readers:
        await tell_all(tx, Message(event, tuple(readers), f"Task/{referral.task_id}", referral.patient, values, urgent=urgent))
    if stage == "overdue" and states.row(referral.state, "redirect") is not None:
        following = await _next(tx, referral)
        proposed = {key: value for key, value in values.items() if key != "until"} | {"text": following}
        sender = Reader.account(referral.referrer)
        await tell(
            tx, Message("referral.offer-elsewhere", (sender,), f"Task/{referral.task_id}", referral.patient, proposed, urgent=urgent)
        )
        readers.append(sender)
    return readers


async def _called(tx: Tx, readers: Sequence[Reader]) -> list[str]:
    """Who was told, as people read it: institution and post, or the name of a person."""
    known = await by_rid(tx, [one.institution for one in readers if one.kind == "post"])
    found = []
    for one in readers:
        if one.kind == "post":
            where = known[one.institution].name if one.institution in known else ""
            found.append(f"{where}{POSTS.get(one.role, one.role)}")
        else:
            row = await tx.fetchrow(
                "select rid, body from resource where type = $1 and id = $2 and not deleted",
                type_id("Practitioner"),
                one.agent.removeprefix("Practitioner/"),
            )
            if row is not None:
                found.append(person_name(json.parse(opened(row["rid"], row["body"]).encode())))
    return found


async def _readers(tx: Tx, referral: Referral, stage: str) -> tuple[Reader, ...]:
    """Who owes the step; then those above. Where that is an institution outside: its window and the sender; then those above the sender."""
    approving = referral.state == "in-approval"
    where = referral.from_org if approving or states.STATES[referral.state].turn == states.REFERRER else referral.to_org
    assert where is not None  # of a referral on its way
    known = (await by_rid(tx, [where])).get(where)
    outside = known is not None and known.outside
    if stage in ("warn", "overdue"):
        first = Reader.post(where, referral.post) if approving else await desk(tx, where)
        return (first, Reader.account(referral.referrer)) if outside else (first,)
    if outside:
        where = referral.from_org
    if stage == "duty":
        role = await policy.value(tx, "referral.duty_post", tx.now, where)
        return (Reader.post(where, str(role)),)
    rows = await tx.fetch(OFFICES, where, tx.now.astimezone(region_zone()).date(), type_id("Organization"))
    near = [row["rid"] for row in rows if row["own"]] or [row["rid"] for row in rows if row["leads"]] or [row["rid"] for row in rows]
    return tuple(Reader.post(rid, "office") for rid in sorted(near)[:10])


async def _next(tx: Tx, referral: Referral) -> str:
    """The name of the institution the sender would ask next, "" where none was named."""
    passed = await register.institutions_passed(tx, referral.task_rid)
    for reference in referral.alternatives:
        found = await institution(tx, reference.removeprefix("Organization/"))
        if found is not None and found.active and found.rid not in passed:
            return found.name
    return ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What was told because a clock ran. stage: of STAGES; due: of which clock; at: when it was told; to: whom, as people read it."""

    stage: str
    due: datetime
    at: datetime
    to: tuple[str, ...]


async def told(tx: Tx, task_rid: int) -> list[Alarm]:
    """What was told of the clocks of this referral (rid of its Task), in order. What came too late to be told is left out."""
    rows = await tx.fetch("select kind, due_at, at, told from referral_alarm where task_rid = $1", task_rid)
    found = [Alarm(row["kind"], row["due_at"], row["at"], tuple(row["told"])) for row in rows if row["told"]]
    return sorted(found, key=lambda one: (one.due, STAGES.index(one.stage)))


__all__ = ["CLOCK", "Alarm", "Moments", "moments", "ring", "ring_at", "start", "told"]
