"""Which slice an item belongs to: the discriminators of a slicing, read once and asked of each item.

Discriminators: value, pattern, type, exists, profile; paths of names, `$this`, `extension('url')`, `ofType(X)`, and `resolve()` at the end
of a type's (the type of a reference is told by the reference itself). http://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.fhir.path.items import Item, child
from yilian.fhir.path.types import is_a
from yilian.validation.snapshot import CORE, Node, Slicing, Unusable

if TYPE_CHECKING:
    from yilian.validation.conformance import Run

Step = tuple[str, str]
"""(child, name), (extension, url), (ofType, type) or (resolve, "")."""

Test = Callable[[Item, "Run"], bool]
_step = re.compile(r"(?:(extension|ofType|resolve)\(\s*'?([^')]*)'?\s*\)|([A-Za-z_][A-Za-z0-9_]*))(?:\.|$)")


@dataclass(frozen=True, slots=True)
class Part:
    """One slice and how its items are known."""

    node: Node
    tests: tuple[Test, ...]

    def takes(self, item: Item, run: Run) -> bool:
        return all(test(item, run) for test in self.tests)


def parts_of(node: Node) -> tuple[Slicing, tuple[Part, ...]]:
    """The slices of a node in their order, made ready when first asked for. Raises Unusable for what is not done here."""
    if node.ready is None:
        node.ready = _made(node)
    ready: tuple[Slicing, tuple[Part, ...]] = node.ready
    return ready


def _made(node: Node) -> tuple[Slicing, tuple[Part, ...]]:
    slicing = node.slicing
    if slicing is None or not slicing.by:
        if node.name.endswith("[x]"):
            by = (("type", "$this"),)
        elif node.plain in ("extension", "modifierExtension"):
            by = (("value", "url"),)
        else:
            raise Unusable(f"the slices of {node.name} have no discriminator", f"{node.name} 的切片没有区分条件")
        slicing = Slicing(by, *((slicing.rules, slicing.ordered) if slicing is not None else ()))
    return slicing, tuple(Part(part, tuple(_test(part, kind, path) for kind, path in slicing.by)) for part in node.slices.values())


def steps_of(path: str) -> tuple[Step, ...]:
    """A discriminator's path. Raises Unusable for other FHIRPath."""
    steps: list[Step] = []
    at = 0
    text = path.removeprefix("$this.")
    if text == "$this":
        return ()
    while at < len(text):
        found = _step.match(text, at)
        if found is None:
            raise Unusable(f"the discriminator {path[:80]!r} is not understood here", f"不支持的区分条件 {path[:80]}")
        steps.append((found[1], found[2]) if found[1] else ("child", found[3]))
        at = found.end()
    return tuple(steps)


def follow(item: Item, steps: tuple[Step, ...]) -> list[Item]:
    """What a discriminator's path leads to."""
    items = [item]
    for kind, name in steps:
        found: list[Item] = []
        for one in items:
            if kind == "child":
                child(one, name, found)
            elif kind == "extension":
                below: list[Item] = []
                child(one, "extension", below)
                found += [e for e in below if isinstance(e.value, dict) and e.value.get("url") == name]
            elif kind == "ofType" and is_a(one.type, name):
                found.append(one)
        items = found
    return items


def _nodes(node: Node, steps: tuple[Step, ...]) -> list[Node]:
    """What a slice says about the end of a path: its own element there, and the slices of it."""
    nodes = [node]
    for kind, name in steps:
        below: list[Node] = []
        for one in nodes:
            if kind == "child":
                below += [found for key in (name, name + "[x]") if (found := one.children.get(key)) is not None]
            elif kind == "extension":
                listed = one.children.get("extension")
                below += [part for part in listed.slices.values() if _url_of(part) == name] if listed is not None else []
            else:
                below.append(one)
        nodes = [found for one in below for found in (one, *one.slices.values())]
    return nodes


def _url_of(node: Node) -> str:
    """The url of an extension slice: fixed, or that of its profile."""
    url = node.children.get("url")
    if url is not None and isinstance(url.fixed, str):
        return url.fixed
    return next((profile.partition("|")[0] for kind in node.kinds or () for profile in kind.profiles), "")


def _test(node: Node, kind: str, path: str) -> Test:
    steps = steps_of(path)
    if any(name == "resolve" for name, _ in steps[:-1]) or (steps and steps[-1][0] == "resolve" and kind != "type"):
        raise Unusable(
            f"the discriminator {kind}:{path} looks into another resource, which is not done here", f"不支持跨资源的区分条件 {kind}:{path}"
        )
    if kind in ("value", "pattern"):
        return _by_value(node, steps, path)
    if kind == "exists":
        return _by_presence(node, steps, path)
    if kind == "type":
        return _by_type(node, steps, path)
    if kind == "profile":
        return _by_profile(node, steps, path)
    raise Unusable(f"discriminators of type {kind[:20]!r}", f"不支持的区分条件类型 {kind[:20]}")


def _by_value(node: Node, steps: tuple[Step, ...], path: str) -> Test:
    if path == "url" and (url := _url_of(node)):
        return lambda item, run: isinstance(item.value, dict) and item.value.get("url") == url
    wanted = _given(node, steps)
    if wanted:
        return lambda item, run: any(one.value in wanted for one in follow(item, steps))
    nodes = [one for one in _nodes(node, steps) if one.says()]
    if not nodes:
        raise Unusable(f"the slice {node.name}:{node.slice} says nothing about {path}", f"切片 {node.slice} 未限定 {path}")
    return lambda item, run: any(run.quietly(one, found) for found in follow(item, steps) for one in nodes)


def _given(node: Node, steps: tuple[Step, ...]) -> list[Any]:
    """Values of the path's end that stand in a fixed or pattern value above it."""
    found: list[Any] = []
    for place in range(len(steps)):
        rest = [name for kind, name in steps[place:] if kind == "child"]
        if len(rest) != len(steps) - place:
            continue
        for one in _nodes(node, steps[:place]):
            for value in (one.fixed, one.pattern):
                values = [value] if isinstance(value, dict) else []
                for name in rest:
                    below = [v[name] for v in values if isinstance(v, dict) and name in v]
                    values = [w for v in below for w in (v if isinstance(v, list) else [v])]
                found += values
    return found


def _by_presence(node: Node, steps: tuple[Step, ...], path: str) -> Test:
    said = _nodes(node, steps)
    if any(one.max == 0 for one in said):
        return lambda item, run: not follow(item, steps)
    if any(one.min for one in said):
        return lambda item, run: bool(follow(item, steps))
    raise Unusable(f"the slice {node.name}:{node.slice} does not say whether {path} is there", f"切片 {node.slice} 未限定 {path} 是否存在")


def _by_type(node: Node, steps: tuple[Step, ...], path: str) -> Test:
    through = bool(steps) and steps[-1][0] == "resolve"
    before = steps[:-1] if through else steps
    kinds = [kind for one in _nodes(node, before) for kind in one.kinds or ()]
    if not kinds:
        raise Unusable(f"the slice {node.name}:{node.slice} names no type of {path}", f"切片 {node.slice} 未限定 {path} 的类型")
    if through:
        targets = tuple(target for kind in kinds for target in kind.targets)
        return lambda item, run: any(run.leads_to(one, targets) for one in follow(item, before))
    codes = tuple(kind.code for kind in kinds)
    return lambda item, run: any(is_a(one.type, code) for one in follow(item, before) for code in codes)


def _by_profile(node: Node, steps: tuple[Step, ...], path: str) -> Test:
    profiles = [profile for one in _nodes(node, steps) for kind in one.kinds or () for profile in kind.profiles]
    if not profiles:
        raise Unusable(f"the slice {node.name}:{node.slice} names no profile of {path}", f"切片 {node.slice} 未限定 {path} 的规范")
    return lambda item, run: any(run.conforms(one, profile) for one in follow(item, steps) for profile in profiles)


def type_of_profile(canonical: str) -> str:
    """The type a canonical of R4 itself names, "" for others."""
    return canonical.partition("|")[0].removeprefix(CORE) if canonical.startswith(CORE) else ""
