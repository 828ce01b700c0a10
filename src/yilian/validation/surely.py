"""From an invariant's expression to Python that tells at a glance when it surely holds.

Most invariants speak of what is absent: `code.empty() or system.exists()` holds wherever there is no code. Such tests are written out as
Python over the JSON object (`"code" not in v or "system" in v`), one function for each structure, so that a sound resource costs a few
look-ups. What the Python does not say is surely true is left to FHIRPath; so it may be too careful, and must never be wrong. It relies on
the structure having been checked: no empty arrays, no nulls, the right JSON types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from yilian.fhir.path.items import Way, ways_named
from yilian.fhir.path.syntax import Binary, Call, Literal, Name, Node, Path, This, Variable

TRUE, FALSE = "True", "False"
MOST_KEYS = 4
"""Above this, the keys of a choice are looked up as a set."""


def in_order(low: Any, high: Any) -> bool:
    """Whether two dates, or two quantities of one unit, are surely not the wrong way round."""
    if type(low) is str and type(high) is str:
        return low[:19] <= high[:19] and low[19:] == high[19:]
    if type(low) is dict and type(high) is dict:
        if any(low.get(key) != high.get(key) for key in ("system", "code", "unit", "comparator")):
            return False
        least, most = low.get("value"), high.get("value")
        return isinstance(least, int | Decimal) and isinstance(most, int | Decimal) and least <= most
    return False


_FIRST = re.compile(r"for \w+ in v\.get\(('\w+'), \(\)\)$")

HELPERS: dict[str, Any] = {"in_order": in_order}
"""Names the written Python uses."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """The elements a path leads to, as loops of a generator. `way`: one more step, not yet taken; `leaf`: whether there is anything."""

    var: str
    type: str
    loops: tuple[str, ...] = ()
    way: Way | None = None
    leaf: str = TRUE


class Writer:
    """Writes the tests of one structure; `constants` are the sets they refer to."""

    def __init__(self, owner: str, *, is_resource: bool) -> None:
        self.owner = owner
        self.is_resource = is_resource
        self.constants: dict[str, frozenset[str]] = {}
        self.count = 0

    def holds(self, node: Node, at: str | None) -> str:
        """When an invariant surely holds, as Python over `v`. `at`: the element it is about."""
        start = _Flow("v", self.owner)
        if at is None:
            return self.true(node, start)
        flow = self.step(start, at.removesuffix("[x]"))
        if flow is None:
            return FALSE
        absent = _not(self.some(flow))
        inside = self.taken(flow)
        return absent if inside is None else self.every(node, inside)

    # --- truth

    def true(self, node: Node, at: _Flow) -> str:
        """Python for "the expression is surely true"."""
        if isinstance(node, Binary):
            left, right, operator = node.left, node.right, node.operator
            if operator == "and":
                return _and(self.true(left, at), self.true(right, at))
            if operator == "or":
                return _or(self.true(left, at), self.true(right, at))
            if operator == "implies":
                return _or(self.false(left, at), self.true(right, at))
            if operator in ("xor", "!="):
                return self.differ(left, right, at) if operator == "xor" or _is_truth(left) else self.unequal(left, right, at)
            if operator == "=":
                return self.same(left, right, at) if _is_truth(left) else self.equal(left, right, at)
            if operator == "in":
                return self.listed(left, right, at)
            if operator == ">=" and isinstance(right, Literal) and type(right.value) is int:
                value = self.value(left, at)
                return f"({value} is not None and {value} >= {right.value})" if value and self.is_number(left, at) else FALSE
            return self.positive(left, right, at) if operator == ">" else FALSE
        call = _asked(node)
        if call is None:
            return FALSE
        of, asked = call
        if asked.name == "not":
            return self.false(of, at)
        return self.asked(of, asked, at, truth=True)

    def false(self, node: Node, at: _Flow) -> str:
        """Python for "the expression is surely false"."""
        if isinstance(node, Binary):
            left, right, operator = node.left, node.right, node.operator
            if operator == "and":
                return _or(self.false(left, at), self.false(right, at))
            if operator == "or":
                return _and(self.false(left, at), self.false(right, at))
            if operator == "implies":
                return _and(self.true(left, at), self.false(right, at))
            if operator in ("xor", "!="):
                return self.same(left, right, at) if operator == "xor" or _is_truth(left) else self.equal(left, right, at)
            if operator == "=":
                return self.differ(left, right, at) if _is_truth(left) else self.unequal(left, right, at)
            if operator == "~" and right == Literal(True) and isinstance(left, Binary) and left.operator in ("<", ">"):
                low, high = (left.left, left.right) if left.operator == ">" else (left.right, left.left)
                one, other = self.value(low, at), self.value(high, at)
                return f"in_order({one}, {other})" if one and other else FALSE
            return FALSE
        call = _asked(node)
        if call is None:
            return FALSE
        of, asked = call
        if asked.name == "not":
            return self.true(of, at)
        return self.asked(of, asked, at, truth=False)

    def untrue(self, node: Node, at: _Flow) -> str:
        """Python for "the expression is surely false or empty": what `where` does not let through."""
        if isinstance(node, Binary) and node.operator == "and":
            return _or(self.untrue(node.left, at), self.untrue(node.right, at))
        if isinstance(node, Binary) and node.operator == "or":
            return _and(self.untrue(node.left, at), self.untrue(node.right, at))
        if isinstance(node, Binary) and node.operator == "=" and not _is_truth(node.left):
            value, literal = self.value(node.left, at), self.literal(node.left, node.right, at)
            return f"({value} != {literal})" if value and literal else FALSE
        return self.false(node, at)

    def asked(self, of: Node, call: Call, at: _Flow, *, truth: bool) -> str:
        name, arguments = call.name, call.arguments
        if name in ("exists", "empty") and not arguments:
            return self.some_of(of, at) if (name == "exists") is truth else self.none_of(of, at)
        if name == "exists":
            chosen = Path(of, Call("where", arguments))
            return self.some_of(chosen, at) if truth else self.none_of(chosen, at)
        if name == "all" and truth:
            flow = self.flow(of, at, sure=False)
            inside = self.taken(flow) if flow is not None else None
            return self.every(arguments[0], inside) if inside is not None else FALSE
        value = self.value(of, at)
        if value is None:
            return FALSE
        if name == "hasValue":
            return f"({value} is not None)" if truth else f"({value} is None)"
        if name in ("startsWith", "contains") and isinstance(arguments[0], Literal) and self.is_text(of, at):
            text = repr(arguments[0].value)
            found = f"({value} or '').startswith({text})" if name == "startsWith" else f"({text} in ({value} or ''))"
            return _and(f"({value} is not None)", found if truth else f"not {found}")
        return FALSE

    def same(self, left: Node, right: Node, at: _Flow) -> str:
        return _or(_and(self.true(left, at), self.true(right, at)), _and(self.false(left, at), self.false(right, at)))

    def differ(self, left: Node, right: Node, at: _Flow) -> str:
        return _or(_and(self.true(left, at), self.false(right, at)), _and(self.false(left, at), self.true(right, at)))

    def every(self, node: Node, inside: _Flow) -> str:
        found = self.true(node, _Flow(inside.var, inside.type))
        if not inside.loops:
            return found
        return found if found == TRUE else f"all({found} {' '.join(inside.loops)})"

    # --- values

    def value(self, node: Node, at: _Flow) -> str | None:
        """The JSON value of a single element of `at` or of the resource, None where it is not that simple."""
        flow = self.flow(node, at, sure=True)
        if flow is None or flow.loops or flow.way is None or flow.way.many:
            return None
        return f"{flow.var}.get({flow.way.key!r})"

    def is_text(self, node: Node, at: _Flow) -> bool:
        flow = self.flow(node, at, sure=True)
        return flow is not None and flow.way is not None and flow.way.type in ("code", "string", "uri", "url", "id", "canonical")

    def is_number(self, node: Node, at: _Flow) -> bool:
        flow = self.flow(node, at, sure=True)
        return flow is not None and flow.way is not None and flow.way.type in ("decimal", "integer", "positiveInt", "unsignedInt")

    def literal(self, left: Node, right: Node, at: _Flow) -> str | None:
        if not isinstance(right, Literal) or type(right.value) not in (str, bool):
            return None
        flow = self.flow(left, at, sure=True)
        if flow is None or flow.way is None or (type(right.value) is bool) is not (flow.way.type == "boolean"):
            return None
        return repr(right.value) if type(right.value) is bool or self.is_text(left, at) else None

    def equal(self, left: Node, right: Node, at: _Flow) -> str:
        value, literal = self.value(left, at), self.literal(left, right, at)
        return f"({value} == {literal})" if value and literal else FALSE

    def unequal(self, left: Node, right: Node, at: _Flow) -> str:
        value, literal = self.value(left, at), self.literal(left, right, at)
        return f"({value} not in (None, {literal}))" if value and literal else FALSE

    def listed(self, left: Node, right: Node, at: _Flow) -> str:
        """`status in ('proposed' | 'cancelled')`"""
        texts: list[str] = []
        while isinstance(right, Binary) and right.operator == "|" and isinstance(right.right, Literal):
            texts.append(repr(right.right.value))
            right = right.left
        value = self.value(left, at) if isinstance(right, Literal) and self.is_text(left, at) else None
        return f"({value} in ({', '.join([*texts, repr(right.value)])},))" if value and isinstance(right, Literal) else FALSE

    def positive(self, left: Node, right: Node, at: _Flow) -> str:
        """`(identifier.count() + name.count()) > 0`: one of them is there."""
        if right != Literal(0):
            return FALSE
        terms: list[Node] = []
        while isinstance(left, Binary) and left.operator == "+":
            terms.append(left.right)
            left = left.left
        found = FALSE
        for term in (left, *terms):
            call = _asked(term)
            found = _or(found, self.some_of(call[0], at)) if call is not None and call[1].name == "count" else found
        return found

    # --- what is there

    def some_of(self, node: Node, at: _Flow) -> str:
        flow = self.flow(node, at, sure=True)
        return FALSE if flow is None else self.some(flow)

    def none_of(self, node: Node, at: _Flow) -> str:
        flow = self.flow(node, at, sure=False)
        return FALSE if flow is None else _not(self.some(flow))

    def some(self, flow: _Flow) -> str:
        found = flow.leaf if flow.way is None else self.here(flow.var, (flow.way,))
        if not flow.loops:
            return found
        there = _FIRST.match(flow.loops[0])  # a look before the loop: most often there is nothing to go through
        return f"({there[1]} in v and any({found} {' '.join(flow.loops)}))" if there else f"any({found} {' '.join(flow.loops)})"

    def here(self, var: str, ways: tuple[Way, ...]) -> str:
        keys = [key for way in ways for key in ((way.key, "_" + way.key) if way.primitive else (way.key,))]
        if len(keys) <= MOST_KEYS:
            return "(" + " or ".join(f"{key!r} in {var}" for key in keys) + ")"
        name = f"K{len(self.constants)}"
        self.constants[name] = frozenset(keys)
        return f"(not {name}.isdisjoint({var}))"

    def flow(self, node: Node, at: _Flow, *, sure: bool) -> _Flow | None:
        """Where a path leads. `sure`: no more than what is there, else no less; None where neither can be said."""
        if isinstance(node, This):
            return at if node.name == "this" else None
        if isinstance(node, Variable):
            return _Flow("v", self.owner) if node.name == "resource" and self.is_resource else None
        if isinstance(node, Name):
            return at if node.name == self.owner and at.var == "v" and not at.loops else self.step(at, node.name)
        if isinstance(node, Call):
            return self.through(node, at, sure=sure)
        if not isinstance(node, Path):
            return None
        of = self.flow(node.of, at, sure=sure)
        if of is None:
            return None
        return self.step(of, node.step.name) if isinstance(node.step, Name) else self.through(node.step, of, sure=sure)

    def through(self, call: Call, flow: _Flow, *, sure: bool) -> _Flow | None:
        if call.name == "trace":
            return flow
        if call.name in ("first", "last", "distinct", "as", "ofType", "single", "tail"):
            return None if sure else flow
        if call.name != "where":
            return None
        inside = self.taken(flow)
        if inside is None:
            return None if sure else flow
        start = _Flow(inside.var, inside.type)
        test = self.true(call.arguments[0], start) if sure else _not(self.untrue(call.arguments[0], start))
        if not inside.loops:
            return replace(inside, leaf=_and(inside.leaf, test))
        return replace(inside, loops=(*inside.loops, f"if {test}")) if test != TRUE else inside

    def step(self, flow: _Flow, name: str) -> _Flow | None:
        inside = self.taken(flow)
        if inside is None or inside.leaf != TRUE:
            return None
        ways = ways_named("DomainResource" if inside.type == "Resource" else inside.type, name)
        if not ways:
            return None
        if len(ways) == 1:
            return replace(inside, way=ways[0])
        return replace(inside, leaf=self.here(inside.var, ways), type="")

    def taken(self, flow: _Flow) -> _Flow | None:
        """With the last step taken: a loop over what stands there. None for primitives, which have no elements to go on to."""
        way = flow.way
        if way is None:
            return flow if flow.type else None
        if way.primitive:
            return None
        self.count += 1
        var, key = f"c{self.count}", repr(way.key)
        source = f"{flow.var}.get({key}, ())" if way.many else f"(({flow.var}[{key}],) if {key} in {flow.var} else ())"
        return _Flow(var, way.type, (*flow.loops, f"for {var} in {source}"))


def _asked(node: Node) -> tuple[Node, Call] | None:
    """`x.exists()` as x and the call; a call alone is of `$this`."""
    if isinstance(node, Path) and isinstance(node.step, Call):
        return node.of, node.step
    return (This("this"), node) if isinstance(node, Call) else None


def _is_truth(node: Node) -> bool:
    call = _asked(node)
    return (call is not None and call[1].name in ("exists", "empty", "not", "all")) or (
        isinstance(node, Binary) and node.operator in ("and", "or", "xor", "implies", "=", "!=", "in")
    )


def _and(left: str, right: str) -> str:
    if FALSE in (left, right):
        return FALSE
    return right if left == TRUE else left if right == TRUE else f"({left} and {right})"


def _or(left: str, right: str) -> str:
    if TRUE in (left, right):
        return TRUE
    return right if left == FALSE else left if right == FALSE else f"({left} or {right})"


def _not(test: str) -> str:
    return {TRUE: FALSE, FALSE: TRUE}.get(test, f"not {test}")
