"""The tree of an expression becomes Python closures, once; evaluating is calling them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yilian.fhir.definitions import is_resource_type
from yilian.fhir.path.errors import PathExecutionError, PathSemanticError
from yilian.fhir.path.functions import FUNCTIONS
from yilian.fhir.path.functions.combining import Key, sorted_by
from yilian.fhir.path.functions.filtering import narrowed, tested
from yilian.fhir.path.functions.kinds import Lazy, Plain, integer, truth
from yilian.fhir.path.items import Collection, Item, ancestors, child, known, one, root_item, wrap
from yilian.fhir.path.operators import OPERATIONS, negative
from yilian.fhir.path.scope import Evaluate, Invoke, Scope
from yilian.fhir.path.syntax import (
    Binary,
    Call,
    Empty,
    Indexed,
    Literal,
    Name,
    Node,
    Path,
    Signed,
    This,
    TypeTest,
    Variable,
    type_named,
)
from yilian.fhir.path.types import is_a, wanted

VALUE_SETS = "http://hl7.org/fhir/ValueSet/"
EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
FIXED = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}


def compiled(node: Node) -> Evaluate:
    """A part of an expression as a function of the scope. Raises PathSemanticError for unknown functions and types."""
    if isinstance(node, Literal):
        literal = [wrap(node.value)]
        return lambda scope: literal
    if isinstance(node, Empty):
        return lambda scope: []
    if isinstance(node, Name):
        return _beginning(node.name)
    if isinstance(node, Call):
        call = _call(node)
        return lambda scope: call(scope, scope.this)
    if isinstance(node, This):
        return _this(node.name)
    if isinstance(node, Variable):
        return _variable(node.name)
    if isinstance(node, Path):
        return _path(node)
    if isinstance(node, Indexed):
        return _indexed(compiled(node.of), compiled(node.index))
    if isinstance(node, Signed):
        of = compiled(node.of)
        return (lambda scope: negative(of(scope))) if node.sign == "-" else of
    if isinstance(node, TypeTest):
        of, kinds = compiled(node.of), wanted(node.type)
        if node.operator == "is":
            return lambda scope: tested(of(scope), kinds)
        return lambda scope: narrowed(of(scope), kinds)
    return _binary(node)


def _binary(node: Binary) -> Evaluate:
    left, right, operation = compiled(node.left), compiled(node.right), OPERATIONS[node.operator]
    if node.operator in ("and", "or", "implies"):
        decisive = node.operator == "or"

        def short(scope: Scope) -> Collection:
            """The right side is not asked where the left decides."""
            first = left(scope)
            if len(first) == 1 and first[0].value is decisive:
                return one(decisive or node.operator == "implies")
            return operation(first, right(scope))

        return short

    def both(scope: Scope) -> Collection:
        return scope.run.spend(operation(left(scope), right(scope)))

    return both


def _this(name: str) -> Evaluate:
    if name == "this":
        return lambda scope: scope.this
    if name == "index":
        return lambda scope: one(scope.index)

    def total(scope: Scope) -> Collection:
        if scope.total is None:
            raise PathExecutionError("$total stands in aggregate() only.")
        return scope.total

    return total


def _beginning(name: str) -> Evaluate:
    """A name at the beginning: an element of `$this`, or the type of `$this` itself."""
    step = _element(name)
    if not known(name) or not name[:1].isupper():
        return lambda scope: step(scope, scope.this)

    def of_type(scope: Scope) -> Collection:
        same = [item for item in scope.this if is_a(item.type, name)]
        if same:
            return same
        if is_resource_type(name) and is_a(scope.run.resource.type, name) and scope.index is not None:
            return [scope.run.resource]  # inside where(): HL7's own constraints begin anew with the resource's name
        return step(scope, scope.this)

    return of_type


def _element(name: str) -> Invoke:
    def of(scope: Scope, items: Collection) -> Collection:
        found: Collection = []
        for item in items:
            child(item, name, found)
        return found

    def of_type_info(scope: Scope, items: Collection) -> Collection:
        if items and items[0].type == "System.TypeInfo":
            return [wrap(item.value[name]) for item in items]
        return of(scope, items)

    return of_type_info if name in ("name", "namespace") else of


def _path(node: Path) -> Evaluate:
    of = compiled(node.of)
    step = _element(node.step.name) if isinstance(node.step, Name) else _call(node.step)
    return lambda scope: scope.run.spend(step(scope, of(scope)))


def _indexed(of: Evaluate, index: Evaluate) -> Evaluate:
    def at(scope: Scope) -> Collection:
        place = integer(index(scope))
        items = of(scope)
        return [] if place is None or not 0 <= place < len(items) else [items[place]]

    return at


# --- functions


def _call(node: Call) -> Invoke:
    name, count = node.name, len(node.arguments)
    if name == "sort":
        return _sort(node)
    if name == "not":
        _check_count(name, count, 0, 0)
        return _not
    function = FUNCTIONS.get(name)
    if function is None:
        raise PathSemanticError(f"There is no function {name[:60]}().")
    if isinstance(function, Plain):
        return _plain(node, function)
    if isinstance(function, Lazy):
        _check_count(name, count, function.least, function.most)
        lazy, expressions = function.of, tuple(compiled(argument) for argument in node.arguments)
        return lambda scope, items: lazy(scope, items, *expressions)
    _check_count(name, count, 1, 1)
    kind = type_named(node.arguments[0])
    if kind is None:
        raise PathSemanticError(f"{name}() needs the name of a type.")
    of, kinds = function.of, wanted(kind)
    return lambda scope, items: of(items, kinds)


def _plain(node: Call, function: Plain) -> Invoke:
    _check_count(node.name, len(node.arguments), function.least, function.most)
    of: Callable[..., Collection] = function.of
    arguments = tuple(compiled(argument) for argument in node.arguments)
    if not arguments:
        return of
    if len(arguments) == 1:
        only = arguments[0]
        return lambda scope, items: of(scope, items, only(scope))
    return lambda scope, items: of(scope, items, *(argument(scope) for argument in arguments))


def _check_count(name: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        wanted_ = str(least) if least == most else f"{least} to {most}"
        raise PathSemanticError(f"{name}() takes {wanted_} arguments, {count} are given.")


def _sort(node: Call) -> Invoke:
    """`-` before a key turns the order round, for texts too."""
    keys: list[Key] = []
    for place, argument in enumerate(node.arguments):
        down = place in node.descending
        if isinstance(argument, Signed) and argument.sign == "-":
            argument, down = argument.of, not down
        keys.append((compiled(argument), down))
    return lambda scope, items: sorted_by(scope, items, tuple(keys))


def _not(scope: Scope, items: Collection) -> Collection:
    value = truth(items)
    return [] if value is None else one(not value)


# --- variables


def _variable(name: str) -> Evaluate:
    if name in FIXED:
        text = [wrap(FIXED[name])]
        return lambda scope: text
    if name == "resource":
        return lambda scope: [scope.run.resource]
    if name == "rootResource":
        return lambda scope: [scope.run.root]
    if name == "context":
        return lambda scope: scope.run.context
    prefix = {"vs-": VALUE_SETS, "ext-": EXTENSIONS}.get(name[: name.find("-") + 1])

    def of(scope: Scope) -> Collection:
        if scope.defined is not None and name in scope.defined:
            return scope.defined[name]
        if name in scope.run.variables:
            return collection_of(scope.run.variables[name])
        if prefix:
            return [wrap(prefix + name.partition("-")[2])]
        raise PathSemanticError(f"There is no variable %{name[:60]}.")

    return of


def collection_of(value: Any) -> Collection:
    """What a caller gives as a variable: items, a system value, JSON of a resource, or a list of these; None is empty."""
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [item for one_ in value for item in collection_of(one_)]
    if isinstance(value, Item):
        return [value]
    if isinstance(value, dict):
        return [root_item(value)]
    return [wrap(value)]


def container_of(item: Item) -> Item:
    """`%resource`: the resource an element stands in, the element itself where there is none."""
    return next((at for at in ancestors(item) if is_a(at.type, "Resource")), item)
