"""Ordered values compared without a database: dates, numbers, quantities, by the same prefixes as in SQL (`kinds.date`, `kinds.quantity`).

FHIR R4: http://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from yilian.fhir import ucum
from yilian.search.folding import bounded
from yilian.search.kinds.date import Date
from yilian.search.kinds.measured import as_written, in_base_units
from yilian.search.kinds.number import Number
from yilian.search.kinds.quantity import Quantity, converted
from yilian.search.rows import Measure

Span = tuple[datetime, datetime]


def date_holds(value: Date, there: Span, now: datetime) -> bool:
    """[lo, hi) in the record against [lo, hi) in the question. An instant has no length: its lo is its hi."""
    (start, end), (lo, hi) = (value.lo, value.hi), there
    moment = lo == hi
    if value.prefix == "ap":
        before, after = abs(now - start) / 10, abs(now - end) / 10
        return lo < end + after and hi > start - before
    inside = start <= lo < end and hi <= end
    over = hi >= end if moment else hi > end
    return {
        "eq": inside,
        "ne": not inside,
        "gt": over,
        "ge": lo >= start or over,
        "lt": lo < start,
        "le": lo < end if moment else lo < start or hi <= end,
        "sa": lo >= end,
        "eb": hi < start if moment else hi <= start,
    }[value.prefix]


def number_holds(value: Number, there: Decimal) -> bool:
    return _compared(value, there, None, 0)


def quantity_holds(value: Quantity, found: Sequence[Measure]) -> bool:
    """Whether one of these rows is the amount asked for, in its unit or one that can be converted to it."""
    return any(_measure_holds(value, measure) for measure in found)


def _measure_holds(value: Quantity, measure: Measure) -> bool:
    _, stated, side, unit, amount, plain, other_amount, other_plain, system, written = measure
    if value.code is None:
        return not stated and _compared(value.number, plain, other_plain, side)
    known = in_base_units(value.code)
    if value.system == ucum.SYSTEM and known is not None:
        return not stated and unit == known[0] and _compared(converted(value.number, known[1]), amount, other_amount, side)
    text = bounded(value.code)
    if unit == as_written(text) and _compared(value.number, amount, other_amount, side):
        return value.system is None or system == bounded(value.system)
    if value.system is not None or known is None or stated or unit != known[0] or written != text:
        return False
    return _compared(converted(value.number, known[1]), amount, other_amount, side)


def _compared(value: Number, here: Decimal, other: Decimal | None, side: int) -> bool:
    """One row: an amount (side 0), or an end of an interval with the other one beside it (see `kinds.measured`)."""
    far = here if other is None else other
    if value.prefix == "eq":
        return side <= 0 and value.lo <= here < value.hi and far < value.hi
    if value.prefix == "ne":
        return side <= 0 and (here < value.lo or far >= value.hi)
    if value.prefix == "ap":
        low, high = value.about
        return low <= here <= high if side == 0 else side < 0 and here <= high and far >= low
    this = value.value
    return {
        "gt": here > this and side >= 0,
        "lt": here < this and side <= 0,
        "ge": here >= this and side >= 0 and (here > this or side < 2),
        "le": here <= this and side <= 0 and (here < this or side > -2),
        "sa": here >= this and side <= 0 and (here > this or side == -2),
        "eb": here <= this and side >= 0 and (here < this or side == 2),
    }[value.prefix]
