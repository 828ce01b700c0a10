"""Whether the names in an expression exist, told before anything is evaluated.

The types are followed through the expression as far as they can be known; where they cannot (after `children()`, `resolve()`, inside a
contained resource) nothing is refused. What comes in no order (`children()`, `descendants()`) must not be asked for its first.
http://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from __future__ import annotations

from dataclasses import dataclass

from yilian.fhir.path.errors import PathSemanticError
from yilian.fhir.path.functions import FUNCTIONS
from yilian.fhir.path.functions.kinds import Lazy
from yilian.fhir.path.items import is_primitive, known, ways_named
from yilian.fhir.path.syntax import Binary, Call, Indexed, Name, Node, Path, Signed, This, TypeName, TypeTest, Variable, type_named
from yilian.fhir.path.types import is_a, wanted


@dataclass(frozen=True, slots=True)
class Known:
    """The types something may have, None for any; and whether it comes in an order."""

    types: frozenset[str] | None
    ordered: bool = True


ANYTHING = Known(None)
KEEPING = frozenset(("where", "first", "last", "tail", "skip", "take", "single", "distinct", "intersect", "exclude", "trace", "sort"))
POSITIONAL = frozenset(("first", "last", "tail", "skip", "take"))
OPEN = frozenset(("Resource", "DomainResource", "Element", "BackboneElement"))
"""Types whose elements are those of whatever stands there."""


def check(node: Node, type: str, expression: str) -> None:
    """Raises PathSemanticError for an element that the types on the way do not have."""
    start = Known(frozenset((type,))) if known(type) else ANYTHING
    _Checker(expression, start).of(node, start)


class _Checker:
    def __init__(self, expression: str, root: Known) -> None:
        self.expression = expression
        self.root = root

    def of(self, node: Node, this: Known) -> Known:
        if isinstance(node, Name):
            return self.beginning(node, this)
        if isinstance(node, Call):
            return self.call(node, this, this)
        if isinstance(node, This):
            return this if node.name == "this" else ANYTHING
        if isinstance(node, Variable):
            return self.root if node.name == "context" else ANYTHING
        if isinstance(node, Path):
            left = self.of(node.of, this)
            return self.element(node.step.name, left) if isinstance(node.step, Name) else self.call(node.step, left, this)
        if isinstance(node, Indexed):
            found = self.of(node.of, this)
            self.of(node.index, this)
            self.in_order(found, "[]")
            return found
        if isinstance(node, Signed):
            self.of(node.of, this)
            return ANYTHING
        if isinstance(node, TypeTest):
            found = self.of(node.of, this)
            return self.typed(node.type, found) if node.operator == "as" else ANYTHING
        return self.both(node, this) if isinstance(node, Binary) else ANYTHING

    def both(self, node: Binary, this: Known) -> Known:
        left, right = self.of(node.left, this), self.of(node.right, this)
        if node.operator != "|" or left.types is None or right.types is None:
            return ANYTHING
        return Known(left.types | right.types, left.ordered and right.ordered)

    def beginning(self, node: Name, this: Known) -> Known:
        name = node.name
        if known(name) and name[:1].isupper():
            if this.types is None:
                return Known(frozenset((name,))) if name not in OPEN else ANYTHING
            if any(is_a(kind, name) or is_a(name, kind) for kind in this.types):
                return this if name in OPEN else Known(frozenset((name,)))
            if self.root.types is not None and any(is_a(kind, name) for kind in self.root.types):
                return self.root
        return self.element(name, this)

    def element(self, name: str, left: Known) -> Known:
        if left.types is None:
            return ANYTHING
        found: set[str] = set()
        for kind in left.types:
            if kind.startswith("System.") or kind in OPEN:
                return ANYTHING
            found |= {way.type for way in ways_named("Element" if is_primitive(kind) else kind, name)}
        if not found:
            names = " or ".join(sorted(left.types)[:5])
            raise PathSemanticError(
                f"FHIRPath {self.expression[:200]!r}: {names} has no element {name[:60]!r}.", zh=f"FHIRPath 表达式中没有元素“{name[:60]}”。"
            )
        return Known(None if found & OPEN else frozenset(found), left.ordered)

    def typed(self, kind: TypeName, found: Known) -> Known:
        types = frozenset(wanted(kind))
        return ANYTHING if types & OPEN else Known(types or None, found.ordered)

    def in_order(self, found: Known, name: str) -> None:
        if not found.ordered:
            raise PathSemanticError(f"FHIRPath {self.expression[:200]!r}: {name} is asked of what has no order.")

    def call(self, node: Call, left: Known, this: Known) -> Known:
        name = node.name
        kind = type_named(node.arguments[0]) if name in ("is", "as", "ofType") and node.arguments else None
        if kind is not None:
            return self.typed(kind, left) if name != "is" else ANYTHING
        lazy = name == "sort" or isinstance(FUNCTIONS.get(name), Lazy)
        inside = [self.of(argument, left if lazy else this) for argument in node.arguments]
        if name in POSITIONAL:
            self.in_order(left, f"{name}()")
        if name in KEEPING:
            return left if name != "sort" else Known(left.types)
        if name in ("children", "descendants"):
            return Known(None, ordered=False)
        if name in ("extension", "hasExtension"):
            return Known(frozenset(("Extension",))) if name == "extension" else ANYTHING
        if name in ("select", "repeat", "repeatAll") and inside:
            return Known(inside[0].types, left.ordered and inside[0].ordered)
        if name in ("union", "combine") and inside and left.types is not None and inside[0].types is not None:
            return Known(left.types | inside[0].types, left.ordered)
        return ANYTHING
