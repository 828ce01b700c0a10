"""The clocks of a referral: approval, reception arranged, follow-up plan. When one runs out is shown and escalated; it moves nothing.

Each limit is policy, read for the day on which the clock starts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yilian import policy
from yilian.fhir.dates import region_zone
from yilian.referral.register import Referral, changed
from yilian.referral.working_hours import ALWAYS, FURTHEST_DAYS, WorkingHours, hours_of
from yilian.scheduling.days import days

if TYPE_CHECKING:
    from yilian.db import Tx


async def set_clock(tx: Tx, before: Referral | None, after: Referral) -> Referral:
    """`after` with the clock of its state: `due_at`, and what is left of the reception clock while an answer is waited for.

    approval   each approver has `referral.approval_hours`
    reception  from submission, by priority; stopped while information is missing, ended when it is said who will see the patient and when
    plan       a down-referral that was accepted has `referral.plan_within_days` for its follow-up plan
    """
    now = tx.now
    same = before is not None and before.state == after.state and before.step == after.step
    match after.state:
        case "in-approval":
            hours = await policy.value(tx, "referral.approval_hours", now, after.from_org)
            return after if same else changed(after, due_at=await _limit(tx, after, now, hours, after.from_org))
        case "submitted":
            hours = (await policy.value(tx, "referral.reception_hours", now, after.to_org))[after.priority]
            starts = await policy.value(tx, "referral.reception_clock_starts", now)
            start = after.applied_at if starts == "applied" and after.applied_at is not None else now
            return changed(after, due_at=await _limit(tx, after, start, hours, after.to_org))
        case "received":
            if before is not None and before.state == "need-info":
                left = before.clock_left or timedelta()
                return changed(after, due_at=await _limit(tx, after, now, left / timedelta(hours=1), after.to_org), clock_left=None)
            return after
        case "need-info":
            due = before.due_at if before is not None else None
            hours = await working_hours(tx, after, now, after.to_org)
            return changed(after, due_at=None, clock_left=hours.between(now, due, region_zone()) if due is not None else None)
        case "accepted" | "held" | "deferred" if after.direction == "down":
            return await _plan_clock(tx, before, after, now)
        case "booked" | "no-show" if after.direction == "down" and after.planned_at is None:
            return after
        case "accepted" | "held" | "deferred":
            if after.arranged_at is not None:
                return changed(after, due_at=None)
            if before is not None and (before.state in ("booked", "no-show") or before.arranged_at is not None):
                hours = (await policy.value(tx, "referral.reception_hours", now, after.to_org))[after.priority]
                return changed(after, due_at=await _limit(tx, after, now, hours, after.to_org))
            return after
        case _:  # in-place: nobody is late while the patient cannot travel
            return changed(after, due_at=None, clock_left=None)


async def working_hours(tx: Tx, referral: Referral, at: datetime, institution: int | None) -> WorkingHours:
    """When the clocks of this referral run at an institution (rid)."""
    if referral.priority in await policy.value(tx, "referral.round_the_clock", at, institution):
        return ALWAYS
    value = await policy.value(tx, "referral.working_hours", at, institution)
    if not value.get("holidays"):
        return hours_of(value, {})
    today = at.astimezone(region_zone()).date()
    known = await days(tx, today, today + timedelta(days=FURTHEST_DAYS))
    return hours_of(value, {day: one.works for day, one in known.days.items()})


async def _limit(tx: Tx, referral: Referral, start: datetime, hours: float, institution: int | None) -> datetime:
    """The end of a limit of so many hours."""
    return (await working_hours(tx, referral, start, institution)).after(start, timedelta(hours=hours), region_zone())


async def _plan_clock(tx: Tx, before: Referral | None, after: Referral, now: datetime) -> Referral:
    if after.planned_at is not None:
        return changed(after, due_at=None)
    if before is not None and before.state in ("accepted", "held", "deferred", "booked", "no-show"):
        return after
    within = await policy.value(tx, "referral.plan_within_days", now, after.to_org)
    return changed(after, due_at=now + timedelta(days=within))
