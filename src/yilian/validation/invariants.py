"""Which invariants an object breaks, told in words, with the place it stands at.

The structure check has looked at every object and set aside those that are not surely sound (`constraints.surely_sound`); for these
FHIRPath is asked. An invariant is kept when its expression gives true; an error is not true. A warning is given only where it gives false.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yilian.fhir.path import Expression, Item, PathError, path_of
from yilian.fhir.path.items import child, children, root_item
from yilian.validation.constraints import Rule, rules_of, surely
from yilian.validation.faults import ENOUGH, Fault, Faults, Seen


def broken(resource: dict[str, Any], seen: Seen, *, sound: bool) -> Faults:
    """The faults of the objects that were set aside in one resource.

    `sound`: nothing else is wrong with it. Otherwise rules that look beyond their own element are not asked.
    """
    suspects: dict[int, list[Rule]] = {}
    contained = _contained(resource)
    for name, value in seen.suspects:
        if name == "Reference" and value.get("reference") in contained:
            continue  # ref-1
        rules = [rule for rule in rules_of(name) if not surely(name, rule)(value) and (sound or not rule.whole)]
        if value is resource and contained and contained.issubset(seen):
            rules = [rule for rule in rules if rule.key != "dom-3"]
        if rules:
            suspects.setdefault(id(value), []).extend(rules)
    if not suspects:
        return None
    found: list[Fault] = []
    for item in _elements(root_item(resource)):
        for rule in suspects.get(id(item.value), ()):
            found += _broken(rule, item)
            if len(found) > ENOUGH:
                return found
    return found or None


def _contained(resource: dict[str, Any]) -> set[str]:
    """`#id` of each contained resource. What names one keeps ref-1, and when all of them were named on the way dom-3 is kept: so neither
    has to walk the tree for the many resources that are sound."""
    listed = resource.get("contained")
    return {f"#{one.get('id')}" for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()


def warnings(resource: dict[str, Any]) -> list[Fault]:
    """What HL7 only warns of, in a sound resource and those it holds; `dom-6` (a narrative is missing) among them."""
    found: list[Fault] = []
    for item in _elements(root_item(resource)):
        if isinstance(item.value, dict) and not item.type.startswith("System."):
            for rule in rules_of(item.type, "warning"):
                if item.key != "contained" or rule.key != "dom-6":
                    found += _broken(rule, item)
                if len(found) > ENOUGH:
                    return found
    return found


def _elements(item: Item) -> Iterator[Item]:
    """An object and the objects in it, in their order."""
    yield item
    for below in children(item):
        if isinstance(below.value, dict):
            yield from _elements(below)
        elif isinstance(below.beside, dict):
            yield from _elements(Item(None, below.type, below.beside, below.parent, below.key, below.index))


def _broken(rule: Rule, item: Item) -> list[Fault]:
    about = [item]
    if rule.at:
        about = []
        child(item, rule.at.removesuffix("[x]"), about)
    return [_fault(rule, one) for one in about if not _holds(rule, rule.expression, one)]


def _holds(rule: Rule, expression: Expression, item: Item) -> bool:
    try:
        answer = expression.truth(item)
    except PathError:
        return False
    return answer is True or (answer is None and rule.severity == "warning")


def _fault(rule: Rule, item: Item) -> Fault:
    zh = f"{rule.zh}({rule.key})。" if rule.zh else f"不符合标准约束 {rule.key}:{rule.human}。"
    place = path_of(item)
    step = place.find(".")
    return Fault(place[step:] if step > 0 else "", "invariant", f"{rule.human} ({rule.key}).", zh, rule.severity)
