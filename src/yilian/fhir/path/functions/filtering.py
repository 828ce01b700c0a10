"""where, select, repeat, ofType, and is and as as functions. http://hl7.org/fhirpath/N1/#filtering-and-projection"""

from __future__ import annotations

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.existence import Different
from yilian.fhir.path.functions.kinds import Function, Lazy, Typed, single, truth
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.scope import Evaluate, Scope
from yilian.fhir.path.types import fits, is_a

MOST_REPEATED = 10_000
"""Items after which `repeat` gives up; an expression can make new ones for ever."""


def _where(scope: Scope, items: Collection, criteria: Evaluate) -> Collection:
    spend = scope.run.spend
    return [item for index, item in enumerate(items) if truth(spend(criteria(scope.at(item, index)))) is True]


def _select(scope: Scope, items: Collection, projection: Evaluate) -> Collection:
    spend = scope.run.spend
    return [found for index, item in enumerate(items) for found in spend(projection(scope.at(item, index)))]


def _repeat(scope: Scope, items: Collection, projection: Evaluate) -> Collection:
    out: Collection = []
    different = Different()
    seen: set[int] = set()
    level = items
    while level:
        below: Collection = []
        for found in _select(scope, level, projection):
            if id(found.value) in seen and isinstance(found.value, dict):
                continue
            if not different.is_new(found):
                continue
            seen.add(id(found.value))
            out.append(found)
            below.append(found)
        _not_endless(out)
        level = below
    return out


def _repeat_all(scope: Scope, items: Collection, projection: Evaluate) -> Collection:
    out: Collection = []
    level = items
    while level:
        level = _select(scope, level, projection)
        out += level
        _not_endless(out)
    return out


def _not_endless(items: Collection) -> None:
    if len(items) > MOST_REPEATED:
        raise PathExecutionError(f"repeat() went on for more than {MOST_REPEATED} items.")


def narrowed(items: Collection, kinds: tuple[str, ...]) -> Collection:
    """`ofType`, and `as`, which R4's own expressions ask of several items as well."""
    return [item for item in items if any(fits(item.type, kind) for kind in kinds)]


def tested(items: Collection, kinds: tuple[str, ...]) -> Collection:
    """`is`; empty for an empty collection."""
    item = single(items)
    return [] if item is None else one(any(is_a(item.type, kind) for kind in kinds))


FUNCTIONS: dict[str, Function] = {
    "where": Lazy(_where),
    "select": Lazy(_select),
    "repeat": Lazy(_repeat),
    "repeatAll": Lazy(_repeat_all),
    "ofType": Typed(narrowed),
    "as": Typed(narrowed),
    "is": Typed(tested),
}
