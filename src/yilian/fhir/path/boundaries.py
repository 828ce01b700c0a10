"""The least and greatest value that something written with less precision can stand for.

"2014" lies between 2014-01-01T00:00:00.000+14:00 and 2014-12-31T23:59:59.999-12:00, 1.587 between 1.5865 and 1.5875. Precision is counted
in digits: 4 for a year, 8 for a day, 17 for a dateTime with milliseconds; behind the point for a decimal.
http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from __future__ import annotations

import calendar
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from yilian.fhir.path.temporal import Date, DateTime, Part, Temporal, Time

_DIGITS = {Date: (4, 6, 8), DateTime: (4, 6, 8, 10, 12, 14, 17), Time: (2, 4, 6, 9)}
MOST_DIGITS = 28
"""Places behind the point that a decimal may have."""

_EXACT = Context(prec=80)


def of_decimal(value: Decimal | int, precision: int | None, *, high: bool) -> Decimal | None:
    """None for a precision that cannot be."""
    places = 8 if precision is None else precision
    if not 0 <= places <= MOST_DIGITS:
        return None
    half = Decimal(5).scaleb(-digits_of(value) - 1)
    edge = _EXACT.add(Decimal(value), half if high else -half)
    found = edge.quantize(Decimal(1).scaleb(-places), ROUND_CEILING if high else ROUND_FLOOR, _EXACT)
    return found.copy_abs() if found.is_zero() else found


def digits_of(value: Decimal | int) -> int:
    """Digits behind the point as they were written."""
    exponent = Decimal(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def of_moment(value: Temporal, precision: int | None, *, high: bool) -> Temporal | None:
    """None for a precision that this type does not have."""
    allowed = _DIGITS[type(value)]
    digits = allowed[-1] if precision is None else precision
    if digits not in allowed:
        return None
    if isinstance(value, Time):
        return Time(_clock(value.parts, high)[: _count(digits, allowed)])
    day = _day(value.parts[:3], high)
    if isinstance(value, Date):
        return Date(day[: _count(digits, allowed)])
    if not isinstance(value, DateTime):
        return None
    clock = _clock(value.parts[3:], high)
    count = _count(digits, allowed)
    if digits == 14:
        clock = (*clock[:2], Decimal(int(clock[2])))
    parts = (*day, *clock)[:count]
    offset = value.offset if value.offset is not None or count <= 3 else (-12 * 60 if high else 14 * 60)
    return DateTime(parts, offset if count > 3 else None)


def precision_of(value: Temporal | Decimal | int) -> int:
    """As many digits as the value was written with."""
    if not isinstance(value, Temporal):
        return digits_of(value)
    allowed = _DIGITS[type(value)]
    last = value.parts[-1]
    return allowed[len(value.parts) - (0 if isinstance(last, Decimal) and digits_of(last) else 1)]


def _count(digits: int, allowed: tuple[int, ...]) -> int:
    """Parts for so many digits; seconds and milliseconds are one part."""
    whole = len(allowed) - 1 if len(allowed) > 3 else len(allowed)
    return min(allowed.index(digits) + 1, whole)


def _day(parts: tuple[Part, ...], high: bool) -> tuple[Part, ...]:
    year, month, day = (*parts, None, None)[:3]
    month = month if month is not None else (12 if high else 1)
    last = calendar.monthrange(int(year or 1), int(month))[1]
    return (year or 1, month, day if day is not None else (last if high else 1))


def _clock(parts: tuple[Part, ...], high: bool) -> tuple[Part, ...]:
    hour, minute, second = (*parts, None, None, None)[:3]
    hour = hour if hour is not None else (23 if high else 0)
    minute = minute if minute is not None else (59 if high else 0)
    second = second if second is not None else Decimal(59 if high else 0)
    if digits_of(second) < 3:
        step = Decimal(1).scaleb(-digits_of(second))
        second = (second + step - Decimal("0.001") if high else Decimal(second)).quantize(Decimal("0.001"))
    return (hour, minute, second)
