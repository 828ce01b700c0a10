"""预约 of the demo region: what is booked for today and the days that follow, so that no list of 号源 and 预约 is empty.

What is done is always the same and is done by the commands desks, doctors and the resident use (`scheduling`). The clock decides what of a
day is left: who is too late for today comes on the next day of that schedule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from yilian.demo.region import Region
from yilian.errors import Conflict, NotFound
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.scheduling import attendance, bookings, places, stops, waiting_list
from yilian.scheduling.standing import standing
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

CHANNEL = {"registrar": "on-site", "registrar2": "on-site", "coordinator": "phone", "gp": "web", "gp2": "web", "resident": "web"}
"""How each of those who book does so."""
FULL = "yunxi-first-d03-expert"
"""An expert with one short afternoon a week that is booked out; two wait for it."""
FULL_FROM, FULL_PLACES = 2, 12
"""From so many days after the day of the region on; how many that afternoon has (`schedules`)."""
GROWN_UP = 18
TRIES = 6
"""How many patients are tried where one has an appointment there already."""

PATIENTS = """
select p.rid, p.id from resource p
where p.type = $1 and p.id = any($2::text[]) and not p.deleted and exists (
    select from access_ground g where g.patient = p.rid and g.institution = $3 and (g.until is null or g.until > now()))
order by (select count(*) from appointment a where a.patient = p.rid), md5(p.id || $4) limit $5
"""
"""Those an institution may book for, who has the fewest appointments first."""
OPEN = f"""
select r.id, s.day from slot s join resource r on r.rid = s.rid join resource c on c.rid = s.schedule
where c.type = $1 and c.id = $2 and s.day >= $3 and s.starts > now() + interval '5 minutes' and not s.stopped
    and (not $4 or s.starts at time zone $7 >= s.day + time '12:00')
    and exists (select from place p where p.slot = s.rid and {places.FREE} and {places.open_to("$5")})
order by s.day, case when $4 or s.day = (now() at time zone $7)::date then s.starts end, md5(r.id || $6) limit 1
"""
"""The first day with something open, of today the soonest time, of other days any."""
BOOKED_OUT = f"""
select s.day, o.id as institution, s.specialty from slot s join resource c on c.rid = s.schedule join resource o on o.rid = s.institution
where c.type = $1 and c.id = $2 and s.day >= $3 and s.starts > now()
group by 1, 2, 3
having not bool_or(exists (select from place p where p.slot = s.rid and {places.FREE} and p.opens <= now())) order by 1 limit 1
"""
TO_STOP = """
select a.day from appointment a join resource c on c.rid = a.schedule join resource p on p.rid = a.patient
where c.type = $1 and c.id = $2 and a.day >= $3 and a.starts > now() and a.state = 'booked'
group by 1 having not bool_or(p.id = $4) order by 1 limit 1
"""


@dataclass(frozen=True, slots=True)
class Order:
    """A visit to be booked by `who`, an account.

    schedule    id                     day     so many days after the day of the region, or the first after it with something open
    cancelled   why it is cancelled again, "" where it stands                desk    who checks in whoever comes within hours, "" for nobody
    full        it is one of those that fill an afternoon
    """

    who: str
    schedule: str
    day: int
    cancelled: str = ""
    desk: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waits for the afternoon that is booked out."""

    who: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A day on which somebody is booked with this schedule is stopped; who is to be moved stays to be moved."""

    who: str
    schedule: str
    day: int
    reason: str


Act = Order | Wait | Stop
Scoped = Callable[[str], Awaitable[Scope]]
"""The scope an account has after signing in."""

_COUNTY = ("yunxi-county-d01-clinic", "yunxi-county-d08-clinic", "yunxi-county-imaging")
_CITY = ("d02-clinic", "d06-clinic", "d18-clinic", "d01-expert", "d22-clinic", "d12-clinic", "d05-expert")


def acts() -> Iterator[Act]:
    """Everything that is done, in its order."""
    for number, day in enumerate((0, 0, 0, 0, 1, 1, 2, 3, 4, 6, 8, 10)):
        yield Order("registrar", _COUNTY[number % 3], day, "患者来电取消" if number in (5, 8) else "", desk="registrar")
    for number, day in enumerate((0, 0, 1, 2, 3, 5, 7)):
        yield Order("registrar2", "gp-clinic", day, "患者改日再来" if number == 5 else "", desk="registrar2")
    for number, day in enumerate((0, 1, 2, 4, 5, 7, 9)):
        yield Order("gp", f"yunxi-first-{_CITY[number]}", day, "病情好转,暂不就诊" if number == 4 else "", desk="coordinator")
    yield Order("gp2", "gp2-clinic", 0)
    yield Order("gp2", "gp2-clinic", 2)
    yield Order("gp2", "yunxi-county-d08-clinic", 3)
    yield Order("gp2", "yunxi-first-d14-clinic", 6)
    for day in (0, 0, 1, 3):
        yield Order("coordinator", "yunxi-first-d07-clinic", day, desk="coordinator")
    yield Order("resident", "yunxi-tcm-d12-expert", 3)
    yield Order("resident", "gp-clinic", 8)
    for number in range(FULL_PLACES):
        yield Order(("coordinator", "registrar2", "gp", "gp2")[number % 4], FULL, FULL_FROM, full=True)
    yield Wait("gp")
    yield Wait("registrar2")
    yield Stop("head", "gp-clinic", 2, "外出参加培训")


async def play(tx: Tx, region: Region, act: Act, number: int, scoped: Scoped) -> bool:
    """Do the `number`th of `acts`, in `tx`: whether it could be done. What is full, or over, is left out. Raises what the commands raise,
    but Conflict and NotFound."""
    scope = await scoped(act.who)
    if isinstance(act, Order):
        return await _order(tx, region, act, str(number), scope, scoped)
    if isinstance(act, Wait):
        return await _wait(tx, region, str(number), scope)
    day = await tx.fetchval(TO_STOP, type_id("Schedule"), act.schedule, region.today + timedelta(days=act.day), region.residents[0].id)
    if day is None:
        return False
    await stops.stop(tx, scope, act.schedule, _midnight(day), _midnight(day + timedelta(days=1)), act.reason)
    return True


async def _order(tx: Tx, region: Region, order: Order, key: str, scope: Scope, scoped: Scoped) -> bool:
    since = region.today + timedelta(days=order.day)
    for patient in await _patients(tx, region, scope, key):
        pools = (await standing(tx, scope, patient["rid"])).pools(scope.institution_rid)
        found = await tx.fetchrow(OPEN, type_id("Schedule"), order.schedule, since, order.full, list(pools), key, str(region_zone()))
        if found is None:
            return False
        try:
            async with tx.savepoint():
                made = await bookings.book(tx, scope, bookings.Wish(patient["id"], (found["id"],), _channel(scope)))
        except (Conflict, NotFound):
            continue
        if order.cancelled:
            await bookings.cancel(tx, scope, made.id, order.cancelled)
        elif order.desk and found["day"] == tx.now.astimezone(region_zone()).date():
            await _check_in(tx, await scoped(order.desk), made.id)
        return True
    return False


async def _check_in(tx: Tx, desk: Scope, id: str) -> None:
    try:
        async with tx.savepoint():
            await attendance.check_in(tx, desk, id)
    except Conflict:  # too early: expected later in the day
        return


async def _wait(tx: Tx, region: Region, key: str, scope: Scope) -> bool:
    since = region.today + timedelta(days=FULL_FROM)
    found = await tx.fetchrow(BOOKED_OUT, type_id("Schedule"), FULL, since)
    if found is None:
        return False
    for patient in await _patients(tx, region, scope, key):
        want = waiting_list.Want(patient["id"], found["institution"], found["specialty"], FULL, found["day"], found["day"], _channel(scope))
        try:
            async with tx.savepoint():
                await waiting_list.join(tx, scope, want)
        except (Conflict, NotFound):
            continue
        return True
    return False


async def _patients(tx: Tx, region: Region, scope: Scope, key: str) -> list[Any]:
    first, *others = region.residents
    if scope.reach == "self":
        return [{"rid": scope.patient_rid, "id": first.id}]
    grown = [one.id for one in others if one.died is None and one.age(region.today) >= GROWN_UP]
    return await tx.fetch(PATIENTS, type_id("Patient"), grown, scope.institution_rid, key, TRIES)


def _channel(scope: Scope) -> str:
    return CHANNEL[scope.user]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), region_zone())
