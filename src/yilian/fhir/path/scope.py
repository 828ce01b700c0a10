"""What an expression can see while it is evaluated: the resource, variables, the clock, and where to ask for what lies outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.items import Collection, Item

Resolver = Callable[[str], dict[str, Any] | None]
"""The text of a reference → the resource it is to, None where it is not there. Contained and bundled ones are found without it."""

MemberOf = Callable[[dict[str, Any] | str, str], bool | None]
"""(code, Coding or CodeableConcept as JSON; value set) → whether it is in there, None where that is unknown."""

Subsumes = Callable[[dict[str, Any], dict[str, Any]], bool | None]
"""(Coding or CodeableConcept, another) → whether the first is the same or more general."""

ConformsTo = Callable[[Any, str], bool | None]
"""(resource or element as JSON, canonical of a profile) → whether it conforms; None where the profile is unknown."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What an evaluation may ask beyond the resource; all of it optional. What is needed and not given is an execution error."""

    resolve: Resolver | None = None
    member_of: MemberOf | None = None
    subsumes: Subsumes | None = None
    conforms_to: ConformsTo | None = None
    trace: Callable[[str, list[Any]], None] | None = None


NOTHING = Outside()

MOST_EFFORT = 3_000_000
"""Items an evaluation may make, all of them counted; an expression of one line can ask for more than any machine holds."""
LONGEST_TEXT = 1_000_000
"""Characters of a text that is made."""
CHARACTERS_AN_ITEM = 16
"""So many cost as much as one item."""


@dataclass(slots=True)
class Run:
    """One evaluation. `now` is aware; one evaluation has one clock reading."""

    resource: Item
    root: Item
    context: Collection
    now: Callable[[], datetime]
    outside: Outside = NOTHING
    variables: Mapping[str, Any] = field(default_factory=dict)
    read: datetime | None = None
    effort: int = 0

    def spend(self, items: Collection) -> Collection:
        """These items, counted. Raises PathExecutionError once an evaluation has made more than `MOST_EFFORT`."""
        self.effort += len(items)
        if len(items) == 1 and type(made := items[0].value) is str and len(made) > CHARACTERS_AN_ITEM:
            if len(made) > LONGEST_TEXT:
                raise too_much()
            self.effort += len(made) // CHARACTERS_AN_ITEM
        if self.effort > MOST_EFFORT:
            raise too_much()
        return items

    def clock(self) -> datetime:
        """The instant of this evaluation, the same however often it is asked."""
        if self.read is None:
            self.read = self.now()
        return self.read


def too_much() -> PathExecutionError:
    """What an evaluation ends with that would go on for too long, or take too much memory."""
    return PathExecutionError("This FHIRPath makes too much out of the resource; ask for less.", zh="FHIRPath 表达式计算量过大,请简化。")


class Scope:
    """Where in the expression we are: `$this`, `$index`, `$total`, and the variables defined on the way here."""

    __slots__ = ("defined", "index", "run", "this", "total")

    def __init__(
        self,
        run: Run,
        this: Collection,
        index: int | None = None,
        total: Collection | None = None,
        defined: dict[str, Collection] | None = None,
    ) -> None:
        self.run = run
        self.this = this
        self.index = index
        self.total = total
        self.defined = defined

    def at(self, item: Item, index: int) -> Scope:
        """The scope of one item in `where`, `select` and their like."""
        return Scope(self.run, [item], index, self.total, dict(self.defined) if self.defined else None)


Evaluate = Callable[[Scope], Collection]
"""A compiled expression."""

Invoke = Callable[[Scope, Collection], Collection]
"""A compiled step: the scope it stands in, and what is left of the point."""
