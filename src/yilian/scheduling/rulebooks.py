"""爽约规则: until when one cancels, what counts against somebody, and from when to when that bars booking. Pure.

A rulebook is one entry of the policy `booking.rulebooks`; A to E are those of hospitals (china-facts §5). Nothing is kept of a bar: it
follows from the marks, so a mark that is lifted is as if it had never been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

MARKS = ("no-show", "late-cancel", "cancel")


@dataclass(frozen=True, slots=True)
class Mark:
    """What counts against somebody: a kind of `MARKS`, when (aware), and where (rid of the institution)."""

    kind: str
    at: datetime
    institution: int


@dataclass(frozen=True, slots=True)
class Bar:
    """`count` of these marks within `months` (0: ever), or in one calendar month, bar for `stop_months`, or until that month ends."""

    marks: frozenset[str]
    count: int
    months: int
    stop_months: int
    calendar_month: bool


@dataclass(frozen=True, slots=True)
class Rulebook:
    """hours, expert_hours: so long before the slot; or days or working_days before its day, at a time. late_is_marked: a later cancellation
    is taken and marked, else refused. late: how long after the slot one may still check in."""

    name: str
    zh: str
    hours: float | None
    expert_hours: float | None
    days: int
    working_days: int
    at: time
    late_is_marked: bool
    late: timedelta
    everywhere: bool
    same_specialty: bool
    bars: tuple[Bar, ...]

    def cancels_until(self, kind: str, starts: datetime, zone: tzinfo, is_working: Callable[[date], bool]) -> datetime:
        """The last moment a patient cancels an appointment of this kind of slot; aware. is_working: whether people work on that day."""
        if self.hours is not None:
            hours = self.expert_hours if kind == "expert" and self.expert_hours is not None else self.hours
            return starts - timedelta(hours=hours)
        day = starts.astimezone(zone).date() - timedelta(days=self.days)
        for _ in range(self.working_days):
            day -= timedelta(days=1)
            while not is_working(day):
                day -= timedelta(days=1)
        return datetime.combine(day, self.at, zone)

    def bars_until(self, marks: Sequence[Mark], now: datetime, institution: int, zone: tzinfo) -> tuple[datetime, Bar] | None:
        """Until when this institution's places are barred now, by the bar that lasts longest; None: not at all."""
        counted = marks if self.everywhere else [mark for mark in marks if mark.institution == institution]
        ends = [(end, bar) for bar in self.bars if (end := _end(bar, counted, now, zone)) is not None]
        return max(ends, key=lambda one: one[0], default=None)


def rulebook_of(name: str, value: Mapping[str, Any]) -> Rulebook:
    """One entry of the policy. ValueError for what makes no sense."""
    cancel = value["cancel"]
    unknown = set(cancel) - {"hours", "expert_hours", "days", "working_days", "at"}
    bars = tuple(_bar(name, bar) for bar in value["bars"])
    if unknown or value["late"] not in ("refuse", "mark") or ("hours" in cancel) == ("at" in cancel):
        raise ValueError(f"booking.rulebooks.{name}: cancel or late makes no sense")
    return Rulebook(
        name,
        value["zh"],
        cancel.get("hours"),
        cancel.get("expert_hours"),
        int(cancel.get("days", 0)),
        int(cancel.get("working_days", 0)),
        time.fromisoformat(cancel.get("at", "00:00")),
        value["late"] == "mark",
        timedelta(minutes=float(value["late_minutes"])),
        bool(value["everywhere"]),
        bool(value.get("same_specialty", False)),
        bars,
    )


def is_weekday(day: date) -> bool:
    """Monday to Friday: what is known where nobody keeps a calendar."""
    return day.weekday() < 5


def months_later(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the last of that month; before, where `months` is negative."""
    number = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(number, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def _bar(name: str, value: Mapping[str, Any]) -> Bar:
    bar = Bar(
        frozenset(value["marks"]),
        int(value["count"]),
        int(value.get("months", 0)),
        int(value.get("stop_months", 0)),
        bool(value.get("calendar_month", False)),
    )
    if not bar.marks or not bar.marks <= set(MARKS) or bar.count < 1 or (bar.stop_months > 0) == bar.calendar_month:
        raise ValueError(f"booking.rulebooks.{name}: {bar} makes no sense")
    return bar


def _end(bar: Bar, marks: Sequence[Mark], now: datetime, zone: tzinfo) -> datetime | None:
    """The end of the bar that holds now. Marks that led to a bar do not count for the next one."""
    times = sorted(mark.at.astimezone(zone) for mark in marks if mark.kind in bar.marks and mark.at <= now)
    run: list[datetime] = []
    last: datetime | None = None
    for at in times:
        run = [*(one for one in run if _belongs(bar, one, at)), at]
        if len(run) >= bar.count:
            last = months_later(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0), 1) if bar.calendar_month else _after(bar, at)
            run = []
    return last if last is not None and last > now else None


def _after(bar: Bar, at: datetime) -> datetime:
    return months_later(at, bar.stop_months)


def _belongs(bar: Bar, earlier: datetime, at: datetime) -> bool:
    if bar.calendar_month:
        return (earlier.year, earlier.month) == (at.year, at.month)
    return bar.months == 0 or earlier > months_later(at, -bar.months)
