"""empty, exists, all, allTrue …, subsetOf, count, distinct. http://hl7.org/fhirpath/N1/#existence"""

from __future__ import annotations

from decimal import Decimal

from yilian.fhir.path.equality import equal_items
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Lazy, Plain, truth
from yilian.fhir.path.items import Collection, Item, one, system_value
from yilian.fhir.path.scope import Evaluate, Scope


def is_in(item: Item, items: Collection) -> bool:
    """Whether an equal item is there."""
    return any(equal_items(item, other) is True for other in items)


class Different:
    """Tells of each item whether an equal one was there. Texts, numbers and truth values are looked up, others compared."""

    __slots__ = ("others", "seen")

    def __init__(self) -> None:
        self.seen: set[tuple[str, object]] = set()
        self.others: Collection = []

    def is_new(self, item: Item) -> bool:
        value = system_value(item)
        if isinstance(value, str | int | Decimal):
            key = ("text" if isinstance(value, str) else "truth" if isinstance(value, bool) else "number", value)
            if key in self.seen:
                return False
            self.seen.add(key)
            return True
        if is_in(item, self.others):
            return False
        self.others.append(item)
        return True


def distinct(items: Collection) -> Collection:
    """The first of each that are equal, in order."""
    different = Different()
    return [item for item in items if different.is_new(item)]


def _truths(items: Collection) -> list[bool]:
    found = []
    for item in items:
        value = system_value(item)
        if not isinstance(value, bool):
            raise PathExecutionError(f"Booleans are needed, there is a {item.type}.")
        found.append(value)
    return found


def _exists(scope: Scope, items: Collection, criteria: Evaluate | None = None) -> Collection:
    if criteria is None:
        return one(bool(items))
    return one(any(truth(criteria(scope.at(item, index))) is True for index, item in enumerate(items)))


def _all(scope: Scope, items: Collection, criteria: Evaluate) -> Collection:
    return one(all(truth(criteria(scope.at(item, index))) is True for index, item in enumerate(items)))


def _subset(items: Collection, of: Collection) -> bool:
    return all(is_in(item, of) for item in items)


FUNCTIONS: dict[str, Function] = {
    "empty": Plain(lambda scope, items: one(not items)),
    "exists": Lazy(_exists, 0, 1),
    "all": Lazy(_all),
    "allTrue": Plain(lambda scope, items: one(all(_truths(items)))),
    "anyTrue": Plain(lambda scope, items: one(any(_truths(items)))),
    "allFalse": Plain(lambda scope, items: one(not any(_truths(items)))),
    "anyFalse": Plain(lambda scope, items: one(not all(_truths(items)))),
    "subsetOf": Plain(lambda scope, items, other: one(_subset(items, other)), 1, 1),
    "supersetOf": Plain(lambda scope, items, other: one(_subset(other, items)), 1, 1),
    "count": Plain(lambda scope, items: one(len(items))),
    "distinct": Plain(lambda scope, items: distinct(items)),
    "isDistinct": Plain(lambda scope, items: one(len(distinct(items)) == len(items))),
}
