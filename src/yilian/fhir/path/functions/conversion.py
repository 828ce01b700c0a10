"""iif, and from one system type to another: toInteger, convertsToInteger and so on. http://hl7.org/fhirpath/N1/#conversion"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from yilian.fhir.path.errors import PathSemanticError
from yilian.fhir.path.functions.kinds import Function, Lazy, Plain, single, text, value_of
from yilian.fhir.path.functions.mathematics import LARGEST
from yilian.fhir.path.items import Collection, System, one, system_value
from yilian.fhir.path.quantity import CALENDAR, Quantity, quantity_of
from yilian.fhir.path.scope import Evaluate, Scope
from yilian.fhir.path.temporal import Date, DateTime, Time, date_of, datetime_of, time_of
from yilian.fhir.path.units import converted, ucum

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))
LEAST, MOST = -(2**31), 2**31 - 1


def to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return True if value == 1 else (False if value == 0 else None)
    if isinstance(value, str):
        return True if value.lower() in _TRUE else (False if value.lower() in _FALSE else None)
    return None


def to_integer(value: Any) -> int | None:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, str) and len(value) < 20 and _INTEGER.fullmatch(value):
        found = int(value)
        return found if LEAST <= found <= MOST else None
    return None


def to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | int):
        return Decimal(int(value))
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, str) and len(value) < 100 and _DECIMAL.fullmatch(value) else None


def to_string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) <= LARGEST else str(value)
    return str(value) if value is not None else None


def to_date(value: Any) -> Date | None:
    if isinstance(value, Date):
        return value
    if isinstance(value, DateTime):
        return Date(value.parts[:3])
    return date_of(value) if isinstance(value, str) else None


def to_datetime(value: Any) -> DateTime | None:
    if isinstance(value, DateTime):
        return value
    if isinstance(value, Date):
        return DateTime(value.parts)
    return datetime_of(value) if isinstance(value, str) else None


def to_time(value: Any) -> Time | None:
    if isinstance(value, Time):
        return value
    return time_of(value) if isinstance(value, str) else None


def to_quantity(value: Any, unit: str | None = None) -> Quantity | None:
    """With a unit: the quantity in that unit, None where it cannot be converted."""
    found: Quantity | None
    if isinstance(value, Quantity):
        found = value
    elif isinstance(value, bool | int | Decimal):
        found = Quantity(Decimal(value), "1")
    else:
        found = quantity_of(value) if isinstance(value, str) else None
    if found is None or unit is None or found.unit == unit:
        return found
    target = Quantity(Decimal(0), CALENDAR[unit], calendar=True) if unit in CALENDAR else Quantity(Decimal(0), unit)
    start, end = ucum(found), ucum(target)
    if start is None or end is None:
        return None
    number = converted(found.value, start, end)
    return None if number is None else Quantity(number, target.unit, target.calendar)


def _converting(convert: Callable[[Any], System | None]) -> Callable[[Scope, Collection], Collection]:
    return lambda scope, items: one(convert(value_of(items)))


def _convertible(convert: Callable[[Any], System | None]) -> Callable[[Scope, Collection], Collection]:
    return lambda scope, items: one(convert(value_of(items)) is not None) if items else []


def _to_quantity(scope: Scope, items: Collection, unit: Collection = []) -> Collection:  # noqa: B006  never changed
    return one(to_quantity(value_of(items), text(unit)))


def _converts_to_quantity(scope: Scope, items: Collection, unit: Collection = []) -> Collection:  # noqa: B006  never changed
    return one(to_quantity(value_of(items), text(unit)) is not None) if items else []


def _iif(scope: Scope, items: Collection, criteria: Evaluate, then: Evaluate, otherwise: Evaluate | None = None) -> Collection:
    """Only the branch that is taken is evaluated; the criterion must be a Boolean or empty."""
    single(items)
    inner = Scope(scope.run, items, scope.index, scope.total, scope.defined)
    met = single(criteria(inner))
    value = system_value(met) if met is not None else None
    if met is not None and not isinstance(value, bool):
        raise PathSemanticError(f"The criterion of iif() must be a Boolean, it is a {met.type}.")
    if value is True:
        return then(inner)
    return otherwise(inner) if otherwise is not None else []


def _of_type(name: str, convert: Callable[[Any], System | None]) -> dict[str, Function]:
    return {"to" + name: Plain(_converting(convert)), "convertsTo" + name: Plain(_convertible(convert))}


def _as_integer(value: Any) -> int | None:
    if isinstance(value, Decimal):
        return None
    return to_integer(value)


FUNCTIONS: dict[str, Function] = {
    "iif": Lazy(_iif, 2, 3),
    **_of_type("Boolean", to_boolean),
    **_of_type("Integer", _as_integer),
    **_of_type("Long", _as_integer),
    **_of_type("Decimal", to_decimal),
    **_of_type("String", to_string),
    **_of_type("Date", to_date),
    **_of_type("DateTime", to_datetime),
    **_of_type("Time", to_time),
    "toQuantity": Plain(_to_quantity, 0, 1),
    "convertsToQuantity": Plain(_converts_to_quantity, 0, 1),
}
