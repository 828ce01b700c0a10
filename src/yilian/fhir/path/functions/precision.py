"""lowBoundary, highBoundary, precision, comparable, and the parts of dates. http://hl7.org/fhirpath/#utility-functions"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from yilian.fhir.path.boundaries import of_decimal, of_moment, precision_of
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, integer, value_of
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.scope import Scope
from yilian.fhir.path.temporal import Date, DateTime, Part, Temporal, Time
from yilian.fhir.path.units import comparable


def _boundary(*, high: bool) -> Callable[..., Collection]:
    def of(scope: Scope, items: Collection, precision: Collection | None = None) -> Collection:
        value = value_of(items)
        digits = integer(precision) if precision is not None else None
        if value is None:
            return []
        if isinstance(value, Temporal):
            return one(of_moment(value, digits, high=high))  # type: ignore[arg-type]
        if isinstance(value, Quantity):
            number = of_decimal(value.value, digits, high=high)
            return [] if number is None else one(Quantity(number, value.unit, value.calendar))
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            return one(of_decimal(value, digits, high=high))
        raise PathExecutionError(f"A {type(value).__name__} has no boundary.")

    return of


def _precision(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    if value is None:
        return []
    if isinstance(value, Temporal | Decimal | int) and not isinstance(value, bool):
        return one(precision_of(value))
    raise PathExecutionError(f"A {type(value).__name__} has no precision.")


def _comparable(scope: Scope, items: Collection, other: Collection) -> Collection:
    left, right = value_of(items), value_of(other)
    if left is None or right is None:
        return []
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return one(comparable(left, right))
    raise PathExecutionError("comparable() is asked of quantities.")


def _part(kinds: tuple[type, ...], place: int) -> Callable[[Scope, Collection], Collection]:
    def of(scope: Scope, items: Collection) -> Collection:
        value = value_of(items)
        if value is None:
            return []
        if not isinstance(value, kinds) or not isinstance(value, Temporal):
            raise PathExecutionError(f"A {type(value).__name__} has no such part.")
        at = place - 3 if isinstance(value, Time) else place
        found: Part | None = value.parts[at] if at < len(value.parts) else None
        return [] if found is None else one(int(found))

    return of


def _millisecond(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    at = 2 if isinstance(value, Time) else 5
    if not isinstance(value, DateTime | Time) or len(value.parts) <= at or precision_of(value) not in (9, 17):
        return []
    return one(int(value.parts[at] * 1000) % 1000)


def _offset(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    return one(Decimal(value.offset) / 60) if isinstance(value, DateTime) and value.offset is not None else []


def _date(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    return one(Date(value.parts[:3])) if isinstance(value, Date | DateTime) else []


def _time(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    return one(Time(value.parts[3:])) if isinstance(value, DateTime) and len(value.parts) > 3 else []


FUNCTIONS: dict[str, Function] = {
    "lowBoundary": Plain(_boundary(high=False), 0, 1),
    "highBoundary": Plain(_boundary(high=True), 0, 1),
    "precision": Plain(_precision),
    "comparable": Plain(_comparable, 1, 1),
    "yearOf": Plain(_part((Date, DateTime), 0)),
    "monthOf": Plain(_part((Date, DateTime), 1)),
    "dayOf": Plain(_part((Date, DateTime), 2)),
    "hourOf": Plain(_part((DateTime, Time), 3)),
    "minuteOf": Plain(_part((DateTime, Time), 4)),
    "secondOf": Plain(_part((DateTime, Time), 5)),
    "millisecondOf": Plain(_millisecond),
    "timezoneOffsetOf": Plain(_offset),
    "dateOf": Plain(_date),
    "timeOf": Plain(_time),
}
