"""Holding, booking, moving and cancelling: one transaction each, all places or none.

An Appointment of ours has its row in `appointment` and its places in `place`. Whoever asks for several slots (expert, examination and bed
of a referral) gets them all or is told which one is gone. IHE Scheduling, ITI-116 and ITI-117: https://profiles.ihe.net/ITI/Scheduling/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from asyncpg.exceptions import UniqueViolationError

from yilian import jobs, policy
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.scheduling import absences, allowed, leaving, places, seen, waiting_list
from yilian.scheduling.standing import Standing, standing
from yilian.store import read
from yilian.store.change import Change, Written
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

EXPIRE = "scheduling.expire"
MOST_SLOTS = 10
CHANNELS = ("web", "phone", "self-service", "on-site", "referral", "system")
LIVE = ("held", "booked", "checked-in")
STATUS = {
    "held": "pending", "booked": "booked", "checked-in": "checked-in", "fulfilled": "fulfilled", "no-show": "noshow",
    "cancelled": "cancelled", "expired": "cancelled",
}  # fmt: skip
"""Our states as Appointment.status."""

SLOTS = """
select r.id, s.rid, s.schedule, s.institution, s.kind, s.specialty, s.actor, s.day, s.starts, s.ends, s.stopped,
       a.type as actor_type, a.id as actor_id
from resource r join slot s on s.rid = r.rid join resource a on a.rid = s.actor
where r.type = $1 and r.id = any($2::text[]) and not r.deleted
"""
ROW = """
insert into appointment (rid, ver, patient, person, schedule, day, starts, ends, institution, specialty, state, held_until, channel, pool, booked_by, created, agent)
values ($1, $2, $3, coalesce((select person from person_member where patient = $3), $3), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""  # noqa: E501
ELSEWHEN = """
update appointment set schedule = $2, day = $3, starts = $4, ends = $5, institution = $6, specialty = $7, reminded = 0 where rid = $1
"""
MOVED = "update appointment set ver = $2, state = $3, held_until = $4, ended = $5 where rid = $1"


@dataclass(frozen=True, slots=True)
class Part:
    """One visit of a series: of which (a UUID), the how manyth from 1, of how many."""

    series: str
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. patient, slots: logical ids; the first slot is what the patient comes for. based_on: a ServiceRequest or "".
    also: pools that are open because of what is booked for, besides those of the asker. series: the visits it belongs to
    (`series.book`)."""

    patient: str
    slots: tuple[str, ...]
    channel: str
    reason: str = ""
    based_on: str = ""
    also: tuple[str, ...] = ()
    series: Part | None = None


@dataclass(frozen=True, slots=True)
class RoomScope(Scope):
    """The room's own permission to write Appointments with places, which nobody writes plainly (`guard`)."""


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`: an Appointment that has places, or asks for some, is written by the operations alone. Raises Conflict."""
    if isinstance(scope, RoomScope) or waiting_list.keeps(scope):
        return
    mine = [change for change in changes if change.type == "Appointment"]
    if not mine:
        return
    asked = {str(slot.get("reference", "")).removeprefix("Slot/") for one in mine for slot in (one.resource or {}).get("slot", ())}
    known = await tx.fetchval(
        """
        select exists (select from appointment a join resource r using (rid) where r.type = $1 and r.id = any($2::text[]))
            or exists (select from slot s join resource r using (rid) where r.type = $3 and r.id = any($4::text[]))
            or exists (select from waiting w join resource r using (rid) where r.type = $1 and r.id = any($2::text[]))
        """,
        type_id("Appointment"),
        [one.id for one in mine if one.id],
        type_id("Slot"),
        list(asked),
    )
    if known:
        raise Conflict(
            "Appointments with slots of this platform are made, moved and cancelled by $hold, $book, $cancel and $reschedule.",
            expression="Appointment.slot",
            zh="本平台的号源请通过预约、改约、取消操作办理。",
        )


async def hold(tx: Tx, scope: Scope, wish: Wish) -> Written:
    """Keep these places for some minutes (policy `booking.hold_minutes`), in `tx`. Raises as `book`."""
    length = timedelta(minutes=float(await policy.value(tx, "booking.hold_minutes", tx.now)))
    written = await _take(tx, scope, wish, await tx.fetchval("select now() + $1::interval", length))
    await jobs.enqueue(tx, EXPIRE, {"appointment": written.id}, run_at=tx.now + length)
    return written


async def book(tx: Tx, scope: Scope, wish: Wish) -> Written:
    """Take these places for good, in `tx`.

    Raises NotFound for a patient or slot the asker does not see, BadRequest for slots that make no visit, Conflict where a place is gone,
    stopped, not open to the asker yet, or the person has one on that day already.
    """
    return await _take(tx, scope, wish, None)


async def book_held(tx: Tx, scope: Scope, id: str) -> Written:
    """Turn a hold into a booking, in `tx`. Raises NotFound, and Conflict where the hold is over."""
    stored, row = await _locked(tx, scope, id)
    if row["state"] != "held" or not await places.keep(tx, row["rid"]):
        raise Conflict("The hold of this appointment is over; choose again.", zh="占号已超时释放,请重新选择。")
    written = await _step(tx, scope, stored.body, row, "booked")
    await waiting_list.booked(tx, row["rid"])
    return written


async def cancel(tx: Tx, scope: Scope, id: str, reason: str) -> Written:
    """Give the places back, in `tx`; who waits for one of them is offered it, and the visit of who had come ends (`leaving`).
    Raises NotFound, and Conflict for what is over, and for patients who come too late to cancel by the rules (`rulebooks`)."""
    stored, row = await _locked(tx, scope, id)
    if row["state"] not in LIVE:
        raise Conflict("This appointment is over.", zh="该预约已结束,不能取消。")
    await absences.note_cancelled(tx, scope, row)
    if row["state"] == "checked-in":
        await leaving.leave(tx, scope, row)
    freed = await places.give_back(tx, row["rid"])
    written = await _step(tx, scope, stored.body, row, "cancelled", reason)
    await waiting_list.let_go(tx, row["rid"])
    await waiting_list.pass_on(tx, freed)
    return written


async def move(tx: Tx, scope: Scope, id: str, slots: tuple[str, ...], also: tuple[str, ...] = ()) -> Written:
    """Another time for the same appointment, in `tx`: what it had is given back only if the new places are had. `also` as in `Wish`.
    Raises as `book`, and Conflict for what is not booked."""
    stored, row = await _locked(tx, scope, id)
    if row["state"] != "booked":
        raise Conflict("Only what is booked can be moved.", zh="只有已预约成功的才能改约。")
    await absences.require_in_time(tx, scope, row)
    wish = Wish("", slots, row["channel"])
    found = await _slots(tx, wish)
    here = replace(await standing(tx, scope, row["patient"]), also=also)
    freed = await places.give_back(tx, row["rid"])
    await _reserve(tx, row["rid"], found, here, None)
    first = found[0]
    starts, ends = _span(found)
    try:
        async with tx.savepoint():
            await tx.execute(ELSEWHEN, row["rid"], first["schedule"], first["day"], starts, ends, first["institution"], first["specialty"])
    except UniqueViolationError:
        raise _twice() from None
    old, times = _without_meta(stored.body), _times(found)
    patients = [one for one in old["participant"] if str(one["actor"].get("reference", "")).startswith("Patient/")]
    written = await _write(tx, scope, row, {**old, **times, "participant": [*patients, *times["participant"]]}, "booked")
    await waiting_list.pass_on(tx, [slot for slot in freed if slot not in {one["rid"] for one in found}])
    return written


def of_the_house(scope: Scope) -> RoomScope:
    """The permission to move and cancel what is booked in one's own institution. Whoever asks for it has looked whose it is."""
    return lent(scope, RoomScope, "everything")


async def expire(tx: Tx, scope: Scope, id: str) -> Written | None:
    """End a hold whose time is over, in `tx`; None where there is nothing to end (it was booked, or cancelled). Places that somebody else
    has taken meanwhile stay theirs."""
    stored, row = await _locked(tx, scope, id)
    if row["state"] != "held" or not row["is_over"]:
        return None
    freed = await places.give_back(tx, row["rid"])
    written = await _step(tx, scope, stored.body, row, "expired", "占号超时")
    await waiting_list.let_go(tx, row["rid"])
    await waiting_list.pass_on(tx, freed)
    return written


async def offer(tx: Tx, wish: Wish, here: Standing, until: datetime, agent: str) -> Written:
    """Hold places for somebody who waits, as whom the wait was asked for, in `tx`. `until`: aware, by the database's clock. `agent`: who
    asked to wait ("Patient/…"), and books with it. Raises as `book`."""
    written = await _take(tx, SYSTEM, wish, until, here)
    await tx.execute("update appointment set agent = $2 where rid = $1", written.rid, agent)
    await jobs.enqueue(tx, EXPIRE, {"appointment": written.id}, run_at=tx.now + (until - await tx.fetchval("select now()")))
    return written


async def step(tx: Tx, scope: Scope, stored: Stored, row: Any, state: str) -> Written:
    """The next state of an Appointment (a key of `STATUS`) that somebody has looked at, as `seen.appointment` and its locked row, in `tx`.
    For the rooms beside this one: they decide whether it may be."""
    return await _step(tx, scope, stored.body, row, state)


async def locked(tx: Tx, scope: Scope, id: str) -> tuple[Stored, Any]:
    """The Appointment as this asker may deal with it, and its row, locked in `tx`. Raises NotFound."""
    return await _locked(tx, scope, id)


async def _take(tx: Tx, scope: Scope, wish: Wish, until: datetime | None, here: Standing | None = None) -> Written:
    seen.require_booking(scope)
    patient = await read.by_id(tx, scope, "Patient", wish.patient)
    slots = await _slots(tx, wish)
    await allowed.require(tx, scope, patient, slots, wish.channel)
    here = replace(here or await standing(tx, scope, patient.rid), also=wish.also)
    if not await _is_worth_trying(tx, slots, here):
        raise _gone()
    [written] = await write(tx, _permission(scope), [Change("POST", "Appointment", None, _appointment(wish, slots, until, tx.now))])
    first = slots[0]
    state = "booked" if until is None else "held"
    starts, ends = _span(slots)
    pool = here.name(first["institution"])
    try:
        async with tx.savepoint():
            await tx.execute(
                ROW, written.rid, written.version, patient.rid, first["schedule"], first["day"], starts, ends, first["institution"],
                first["specialty"], state, until, wish.channel, pool, here.institution or scope.institution_rid or None, tx.now,
                scope.agent,
            )  # fmt: skip
    except UniqueViolationError:
        raise _twice() from None
    await _reserve(tx, written.rid, slots, here, until)
    if until is None:
        await waiting_list.served(tx, patient.rid, first)
    return written


async def _reserve(tx: Tx, appointment: int, slots: Sequence[Any], here: Standing, until: datetime | None) -> None:
    for slot in sorted(
        slots, key=lambda one: one["rid"]
    ):  # in one order, so that two who want the same do not wait for each other in a ring
        if await places.take(tx, slot["rid"], appointment, here.pools(slot["institution"]), until) is None:
            raise _gone(slot)


def _twice() -> Conflict:
    zh = "同一人同日同一医师(项目)限约一次,已有预约。"
    return Conflict("This person has an appointment with the same schedule on that day already.", zh=zh)


def _span(slots: Sequence[Any]) -> tuple[datetime, datetime]:
    return min(slot["starts"] for slot in slots), max(slot["ends"] for slot in slots)


def _gone(slot: Any = None) -> Conflict:
    when = f" at {slot['starts'].astimezone(region_zone()):%Y-%m-%d %H:%M}" if slot else ""
    zh = f"{slot['starts'].astimezone(region_zone()):%m-%d %H:%M} 的" if slot else ""
    return Conflict(f"There is no place left{when} that is open to you; choose another.", zh=f"{zh}号源已被约满或尚未开放,请另选时段。")


async def _is_worth_trying(tx: Tx, slots: Sequence[Any], here: Standing) -> bool:
    """Whether each slot has a place that is free or held just now: most of those who come too late are told before anything is written."""
    for slot in slots:
        if slot["stopped"]:
            raise Conflict("This slot was stopped.", zh="该时段已停诊,请另选时段。")
        sql = f"select exists (select from place p where p.slot = $1 and {places.FREE} and {places.open_to('$2')})"
        if not await tx.fetchval(sql, slot["rid"], list(here.pools(slot["institution"]))):
            return False
    return True


async def _slots(tx: Tx, wish: Wish) -> list[Any]:
    if not 1 <= len(wish.slots) <= MOST_SLOTS or len(set(wish.slots)) != len(wish.slots):
        raise BadRequest(f"An appointment has 1 to {MOST_SLOTS} different slots.", expression="Appointment.slot", zh="请选择时段。")
    if wish.channel not in CHANNELS:
        raise BadRequest(f"channel is one of {', '.join(CHANNELS)}.", zh="预约渠道不正确。")
    found = {row["id"]: row for row in await tx.fetch(SLOTS, type_id("Slot"), list(wish.slots))}
    missing = [id for id in wish.slots if id not in found]
    if missing:
        raise NotFound(f"There is no Slot/{missing[0]} with places.", expression="Appointment.slot", zh="号源不存在或已删除。")
    slots = [found[id] for id in wish.slots]
    if len({slot["institution"] for slot in slots}) > 1:
        raise BadRequest(
            "The slots of one appointment are of one institution.", expression="Appointment.slot", zh="一次预约的时段须属于同一机构。"
        )
    return slots


def _appointment(wish: Wish, slots: Sequence[Any], until: datetime | None, now: datetime) -> Json:
    made: Json = {
        "resourceType": "Appointment",
        "extension": [
            {"url": urls.BOOKING_CHANNEL, "valueCode": wish.channel},
            *([{"url": urls.HELD_UNTIL, "valueInstant": until.isoformat(timespec="milliseconds")}] if until else []),
            *([_part(wish.series)] if wish.series else []),
        ],
        "status": STATUS["held" if until else "booked"],
        "created": _local(now),
        "participant": [{"actor": {"reference": f"Patient/{wish.patient}"}, "status": "accepted"}],
    }
    if wish.reason:
        made["reasonCode"] = [{"text": wish.reason}]
    if wish.based_on:
        made["basedOn"] = [{"reference": wish.based_on}]
    times = _times(slots)
    return {**made, **times, "participant": [*made["participant"], *times["participant"]]}


def _part(part: Part) -> Json:
    return {
        "url": urls.APPOINTMENT_SERIES,
        "extension": [
            {"url": "series", "valueUri": f"urn:uuid:{part.series}"},
            {"url": "number", "valuePositiveInt": part.number},
            {"url": "of", "valuePositiveInt": part.of},
        ],
    }


def _times(slots: Sequence[Any]) -> Json:
    """When, and with whom: what of an Appointment follows from its slots."""
    starts, ends = _span(slots)
    actors = dict.fromkeys(f"{RESOURCE_TYPES[slot['actor_type'] - 1]}/{slot['actor_id']}" for slot in slots)
    made: Json = {
        "start": starts.isoformat(timespec="milliseconds"),
        "end": ends.isoformat(timespec="milliseconds"),
        "slot": [{"reference": f"Slot/{slot['id']}"} for slot in slots],
        "participant": [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors],
    }
    if slots[0]["specialty"]:
        made["specialty"] = [{"coding": [{"system": urls.SPECIALTY, "code": slots[0]["specialty"]}]}]
    return made


def _local(moment: datetime) -> str:
    return moment.astimezone(region_zone()).isoformat(timespec="seconds")


def _permission(scope: Scope) -> RoomScope:
    return lent(scope, RoomScope, "everything" if scope.reach == "self" else scope.reach)


async def _locked(tx: Tx, scope: Scope, id: str) -> tuple[Stored, Any]:
    """The Appointment as this asker sees it, and its row, locked."""
    seen.require_booking(scope)
    stored = await seen.appointment(tx, scope, id)
    row = await tx.fetchrow("select *, held_until <= now() as is_over from appointment where rid = $1 for update", stored.rid)
    if row is None:
        raise NotFound(f"Appointment/{id} was not booked here.", zh="该预约不是在本平台预约的。")
    return stored, row


async def _step(tx: Tx, scope: Scope, body: bytes, row: Any, state: str, reason: str = "") -> Written:
    """The next version of the Appointment in this state."""
    resource = _without_meta(body)
    resource["status"] = STATUS[state]
    resource["extension"] = [one for one in resource["extension"] if one["url"] != urls.HELD_UNTIL]
    if reason:
        resource["cancelationReason"] = {"text": reason}
    return await _write(tx, scope, row, resource, state)


def _without_meta(body: bytes) -> Json:
    return {key: value for key, value in parse(body).items() if key != "meta"}


async def _write(tx: Tx, scope: Scope, row: Any, resource: Json, state: str) -> Written:
    """The next version of the Appointment and of its row. Who may is known by then (`_locked`), also who has no ground for the patient."""
    [written] = await write(tx, lent(scope, RoomScope, "everything"), [Change("PUT", "Appointment", resource["id"], resource)])
    await tx.execute(MOVED, row["rid"], written.version, state, None, None if state in LIVE else tx.now)
    return written


async def conclude(tx: Tx, scope: Scope, id: str, state: str) -> Written | None:
    """What became of a booking that nobody checked in: `fulfilled` or `no-show`, in `tx`; None where that is not so. Its places stay used.
    A referral says it where the patient was received without the desk. Raises NotFound."""
    stored, row = await _locked(tx, scope, id)
    if row["state"] not in ("held", "booked") or state not in ("fulfilled", "no-show"):
        return None
    if row["state"] == "held":
        await places.keep(tx, row["rid"])
    return await _step(tx, scope, stored.body, row, state)
