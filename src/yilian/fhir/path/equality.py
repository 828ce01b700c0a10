"""`=`, `~` and order between items. http://hl7.org/fhirpath/N1/#equality"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.items import Collection, Item, children, system_value
from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.temporal import Date, DateTime, Temporal, Time, compare
from yilian.fhir.path.units import aligned


def equal(left: Collection, right: Collection) -> bool | None:
    """Item by item in order; None when a side is empty or the precision of a date leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    open_ = False
    for one, other in zip(left, right, strict=True):
        same = equal_items(one, other)
        if same is False:
            return False
        open_ = open_ or same is None
    return None if open_ else True


def equal_items(left: Item, right: Item) -> bool | None:
    """Whether two items are the same; None where that is open."""
    if left is right or (left.value is right.value and left.type == right.type and left.value is not None and left.beside is right.beside):
        return True
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        return _same_parts(left, right) if one is None and other is None else False
    return equal_values(one, other)


def equal_values(one: Any, other: Any) -> bool | None:
    if isinstance(one, Temporal) or isinstance(other, Temporal):
        if not _comparable_times(one, other):
            return False
        order = compare(one, other)
        return None if order is None else order == 0
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        one, other = _as_quantity(one), _as_quantity(other)
        if one is None or other is None:
            return False
        pair = aligned(one, other)
        return None if pair is None else pair[0] == pair[1]
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool) and one == other
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    return bool(one == other)


def _as_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Quantity(Decimal(value), "1")
    return None


def _comparable_times(one: Any, other: Any) -> bool:
    if isinstance(one, Time):
        return isinstance(other, Time)
    return isinstance(one, Date | DateTime) and isinstance(other, Date | DateTime)


def _same_parts(left: Item, right: Item) -> bool | None:
    """Elements are equal when they have equal children, whatever the order of the keys."""
    if left.value is None or right.value is None or not isinstance(left.value, dict):
        return bool(left.value == right.value and left.beside == right.beside)
    if not isinstance(right.value, dict):
        return False
    if left.value == right.value:
        return True
    return _by_key(left, right, equal)


def _by_key(left: Item, right: Item, same: Any) -> bool | None:
    one, other = _grouped(left), _grouped(right)
    if one.keys() != other.keys():
        return False
    open_ = False
    for key, items in one.items():
        found = same(items, other[key])
        if found is False:
            return False
        open_ = open_ or found is None
    return None if open_ else True


def _grouped(item: Item) -> dict[str, Collection]:
    found: dict[str, Collection] = {}
    for below in children(item):
        found.setdefault(below.key, []).append(below)
    return found


# --- equivalence


def equivalent(left: Collection, right: Collection) -> bool:
    """The same items in any order; two empty collections are equivalent."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        for place, other in enumerate(rest):
            if equivalent_items(one, other):
                del rest[place]
                break
        else:
            return False
    return True


def equivalent_items(left: Item, right: Item) -> bool:
    """Texts without case and with one kind of white space, decimals at the lesser precision, elements without their ids."""
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        if one is not None or other is not None:
            return False
        if not isinstance(left.value, dict) or not isinstance(right.value, dict):
            return bool(left.value == right.value)
        return bool(_by_key(left, right, equivalent))
    return equivalent_values(one, other)


def equivalent_values(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool) and one == other
    if isinstance(one, Temporal) or isinstance(other, Temporal):
        return _comparable_times(one, other) and compare(one, other) == 0
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        first, second = _as_quantity(one), _as_quantity(other)
        pair = aligned(first, second, nearly=True) if first is not None and second is not None else None
        if pair is None or first is None or second is None:
            return False
        places = min(_places(first.value), _places(second.value))
        return round(pair[0], places) == round(pair[1], places)
    if isinstance(one, Decimal | int) and isinstance(other, Decimal | int):
        places = min(_places(one), _places(other))
        return round(Decimal(one), places) == round(Decimal(other), places)
    return False


def _places(number: Decimal | int) -> int:
    """Digits behind the point; those at the end that are 0 do not count."""
    if isinstance(number, int):
        return 0
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


# --- order


def order(one: Any, other: Any) -> int | None:
    """-1, 0, 1; None where it is open. Raises PathExecutionError for values that cannot be put in order."""
    if isinstance(one, str) and isinstance(other, str):
        return _sign(one, other)
    if isinstance(one, Temporal) and _comparable_times(one, other):
        return compare(one, other)
    if not isinstance(one, bool) and not isinstance(other, bool):
        if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
            return _sign(one, other)
        if isinstance(one, Quantity) or isinstance(other, Quantity):
            first, second = _as_quantity(one), _as_quantity(other)
            if first is not None and second is not None:
                pair = aligned(first, second)
                return None if pair is None else _sign(*pair)
    raise PathExecutionError(f"A {_kind(one)} and a {_kind(other)} cannot be compared.")


def _sign(one: Any, other: Any) -> int:
    return 0 if one == other else (-1 if one < other else 1)


def _kind(value: Any) -> str:
    return {bool: "Boolean", int: "Integer", str: "String"}.get(type(value), type(value).__name__)
