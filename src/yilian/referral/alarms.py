"""The clocks as jobs: who owes a step is warned, overdue is told to both sides, then it goes to the duty officer and to the office.

One job for each clock, enqueued in the transaction that sets it, which enqueues itself for the next moment; so a server that was killed, or
slept, goes on where it was. What was told is a row of `referral_alarm`, written with it: told once, whatever is killed when. A job whose
clock does not run any more does nothing. It never changes the state of a referral.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yilian import jobs, policy
from yilian.directory.institutions import by_rid, institution
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.notifications import Message, Reader, tell
from yilian.referral import register, states
from yilian.referral.informing import URGENT, desk, tell_all, values_of
from yilian.referral.register import Referral

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
            await _tell(tx, referral, stage)
    return None


async def _tell(tx: Tx, referral: Referral, stage: str) -> None:
    values = await values_of(tx, referral)
    urgent = referral.priority in URGENT
    event = {"warn": "referral.due-soon", "overdue": "referral.overdue"}.get(stage, "referral.escalated")
    readers = await _readers(tx, referral, stage)
    if readers:
        await tell_all(tx, Message(event, readers, f"Task/{referral.task_id}", referral.patient, values, urgent=urgent))
    if stage == "overdue" and states.row(referral.state, "redirect") is not None:
        following = await _next(tx, referral)
        proposed = {key: value for key, value in values.items() if key != "until"} | {"text": following}
        sender = Reader.account(referral.referrer)
        await tell(
            tx, Message("referral.offer-elsewhere", (sender,), f"Task/{referral.task_id}", referral.patient, proposed, urgent=urgent)
        )


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


async def told(tx: Tx, task_rid: int) -> list[tuple[str, datetime]]:
    """What was told of the clock that runs now, in order: (stage, when)."""
    rows = await tx.fetch(
        "select a.kind, a.at from referral_alarm a join referral f using (task_rid) where a.task_rid = $1 and a.due_at = f.due_at",
        task_rid,
    )
    return sorted(((row["kind"], row["at"]) for row in rows), key=lambda one: STAGES.index(one[0]))


__all__ = ["CLOCK", "Moments", "moments", "ring", "ring_at", "start", "told"]
