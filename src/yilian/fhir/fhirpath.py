"""The part of FHIRPath that HL7's search parameters are written in, compiled once against the definitions.

Known: paths, `|`, `as`, `as()`, `ofType()`, `.where(resolve() is Patient)`, `.where(system='phone')`, `.where(hasExtension('…'))`,
`extension('…')`, `[0]`, `first()`, `exists()`, `=`, `!=`, `and`, `or`. Everything else is refused by name: a path that is half understood
would index half a record. An expression is resolved against the structures, so every value comes with its type and a choice such as
`Observation.value` is the keys it can have.
FHIRPath N1: http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from yilian.errors import NotSupported
from yilian.fhir.definitions import Element, is_resource_type, structure, structure_names

Values = list[tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one item: it resolves to a type, one of its elements equals a text, or it carries an extension."""

    kind: Literal["resolves", "equals", "extended"]
    name: str
    value: str = ""

    def holds(self, item: Any) -> bool:
        if type(item) is not dict:
            return False
        if self.kind == "equals":
            return bool(item.get(self.name) == self.value)
        if self.kind == "extended":
            extensions = item.get("extension")
            return type(extensions) is list and any(type(one) is dict and one.get("url") == self.name for one in extensions)
        return referred_type(item) == self.name


@dataclass(frozen=True, slots=True)
class Step:
    """Down one key. `many`: the value is an array; `tests`: which items go on; `first`: only the first of all that are left."""

    key: str
    many: bool
    tests: tuple[Test, ...] = ()
    first: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through a resource, with the type of what is at its end.

    `element` is the last element on the way (its binding, its targets), None at the root; `targets` are the types a Reference there may
    point to once `resolve() is …` is heeded, empty for any.
    """

    steps: tuple[Step, ...]
    type: str
    element: Element | None = None
    targets: tuple[str, ...] = ()

    def values(self, root: Any) -> list[Any]:
        """What is there in one resource (or one element, if compiled against that), in document order."""
        found = [root]
        for step in self.steps:
            found = list(_down(found, step))
            if step.first:
                del found[1:]
        return found


@dataclass(frozen=True, slots=True)
class Truth:
    """An expression that gives a boolean, or nothing (None), instead of elements."""

    of: Callable[[Any], bool | None]


Compiled = tuple[Branch, ...] | Truth


def referred_type(reference: dict[str, Any]) -> str:
    """The resource type a Reference names, by its text: `Patient/1`, `https://a.example/fhir/Patient/1/_history/2`.

    Else by `Reference.type`.
    """
    text = reference.get("reference")
    if isinstance(text, str):
        parts = text.partition("/_history/")[0].rsplit("/", 2)
        if len(parts) > 1 and is_resource_type(parts[-2]):
            return parts[-2]
        if text:
            named = reference.get("type")
            return named if isinstance(named, str) else ""
    return ""


@cache
def branches(expression: str, kind: str) -> Compiled:
    """The expression resolved for one resource type (or `Observation.component`); branches of other types are left out.

    Raises NotSupported for what is not known here and for elements that the type does not have.
    """
    parser = _Parser(expression, kind)
    result = parser.either()
    parser.end()
    return result


def compile_path(expression: str, kind: str) -> Callable[[dict[str, Any]], Values]:
    """A function from one resource of type `kind` to its (value, type name) pairs. Raises NotSupported as `branches` does."""
    compiled = branches(expression, kind)
    if isinstance(compiled, Truth):
        truth = compiled.of

        def of_truth(root: dict[str, Any]) -> Values:
            value = truth(root)
            return [] if value is None else [(value, "boolean")]

        return of_truth

    def of_branches(root: dict[str, Any]) -> Values:
        return [
            (value, value.get("resourceType", "Resource") if b.type == "Resource" else b.type) for b in compiled for value in b.values(root)
        ]

    return of_branches


def _down(items: list[Any], step: Step) -> Iterator[Any]:
    for item in items:
        value = item.get(step.key) if type(item) is dict else None
        if value is None:
            continue
        for one in value if type(value) is list else (value,):
            if one is not None and all(test.holds(one) for test in step.tests):
                yield one


# --- reading an expression

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^'\\]*')|(?P<number>\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>!=|[.()\[\]|=,]))")


class _Parser:
    """Recursive descent in the precedence of FHIRPath: path, `as`, `|`, `= !=`, `and`, `or`."""

    def __init__(self, expression: str, kind: str) -> None:
        self.expression, self.kind = expression, kind
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(expression.rstrip()):
            found = _TOKEN.match(expression, place)
            if not found or not found.lastgroup:
                raise self.refused(f"at character {place + 1}")
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            place = found.end()
        self.tokens.append(("end", ""))
        self.place = 0

    def refused(self, why: str) -> NotSupported:
        return NotSupported(f"FHIRPath {self.expression!r} for {self.kind} cannot be compiled: {why}.")

    def peek(self, text: str) -> bool:
        return self.tokens[self.place][1] == text and self.tokens[self.place][0] != "text"

    def take(self, text: str) -> bool:
        if self.peek(text):
            self.place += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.refused(f"{text!r} expected before {self.tokens[self.place][1]!r}")

    def word(self, group: str = "name") -> str:
        found, text = self.tokens[self.place]
        if found != group:
            raise self.refused(f"a {group} expected before {text!r}")
        self.place += 1
        return text[1:-1] if group == "text" else text

    def end(self) -> None:
        if self.tokens[self.place][0] != "end":
            raise self.refused(f"{self.tokens[self.place][1]!r} is not known here")

    # each level returns branches, or a Truth once something was compared

    def either(self) -> Compiled:
        left = self.both()
        while self.take("or"):
            left = _joined(left, self.both(), any)
        return left

    def both(self) -> Compiled:
        left = self.equality()
        while self.take("and"):
            left = _joined(left, self.equality(), all)
        return left

    def equality(self) -> Compiled:
        left = self.union()
        for sign in ("=", "!="):
            if self.take(sign):
                return _compared(self.paths(left), self.literal(), sign == "=")
        return left

    def literal(self) -> object:
        if self.tokens[self.place][0] == "text":
            return self.word("text")
        name = self.word()
        if name not in ("true", "false"):
            raise self.refused(f"comparing with {name!r} is not known")
        return name == "true"

    def union(self) -> Compiled:
        left = self.cast()
        while self.take("|"):
            left = self.paths(left) + self.paths(self.cast())
        return left

    def cast(self) -> Compiled:
        left = self.path()
        if self.take("as"):
            return self.narrowed(self.paths(left), self.word())
        return left

    def paths(self, compiled: Compiled) -> tuple[Branch, ...]:
        if isinstance(compiled, Truth):
            raise self.refused("a truth value stands where elements are needed")
        return compiled

    def path(self) -> Compiled:
        found: Compiled
        if self.take("("):
            found = self.either()
            self.need(")")
        else:
            found = self.root()
        while True:
            if self.take("["):
                if self.word("number") != "0":
                    raise self.refused("only [0] is known")
                self.need("]")
                found = self.first(self.paths(found))
            elif self.take("."):
                found = self.invoked(self.paths(found))
            else:
                return found

    def root(self) -> tuple[Branch, ...]:
        here = (Branch((), self.kind),)
        name = self.word()
        if self.peek("("):
            self.place -= 1
            return self.paths(self.invoked(here))
        if name == self.kind or name in ("Resource", "DomainResource"):
            return here
        if is_resource_type(name):
            return ()  # a branch for another type of a parameter that several types share
        return self.child(here, name)

    def invoked(self, found: tuple[Branch, ...]) -> Compiled:
        name = self.word()
        if not self.take("("):
            return self.child(found, name)
        if name == "where":
            result: Compiled = self.filtered(found)
        elif name in ("as", "ofType"):
            result = self.narrowed(found, self.word())
        elif name == "extension":
            result = self.tested(self.child(found, "extension"), Test("equals", "url", self.word("text")))
        elif name == "first":
            result = self.first(found)
        elif name == "exists":
            result = Truth(lambda root: any(branch.values(root) for branch in found))
        else:
            raise self.refused(f"the function {name}() is not known")
        self.need(")")
        return result

    def filtered(self, found: tuple[Branch, ...]) -> tuple[Branch, ...]:
        name = self.word()
        if name == "resolve":
            for sign in ("(", ")", "is"):
                self.need(sign)
            kind = self.word()
            return tuple(
                replace(b, targets=(kind,)) for b in self.tested(found, Test("resolves", kind)) if not b.targets or kind in b.targets
            )
        if name == "hasExtension":
            self.need("(")
            url = self.word("text")
            self.need(")")
            return self.tested(found, Test("extended", url))
        self.need("=")
        self.child(found, name)  # refuses an element that is not there
        return self.tested(found, Test("equals", name, self.word("text")))

    def child(self, found: tuple[Branch, ...], name: str) -> tuple[Branch, ...]:
        down = tuple(
            Branch(
                (*branch.steps, Step(element.key, element.many)),
                element.type,
                element,
                () if "Resource" in element.targets else element.targets,
            )
            for branch in found
            for element in structure(branch.type).elements.values()
            if (element.key == name and element.choice is None) or element.choice == name + "[x]"
        )
        if found and not down:
            raise self.refused(f"{' or '.join(sorted({b.type for b in found}))} has no element {name!r}")
        return down

    def narrowed(self, found: tuple[Branch, ...], kind: str) -> tuple[Branch, ...]:
        if kind not in structure_names():
            raise self.refused(f"there is no type {kind!r}")
        return tuple(branch for branch in found if _is_a(branch.type, kind))

    def tested(self, found: tuple[Branch, ...], test: Test) -> tuple[Branch, ...]:
        return self.at_last_step(found, lambda step: replace(step, tests=(*step.tests, test)))

    def first(self, found: tuple[Branch, ...]) -> tuple[Branch, ...]:
        if len(found) > 1:
            raise self.refused("the first of a union is not known")
        return self.at_last_step(found, lambda step: replace(step, first=True))

    def at_last_step(self, found: tuple[Branch, ...], change: Callable[[Step], Step]) -> tuple[Branch, ...]:
        if any(not branch.steps or branch.steps[-1].first for branch in found):
            raise self.refused("there is nothing to choose from")
        return tuple(replace(branch, steps=(*branch.steps[:-1], change(branch.steps[-1]))) for branch in found)


def _is_a(kind: str, wanted: str) -> bool:
    while kind and kind != wanted:
        kind = structure(kind).base
    return bool(kind)


def _truth(compiled: Compiled) -> Callable[[Any], bool | None]:
    if isinstance(compiled, Truth):
        return compiled.of

    def single(root: Any) -> bool | None:
        found = [value for branch in compiled for value in branch.values(root)]
        return (found[0] if isinstance(found[0], bool) else True) if len(found) == 1 else None

    return single


def _joined(left: Compiled, right: Compiled, how: Callable[[list[bool]], bool]) -> Truth:
    """`and` and `or` with FHIRPath's three values: a side that is empty decides nothing by itself."""
    first, second = _truth(left), _truth(right)

    def value(root: Any) -> bool | None:
        sides = [first(root), second(root)]
        known = [side for side in sides if side is not None]
        decisive = how is any
        if decisive in known:
            return decisive
        return how(known) if len(known) == 2 else None

    return Truth(value)


def _compared(found: tuple[Branch, ...], literal: object, equal: bool) -> Truth:
    def value(root: Any) -> bool | None:
        items = [item for branch in found for item in branch.values(root)]
        if not items:
            return None
        same = len(items) == 1 and type(items[0]) is type(literal) and items[0] == literal
        return same is equal

    return Truth(value)
