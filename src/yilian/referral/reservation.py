"""What a referral has of other rooms: an appointment with its places, and a bed; and the job that ends a hold.

A booking can be changed at a desk without the referral's being asked (cancelled, moved, checked in, missed). A reaction notices it in the
same transaction, and a job lets the referral follow: the referral is always locked before the appointment, so neither waits in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yilian import jobs
from yilian.beds import holds
from yilian.fhir import json
from yilian.fhir.definitions import type_id
from yilian.referral.resources import Named
from yilian.scheduling import bookings
from yilian.sealing.keyring import opened
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
    """A bed, or one of a ward's, for this patient (rid), by database time `until`; None: until the patient is admitted. Raises as
    `holds.hold`."""
    if until is None:
        id = await holds.hold(tx, scope, place, patient, tx.now + timedelta(hours=1))
        await holds.keep(tx, id)
        return id
    return await holds.hold(tx, scope, place, patient, tx.now + (until - await tx.fetchval("select now()")))


async def keep_bed(tx: Tx, hold: str) -> None:
    """It was booked. Raises Conflict where the hold is over."""
    await holds.keep(tx, hold)


async def release_bed(tx: Tx, hold: str) -> None:
    """Give it back; what is over already stays as it is."""
    await holds.release(tx, hold)


async def bed(tx: Tx, hold: str) -> Named:
    """The bed that is kept, and how it is called."""
    row = await tx.fetchrow("select r.rid, r.id, r.body from bed_hold h join resource r on r.rid = h.bed where h.id = $1", hold)
    name = json.parse(opened(row["rid"], row["body"]).encode()).get("name", "") if row is not None else ""
    return Named(f"Location/{row['id']}", name) if row is not None else Named("")
