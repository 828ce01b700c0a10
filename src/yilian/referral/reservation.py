"""What a referral has of other rooms: an appointment with its places, and a bed; and the job that ends a hold.

A booking can be changed at a desk without the referral's being asked (cancelled, moved, checked in, missed). A reaction notices it in the
same transaction, and a job lets the referral follow: the referral is always locked before the appointment, so neither waits in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from yilian import jobs
from yilian.errors import NotSupported
from yilian.fhir.definitions import type_id
from yilian.scheduling import bookings
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Written

FOLLOW = "referral.follow-booking"


async def expire_at(tx: Tx, task_rid: int, until: datetime) -> None:
    """Have the referral (by rid of its Task) look at its hold when the time is over, by the database's clock."""
    left = until - await tx.fetchval("select now()")
    await jobs.enqueue(tx, FOLLOW, {"task": task_rid}, run_at=tx.now + left)


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: an Appointment a referral has was written, by whomever."""
    ids = [one.id for one in written if one.type == "Appointment" and not one.unchanged and one.version > 1]
    if not ids:
        return
    rows = await tx.fetch("select task_rid from referral where appointment_id = any($1::text[]) and state in ('held', 'booked')", ids)
    for row in rows:
        await jobs.enqueue(tx, FOLLOW, {"task": row["task_rid"]}, key=str(row["task_rid"]))


async def end_appointment(tx: Tx, scope: Scope, id: str, why: str) -> None:
    """Give its places back, unless it is over already. Raises nothing where somebody else was first."""
    row = await tx.fetchrow(
        "select a.state from appointment a join resource r using (rid) where r.type = $1 and r.id = $2 for update of a",
        type_id("Appointment"),
        id,
    )
    if row is not None and row["state"] in bookings.LIVE:
        await bookings.cancel(tx, scope, id, why)


async def hold_bed(tx: Tx, scope: Scope, place: str, patient: int, until: datetime | None) -> str:
    """A bed, or one of a ward's, for this patient (rid). `until` None: for good."""
    raise NotSupported("This server keeps no beds yet; leave 'bed' out.", zh="暂不支持预留床位。")


async def keep_bed(tx: Tx, hold: str) -> None:
    raise NotSupported("This server keeps no beds yet.", zh="暂不支持预留床位。")


async def release_bed(tx: Tx, hold: str) -> None:
    raise NotSupported("This server keeps no beds yet.", zh="暂不支持预留床位。")
