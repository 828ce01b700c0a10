"""疗程: several visits booked together at an interval, such as rehabilitation, dialysis or dressings: all of them or none.

Each visit is an Appointment of its own, to be moved, cancelled and missed by itself; what they have in common is the series
(`urls.APPOINTMENT_SERIES`, column `appointment.series`). A visit is at the same time of the day as the first, or, where that has no place
left, at the nearest time of the same day; on a day when the schedule has nothing, such as a holiday, on the next one that has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.scheduling import bookings, places, seen
from yilian.scheduling.bookings import Part, Wish
from yilian.scheduling.standing import standing
from yilian.store import read
from yilian.store.change import Written
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_VISITS = 40
LONGEST_INTERVAL = 90
MOST_LATE = 6
"""Days a visit may be later than its interval says."""

FIRST = """
select s.rid, s.schedule, s.institution, s.day, s.starts from slot s join resource r using (rid)
where r.type = $1 and r.id = $2 and not r.deleted
"""
OF_DAYS = f"""
select r.id, s.day, s.starts from slot s join resource r using (rid)
where s.schedule = $1 and s.day >= $2 and s.day <= $3 and not s.stopped and s.starts > now()
    and exists (select from place p where p.slot = s.rid and {places.FREE} and {places.open_to("$4")})
order by s.starts
"""


@dataclass(frozen=True, slots=True)
class Course:
    """What is asked for: the first visit (its one slot), how many visits (2 to 40), and how many days from one to the next."""

    first: Wish
    visits: int
    every_days: int


async def book(tx: Tx, scope: Scope, course: Course) -> list[Written]:
    """Book all the visits, in `tx`, in their order. Raises as `bookings.book`; Conflict with the day on which there is none, and then
    nothing is booked; BadRequest for a course that makes no sense."""
    if not 2 <= course.visits <= MOST_VISITS or not 1 <= course.every_days <= LONGEST_INTERVAL:
        raise BadRequest(
            f"A series has 2 to {MOST_VISITS} visits, 1 to {LONGEST_INTERVAL} days apart.",
            expression="visits",
            zh=f"疗程为 2 至 {MOST_VISITS} 次,间隔 1 至 {LONGEST_INTERVAL} 天。",
        )
    if len(course.first.slots) != 1:
        raise BadRequest("A series is of one slot each.", expression="Appointment.slot", zh="疗程预约每次只能选择一个时段。")
    id = tx.new_id()
    slots = await _slots(tx, scope, course)
    made = []
    for number, slot in enumerate(slots, 1):
        wish = replace(course.first, slots=(slot,), series=Part(id, number, course.visits))
        made.append(await bookings.book(tx, scope, wish))
    await tx.execute("update appointment set series = $1 where rid = any($2::bigint[])", UUID(id), [one.rid for one in made])
    return made


async def cancel_rest(tx: Tx, scope: Scope, id: str, reason: str) -> list[Written]:
    """Cancel what is to come of the series of Appointment/`id`, that one included, in `tx`. Raises as `bookings.cancel`; Conflict for one
    that stands alone."""
    stored = await seen.appointment(tx, scope, id)
    rows = await tx.fetch(
        """
        select r.id from appointment o join appointment a on a.series = o.series join resource r on r.rid = a.rid
        where o.rid = $1 and a.state in ('held', 'booked') and a.starts >= o.starts order by a.starts
        """,
        stored.rid,
    )
    if not rows:
        raise Conflict("This appointment belongs to no series with visits to come.", zh="该预约不属于疗程,或疗程已无后续预约。")
    return [await bookings.cancel(tx, scope, row["id"], reason) for row in rows]


async def _slots(tx: Tx, scope: Scope, course: Course) -> list[str]:
    """The slots (logical ids) of the visits."""
    first = await tx.fetchrow(FIRST, type_id("Slot"), course.first.slots[0])
    if first is None:
        raise NotFound(f"There is no Slot/{course.first.slots[0]} with places.", expression="Appointment.slot", zh="号源不存在或已删除。")
    patient = await read.by_id(tx, scope, "Patient", course.first.patient)
    here = await standing(tx, scope, patient.rid)
    last = first["day"] + timedelta(days=course.every_days * (course.visits - 1) + MOST_LATE)
    rows = await tx.fetch(OF_DAYS, first["schedule"], first["day"], last, list(here.pools(first["institution"])))
    by_day: dict[date, list[Any]] = {}
    for row in rows:
        by_day.setdefault(row["day"], []).append(row)
    zone, found, used = region_zone(), [course.first.slots[0]], {first["day"]}
    at = _minutes(first["starts"].astimezone(zone))
    for number in range(1, course.visits):
        wanted = first["day"] + timedelta(days=course.every_days * number)
        near = [day for n in range(MOST_LATE + 1) if (day := wanted + timedelta(days=n)) in by_day and day not in used]
        if not near:
            raise Conflict(
                f"There is no place for visit {number + 1} of {course.visits} on {wanted} or soon after; nothing was booked.",
                zh=f"第 {number + 1} 次({wanted:%m-%d})及其后 {MOST_LATE} 天内无可约号源,未预约任何一次,请减少次数或调整间隔。",
            )
        used.add(near[0])
        found.append(_nearest(by_day[near[0]], at, zone))
    return found


def _nearest(rows: Sequence[Any], at: int, zone: Any) -> str:
    return str(min(rows, key=lambda row: abs(_minutes(row["starts"].astimezone(zone)) - at))["id"])


def _minutes(moment: Any) -> int:
    return int(moment.hour) * 60 + int(moment.minute)
