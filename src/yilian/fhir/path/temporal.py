"""Dates, dateTimes and times as FHIRPath has them: as precise as they were written, no more.

A comparison that precision leaves open has no answer (None, in FHIRPath the empty collection). Seconds and their fractions are one
precision. A day or dateTime without an offset and a dateTime with one are only compared where no offset could change the answer.
http://hl7.org/fhirpath/N1/#datetime-comparison
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?", re.ASCII)
_DATETIME = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?", re.ASCII)

Part = int | Decimal


@dataclass(frozen=True, slots=True, eq=False)
class Temporal:
    """`parts` from the largest (year, or hour of a Time) to the smallest that was written; seconds are a Decimal with their digits."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Date(Temporal):
    """Year, month, day."""

    def __str__(self) -> str:
        return "-".join(f"{part:0{4 if place == 0 else 2}}" for place, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True, eq=False)
class DateTime(Temporal):
    """Year, month, day, hour, minute, second; `offset` in minutes east of Greenwich, None when none was written."""

    offset: int | None = None

    def __str__(self) -> str:
        text = str(Date(self.parts[:3]))
        if len(self.parts) > 3:
            text += "T" + str(Time(self.parts[3:]))
        if self.offset is None:
            return text
        if self.offset == 0:
            return text + "Z"
        return f"{text}{'-' if self.offset < 0 else '+'}{abs(self.offset) // 60:02}:{abs(self.offset) % 60:02}"


@dataclass(frozen=True, slots=True, eq=False)
class Time(Temporal):
    """Hour, minute, second of any day."""

    def __str__(self) -> str:
        return ":".join(two_digits(part) for part in self.parts)


def two_digits(part: Part) -> str:
    text = str(part)
    return "0" + text if len(text.partition(".")[0]) < 2 else text


# --- reading


def date_of(text: str) -> Date | None:
    """`2014`, `2014-01`, `2014-01-31`; None for what is no date of the calendar."""
    match = _DATE.fullmatch(text)
    return Date(_ints(match.groups())) if match and _is_day(match.groups()) else None


def datetime_of(text: str) -> DateTime | None:
    """A date with or without time and offset; None for what is none."""
    match = _DATETIME.fullmatch(text)
    if not match:
        return None
    day, clock, offset = match.groups()[:3], match.groups()[3:6], match[7]
    if not _is_day(day) or not _is_time(clock) or (clock[0] is not None and day[2] is None):
        return None
    minutes = _offset(offset) if offset else None
    if minutes is not None and not -14 * 60 <= minutes <= 14 * 60:
        return None
    return DateTime(_ints(day) + _clock(clock), minutes)


def time_of(text: str) -> Time | None:
    """`14`, `14:30`, `14:30:05.123`, with or without a T; None for what is none."""
    match = _TIME.fullmatch(text)
    return Time(_clock(match.groups())) if match and _is_time(match.groups()) else None


def literal_moment(text: str) -> Date | DateTime | Time | None:
    """What a literal says: `@2014-01` is a Date, `@2014-01T` a DateTime, `@T14:30` a Time; None when there is no such day or time."""
    plain = text[1:]
    if plain.startswith("T"):
        return time_of(plain)
    return datetime_of(plain) if "T" in plain else date_of(plain)


Groups = Sequence[str | None]


def _ints(groups: Groups) -> tuple[int, ...]:
    return tuple(int(text) for text in groups if text is not None)


def _clock(groups: Groups) -> tuple[Part, ...]:
    return _ints(groups[:2]) + ((Decimal(groups[2]),) if groups[2] is not None else ())


def _is_day(groups: Groups) -> bool:
    year, month, day = groups
    if int(year or 0) < 1 or (month is not None and not 1 <= int(month) <= 12):
        return False
    return day is None or 1 <= int(day) <= calendar.monthrange(int(year or 1), int(month or 1))[1]


def _is_time(groups: Groups) -> bool:
    hour, minute, second = groups
    return int(hour or 0) < 24 and int(minute or 0) < 60 and Decimal(second or 0) < 61


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


# --- comparing


def compare(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1; None where precision or a missing offset leaves it open. Both are Time, or neither is."""
    one, other = left.parts, right.parts
    here, there = getattr(left, "offset", None), getattr(right, "offset", None)
    if here != there and len(one) > 2 and len(other) > 2:
        if here is None or there is None:
            days = date(*_day(one)).toordinal() - date(*_day(other)).toordinal()
            return None if -2 < days < 2 else (1 if days > 0 else -1)
        if isinstance(left, DateTime) and isinstance(right, DateTime):
            one, other = at_greenwich(left), at_greenwich(right)
    for first, second in zip(one, other, strict=False):
        if first != second:
            return -1 if first < second else 1
    return 0 if len(one) == len(other) else None


def equivalent(left: Temporal, right: Temporal) -> bool:
    """`~`: the same, with the same precision."""
    return compare(left, right) == 0


def _day(parts: tuple[Part, ...]) -> tuple[int, int, int]:
    return int(parts[0]), int(parts[1]), int(parts[2])


def at_greenwich(moment: DateTime) -> tuple[Part, ...]:
    """The parts in UTC, as precise as before; unchanged without an offset or a time, and at the ends of the calendar."""
    parts = moment.parts
    if not moment.offset or len(parts) < 4:
        return parts
    minute = int(parts[4]) if len(parts) > 4 else 0
    try:
        shifted = datetime(*_day(parts), int(parts[3]), minute) - timedelta(minutes=moment.offset)  # noqa: DTZ001  the offset is applied here
    except OverflowError:
        return parts
    return (shifted.year, shifted.month, shifted.day, shifted.hour, shifted.minute, *parts[5:])[: len(parts)]
