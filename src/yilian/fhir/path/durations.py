"""A date or time plus or minus a duration. http://hl7.org/fhirpath/N1/#datetime-arithmetic

A duration that is finer than the date is cut down to the date's precision first: 2014 and 24 months is 2016. Months and years keep the
day of the month where there is one. UCUM's year and month (`'a'`, `'mo'`) are lengths of time, not the calendar's, and are refused;
`'month'` in quotes is no unit and read as the calendar's.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from decimal import Decimal

from yilian.fhir.path.boundaries import digits_of
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.quantity import CALENDAR, UCUM_TIME, Quantity
from yilian.fhir.path.temporal import Date, DateTime, Part, Temporal, Time

_UNITS = {code: unit for unit, code in UCUM_TIME.items()}
_COARSER = {"millisecond": ("second", 1000), "second": ("minute", 60), "minute": ("hour", 60), "hour": ("day", 24), "day": ("month", 30)}
_PARTS = {"year": 0, "month": 1, "week": 2, "day": 2, "hour": 3, "minute": 4, "second": 5, "millisecond": 5}
_DAY = 86_400
_LARGEST = 20
"""Digits; no calendar goes as far in any unit."""


def plus(moment: Temporal, duration: Quantity, sign: int = 1) -> Date | DateTime | Time | None:
    """None where the calendar ends. Raises PathExecutionError for what is no duration, and a day or longer on a Time."""
    unit = duration.unit if duration.calendar else _UNITS.get(duration.unit) or CALENDAR.get(duration.unit)
    if unit is None:
        raise PathExecutionError(f"{duration} cannot be added to a date; write years, months, weeks, days, hours, minutes or seconds.")
    amount = duration.value * sign
    if amount.adjusted() > _LARGEST:
        return None
    if isinstance(moment, Time):
        return _on_clock(moment, amount, unit)
    precision = len(moment.parts) - 1
    if unit == "week":
        amount, unit = amount * 7, "day"
    while _PARTS[unit] > precision:
        amount = Decimal(int(amount))
        coarser, many = _COARSER.get(unit, ("year", 12))
        amount, unit = amount / many, coarser
    try:
        return _in_calendar(moment, amount, unit)
    except (OverflowError, ValueError):
        return None


def _in_calendar(moment: Temporal, amount: Decimal, unit: str) -> Date | DateTime | None:
    parts: tuple[Part, ...]
    if unit in ("year", "month"):
        parts = _months(moment.parts, int(amount) * (12 if unit == "year" else 1))
    elif unit == "day":
        parts = _days(moment.parts, int(amount))
    else:
        parts = _seconds(moment.parts, amount, unit)
    if isinstance(moment, DateTime):
        return DateTime(parts, moment.offset)
    return Date(parts)


def _months(parts: tuple[Part, ...], months: int) -> tuple[Part, ...]:
    month = int(parts[1]) if len(parts) > 1 else 1
    year, month = divmod(int(parts[0]) * 12 + month - 1 + months, 12)
    month += 1
    if not 1 <= year <= 9999:
        raise ValueError(year)
    if len(parts) < 3:
        return (year, month)[: len(parts)]
    return (year, month, min(int(parts[2]), calendar.monthrange(year, month)[1]), *parts[3:])


def _days(parts: tuple[Part, ...], days: int) -> tuple[Part, ...]:
    day = datetime(int(parts[0]), int(parts[1]), int(parts[2])) + timedelta(days=days)  # noqa: DTZ001  a day of any zone
    return (day.year, day.month, day.day, *parts[3:])


_IN_SECONDS = {"hour": Decimal(3600), "minute": Decimal(60), "second": Decimal(1), "millisecond": Decimal("0.001")}


def _seconds(parts: tuple[Part, ...], amount: Decimal, unit: str) -> tuple[Part, ...]:
    """Only seconds have a fraction."""
    if unit in ("hour", "minute"):
        amount = Decimal(int(amount))
    clock = parts[3:]
    total = _of_day(clock) + amount * _IN_SECONDS[unit]
    days = int(total // _DAY) - (1 if total < 0 and total % _DAY else 0)
    return (*_days(parts[:3], days), *_clock(total - days * _DAY, clock))


def _of_day(clock: tuple[Part, ...]) -> Decimal:
    return sum((Decimal(part) * factor for part, factor in zip(clock, (3600, 60, 1), strict=False)), Decimal(0))


def _clock(total: Decimal, like: tuple[Part, ...]) -> tuple[Part, ...]:
    hour, rest = divmod(total, 3600)
    minute, second = divmod(rest, 60)
    found: tuple[Part, ...] = (int(hour), int(minute))
    if len(like) < 3:
        return found[: len(like)]
    places = max(digits_of(like[2]), digits_of(second.normalize()))
    return (*found, second.quantize(Decimal(1).scaleb(-places)))


def _on_clock(moment: Time, amount: Decimal, unit: str) -> Time:
    """Round the clock: 23:00 and two hours is 01:00."""
    if unit not in _IN_SECONDS:
        raise PathExecutionError(f"{unit}s cannot be added to a time of day.")
    if unit in ("hour", "minute"):
        amount = Decimal(int(amount))
    finest = ("hour", "minute", "second")[len(moment.parts) - 1]
    step = _IN_SECONDS[finest]
    seconds = amount * _IN_SECONDS[unit]
    if finest != "second":
        seconds = Decimal(int(seconds / step)) * step
    total = (_of_day(moment.parts) + seconds) % _DAY
    return Time(_clock(total if total >= 0 else total + _DAY, moment.parts))
