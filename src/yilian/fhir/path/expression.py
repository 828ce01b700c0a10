"""What the rest of the house uses: compile an expression once, evaluate it on many resources; find the places it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from yilian.fhir.path.checking import check
from yilian.fhir.path.compiler import compiled
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import truth
from yilian.fhir.path.items import Collection, Item, ancestors, is_primitive, root_item
from yilian.fhir.path.parser import parse
from yilian.fhir.path.scope import NOTHING, Evaluate, Outside, Run, Scope
from yilian.fhir.path.syntax import Node
from yilian.fhir.path.types import is_a


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Free of state: one for all threads and requests.

    `type` is what it was compiled for, None for anything. `node` is its tree.
    """

    text: str
    type: str | None
    node: Node
    of: Evaluate

    def items(
        self,
        resource: Any,
        *,
        variables: Mapping[str, Any] | None = None,
        outside: Outside = NOTHING,
        root: Any = None,
        now: datetime | None = None,
    ) -> Collection:
        """The collection as items with their types and places.

        `resource` is JSON (its type from resourceType, else `type`) or an Item. `root`: the %rootResource when `resource` is contained;
        %resource is the resource an Item stands in. `now` is aware. Raises PathSemanticError and PathExecutionError.
        """
        item = resource if isinstance(resource, Item) else root_item(resource, self._type(resource))
        container = next((at for at in ancestors(item) if is_a(at.type, "Resource")), item)
        top = next((at for at in ancestors(item) if is_a(at.type, "Resource") and at.key != "contained"), container)
        run = Run(
            resource=container,
            root=top if root is None else (root if isinstance(root, Item) else root_item(root)),
            context=[item],
            now=(lambda: now) if now is not None else lambda: datetime.now(UTC),
            outside=outside,
            variables=variables or {},
        )
        try:
            return self.of(Scope(run, [item]))
        except RecursionError:
            raise PathExecutionError(f"FHIRPath {self.text[:100]!r} goes too deep.") from None

    def evaluate(self, resource: Any, *, variables: Mapping[str, Any] | None = None, outside: Outside = NOTHING, **more: Any) -> list[Any]:
        """The values: JSON of elements as it stands (None for a primitive that has only extensions), bool, int, Decimal and str, and
        Date, DateTime, Time and Quantity whose `str` is their FHIRPath text. Arguments and errors as for `items`."""
        return [item.value for item in self.items(resource, variables=variables, outside=outside, **more)]

    def truth(self, resource: Any, *, variables: Mapping[str, Any] | None = None, outside: Outside = NOTHING, **more: Any) -> bool | None:
        """The answer as true, false, or None for an empty collection; one item that is no Boolean is true. Several are an error."""
        return truth(self.items(resource, variables=variables, outside=outside, **more))

    def _type(self, resource: Any) -> str | None:
        return self.type if self.type is not None and not (isinstance(resource, dict) and "resourceType" in resource) else None


@lru_cache(maxsize=2048)
def compile(expression: str, type: str | None = None, *, strict: bool = True) -> Expression:
    """An expression, ready to be evaluated.

    With `type` (`Patient`, `Observation.component`) its names are checked against the definitions, unless `strict` is off.
    Raises PathSyntaxError and PathSemanticError.
    """
    node = parse(expression)
    if type is not None and strict:
        check(node, type, expression)
    return Expression(expression, type, node, compiled(node))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One place in a resource.

    container  the dict or list that holds the value
    key        its key there, or index
    type       a structure of R4
    path       `Patient.name[0].given[1]`
    value      what is there; None for a primitive that has only extensions (they are under "_" + key)
    """

    container: dict[str, Any] | list[Any]
    key: str | int
    type: str
    path: str
    value: Any


def locate(expression: str, resource: dict[str, Any], *, variables: Mapping[str, Any] | None = None) -> list[Place]:
    """Where the elements an expression names stand in this very resource, in the order of the expression; for patches.

    The root itself is no place and is refused, as are calculated values. Raises PathError.
    """
    kind = resource.get("resourceType")
    return [place_of(item) for item in compile(expression, kind if isinstance(kind, str) else None).items(resource, variables=variables)]


def place_of(item: Item) -> Place:
    """Raises PathExecutionError for the root and for values that stand in no resource."""
    parent = item.parent
    if parent is None:
        raise PathExecutionError("The expression names no element inside the resource.")
    holder = parent.beside if parent.value is None or is_primitive(parent.type) else parent.value
    if not isinstance(holder, dict):
        raise PathExecutionError("The expression names no element inside the resource.")
    if item.index is None:
        return Place(holder, item.key, item.type, path_of(item), item.value)
    listed = holder.get(item.key)
    if not isinstance(listed, list) or item.index >= len(listed):
        listed = holder["_" + item.key]
    return Place(listed, item.index, item.type, path_of(item), item.value)


def path_of(item: Item) -> str:
    """`Patient.name[0].given[1]`; a choice by its plain name, `Observation.value`."""
    steps: list[str] = []
    at = item
    while at.parent is not None:
        steps.append(at.plain if at.index is None else f"{at.plain}[{at.index}]")
        at = at.parent
    return ".".join((at.type, *reversed(steps)))
