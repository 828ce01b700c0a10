"""What FHIRPath asks about units: are two comparable, what is a value in another unit, which unit has a product.

Conversion is exact, by `yilian.fhir.ucum`; units of other systems are comparable only where they are written alike.
"""

from __future__ import annotations

from decimal import Decimal

from yilian.fhir.path.quantity import UCUM_NEAR, UCUM_TIME, Quantity
from yilian.fhir.ucum import convert, unit


def converted(value: Decimal, source: str, to: str) -> Decimal | None:
    """A value in another UCUM unit; None where the two measure different things or one is no unit."""
    if source == to:
        return value
    one, other = unit(source), unit(to)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return convert(value, one, other)


_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_CALENDAR = {code: unit for unit, code in UCUM_TIME.items()}
_MONTHS = {"year": 12, "month": 1}


def aligned(left: Quantity, right: Quantity, *, nearly: bool = False) -> tuple[Decimal, Decimal] | None:
    """Both values in the finer of the two units; None where they cannot be compared.

    `nearly`: as `~` compares them, in the coarser unit, and with a calendar year or month taken for the UCUM one.
    """
    if left.unit == right.unit and left.calendar == right.calendar:
        return left.value, right.value
    if left.calendar and right.calendar:
        return _calendar(left, right)
    if left.calendar != right.calendar:
        both = [q if q.calendar else Quantity(q.value, _CALENDAR.get(q.unit, ""), calendar=True) for q in (left, right)]
        pair = _calendar(*both)
        if pair is not None:
            return pair
    names = UCUM_NEAR if nearly else UCUM_TIME
    one = names.get(left.unit) if left.calendar else left.unit
    other = names.get(right.unit) if right.calendar else right.unit
    if one is None or other is None:
        return None
    if one == other:
        return left.value, right.value
    down = converted(left.value, one, other)
    up = converted(right.value, other, one)
    if down is None or up is None:
        return None
    finer = abs(down) >= abs(left.value)
    return (down, right.value) if finer is not nearly else (left.value, up)


def _calendar(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    if left.unit in _MONTHS and right.unit in _MONTHS:
        return left.value * _MONTHS[left.unit], right.value * _MONTHS[right.unit]
    one, other = _milliseconds(left), _milliseconds(right)
    return None if one is None or other is None else (one, other)


def _milliseconds(quantity: Quantity) -> Decimal | None:
    if quantity.unit == "millisecond":
        return quantity.value
    return quantity.value * _SECONDS[quantity.unit] * 1000 if quantity.unit in _SECONDS else None


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether both can be put in order."""
    return aligned(left, right) is not None


def ucum(quantity: Quantity) -> str | None:
    """The unit in UCUM; None for calendar months and years."""
    return UCUM_TIME.get(quantity.unit) if quantity.calendar else quantity.unit


def multiplied(left: str, right: str) -> str:
    """The unit of a product."""
    if left == "1":
        return right
    return left if right == "1" else f"{left}.{right}"


def divided(left: str, right: str) -> str:
    """The unit of a quotient; "1" for a unit by itself."""
    if right == "1":
        return left
    if left == right:
        return "1"
    return f"{left}/{right}" if "/" not in right and "." not in right else f"{left}/({right})"
