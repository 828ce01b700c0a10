"""A quick yes: most records are sound, and their objects come in few shapes.

The keys of an object, in their order, are its shape. They decide by themselves what is unknown, missing or given twice, and which element
each value belongs to. So for a shape that has been met a few times a test is written in Python: one condition for each value, nothing
looked up, no places, no messages. Whatever such a test does not know goes to the checks of `structure.py`, and so does every resource that
is not surely sound: they alone say what is wrong. A test may be too careful and must never be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from yilian.fhir.definitions import Element, is_resource_type, required_codes, structure
from yilian.validation.bindings import CURRENCIES, FORMS
from yilian.validation.constraints import rules_of, written
from yilian.validation.faults import LONGEST_TEXT, Seen
from yilian.validation.primitives import USUAL_MOMENT
from yilian.validation.reference import target_fault
from yilian.validation.structure import check_of, element_checks

Test = Callable[[Any, Seen], bool]
"""(object, seen) → whether it is surely sound. After a "no", `seen` may hold too much; begin anew with another."""

Shape = tuple[str, ...]

OFTEN = 12
"""Times a shape is met before a test is written for it, which takes as long as checking a few hundred objects."""

_BUILTINS = {kind.__name__: kind for kind in (type, str, int, bool, dict, list, tuple, len, any, all)}

ID = re.compile(structure("id").regex, re.ASCII)

MOST_SHAPES = 200
"""Tests of one structure; who sends ever new shapes gets no quicker, and fills no memory."""

_KEY = re.compile(r"'(\w+)' in v\b")
"""A key asked for in the invariants: which ones are there is known from the shape."""

_TEXT = "type({v}) is str and 0 < len({v}) <= LONGEST and {v}.isprintable()"
_WORD = _TEXT + " and ' ' not in {v}"
_PLAIN = {
    "boolean": "type({v}) is bool",
    "canonical": _WORD,
    "code": _WORD,
    "date": "type({v}) is str and len({v}) == 10 and USUAL({v})",
    "dateTime": "type({v}) is str and USUAL({v})",
    "id": "type({v}) is str and ID({v})",
    "instant": "type({v}) is str and len({v}) > 10 and USUAL({v})",
    "markdown": _TEXT,
    "positiveInt": "type({v}) is int and 0 < {v} < 2147483648",
    "string": _TEXT,
    "uri": _WORD,
    "url": _WORD,
}
"""When a primitive is surely sound, as Python over its value."""


class Shapes:
    """The shapes of one structure that have a test, and how often others were met."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.check = check_of(name)
        self.tests: dict[Shape, Test] = {}
        self.met: dict[Shape, int] = {}

    def other(self, value: Any, seen: Seen) -> bool:
        """The test of an object whose shape has none yet."""
        if self.check(value, seen) is not None:
            return False
        shape = tuple(value)
        count = self.met[shape] = self.met.get(shape, 0) + 1
        if count == OFTEN and len(self.tests) < MOST_SHAPES:
            test = _written(self.name, shape)
            if test is not None:
                self.tests[shape] = test
        if len(self.met) > 5 * MOST_SHAPES:
            self.met.clear()
        return True


_shapes: dict[str, Shapes] = {}


def shapes_of(name: str) -> Shapes:
    known = _shapes.get(name)
    if known is None:
        known = _shapes[name] = Shapes(name)
    return known


def surely(resource: dict[str, Any], seen: Seen) -> bool:
    """Whether a resource of a known type is surely sound, apart from the objects it puts into `seen.suspects`."""
    shapes = shapes_of(resource["resourceType"])
    return (shapes.tests.get(tuple(resource)) or shapes.other)(resource, seen)


def _written(name: str, shape: Shape) -> Test | None:
    """The test of one shape; None where its keys alone make it unsound, or where primitives have extensions."""
    definition, checks = element_checks(name)
    is_resource, elements = definition.kind == "resource", definition.elements
    known = [key for key in shape if not (is_resource and key == "resourceType")]
    chosen = [choice for key in known if key in elements and (choice := elements[key].choice)]
    required = {element.choice or element.key for element in elements.values() if element.min}
    if (
        not all(key in checks for key in known)
        or len(set(chosen)) < len(chosen)
        or not required <= {*known, *chosen}
        or (shape == ("id",) and not is_resource)
    ):
        return None
    sound, names = written(name, rules_of(name))
    names |= {"LONGEST": LONGEST_TEXT, "USUAL": USUAL_MOMENT, "ID": ID.fullmatch, "NAME": name, "__builtins__": _BUILTINS}
    lines = [f"    {', '.join(f'v{n}' for n in range(len(shape)))}, = v.values()"]
    for n, key in enumerate(shape):
        if key in checks and key in elements:
            lines += _element(elements[key], n, names, checks[key])
    lines.append(f"    if not ({_KEY.sub(lambda key: str(key[1] in shape), sound)}): seen.suspects.append((NAME, v))")
    body = "\n".join(lines)
    exec(f"def test(v, seen):\n{body}\n    return True", names)
    test: Test = names["test"]
    return test


def _element(element: Element, n: int, names: dict[str, Any], check: Any) -> list[str]:
    """The lines that leave with False unless the nth value is sound."""
    names[f"check{n}"] = check
    one = _one(element, "x" if element.many else f"v{n}", n, names)
    if one is None:
        return [f"    if check{n}(v{n}, seen) is not None: return False"]
    if not element.many:
        return [f"    if not ({one}): return False"]
    most = f" or len(v{n}) > {element.max}" if element.max is not None else ""
    return [
        f"    if type(v{n}) is not list or not v{n}{most}: return False",
        f"    for x in v{n}:",
        f"        if not ({one}): return False",
    ]


def _one(element: Element, v: str, n: int, names: dict[str, Any]) -> str | None:
    """When a single value is surely sound, as Python over `v`; None where that is left to the check of the whole element."""
    required = element.binding is not None and element.binding[0] == "required"
    plain = _PLAIN.get(element.type)
    if plain is not None:
        if required and element.binding is not None and element.type == "code":
            value_set = element.binding[1].partition("|")[0]
            codes = required_codes(value_set)
            if codes is None:
                return None if element.many else _formed(value_set, v, n, names)
            names[f"codes{n}"] = codes
            plain = f"type({v}) is str and {v} in codes{n}"
        sound = plain.format(v=v)
        return sound if element.many else f"({sound}) or check{n}({v}, seen) is None"
    if element.path == "DomainResource.contained":
        names["inside"] = _inside
        return f"inside({v}, seen)"
    inner = element.profile or element.type
    if required or inner in ("Resource", "Identifier") or not _is_object(inner):
        return None
    shapes = shapes_of(inner)
    names[f"tests{n}"], names[f"other{n}"] = shapes.tests.get, shapes.other
    sound = f"type({v}) is dict and (tests{n}(tuple({v})) or other{n})({v}, seen)"
    if element.type == "Reference":
        names[f"target{n}"] = target_fault(element.targets)
        sound += f" and target{n}({v}, seen) is None"
    return sound


def _formed(value_set: str, v: str, n: int, names: dict[str, Any]) -> str | None:
    """The same for a code of a value set that is known by its form."""
    if value_set != CURRENCIES:
        return None
    names[f"form{n}"] = FORMS[value_set][0].fullmatch
    return f"(type({v}) is str and form{n}({v})) or check{n}({v}, seen) is None"


def _inside(value: Any, seen: Seen) -> bool:
    """A contained resource; that each has an id of its own is looked at by `resource.py`."""
    return type(value) is dict and "id" in value and is_resource_type(value.get("resourceType")) and surely(value, seen)


def _is_object(name: str) -> bool:
    return element_checks(name)[0].kind != "primitive"
