"""Time limits by a calendar of working hours: when a clock that runs only then is over, and how much of it is left. Pure.

A limit in hours counts working time alone; one that runs round the clock is plain addition. Days are days of the region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

MIDNIGHT = "24:00"
FURTHEST_DAYS = 400
"""A calendar without a working day in so long is no calendar."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """weekdays: 1 Monday to 7 Sunday; opens, closes: time of day of the region, closes None at midnight; exceptions: whether a day is
    worked that is otherwise by its weekday (holidays, weekends that are worked for them)."""

    weekdays: frozenset[int]
    opens: time
    closes: time | None
    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        return self.exceptions.get(day, day.isoweekday() in self.weekdays)

    def spans(self, since: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
        """Working time from `since` (aware) on, piece by piece."""
        day = since.astimezone(zone).date()
        for number in range(FURTHEST_DAYS):
            today = day + timedelta(days=number)
            if not self.works(today):
                continue
            starts = datetime.combine(today, self.opens, zone)
            ends = datetime.combine(today, self.closes, zone) if self.closes else datetime.combine(today + timedelta(days=1), time(), zone)
            if ends > since:
                yield max(starts, since), ends

    def after(self, since: datetime, length: timedelta, zone: tzinfo) -> datetime:
        """When so much working time has passed since (aware); at once for none. Elapsed time, also where a clock is put forward."""
        if length <= timedelta():
            return since
        left = length
        for starts, ends in self.spans(since, zone):
            here = ends.timestamp() - starts.timestamp()
            if left.total_seconds() <= here:
                return datetime.fromtimestamp(starts.timestamp() + left.total_seconds(), since.tzinfo)
            left -= timedelta(seconds=here)
        return since + length  # no day is ever worked: better late by the plain clock than never

    def between(self, since: datetime, until: datetime, zone: tzinfo) -> timedelta:
        """How much working time lies between two moments (aware); none where they are the other way round."""
        total = 0.0
        for starts, ends in self.spans(since, zone):
            if starts >= until:
                break
            total += min(ends, until).timestamp() - starts.timestamp()
        return timedelta(seconds=total)


ALWAYS = WorkingHours(frozenset(range(1, 8)), time(), None)


def hours_of(value: Mapping[str, Any], exceptions: Mapping[date, bool]) -> WorkingHours:
    """The policy `referral.working_hours`. ValueError for what makes no sense."""
    weekdays = frozenset(int(one) for one in value["weekdays"])
    if not weekdays or not weekdays <= frozenset(range(1, 8)):
        raise ValueError("referral.working_hours: weekdays are some of 1 to 7")
    opens = time.fromisoformat(value["from"])
    closes = None if value["to"] == MIDNIGHT else time.fromisoformat(value["to"])
    if closes is not None and closes <= opens:
        raise ValueError("referral.working_hours: the day ends after it begins")
    return WorkingHours(weekdays, opens, closes, exceptions if value.get("holidays", True) else {})
