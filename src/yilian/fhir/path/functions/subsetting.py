"""single, first, last, tail, skip, take, intersect, exclude. http://hl7.org/fhirpath/N1/#subsetting"""

from __future__ import annotations

from yilian.fhir.path.functions.existence import distinct, is_in
from yilian.fhir.path.functions.kinds import Function, Plain, integer, single
from yilian.fhir.path.items import Collection
from yilian.fhir.path.scope import Scope


def _single(scope: Scope, items: Collection) -> Collection:
    single(items)
    return items


def _skip(scope: Scope, items: Collection, count: Collection) -> Collection:
    number = integer(count)
    return items if number is None or number <= 0 else items[number:]


def _take(scope: Scope, items: Collection, count: Collection) -> Collection:
    number = integer(count)
    return [] if number is None or number <= 0 else items[:number]


FUNCTIONS: dict[str, Function] = {
    "single": Plain(_single),
    "first": Plain(lambda scope, items: items[:1]),
    "last": Plain(lambda scope, items: items[-1:]),
    "tail": Plain(lambda scope, items: items[1:]),
    "skip": Plain(_skip, 1, 1),
    "take": Plain(_take, 1, 1),
    "intersect": Plain(lambda scope, items, other: distinct([item for item in items if is_in(item, other)]), 1, 1),
    "exclude": Plain(lambda scope, items, other: [item for item in items if not is_in(item, other)], 1, 1),
}
