"""The part of FHIRPath that HL7's search parameters are written in, compiled once against the definitions.

Known: paths, `|`, `as`, `as()`, `ofType()`, `.where(resolve() is Patient)`, `.where(system='phone')`, `.where(hasExtension('…'))`,
`extension('…')`, `[0]`, `first()`, `exists()`, `=`, `!=`, `and`, `or`. Everything else is refused by name: a path that is half understood
would index half a record; the whole language is `yilian.fhir.path`, whose parser reads these too. An expression is resolved against the
structures, so every value comes with its type and a choice such as `Observation.value` is the keys it can have.
FHIRPath N1: http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from typing import Literal as OneOf

from yilian.errors import NotSupported
from yilian.fhir.definitions import Element, is_resource_type, structure, structure_names
from yilian.fhir.path.errors import PathSyntaxError
from yilian.fhir.path.parser import parse
from yilian.fhir.path.syntax import Binary, Call, Indexed, Literal, Name, Node, Path, TypeName, TypeTest, type_named
from yilian.fhir.path.types import fits

Values = list[tuple[Any, str]]


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one item: it resolves to a type, one of its elements equals a text, or it carries an extension."""

    kind: OneOf["resolves", "equals", "extended"]
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
    try:
        node = parse(expression)
    except PathSyntaxError as error:
        raise NotSupported(str(error)) from None
    return _Resolver(expression, kind).of(node)


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


# --- from the tree of an expression to ways through a resource


class _Resolver:
    """Takes the parts of an expression that are known here, one type of resource in mind; refuses the others by name."""

    def __init__(self, expression: str, kind: str) -> None:
        self.expression, self.kind = expression, kind

    def refused(self, why: str) -> NotSupported:
        return NotSupported(f"FHIRPath {self.expression!r} for {self.kind} cannot be compiled: {why}.")

    def of(self, node: Node) -> Compiled:
        """Branches, or a Truth once something was compared."""
        if isinstance(node, Name):
            return self.root(node.name)
        if isinstance(node, Path):
            found = self.paths(self.of(node.of))
            return self.child(found, node.step.name) if isinstance(node.step, Name) else self.invoked(found, node.step)
        if isinstance(node, Call):
            return self.invoked((Branch((), self.kind),), node)
        if isinstance(node, Indexed):
            if node.index != Literal(0):
                raise self.refused("only [0] is known")
            return self.first(self.paths(self.of(node.of)))
        if isinstance(node, TypeTest) and node.operator == "as":
            return self.narrowed(self.paths(self.of(node.of)), node.type)
        if isinstance(node, Binary):
            return self.both(node)
        raise self.refused(f"{type(node).__name__} at character {node.at + 1} is not known here")

    def both(self, node: Binary) -> Compiled:
        if node.operator == "|":
            return self.paths(self.of(node.left)) + self.paths(self.of(node.right))
        if node.operator in ("and", "or"):
            return _joined(self.of(node.left), self.of(node.right), all if node.operator == "and" else any)
        if node.operator in ("=", "!="):
            if not isinstance(node.right, Literal) or type(node.right.value) not in (str, bool):
                raise self.refused("only comparing with a text, true or false is known")
            return _compared(self.paths(self.of(node.left)), node.right.value, node.operator == "=")
        raise self.refused(f"{node.operator!r} is not known here")

    def paths(self, compiled: Compiled) -> tuple[Branch, ...]:
        if isinstance(compiled, Truth):
            raise self.refused("a truth value stands where elements are needed")
        return compiled

    def root(self, name: str) -> tuple[Branch, ...]:
        here = (Branch((), self.kind),)
        if name == self.kind or name in ("Resource", "DomainResource"):
            return here
        if is_resource_type(name):
            return ()  # a branch for another type of a parameter that several types share
        return self.child(here, name)

    def invoked(self, found: tuple[Branch, ...], call: Call) -> Compiled:
        name, arguments = call.name, call.arguments
        if name == "where" and len(arguments) == 1:
            return self.filtered(found, arguments[0])
        if name in ("as", "ofType") and len(arguments) == 1:
            kind = type_named(arguments[0])
            if kind is None:
                raise self.refused(f"{name}() needs the name of a type")
            return self.narrowed(found, kind)
        if name == "extension" and len(arguments) == 1:
            return self.tested(self.child(found, "extension"), Test("equals", "url", self.text(arguments[0])))
        if name == "first" and not arguments:
            return self.first(found)
        if name == "exists" and not arguments:
            return Truth(lambda root: any(branch.values(root) for branch in found))
        raise self.refused(f"the function {name}() is not known")

    def text(self, node: Node) -> str:
        if isinstance(node, Literal) and isinstance(node.value, str):
            return node.value
        raise self.refused("a text is expected")

    def filtered(self, found: tuple[Branch, ...], condition: Node) -> tuple[Branch, ...]:
        if isinstance(condition, TypeTest) and condition.operator == "is" and condition.of == Call("resolve", ()):
            kind = condition.type.name
            return tuple(
                replace(b, targets=(kind,)) for b in self.tested(found, Test("resolves", kind)) if not b.targets or kind in b.targets
            )
        if isinstance(condition, Call) and condition.name == "hasExtension" and len(condition.arguments) == 1:
            return self.tested(found, Test("extended", self.text(condition.arguments[0])))
        if isinstance(condition, Binary) and condition.operator == "=" and isinstance(condition.left, Name):
            name = condition.left.name
            self.child(found, name)  # refuses an element that is not there
            return self.tested(found, Test("equals", name, self.text(condition.right)))
        raise self.refused("this condition in where() is not known")

    def child(self, found: tuple[Branch, ...], name: str) -> tuple[Branch, ...]:
        if name in ("extension", "id") and any(structure(branch.type).kind == "primitive" for branch in found):
            raise self.refused(f"what JSON keeps beside a primitive ({name!r}) is not known here")
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

    def narrowed(self, found: tuple[Branch, ...], kind: TypeName) -> tuple[Branch, ...]:
        if kind.space not in ("", "FHIR") or kind.name not in structure_names():
            raise self.refused(f"there is no type {kind.name!r}")
        return tuple(branch for branch in found if fits(branch.type, kind.name))

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
