"""What FHIRPath asks about units: are two comparable, what is a value in another unit, which unit has a product.

Units that are written alike need no conversion. For others the conversion that was given to `use_conversion` is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from yilian.fhir.path.quantity import UCUM_NEAR, UCUM_TIME, Quantity

Conversion = Callable[[Decimal, str, str], Decimal | None]
"""(value, from, to) → the value in the other UCUM unit, None where the dimensions differ or a unit is unknown."""

_conversion: Conversion | None = None


def use_conversion(conversion: Conversion | None) -> None:
    """How UCUM units convert; None: not at all."""
    global _conversion
    _conversion = conversion


def converted(value: Decimal, unit: str, to: str) -> Decimal | None:
    """A value in another UCUM unit; None where that cannot be."""
    if unit == to:
        return value
    return _conversion(value, unit, to) if _conversion is not None else None


_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_CALENDAR = {code: unit for unit, code in UCUM_TIME.items()}
_MONTHS = {"year": 12, "month": 1}


def aligned(left: Quantity, right: Quantity, *, nearly: bool = False) -> tuple[Decimal, Decimal] | None:
    """Both values in the unit of the finer of the two; None where they cannot be compared.

    `nearly`: a calendar year or month is taken for the UCUM one, as `~` does.
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
    return (down, right.value) if abs(down) >= abs(left.value) else (left.value, up)


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
