"""The three kinds of functions, and what they ask of their input.

`Plain` gets its arguments as collections, evaluated once where the function stands. `Lazy` gets them as expressions and evaluates them
itself, for each item with that as `$this`. `Typed` gets the name of a type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.items import Collection, Item, System, system_value
from yilian.fhir.path.scope import Evaluate, Scope


@dataclass(frozen=True, slots=True)
class Plain:
    """`of(scope, input, *arguments)`; `least` to `most` arguments."""

    of: Callable[..., Collection]
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Lazy:
    """`of(scope, input, *expressions)`. `whole`: the arguments see the whole input as `$this`, not one item after the other."""

    of: Callable[..., Collection]
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class Typed:
    """`of(item type, wanted types, input)`: is, as, ofType."""

    of: Callable[[Collection, tuple[str, ...]], Collection]


Function = Plain | Lazy | Typed


def single(items: Collection) -> Item | None:
    """The only item, None for an empty collection. Raises PathExecutionError for several."""
    if not items:
        return None
    if len(items) > 1:
        raise PathExecutionError(f"One item is needed, {len(items)} are there.")
    return items[0]


def value_of(items: Collection) -> System | None:
    """The only item as a system value; None for an empty collection, and for an element that has none."""
    item = single(items)
    return None if item is None else system_value(item)


T = TypeVar("T")


def _of(items: Collection, kind: Any, name: str) -> Any:
    value = value_of(items)
    if value is None:
        if items and items[0].value is not None:
            raise PathExecutionError(f"A {name} is needed, there is a {items[0].type}.")
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise PathExecutionError(f"A {name} is needed, there is a {type(value).__name__}.")
    return value


def text(items: Collection) -> str | None:
    """The only item as a String. Raises PathExecutionError for another type."""
    found: str | None = _of(items, str, "String")
    return found


def integer(items: Collection) -> int | None:
    found: int | None = _of(items, int, "Integer")
    return found


def number(items: Collection) -> int | Decimal | None:
    found: int | Decimal | None = _of(items, (int, Decimal), "number")
    return found


def truth(items: Collection) -> bool | None:
    """A collection as a Boolean: empty is neither, one item that is no Boolean is true. Raises PathExecutionError for several."""
    item = single(items)
    if item is None:
        return None
    value = system_value(item)
    if value is None and item.type == "boolean":
        return None
    return value if isinstance(value, bool) else True


def each(scope: Scope, items: Collection, criteria: Evaluate) -> list[tuple[Item, Collection]]:
    """(item, what the expression gives for it)."""
    return [(item, criteria(scope.at(item, index))) for index, item in enumerate(items)]
