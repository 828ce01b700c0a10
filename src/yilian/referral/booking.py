"""Booking within a referral: expert, examination and bed in the transaction of the step, all or none.

Places are taken by `scheduling.bookings`, beds by `beds.holds`; this file says for whom, from which pools, and what the Task tells of it.
What a referral has is given back in the same transaction whenever it is cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import institutions
from yilian.directory import offers
from yilian.directory.tiers import GRASSROOTS, tier
from yilian.errors import NotFound
from yilian.fhir import json, references, urls
from yilian.fhir.definitions import type_id
from yilian.referral import marks, register, reservation, resources
from yilian.referral.guard import RoomScope
from yilian.referral.outcome import fault
from yilian.referral.register import Referral
from yilian.referral.resources import Named
from yilian.scheduling import bookings
from yilian.scheduling.bookings import Wish
from yilian.sealing.keyring import opened
from yilian.store import read
from yilian.store.change import Written
from yilian.store.scope import Scope, lent

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.referral.states import Row
    from yilian.referral.step import Step

Resource = dict[str, Any]

SLOTS = """
select r.id, s.institution from slot s join resource r on r.rid = s.rid where r.type = $1 and r.id = any($2::text[]) and not r.deleted
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Logical ids of slots and of one bed (or ward); "" for no bed."""

    slots: tuple[str, ...]
    bed: str


async def is_direct(tx: Tx, referral: Referral) -> bool:
    """Whether the receiver's service for this specialty lets referrers book its places themselves (`directory.offers`)."""
    if referral.to_org is None:
        return False
    return (await offers.of_receiver(tx, referral.to_org, referral.specialty or "")).direct_booking


async def pools(tx: Tx, referral: Referral) -> tuple[str, ...]:
    """The pools that are open to a referral, whoever books: the grassroots' where the sender is of it, the emergency's if it is one, or
    the green channel is open."""
    sender = (await institutions.of(tx, [referral.from_org])).get(referral.from_org)
    grassroots = ("grassroots",) if sender is not None and tier(sender.tier) in GRASSROOTS else ()
    return (*grassroots, *(("emergency",) if referral.priority == "stat" or referral.green == "open" else ()))


async def of_task(tx: Tx, scope: Scope, task_id: str) -> tuple[str, ...]:
    """The same for the referral of a Task the asker sees. Raises NotFound for one that is not to be seen, or is no referral."""
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await register.of_task(tx, stored.rid)
    if referral is None:
        raise NotFound(f"Task/{task_id} is no referral.", zh="该任务不是转诊。")
    return await pools(tx, referral)


async def hold(step: Step, row: Row) -> None:
    """Keep places for some minutes (policy `booking.hold_minutes`); a job gives them back."""
    asked = await _asked(step)
    until = await _take(step, asked, held=True)
    assert until is not None  # of what is held
    step.change(state="held", held_until=until)
    await _tell(step, until)
    await reservation.expire_at(step.tx, step.after.task_rid, until)


async def book(step: Step, row: Row) -> None:
    """Take places for good, make what is held one's own, or move to another time."""
    before = step.after
    if before.state == "held":
        if before.appointment_id is not None:
            await bookings.book_held(step.tx, _everywhere(step), before.appointment_id)
        if before.bed_hold is not None:
            await reservation.keep_bed(step.tx, before.bed_hold)
    else:
        asked = await _asked(step)
        if before.state == "booked":
            await _swap(step, asked)
        else:
            await _take(step, asked, held=False)
    step.change(state="booked", held_until=None, arranged_at=step.now, offered_at=None)
    await _tell(step, None)


async def defer(step: Step, row: Row) -> None:
    """Nothing is free: whoever was to see the patient, or was missed, is arranged no more."""
    step.change(state="deferred", offered_at=None, arranged_at=None, missed_from=None)
    arrange_nothing(step)


async def cancel_booking(step: Step, row: Row) -> None:
    await give_back(step, step.asked.note or _words(step.asked.reason) or "转诊预约已取消")
    step.change(state="accepted", arranged_at=None)


async def expire(step: Step, row: Row) -> None:
    await give_back(step, "占号超时")
    step.change(state="accepted", arranged_at=None)


async def no_show(step: Step, row: Row) -> None:
    """The appointment is a no-show too, and the bed is free again; the Task tells of neither any more."""
    if step.after.appointment_id is not None:
        await bookings.conclude(step.tx, _everywhere(step), step.after.appointment_id, "no-show")
    if step.after.bed_hold is not None:
        await reservation.release_bed(step.tx, step.after.bed_hold)
    step.change(state="no-show", appointment_id=None, bed_hold=None, arranged_at=None, missed_from=None)
    _tell_nothing(step)  # who was to see the patient and when stays: it is what was missed


async def arrive(step: Step) -> None:
    """Who comes has used the appointment; what is only held becomes used too. A bed stays kept until the admission takes it."""
    if step.after.appointment_id is not None:
        await bookings.conclude(step.tx, _everywhere(step), step.after.appointment_id, "fulfilled")
    if step.after.state == "held" and step.after.bed_hold is not None:
        await reservation.keep_bed(step.tx, step.after.bed_hold)
    step.change(held_until=None, missed_from=None)


async def give_back(step: Step, why: str) -> None:
    """Everything the referral has, to whoever it is open to. What is over already, or was used, is left alone."""
    held = step.after
    if held.appointment_id is None and held.bed_hold is None:
        return
    if held.appointment_id is not None:
        await reservation.end_appointment(step.tx, _everywhere(step), held.appointment_id, why)
    if held.bed_hold is not None:
        await reservation.release_bed(step.tx, held.bed_hold)
    step.change(appointment_id=None, bed_hold=None, held_until=None, missed_from=None)
    _tell_nothing(step)
    arrange_nothing(step)


async def _asked(step: Step) -> Asked:
    """The slots and the bed that were named, which must be the receiver's. Raises InvalidResource."""
    slots = tuple(_id(one, "Slot", "slot") for one in step.asked.slot)
    bed = _id(step.asked.bed, "Location", "bed") if step.asked.bed is not None else ""
    found = {row["id"]: row["institution"] for row in await step.tx.fetch(SLOTS, type_id("Slot"), list(slots))}
    for slot in slots:
        if slot not in found:
            raise fault("slot", f"There is no Slot/{slot} with places.", "号源不存在或已删除。", code="not-found")
        if found[slot] != step.after.to_org:
            raise fault("slot", f"Slot/{slot} is not the receiver's.", "该号源不属于接收机构。", code="business-rule")
    return Asked(slots, bed)


async def _take(step: Step, asked: Asked, *, held: bool) -> datetime | None:
    """All of it or none; until when, where it is only held."""
    tx, until = step.tx, None
    if asked.slots:
        patient = step.request["subject"]["reference"].removeprefix("Patient/")
        wish = Wish(patient, asked.slots, "referral", based_on=f"ServiceRequest/{step.request['id']}", also=await pools(tx, step.after))
        made = await (bookings.hold if held else bookings.book)(tx, step.scope, wish)
        step.change(appointment_id=made.id)
        await _arranged(step, made)
        if held:
            until = await tx.fetchval("select held_until from appointment where rid = $1", made.rid)
    elif held:
        minutes = float(await policy.value(tx, "booking.hold_minutes", tx.now))
        until = await tx.fetchval("select now() + $1::interval", timedelta(minutes=minutes))
    if asked.bed:
        step.change(bed_hold=await reservation.hold_bed(tx, step.scope, asked.bed, step.after.patient, until))
    return until


async def _swap(step: Step, asked: Asked) -> None:
    """What is named takes the place of what was had of its kind: slots of slots, a bed of a bed."""
    tx, before = step.tx, step.after
    if asked.slots and before.appointment_id is not None:
        moved = await bookings.move(tx, step.scope, before.appointment_id, asked.slots, await pools(tx, before))
        await _arranged(step, moved)
    elif asked.slots:
        await _take(step, Asked(asked.slots, ""), held=False)
    if asked.bed:
        if before.bed_hold is not None:
            await reservation.release_bed(tx, before.bed_hold)
        step.change(bed_hold=await reservation.hold_bed(tx, step.scope, asked.bed, before.patient, None))


async def _arranged(step: Step, made: Written) -> None:
    """Who will see the patient and when, out of the Appointment."""
    appointment = made.resource or {}
    actors = [str(one["actor"].get("reference", "")) for one in appointment.get("participant", ())]
    first = next((one for one in actors if not one.startswith("Patient/")), "")
    begins = datetime.fromisoformat(str(appointment["start"]).replace("Z", "+00:00"))
    marks.arrange(step.task, (await _who(step.tx, first)).json if first else None, resources.stamp(begins))
    await expect(step, begins)


async def expect(step: Step, begins: datetime) -> None:
    """The patient is expected then; from then on, and some grace (policy), somebody may say that nobody came."""
    grace = float(await policy.value(step.tx, "referral.no_show_after_minutes", step.now, step.after.to_org))
    step.change(missed_from=begins + timedelta(minutes=grace))


async def _who(tx: Tx, actor: str) -> Named:
    """A doctor, device or room and how it is called; for a post, its holder."""
    kind, _, id = actor.partition("/")
    row = await tx.fetchrow("select rid, body from resource where type = $1 and id = $2 and not deleted", type_id(kind), id)
    body: Resource = json.parse(opened(row["rid"], row["body"]).encode()) if row is not None else {}
    if kind == "PractitionerRole" and (holder := body.get("practitioner", {}).get("reference")):
        found = await _who(tx, holder) if holder.startswith("Practitioner/") else Named(holder)
        return found if found.name else Named(holder, str(body["practitioner"].get("display", "")))
    if kind == "Practitioner":
        return Named(actor, resources.person_name(body))
    name = body.get("name")
    return Named(actor, name if isinstance(name, str) else "")


async def _tell(step: Step, until: datetime | None) -> None:
    """What is held or booked, on the Task."""
    parts: list[Resource] = []
    if step.after.appointment_id is not None:
        parts.append({"url": "appointment", "valueReference": {"reference": f"Appointment/{step.after.appointment_id}"}})
    if step.after.bed_hold is not None:
        parts.append({"url": "bed", "valueReference": (await reservation.bed(step.tx, step.after.bed_hold)).json})
    if until is not None:
        parts.append({"url": "heldUntil", "valueInstant": until.isoformat(timespec="milliseconds")})
    others = [one for one in step.task.get("extension", []) if one.get("url") != urls.REFERRAL_BOOKED]
    step.task["extension"] = [*others, {"url": urls.REFERRAL_BOOKED, "extension": parts}]


def _tell_nothing(step: Step) -> None:
    """Nothing is held or booked any more."""
    step.task["extension"] = [one for one in step.task.get("extension", []) if one.get("url") != urls.REFERRAL_BOOKED]


def arrange_nothing(step: Step) -> None:
    """It is not said any more who sees the patient and when."""
    step.task["extension"] = [one for one in step.task.get("extension", []) if one.get("url") != urls.ARRANGED]


def _everywhere(step: Step) -> RoomScope:
    """Who acts, with what it takes to give back or use what the referral has, also for a patient or a sender."""
    return lent(step.scope, RoomScope, "everything")


def _id(reference: Resource, kind: str, name: str) -> str:
    target = references.parse(str(reference.get("reference", "")))
    if not isinstance(target, references.Local) or target.type != kind:
        raise fault(name, f"{name!r} is a reference to a {kind} on this server.", "引用格式不正确。", code="invalid")
    return target.id


def _words(reason: Resource | None) -> str:
    if reason is None:
        return ""
    return str(reason.get("text") or next((c.get("display", "") for c in reason.get("coding", ())), ""))


__all__ = [
    "arrange_nothing",
    "arrive",
    "book",
    "cancel_booking",
    "defer",
    "expect",
    "expire",
    "give_back",
    "hold",
    "is_direct",
    "no_show",
    "pools",
]
