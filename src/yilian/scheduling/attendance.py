"""签到与叫号: who has come, with which number, and who is next.

    waiting → called → done          $check-in, $call, $fulfil
              called → passed → called   did not answer; called again by number
    waiting, called, passed → left   cancelled after all

The number counts up within a schedule, a day and a part of it (午别) and has no gaps: it is taken in the transaction of the check-in.
Called are first those who go before (`booking.priority_age`, or what the desk found), then by the time that was booked, or, of whoever came
late, by when they came. The clock is the database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import grounds
from yilian.errors import Conflict, Forbidden, NotFound
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.identity import visits
from yilian.scheduling import allowed, bookings, leaving, seen
from yilian.sealing.keyring import opened
from yilian.search.parameters import parameters_of
from yilian.store import read
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

VISITS = ("clinic", "expert", "day-surgery")
"""Kinds of schedules whose check-in begins a visit; who comes for an examination alone is examined, not admitted."""
SHARED = ("clinic", "expert")
"""Of these, those that belong to a visit which the desk has registered already today."""
PRIORITY = "老年人优先"

NUMBER = """
insert into queue_number (schedule, day, session, last) values ($1, $2, $3, 1)
on conflict (schedule, day, session) do update set last = queue_number.last + 1 returning last
"""
COME = """
insert into attendance (appointment, schedule, day, session, number, rank, why, turn, state, came)
values ($1, $2, $3, $4, $5, $6, $7, greatest($8::timestamptz, now()), 'waiting', now()) returning *
"""
"""greatest: who is early has the turn that was booked, who is late the time of coming."""
NEXT = """
select a.appointment, r.id from attendance a join resource r on r.rid = a.appointment
where a.schedule = $1 and a.day = (now() at time zone $2)::date and a.state = 'waiting'
order by a.rank, a.turn, a.number limit 1 for update of a skip locked
"""
BEFORE = """
select count(*) from attendance o join attendance a on a.appointment = $1
where o.schedule = a.schedule and o.day = a.day and o.state = 'waiting' and (o.rank, o.turn, o.number) < (a.rank, a.turn, a.number)
"""
PLANNED = f"""
select r.id from index_reference i join resource r on r.rid = i.rid and not r.deleted
where i.target = $1 and i.param = {parameters_of("Encounter")["appointment"].id} order by r.rid desc limit 1
"""
"""The visit somebody planned with an appointment, or registered with it."""


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody who has come. before: how many are called earlier; encounter: the id of the visit, "" for none."""

    appointment: Json
    number: int
    session: str
    state: str
    rank: int
    before: int
    encounter: str


async def check_in(tx: Tx, scope: Scope, id: str, *, why: str = "") -> Here:
    """签到, in `tx`: the next number, the ground for the institution to read the record, and the visit. Again: the number there is.

    why: what puts somebody before the others, at a desk. Raises NotFound; Conflict for what is not booked, too early or too late; Forbidden
    for residents where policy `booking.self_check_in` says so.
    """
    if why:
        seen.require_staff(scope, writes=True)
    stored, row = await bookings.locked(tx, scope, id)
    own = scope.reach == "self"
    if own and not await policy.value(tx, "booking.self_check_in", tx.now, row["institution"]):
        raise Forbidden("Check in at the desk of the institution.", zh="该机构请到服务台签到取号。")
    if not own:
        _require_there(scope, row)
    if row["state"] == "checked-in":
        return await _here(tx, row["rid"], parse(stored.body))
    if row["state"] != "booked":
        raise Conflict("Only what is booked can be checked in.", zh="该预约不是“已预约”状态,不能签到。")
    await _in_time(tx, row)
    if not why and await _goes_before(tx, row):
        why = PRIORITY
    number = await tx.fetchval(NUMBER, row["schedule"], row["day"], session := session_of(row["starts"]))
    await tx.execute(COME, row["rid"], row["schedule"], row["day"], session, number, 0 if why else 1, why, row["starts"])
    hours = timedelta(hours=float(await policy.value(tx, "booking.visit_hours", tx.now, row["institution"])))
    await grounds.open_visit_ground(tx, row["institution"], row["patient"], tx.now + hours)
    written = await bookings.step(tx, scope, stored, row, "checked-in")
    if (visit := await _begin(tx, scope, row, id)) is not None:
        await tx.execute("update attendance set encounter = $2 where appointment = $1", row["rid"], visit)
    return await _here(tx, row["rid"], written.resource or {})


async def call_next(tx: Tx, scope: Scope, schedule: str) -> Here | None:
    """叫号: who is next of a schedule (logical id) today, in `tx`; None where nobody waits. Two who call at once call different people.
    Raises NotFound for a schedule that is not of the scope's institution."""
    seen.require_staff(scope, writes=True)
    rid = await tx.fetchval(
        "select s.rid from schedule s join resource r using (rid) where r.type = $1 and r.id = $2 and s.institution = $3",
        type_id("Schedule"),
        schedule,
        scope.institution_rid,
    )
    if rid is None:
        raise NotFound(f"There is no Schedule/{schedule} of your institution.", zh="没有找到本机构的这个排班。")
    found = await tx.fetchrow(NEXT, rid, str(region_zone()))
    return None if found is None else await call(tx, scope, found["id"])


async def call(tx: Tx, scope: Scope, id: str) -> Here:
    """Call this one, first or again, in `tx`. Raises NotFound, and Conflict for who is not here, or is done."""
    return await _move(tx, scope, id, ("waiting", "called", "passed"), "called", "calls = calls + 1, called = now()")


async def pass_over(tx: Tx, scope: Scope, id: str) -> Here:
    """过号: did not answer, in `tx`; called again by number. Raises as `call`."""
    return await _move(tx, scope, id, ("called",), "passed")


async def fulfil(tx: Tx, scope: Scope, id: str) -> Here:
    """就诊完成, in `tx`: the appointment is fulfilled and its visit ends (`visits.end`), unless somebody else has still to see the patient
    in the same visit. Raises as `call`."""
    seen.require_staff(scope, writes=True)
    stored, row = await bookings.locked(tx, scope, id)
    _require_there(scope, row)
    if row["state"] != "checked-in":
        raise Conflict("Only who has checked in can be done.", zh="患者尚未签到,或已就诊完成。")
    await tx.execute("update attendance set state = 'done', ended = now() where appointment = $1", row["rid"])
    written = await bookings.step(tx, scope, stored, row, "fulfilled")
    await leaving.end_visit(tx, scope, row)
    return await _here(tx, row["rid"], written.resource or {})


def session_of(starts: datetime) -> str:
    """午别 of a slot, in the region's zone: morning until 12, afternoon until 18, evening."""
    hour = starts.astimezone(region_zone()).hour
    return "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"


def age_on(born: str, day: date) -> int | None:
    """Whole years on that day; None where the year of birth alone does not tell."""
    parts = [int(part) for part in born.split("-") if part.isdigit()]
    if len(parts) < 3:
        return day.year - parts[0] - 1 if parts else None
    return day.year - parts[0] - ((day.month, day.day) < (parts[1], parts[2]))


async def _move(tx: Tx, scope: Scope, id: str, before: tuple[str, ...], state: str, also: str = "") -> Here:
    seen.require_staff(scope, writes=True)
    stored, row = await bookings.locked(tx, scope, id)
    _require_there(scope, row)
    sets = f"state = $2{', ' + also if also else ''}"
    sql = f"update attendance set {sets} where appointment = $1 and state = any($3::text[]) returning number"
    changed = await tx.fetchval(sql, row["rid"], state, list(before))
    if changed is None:
        raise Conflict("This person is not here, or is done.", zh="该患者尚未签到、未被叫号或已就诊完成。")
    return await _here(tx, row["rid"], parse(stored.body))


def _require_there(scope: Scope, row: Any) -> None:
    """Who is called and checked in at a desk is so at the institution's own."""
    if scope.reach == "everything":
        return
    if row["institution"] != scope.institution_rid:
        raise Forbidden("This appointment is at another institution.", zh="该预约不在本机构,不能在此签到或叫号。")


async def _in_time(tx: Tx, row: Any) -> None:
    early = timedelta(minutes=float(await policy.value(tx, "booking.check_in_minutes", tx.now, row["institution"])))
    late = (await allowed.rulebook(tx, row["institution"])).late
    if await tx.fetchval("select now() < $1::timestamptz - $2::interval", row["starts"], early):
        opens = (row["starts"] - early).astimezone(region_zone())
        raise Conflict(f"Checking in begins at {opens:%Y-%m-%d %H:%M}.", zh=f"尚未到签到时间,{opens:%m-%d %H:%M} 起可以签到。")
    if await tx.fetchval("select now() > $1::timestamptz + $2::interval", row["ends"], late):
        raise Conflict("It is too late to check in.", zh="已超过签到时限,该号作废,请重新预约或到现场挂号。")


async def _goes_before(tx: Tx, row: Any) -> bool:
    body = await tx.fetchval("select body from resource where rid = $1", row["patient"])
    born = str(parse(opened(row["patient"], body).encode()).get("birthDate", ""))
    age = age_on(born, row["day"]) if born else None
    return age is not None and age >= int(await policy.value(tx, "booking.priority_age", tx.now, row["institution"]))


async def _begin(tx: Tx, scope: Scope, row: Any, appointment: str) -> int | None:
    """The visit of this appointment: the one that was planned for it arrives, or the one under way in that department is its own too, or a
    new one begins. Its rid; None where a check-in begins none."""
    kind = await tx.fetchval("select kind from schedule where rid = $1", row["schedule"])
    if kind not in VISITS:
        return None
    desk = await leaving.desk_of(tx, scope, row["institution"])
    planned = await tx.fetchval(PLANNED, row["rid"])
    if planned is not None:
        stored = await read.by_id(tx, desk, "Encounter", planned)
        status = parse(stored.body).get("status")
        if status == "planned":
            return (await visits.arrive(tx, desk, planned, None)).rid
        if status in visits.OPEN:
            return stored.rid
    patient = await tx.fetchval("select id from resource where rid = $1", row["patient"])
    if kind in SHARED and (there := await visits.under_way(tx, desk, patient, row["specialty"])) is not None:
        return (await visits.belong(tx, desk, there, appointment, row["specialty"])).rid
    done = await visits.register(tx, desk, patient, kind="outpatient", specialty=row["specialty"], appointment=appointment)
    return done.rid


async def _here(tx: Tx, rid: int, appointment: Json) -> Here:
    row = await tx.fetchrow(
        "select a.*, r.id as visit from attendance a left join resource r on r.rid = a.encounter where a.appointment = $1", rid
    )
    assert row is not None
    before = await tx.fetchval(BEFORE, rid) if row["state"] == "waiting" else 0
    return Here(appointment, row["number"], row["session"], row["state"], row["rank"], before, row["visit"] or "")
