"""union, combine, and the order of `sort`. http://hl7.org/fhirpath/N1/#combining"""

from __future__ import annotations

from functools import cmp_to_key

from yilian.fhir.path.equality import order
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.existence import distinct
from yilian.fhir.path.functions.kinds import Function, Plain, value_of
from yilian.fhir.path.items import Collection, Item, System
from yilian.fhir.path.scope import Evaluate, Scope

Key = tuple[Evaluate, bool]
"""What to sort by, and whether from the greatest to the least."""


def union(left: Collection, right: Collection) -> Collection:
    """`left | right`: each of both once."""
    return distinct(left + right)


def sorted_by(scope: Scope, items: Collection, keys: tuple[Key, ...]) -> Collection:
    """The items by the first key, then the second and so on; without keys by themselves. What has no key comes first either way."""
    if not keys:
        keys = ((lambda inner: inner.this, False),)
    rows = [([value_of(key(scope.at(item, index))) for key, _ in keys], item) for index, item in enumerate(items)]

    def compare(left: tuple[list[System | None], Item], right: tuple[list[System | None], Item]) -> int:
        for one, other, (_, descending) in zip(left[0], right[0], keys, strict=True):
            if one is None or other is None:
                if one is not other:
                    return -1 if one is None else 1
                continue
            found = order(one, other)
            if found is None:
                raise PathExecutionError("sort() met values whose order is open.")
            if found:
                return -found if descending else found
        return 0

    return [item for _, item in sorted(rows, key=cmp_to_key(compare))]


FUNCTIONS: dict[str, Function] = {
    "union": Plain(lambda scope, items, other: union(items, other), 1, 1),
    "combine": Plain(lambda scope, items, other: items + other, 1, 1),
}
