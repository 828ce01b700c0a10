"""trace, now, today, timeOfDay, aggregate, type, defineVariable, coalesce. http://hl7.org/fhirpath/N1/#utility-functions"""

from __future__ import annotations

from decimal import Decimal

from yilian.fhir.path.errors import PathSemanticError
from yilian.fhir.path.functions.kinds import Function, Lazy, Plain, text
from yilian.fhir.path.items import Collection, Item, one
from yilian.fhir.path.scope import Evaluate, Scope
from yilian.fhir.path.temporal import Date, DateTime, Time
from yilian.fhir.path.types import reflected

RESERVED = frozenset(("context", "resource", "rootResource", "ucum", "sct", "loinc"))
"""Variables that nobody defines anew."""


def now(scope: Scope) -> DateTime:
    """The clock of the evaluation, to the millisecond."""
    at = scope.run.clock()
    offset = at.utcoffset()
    second = Decimal(at.second) + Decimal(at.microsecond // 1000).scaleb(-3)
    return DateTime(
        (at.year, at.month, at.day, at.hour, at.minute, second), int(offset.total_seconds() // 60) if offset is not None else None
    )


def _trace(scope: Scope, items: Collection, name: Evaluate, projection: Evaluate | None = None) -> Collection:
    label = text(name(scope)) or ""
    if scope.run.outside.trace is not None:
        shown = items if projection is None else [found for index, item in enumerate(items) for found in projection(scope.at(item, index))]
        scope.run.outside.trace(label, [item.value for item in shown])
    return items


def _aggregate(scope: Scope, items: Collection, aggregator: Evaluate, start: Evaluate | None = None) -> Collection:
    total = start(scope) if start is not None else []
    for index, item in enumerate(items):
        total = scope.run.spend(aggregator(Scope(scope.run, [item], index, total, scope.defined)))
    return total


def _define(scope: Scope, items: Collection, name: Evaluate, value: Evaluate | None = None) -> Collection:
    label = text(name(scope))
    if not label or label in RESERVED or (scope.defined is not None and label in scope.defined):
        raise PathSemanticError(f"The variable %{label} cannot be defined; it is there already or reserved.")
    found = items if value is None else value(Scope(scope.run, items, scope.index, scope.total, scope.defined))
    if scope.defined is None:
        scope.defined = {}
    scope.defined[label] = found
    return items


def _coalesce(scope: Scope, items: Collection, *choices: Evaluate) -> Collection:
    for choice in choices:
        found = choice(scope)
        if found:
            return found
    return []


def _type(scope: Scope, items: Collection) -> Collection:
    """SimpleTypeInfo as items with namespace and name."""
    return [Item(dict(zip(("namespace", "name"), reflected(item.type), strict=True)), "System.TypeInfo") for item in items]


def _now(scope: Scope, items: Collection) -> Collection:
    return one(now(scope))


def _today(scope: Scope, items: Collection) -> Collection:
    return one(Date(now(scope).parts[:3]))


def _time_of_day(scope: Scope, items: Collection) -> Collection:
    return one(Time(now(scope).parts[3:]))


FUNCTIONS: dict[str, Function] = {
    "trace": Lazy(_trace, 1, 2),
    "now": Plain(_now),
    "today": Plain(_today),
    "timeOfDay": Plain(_time_of_day),
    "aggregate": Lazy(_aggregate, 1, 2),
    "defineVariable": Lazy(_define, 1, 2),
    "coalesce": Lazy(_coalesce, 1, 20),
    "type": Plain(_type),
}
