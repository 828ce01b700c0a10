"""The job by which a referral follows its booking: a hold ran out, a desk cancelled, moved or checked in, somebody was missed.

It looks at what is, not at what happened, so it may come late, twice or after a crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian import jobs
from yilian.fhir.definitions import type_id
from yilian.referral import commands, register
from yilian.referral.onward import HOUSE
from yilian.referral.parameters import Act
from yilian.scheduling import bookings

if TYPE_CHECKING:
    from yilian.db import Database, Tx

STATE = """
select a.state, a.starts, a.held_until <= now() as over from appointment a join resource r using (rid)
where r.type = $1 and r.id = $2
"""
STEPS = {
    # of the Appointment: (the referral's step while it is held, while it is booked)
    "expired": ("expire", "cancel-booking"),
    "cancelled": ("cancel-booking", "cancel-booking"),
    "no-show": ("cancel-booking", "no-show"),
    "checked-in": ("arrive", "arrive"),
    "fulfilled": ("arrive", "arrive"),
}


async def follow_booking(db: Database, job: jobs.Job) -> None:
    """Handler of `reservation.FOLLOW`; payload: task, the rid of the referral's Task."""
    async with db.transaction() as tx:
        await follow(tx, job.payload["task"])
        await jobs.complete(tx, job)


async def follow(tx: Tx, task_rid: int) -> None:
    """Let the referral of this Task (rid) follow, in `tx`."""
    referral = await register.lock(tx, task_rid)
    if referral is None or referral.state not in ("held", "booked"):
        return
    if referral.appointment_id is None:
        if referral.held_until is not None and await tx.fetchval("select $1::timestamptz <= now()", referral.held_until):
            await commands.by_the_house(tx, task_rid, Act("expire", frozenset()))
        return
    row = await tx.fetchrow(STATE, type_id("Appointment"), referral.appointment_id)
    state = row["state"] if row is not None else "cancelled"
    if row is not None and state == "held" and row["over"]:
        await bookings.expire(tx, HOUSE, referral.appointment_id)
        state = "expired"
    if state in STEPS:
        await commands.by_the_house(tx, task_rid, Act(STEPS[state][referral.state == "booked"], frozenset()))
