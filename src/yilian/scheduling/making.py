"""Slots made from the templates of schedules: what would become of them, applied at once or night by night.

What nobody has taken follows the template; what is taken stays as it was, and is stopped only where the template says leave (停诊). Slots
that somebody wrote by hand are left alone. Each schedule is a transaction, so a night that is cut short goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.errors import BadRequest, Conflict, Forbidden
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.scheduling import days as calendar
from yilian.scheduling.days import Days
from yilian.scheduling.planning import Planned, away_between, planned
from yilian.scheduling.templates import Template, template_of
from yilian.store import read
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Database, Tx

Json = dict[str, Any]

AHEAD = "scheduling.ahead"
"""The job that makes what is to be made, see `ahead`."""
LONGEST_PREVIEW = timedelta(days=92)

THERE = """
select s.rid, r.id, s.starts, s.ends, s.capacity, s.stopped, s.planned,
    (select count(*) from place p where p.slot = s.rid and p.appointment is not null) as taken
from slot s join resource r using (rid) where s.schedule = $1 and s.starts > $2 and s.day >= $3 and s.day < $4 order by s.starts
"""


@dataclass(frozen=True, slots=True)
class PlanScope(Scope):
    """The room's own permission to write the slots of a schedule its asker keeps."""


@dataclass(frozen=True, slots=True)
class There:
    """A slot as it is. taken: places somebody has or holds."""

    rid: int
    id: str
    starts: datetime
    ends: datetime
    places: int
    stopped: bool
    planned: bool
    taken: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What applying a template does: slots to make, to give another number of places, to remove, and to stop; and those that do not fit it
    and stay, since somebody has a place. `same`: how many are right already."""

    make: tuple[Planned, ...]
    resize: tuple[tuple[There, int], ...]
    remove: tuple[There, ...]
    stop: tuple[There, ...]
    stay: tuple[There, ...]
    same: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """A Difference for the days [since, until), with the calendar it was worked out by."""

    since: date
    until: date
    days: Days
    difference: Difference


def compare(there: Sequence[There], wanted: Sequence[Planned], away: Sequence[tuple[datetime, datetime]]) -> Difference:
    """What has to be done so that what is there becomes what is wanted. `away`: when somebody is on leave. Pure."""
    by_start = {one.starts: one for one in wanted}
    resize, remove, stop, stay, same = [], [], [], [], 0
    left: list[There] = []
    for slot in there:
        fits = by_start.get(slot.starts)
        if fits is not None and fits.ends == slot.ends:
            places = max(fits.places, slot.taken)
            if slot.planned and places != slot.places and not slot.stopped:
                resize.append((slot, places))
            else:
                same += 1
        elif not slot.planned or (slot.stopped and slot.taken):
            same += 1
        elif not slot.taken:
            remove.append(slot)
            continue
        elif any(slot.starts < end and begin < slot.ends for begin, end in away):
            stop.append(slot)
        else:
            stay.append(slot)
        left.append(slot)
    make = [one for one in wanted if not any(one.starts < slot.ends and slot.starts < one.ends for slot in left)]
    return Difference(tuple(make), tuple(resize), tuple(remove), tuple(stop), tuple(stay), same)


async def horizon(tx: Tx, institution: int | None = None) -> tuple[date, date]:
    """Today, and the day up to and without which slots are made (policy `booking.days_ahead`)."""
    today = tx.now.astimezone(region_zone()).date()
    return today, today + timedelta(days=int(await policy.value(tx, "booking.days_ahead", tx.now, institution)) + 1)


async def outlook(tx: Tx, scope: Scope, schedule: Json, until: date | None = None) -> Outlook:
    """What a Schedule, stored or not, would make of its slots from now on, up to and without a day (or as far as slots are made).

    Raises InvalidResource for a template that makes no sense, NotFound and Forbidden as `apply`, BadRequest for a day too far away.
    """
    row = await _row(tx, scope, str(schedule["id"]), planned=False) if schedule.get("id") else None
    since, usual = await horizon(tx, row["institution"] if row else scope.institution_rid or None)
    until = until or usual
    if not since < until <= since + LONGEST_PREVIEW:
        raise BadRequest(f"until is at most {LONGEST_PREVIEW.days} days away.", expression="until", zh="预览时间跨度过长。")
    return await _outlook(tx, row, template_of(schedule), since, until)


async def apply(tx: Tx, scope: Scope, id: str) -> Difference:
    """Bring the slots of a stored Schedule in line with its template, in `tx`: what was done.

    Raises NotFound for a Schedule the asker does not see, Forbidden for another institution's, Conflict for one without template.
    """
    row = await _row(tx, scope, id)
    stored = await read.by_id(tx, scope, "Schedule", id)
    return await _apply(tx, scope, row, parse(stored.body), whole=True)


async def ahead(db: Database) -> int:
    """Make the slots that come into reach, schedule by schedule, each in a transaction: how many slots. Safe to be called at any time, by
    several at once, and again after a crash. A template that was changed and not applied is applied then."""
    made = 0
    async with db.reading() as tx:
        rows = await tx.fetch(PLANS)
        reach = {institution: (await horizon(tx, institution))[1] for institution in {row["institution"] for row in rows}}
        due = [row["schedule"] for row in rows if row["made_until"] < reach[row["institution"]]]
    for schedule in due:
        async with db.transaction() as tx:
            row = await tx.fetchrow(f"{ROW} where s.rid = $1 for update of p skip locked", schedule)
            if row is None:
                continue
            _, until = await horizon(tx, row["institution"])
            if row["made_until"] >= until:
                continue
            stored = await read.by_id(tx, SYSTEM, "Schedule", row["id"])
            made += len((await _apply(tx, SYSTEM, row, parse(stored.body), whole=row["is_stale"])).make)
    return made


PLANS = """
select p.schedule, p.made_until, s.institution from schedule_plan p join schedule s on s.rid = p.schedule where s.active
order by p.made_until, p.schedule
"""
ROW = """
select s.rid, r.id, s.institution, s.kind, s.active, p.made_until, p.is_stale
from schedule s join resource r using (rid) join schedule_plan p on p.schedule = s.rid
"""


async def _row(tx: Tx, scope: Scope, id: str, *, planned: bool = True) -> Any:
    """The schedule, locked where it has a template. NotFound, Forbidden; Conflict where it has none and has to be `planned`."""
    stored = await read.by_id(tx, scope, "Schedule", id)
    row = await tx.fetchrow(f"{ROW} where s.rid = $1 for update of p", stored.rid)
    if row is None and planned:
        raise Conflict(f"Schedule/{id} has no template.", zh="该排班没有设置排班规则。")
    row = row or await tx.fetchrow("select rid, institution from schedule where rid = $1", stored.rid)
    if row is None:
        raise Conflict(f"Schedule/{id} names nobody whose institution is known.", zh="该排班的出诊医生(项目)不明确。")
    if scope.reach != "everything" and scope.institution_rid != row["institution"]:
        raise Forbidden("Schedules are kept by their own institution.", zh="只能维护本机构的排班。")
    return row


async def _outlook(tx: Tx, row: Any, template: Template, since: date, until: date) -> Outlook:
    zone, now = region_zone(), tx.now.astimezone(UTC)
    days = await calendar.days(tx, since, until)
    wanted = [one for one in planned(template, days, zone, since, until) if one.starts > now]
    away = [
        away_between(leave, since + timedelta(days=n), zone)
        for leave in template.leaves
        for n in range((until - since).days)
        if leave.since <= since + timedelta(days=n) <= leave.until
    ]
    there = [
        There(one["rid"], one["id"], one["starts"], one["ends"], one["capacity"], one["stopped"], one["planned"], one["taken"])
        for one in (await tx.fetch(THERE, row["rid"], now, since, until) if row else ())
    ]
    return Outlook(since, until, days, compare(there, wanted, away))


async def _apply(tx: Tx, scope: Scope, row: Any, schedule: Json, *, whole: bool) -> Difference:
    """`whole`: look at the days that are made already as well."""
    today, until = await horizon(tx, row["institution"])
    template = template_of(schedule) if row["active"] else Template()
    since = today if whole else max(today, row["made_until"])
    found = (await _outlook(tx, row, template, since, max(until, row["made_until"]))).difference
    permission = lent(scope, PlanScope, "everything")
    taken_back = [Change("DELETE", "Slot", one.id, None) for one in found.remove]
    if taken_back:
        await write(tx, permission, taken_back)
    changes = [_put(one, schedule, one.places, stopped=_reason(template, one.starts)) for one in found.stop]
    changes += [_put(one, schedule, places) for one, places in found.resize]
    changes += [Change("POST", "Slot", None, slot_of(schedule, one.starts, one.ends, one.places)) for one in found.make]
    if changes:
        written = await write(tx, permission, changes)
        made = [one.rid for one in written if one.created]
        await tx.execute("update slot set planned = true where rid = any($1::bigint[])", made)
    await tx.execute(
        "update schedule_plan set made_until = greatest(made_until, $2), is_stale = is_stale and not $3 where schedule = $1",
        row["rid"],
        until,
        whole,
    )
    return found


def _put(slot: There, schedule: Json, places: int, stopped: str | None = None) -> Change:
    return Change("PUT", "Slot", slot.id, {**slot_of(schedule, slot.starts, slot.ends, places, stopped), "id": slot.id})


def _reason(template: Template, starts: datetime) -> str:
    day = starts.astimezone(region_zone()).date()
    return next((leave.reason for leave in template.leaves if leave.since <= day <= leave.until and leave.reason), "停诊")


def slot_of(schedule: Json, starts: datetime, ends: datetime, places: int, stopped: str | None = None) -> Json:
    """A Slot of this Schedule. `stopped`: why, for one that is; None: it is free."""
    made: Json = {
        "resourceType": "Slot",
        "extension": [{"url": urls.SLOT_CAPACITY, "valuePositiveInt": places}],
        "schedule": {"reference": f"Schedule/{schedule['id']}"},
        "status": "free" if stopped is None else "busy-unavailable",
        "start": starts.astimezone(region_zone()).isoformat(timespec="seconds"),
        "end": ends.astimezone(region_zone()).isoformat(timespec="seconds"),
    }
    for element in ("serviceCategory", "serviceType", "specialty"):
        if schedule.get(element):
            made[element] = schedule[element]
    if stopped:
        made["comment"] = stopped
    return made
