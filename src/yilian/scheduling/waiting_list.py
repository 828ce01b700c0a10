"""候补: who waits for a place, and how a place that comes free goes to whoever is first.

    waiting → offered → booked        the place was held for them, and taken
              offered → waiting       the hold ran out or was let go: at the end of the line; after `booking.wait_offers` of them: over
    waiting, offered → left           did not want to wait any more
    waiting → booked, over            got a place otherwise; the last day has passed

A wait is an Appointment of the status waitlist and a row of `waiting`. A place that somebody gives back is held for the first in line in
the same transaction, so nobody can come between. Places that come free otherwise (new slots, places that open) are found by the
sweep. Each offer is taken by whoever has locked the waiting row: two places that come free at once go to two people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from asyncpg.exceptions import UniqueViolationError

from yilian import jobs, policy
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest, Conflict, NotFound, YilianError
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.scheduling import allowed, places, seen, told
from yilian.scheduling.standing import of_institution
from yilian.store import read
from yilian.store.change import Change, Written
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Database, Tx

Json = dict[str, Any]

SWEEP = "scheduling.offer"
LONGEST = timedelta(days=92)
TRIES = 10
"""How many in line are asked before a place is left to everybody: those before could not take it."""
LIVE = ("waiting", "offered")

FITS = """
w.state = 'waiting' and w.institution = s.institution and w.specialty = s.specialty and (w.schedule is null or w.schedule = s.schedule)
    and s.day between w.first_day and w.last_day
"""
FIRST = f"""
select w.*, r.id, p.id as patient_id, c.id as slot_id, s.starts, s.schedule as slot_schedule
from waiting w join slot s on {FITS} join resource r on r.rid = w.rid join resource p on p.rid = w.patient and not p.deleted
join resource c on c.rid = s.rid
where s.rid = $1 and not s.stopped and s.starts > now() and w.rid <> all($2::bigint[])
order by w.line, w.rid limit 1 for update of w skip locked
"""
WAITED_FOR = f"""
select distinct s.rid, s.starts from waiting w join slot s on {FITS}
where not s.stopped and s.starts > now() and exists (select from place p where p.slot = s.rid and {places.FREE} and p.opens <= now())
order by s.starts limit 500
"""
OVER = "select r.id from waiting w join resource r using (rid) where w.state = 'waiting' and w.last_day < $1 limit 500"


@dataclass(frozen=True, slots=True)
class Want:
    """What somebody waits for. patient, institution, schedule: logical ids; schedule "" for anybody of the specialty (a code of
    `directory.specialties`) there. first, last: days in the region's zone, both included."""

    patient: str
    institution: str
    specialty: str
    schedule: str
    first: date
    last: date
    channel: str


@dataclass(frozen=True, slots=True)
class _Keeper(Scope):
    """The room's permission to write the Appointments of waits; `bookings.guard` knows it by `keeps`."""


def keeps(scope: Scope) -> bool:
    """Whether this is the permission of this room."""
    return isinstance(scope, _Keeper)


async def join(tx: Tx, scope: Scope, want: Want) -> Written:
    """Wait for a place, in `tx`; one that is free already is offered at once. Raises BadRequest, NotFound for a patient, institution or
    schedule the asker does not see, Conflict for who waits there already, in too many lines, or may not book."""
    seen.require_booking(scope)
    patient = await read.by_id(tx, scope, "Patient", want.patient)
    today = tx.now.astimezone(region_zone()).date()
    if not want.first <= want.last <= want.first + LONGEST or want.last < today:
        raise BadRequest(f"The days to wait for are at most {LONGEST.days}, and not past.", zh="候补日期不正确。")
    where = await _where(tx, want)
    await allowed.require(tx, scope, patient, [{**where, "day": want.first}], want.channel)
    most = int(await policy.value(tx, "booking.wait_most", tx.now, where["institution"]))
    there = await tx.fetchval(
        f"select count(*) from waiting where patient in ({allowed.RECORDS}) and state in ('waiting', 'offered')", patient.rid
    )
    if there >= most:
        raise Conflict(f"One person waits in at most {most} lines.", zh=f"每人最多同时候补 {most} 项。")
    [written] = await write(tx, _permission(scope), [Change("POST", "Appointment", None, _appointment(want, where))])
    try:
        async with tx.savepoint():
            await tx.execute(
                """
                insert into waiting (rid, patient, person, institution, specialty, schedule, first_day, last_day, asked_by, channel, agent,
                    line, state)
                values ($1, $2, coalesce((select person from person_member where patient = $2), $2), $3, $4, $5, $6, $7, $8, $9, $10, now(),
                    'waiting')
                """,
                written.rid, patient.rid, where["institution"], where["specialty"], where["schedule"], want.first, want.last,
                scope.institution_rid or None, want.channel, scope.agent,
            )  # fmt: skip
    except UniqueViolationError:
        raise Conflict("This person waits there already.", zh="已在该科室(医生)候补,无需重复登记。") from None
    free = await tx.fetch(f"select q.rid from ({WAITED_FOR}) q join slot s using (rid) where s.institution = $1", where["institution"])
    await pass_on(tx, [row["rid"] for row in free])
    return written


async def leave(tx: Tx, scope: Scope, id: str) -> Written:
    """Wait no more, in `tx`; a place that is held is let go. Raises NotFound, and Conflict for what is over."""
    from yilian.scheduling import bookings

    seen.require_booking(scope)
    stored = await seen.appointment(tx, scope, id)
    row = await tx.fetchrow("select * from waiting where rid = $1 for update", stored.rid)
    if row is None:
        raise NotFound(f"Appointment/{id} is no wait.", zh="没有找到该候补。")
    if row["state"] not in LIVE:
        raise Conflict("This wait is over.", zh="该候补已结束。")
    written = await _end(tx, row["rid"], stored.body, "left", scope)
    if row["offer"] is not None:
        offered = await tx.fetchval("select id from resource where rid = $1", row["offer"])
        await bookings.cancel(tx, SYSTEM, offered, "退出候补")
    return written


async def pass_on(tx: Tx, slots: Iterable[int]) -> int:
    """Offer places of these slots (rids) to whoever waits, as long as there are both, in `tx`: how many were offered. Who cannot have it is
    passed over; nothing that goes wrong with an offer goes wrong with what made the place free."""
    offered = 0
    for slot in sorted(set(slots)):
        tried = list[int]()
        while len(tried) < TRIES and (row := await tx.fetchrow(FIRST, slot, tried)) is not None:
            tried.append(row["rid"])
            try:
                async with tx.savepoint():
                    offered += await _offer(tx, row)
            except YilianError:
                continue
    return offered


async def booked(tx: Tx, appointment: int) -> None:
    """Who was offered this appointment (rid) took it, in its transaction."""
    row = await tx.fetchrow(
        "select w.rid, r.body from waiting w join resource r using (rid) where offer = $1 and state = 'offered'", appointment
    )
    if row is not None:
        await _end(tx, row["rid"], row["body"].encode(), "booked")


async def served(tx: Tx, patient: int, slot: Any) -> None:
    """Somebody (patient by rid) booked this slot (a row of `bookings.SLOTS`) otherwise: whoever waited for that waits no more."""
    rows = await tx.fetch(
        f"""
        select w.rid, r.body from waiting w join resource r using (rid) where w.patient in ({allowed.RECORDS}) and w.state = 'waiting'
            and w.institution = $2 and w.specialty = $3 and (w.schedule is null or w.schedule = $4)
            and $5 between w.first_day and w.last_day
        """,
        patient, slot["institution"], slot["specialty"], slot["schedule"], slot["day"],
    )  # fmt: skip
    for row in rows:
        await _end(tx, row["rid"], row["body"].encode(), "booked")


async def let_go(tx: Tx, appointment: int) -> None:
    """The hold of this appointment (rid) is over: who was offered it goes to the end of the line, or waits no more."""
    row = await tx.fetchrow(
        "select w.*, r.body from waiting w join resource r using (rid) where offer = $1 and state = 'offered' for update of w", appointment
    )
    if row is None:
        return
    if row["offers"] >= int(await policy.value(tx, "booking.wait_offers", tx.now, row["institution"])):
        await _end(tx, row["rid"], row["body"].encode(), "over")
        await told.wait_over(tx, row)
        return
    await tx.execute("update waiting set state = 'waiting', offer = null, line = now() where rid = $1", row["rid"])


async def sweep(db: Database, job: jobs.Job) -> dict[str, int]:
    """The job: offers what came free by itself, and ends what waited in vain."""
    offered = ended = 0
    async with db.reading() as tx:
        slots = await tx.fetch(WAITED_FOR)
        over = await tx.fetch(OVER, tx.now.astimezone(region_zone()).date())
    for slot in slots:
        async with db.transaction() as tx:
            offered += await pass_on(tx, [slot["rid"]])
    for one in over:
        async with db.transaction() as tx:
            stored = await read.by_id(tx, SYSTEM, "Appointment", one["id"])
            row = await tx.fetchrow("select * from waiting where rid = $1 and state = 'waiting' for update", stored.rid)
            if row is not None:
                await _end(tx, row["rid"], stored.body, "over")
                await told.wait_over(tx, row)
                ended += 1
    return {"offered": offered, "ended": ended}


async def _offer(tx: Tx, row: Any) -> int:
    """Hold the slot for who waits. Raises Conflict where it cannot be had, so that nothing of it stays."""
    from yilian.scheduling import bookings

    if (await allowed.barred(tx, row["patient"], row["institution"])) is not None:
        raise Conflict("Booking is barred.", zh="暂停预约。")
    here = await of_institution(tx, row["asked_by"] or 0, row["patient"])
    until = await _until(tx, row["institution"])
    if row["starts"] <= until:
        raise Conflict("Too soon to be offered.", zh="距就诊时间过近。")
    wish = bookings.Wish(row["patient_id"], (row["slot_id"],), row["channel"])
    held = await bookings.offer(tx, wish, here, until, row["agent"])
    await tx.execute("update waiting set state = 'offered', offer = $2, offers = offers + 1 where rid = $1", row["rid"], held.rid)
    await told.offered(tx, row, held.id, until)
    return 1


async def _until(tx: Tx, institution: int) -> datetime:
    """How long an offer that is made now is held; by the database's clock."""
    now: datetime = await tx.fetchval("select now()")
    length = timedelta(minutes=float(await policy.value(tx, "booking.wait_minutes", tx.now, institution)))
    night = await policy.value(tx, "booking.wait_night", tx.now, institution)
    local = now.astimezone(region_zone())
    since, until = time.fromisoformat(night["from"]), time.fromisoformat(night["until"])
    at = local.time()
    asleep = since <= at or at < until if since > until else since <= at < until
    if not asleep:
        return now + length
    morning = local.date() + timedelta(days=1 if since > until and at >= since else 0)
    return datetime.combine(morning, until, region_zone()) + length


async def _where(tx: Tx, want: Want) -> Json:
    institution = await tx.fetchrow(
        "select rid, body from resource where type = $1 and id = $2 and not deleted", type_id("Organization"), want.institution
    )
    if institution is None:
        raise NotFound(f"There is no Organization/{want.institution}.", zh="没有找到该机构。")
    name = str(parse(institution["body"].encode()).get("name", ""))
    if not want.schedule:
        if want.specialty not in SPECIALTIES:
            raise BadRequest("Say for which specialty or schedule to wait.", expression="specialty", zh="请选择候补的科室或医生。")
        return {"institution": institution["rid"], "name": name, "specialty": want.specialty, "schedule": None, "actor": ""}
    row = await tx.fetchrow(
        """
        select s.*, a.id as actor_id, a.type as actor_type from schedule s join resource r using (rid) join resource a on a.rid = s.actor
        where r.type = $1 and r.id = $2 and s.institution = $3 and s.active
        """,
        type_id("Schedule"), want.schedule, institution["rid"],
    )  # fmt: skip
    if row is None:
        raise NotFound(f"There is no Schedule/{want.schedule} of that institution.", zh="没有找到该机构的这个排班。")
    actor = f"{RESOURCE_TYPES[row['actor_type'] - 1]}/{row['actor_id']}"
    return {"institution": institution["rid"], "name": name, "specialty": row["specialty"], "schedule": row["rid"], "actor": actor}


def _appointment(want: Want, where: Json) -> Json:
    zone = region_zone()
    since, until = (datetime.combine(day, time(), zone) for day in (want.first, want.last + timedelta(days=1)))
    made: Json = {
        "resourceType": "Appointment",
        "extension": [{"url": urls.BOOKING_CHANNEL, "valueCode": want.channel}],
        "status": "waitlist",
        "requestedPeriod": [{"start": since.isoformat(timespec="seconds"), "end": until.isoformat(timespec="seconds")}],
        "participant": [{"actor": {"reference": f"Patient/{want.patient}"}, "status": "accepted"}],
    }
    if where["actor"]:
        made["participant"].append({"actor": {"reference": where["actor"]}, "status": "needs-action"})
    if where["specialty"]:
        name = SPECIALTIES.get(where["specialty"], where["specialty"])
        made["specialty"] = [{"coding": [{"system": urls.SPECIALTY, "code": where["specialty"], "display": name}]}]
    return made


async def _end(tx: Tx, rid: int, body: bytes, state: str, scope: Scope = SYSTEM) -> Written:
    """The wait is over: its row and its Appointment."""
    await tx.execute("update waiting set state = $2, offer = case when $2 = 'booked' then offer end where rid = $1", rid, state)
    resource = {key: value for key, value in parse(body).items() if key != "meta"}
    resource["status"] = "cancelled"  # without a start it can be nothing else (app-3): what was booked is an Appointment of its own
    resource["cancelationReason"] = {"text": {"booked": "候补成功,已预约", "left": "退出候补", "over": "候补到期,未能安排"}[state]}
    [written] = await write(tx, lent(scope, _Keeper, "everything"), [Change("PUT", "Appointment", resource["id"], resource)])
    return written


def _permission(scope: Scope) -> _Keeper:
    return lent(scope, _Keeper, "everything" if scope.reach == "self" else scope.reach)
