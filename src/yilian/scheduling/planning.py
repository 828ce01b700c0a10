"""Which slots a template makes on which days. Pure.

Wall times are the region's. Where clocks are put forward or back, slots go on at their length in real time: a night of 00:00 to 06:00 has
an hour less or more, no slot is shorter than said, none lies in an hour that does not exist, and the repeated hour is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from yilian.scheduling.days import Days
from yilian.scheduling.templates import MIDNIGHT, Hours, Leave, Template


@dataclass(frozen=True, slots=True)
class Planned:
    """A slot to be: aware, UTC. [starts, ends)"""

    starts: datetime
    ends: datetime
    places: int


def planned(template: Template, days: Days, zone: tzinfo, since: date, until: date) -> list[Planned]:
    """The slots of the days [since, until), earliest first. Where two rows overlap, what begins first counts, and of those that begin at
    once the extra clinic."""
    found: list[Planned] = []
    for number in range((until - since).days):
        day = since + timedelta(days=number)
        wanted = sorted(_of_day(template, days, zone, day), key=lambda one: one[:2])
        for _, _, slot in wanted:
            if not found or found[-1].ends <= slot.starts:
                found.append(slot)
    return found


def _of_day(template: Template, days: Days, zone: tzinfo, day: date) -> Iterator[tuple[datetime, int, Planned]]:
    weekday, holiday = days.weekday(day), days.holiday(day)
    away = [away_between(leave, day, zone) for leave in template.leaves if leave.since <= day <= leave.until]
    wanted = [(0, extra.hours) for extra in template.extras if extra.since <= day <= extra.until]
    wanted += [(1, row.hours) for row in template.rows if weekday in row.weekdays and row.holds(day) and (row.holidays or not holiday)]
    for rank, hours in wanted:
        for slot in _cut(hours, day, zone):
            if not any(slot.starts < end and begin < slot.ends for begin, end in away):
                yield slot.starts, rank, slot


def _cut(hours: Hours, day: date, zone: tzinfo) -> Iterator[Planned]:
    starts, last = instant(day, hours.begins, zone), _end(day, hours.ends, zone)
    length = timedelta(minutes=hours.minutes)
    while starts + length <= last:
        yield Planned(starts, starts + length, hours.places)
        starts += length


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """A wall time of the region as UTC. One that the clocks leave out is as long after midnight as it says; of one that comes twice it is
    the first."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def away_between(leave: Leave, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """From when to when somebody is away on this day."""
    return instant(day, leave.begins, zone), _end(day, leave.ends, zone)


def _end(day: date, at: time, zone: tzinfo) -> datetime:
    return instant(day + timedelta(days=1), MIDNIGHT, zone) if at == MIDNIGHT else instant(day, at, zone)
