"""The tree a profile makes of its type: each element with what is asked of it, slices beside the element they divide.

A profile says what it adds to its base; what all of them ask is put on one tree, from the one nearest to R4's own type on. So a profile
with a differential alone is as good as one with a snapshot, and a snapshot is read only where the base is not known here.
http://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from yilian.fhir.definitions import constraints, structure, structure_names
from yilian.fhir.path import Expression, PathError, compile

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
MAX_VALUE_SET = CORE + "elementdefinition-maxValueSet"
NOTHING_FIXED: Any = object()
_structures = frozenset(structure_names())


class Unusable(Exception):
    """The definition cannot be checked by here; the message names what it asks for. `zh` for the person at the screen."""

    def __init__(self, reason: str, zh: str) -> None:
        super().__init__(reason)
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Kind:
    """A type an element may have: `Quantity`, `Reference`; profiles one of which it meets; canonicals a reference may be to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """A FHIRPath constraint of a profile."""

    key: str
    severity: str
    human: str
    zh: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Slicing:
    """How the items of an element are told apart: (type, path) of each discriminator; rules: open, closed, openAtEnd."""

    by: tuple[tuple[str, str], ...]
    rules: str = "open"
    ordered: bool = False


@dataclass(slots=True, eq=False)
class Node:
    """An element or a slice of it, and what profiles ask of it beyond R4; None and () where they say nothing.

    name      as in the path: `category`, `value[x]`; of the root its type
    structures   the structures of R4 it can have, where its children are looked up
    bindings  (strength, canonical of a value set)
    """

    name: str
    structures: tuple[str, ...]
    slice: str = ""
    min: int | None = None
    max: int | None = None
    kinds: tuple[Kind, ...] | None = None
    fixed: Any = NOTHING_FIXED
    pattern: Any = NOTHING_FIXED
    bindings: tuple[tuple[str, str], ...] = ()
    demands: list[Demand] = field(default_factory=list)
    slicing: Slicing | None = None
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)
    longest: int | None = None
    least: Any = None
    most: Any = None
    ready: Any = None
    """What `slicing` made of the discriminators, once."""

    @property
    def plain(self) -> str:
        return self.name.removesuffix("[x]")

    @property
    def codes(self) -> tuple[str, ...] | None:
        return None if self.kinds is None else tuple(kind.code for kind in self.kinds)

    def says(self) -> bool:
        """Whether a value can be told by what is asked here."""
        return (
            self.fixed is not NOTHING_FIXED
            or self.pattern is not NOTHING_FIXED
            or any(strength == "required" for strength, _ in self.bindings)
            or any(child.says() or bool(child.min) or child.max == 0 for child in self.children.values())
            or any(part.says() and bool(part.min) for part in self.slices.values())
        )


def tree(layers: Sequence[Mapping[str, Any]]) -> Node:
    """The tree of a profile. `layers`: its definition and those of its bases, the one on R4's own type first. Raises Unusable."""
    kind = layers[0]["type"]
    if kind not in _structures:
        raise Unusable(f"{kind!r} is no type of R4", f"{kind} 不是 R4 的类型")
    root = Node(kind, (kind,))
    for number, layer in enumerate(layers):
        elements = _elements(layer, first=number == 0)
        latest: dict[str, list[tuple[str, str]]] = {}
        for element in elements:
            if not isinstance(element, dict) or not isinstance(element.get("path"), str):
                raise Unusable("an element has no path", "元素缺少 path")
            _say(_node_of(root, element, latest), element, str(layer.get("url", "")))
    return root


def uses_snapshot(definition: Mapping[str, Any]) -> bool:
    """Whether only its snapshot says what it asks."""
    return not (definition.get("differential") or {}).get("element") and bool((definition.get("snapshot") or {}).get("element"))


def _elements(layer: Mapping[str, Any], *, first: bool) -> list[Json]:
    part = (
        "snapshot"
        if uses_snapshot(layer) or (first and layer.get("baseDefinition", "").removeprefix(CORE) not in _structures)
        else "differential"
    )
    elements = (layer.get(part) or {}).get("element") or []
    if not isinstance(elements, list):
        raise Unusable(f"its {part} is not readable", "定义无法读取")
    return elements


def _node_of(root: Node, element: Json, latest: dict[str, list[tuple[str, str]]]) -> Node:
    """The node an element is about, made where it is not there yet."""
    path, named = element["path"], element.get("sliceName", "")
    steps = _steps(element, path, named, latest)
    for key in [key for key in latest if key.startswith(path + ".")]:
        del latest[key]
    latest[path] = steps
    at = root
    for name, part in steps:
        at = _below(at, name, path)
        if part:
            at = _part(at, part, path)
    return at


def _steps(element: Json, path: str, named: str, latest: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """(name, slice) from the root down: by the id of the element where it has one, else by the order of the elements."""
    key = element.get("id")
    if "/" in named:
        raise Unusable(f"slices of slices are not checked here (reslicing, {path}:{named})", f"不支持再切片(reslicing):{path}:{named}")
    if isinstance(key, str) and "." in path and key.count(".") == path.count(".") and (not named or key.endswith(":" + named)):
        steps = [(name, part) for name, _, part in (step.partition(":") for step in key.split(".")[1:])]
        if any("/" in part for _, part in steps):
            raise Unusable(f"slices of slices are not checked here (reslicing, {key})", f"不支持再切片(reslicing):{key}")
        return steps
    if "." not in path:
        return []
    above, _, name = path.rpartition(".")
    return [*latest.get(above, [(step, "") for step in above.split(".")[1:]]), (name, named)]


def _below(at: Node, name: str, path: str) -> Node:
    """The child of a node. `valueQuantity` is the slice of `value[x]` with that type."""
    known = at.children.get(name)
    if known is not None:
        return known
    below: list[str] = []
    choice = ""
    for one in at.structures:
        for found in structure(one).elements.values():
            if name in (found.choice, found.key if not found.choice else None):
                below.append(found.type)
            elif found.choice and found.key == name:
                choice = found.choice
    if choice:
        return _part(_below(at, choice, path), name, path)
    if not below and name not in ("id", "extension", "url", "value"):
        raise Unusable(f"there is no element {path}", f"没有元素 {path}")
    made = at.children[name] = Node(name, tuple(dict.fromkeys(below)))
    return made


def _part(at: Node, name: str, path: str) -> Node:
    """A slice of a node."""
    if name not in at.slices:
        if name == "@default":
            raise Unusable(f"default slices are not checked here ({path})", f"不支持默认切片:{path}")
        part = at.slices[name] = Node(at.name, at.structures, name)
        if at.name.endswith("[x]"):
            own = [one for one in at.structures if at.plain + one[:1].upper() + one[1:] == name]
            if own:
                part.structures, part.kinds = tuple(own), (Kind(own[0]),)
    return at.slices[name]


def _say(node: Node, element: Json, url: str) -> None:
    """What one ElementDefinition asks, put on its node. http://hl7.org/fhir/R4/elementdefinition.html"""
    low, high = element.get("min"), element.get("max")
    if isinstance(low, int) and low > (node.min or 0):
        node.min = low
    if isinstance(high, str) and high != "*":
        if not high.isdigit():
            raise Unusable(f"max {high[:20]!r} is no number", "max 不是数字")
        node.max = int(high) if node.max is None else min(node.max, int(high))
    if isinstance(element.get("type"), list):
        _narrow(node, element["type"])
    for key, value in element.items():
        if key.startswith("fixed") and key != "fixed":
            node.fixed = value
        elif key.startswith("pattern") and key != "pattern":
            node.pattern = value
        elif key.startswith("minValue"):
            node.least = (key[8:], value)
        elif key.startswith("maxValue"):
            node.most = (key[8:], value)
    if isinstance(element.get("maxLength"), int):
        node.longest = element["maxLength"]
    binding = element.get("binding")
    if isinstance(binding, dict) and isinstance(binding.get("valueSet"), str):
        widest = [e["valueCanonical"] for e in binding.get("extension", ()) if e.get("url") == MAX_VALUE_SET and "valueCanonical" in e]
        found = [(binding.get("strength", ""), binding["valueSet"]), *(("required", one) for one in widest)]
        node.bindings = (*node.bindings, *(one for one in found if one[0] in ("required", "extensible") and one not in node.bindings))
    for constraint in element.get("constraint", ()):
        _demand(node, constraint, url)
    if isinstance(element.get("slicing"), dict):
        _slice(node, element["slicing"])


def _narrow(node: Node, types: list[Json]) -> None:
    kinds = []
    for one in types:
        code = str(one.get("code", ""))
        if code.startswith("http://hl7.org/fhirpath/"):
            return
        kinds.append(Kind(code, tuple(one.get("profile", ())), tuple(one.get("targetProfile", ()))))
    if not kinds:
        return
    node.kinds = tuple(kinds)
    for kind in kinds:
        if kind.code not in _structures:
            raise Unusable(f"{kind.code[:60]!r} is no type of R4", f"{kind.code[:60]} 不是 R4 的类型")
    if all(kind.code not in ("BackboneElement", "Element") for kind in kinds):
        node.structures = tuple(kind.code for kind in kinds)


def _demand(node: Node, constraint: Json, url: str) -> None:
    source, text, key = constraint.get("source", ""), constraint.get("expression"), str(constraint.get("key", ""))
    if not text or source.removeprefix(CORE).partition(".")[0] in _structures or (not source and key in _standard()):
        return  # R4's own, which every resource has met by then; without an expression it is for people
    if source and source != url and any(one.key == key for one in node.demands):
        return  # the base has said so itself
    try:
        expression = compile(text)
    except PathError as error:
        raise Unusable(f"its constraint {key} cannot be read: {error}", f"约束 {key} 无法解析") from error
    zh = next((_in_chinese(e) for e in constraint.get("_human", {}).get("extension", ()) if _in_chinese(e)), "")
    severity = constraint.get("severity", "error")
    node.demands.append(Demand(key, severity, str(constraint.get("human", "")).rstrip("."), zh, expression))


TRANSLATION = CORE + "translation"


def _in_chinese(extension: Json) -> str:
    """The Chinese of a text, by HL7's extension for translations."""
    parts = {e.get("url"): e for e in extension.get("extension", ())} if extension.get("url") == TRANSLATION else {}
    return str(parts["content"].get("valueString", "")) if parts.get("lang", {}).get("valueCode", "").startswith("zh") else ""


@cache
def _standard() -> frozenset[str]:
    return frozenset(row["key"] for rows in constraints().values() for row in rows)


def _slice(node: Node, slicing: Json) -> None:
    by = tuple((str(one.get("type", "")), str(one.get("path", ""))) for one in slicing.get("discriminator", ()))
    before = node.slicing
    order = ("open", "openAtEnd", "closed")
    rules = slicing.get("rules", "open")
    if rules not in order:
        raise Unusable(f"slicing by the rules {str(rules)[:20]!r}", "切片规则无法识别")
    if before is not None:
        by, rules = by or before.by, max(rules, before.rules, key=order.index)
    node.slicing = Slicing(by, rules, bool(slicing.get("ordered")) or (before is not None and before.ordered))
