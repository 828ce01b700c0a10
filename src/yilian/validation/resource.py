"""The whole resource: its type, its contained resources and the references to them; and the one function this room is for."""

from __future__ import annotations

from typing import Any

from yilian.errors import Issue
from yilian.fhir.definitions import is_resource_type
from yilian.fhir.json import DEEPEST
from yilian.validation import invariants
from yilian.validation.faults import ENOUGH, Faults, Seen, fault, name_shown, shown, wrong_shape
from yilian.validation.quick import surely
from yilian.validation.structure import check_of, resource_check

_NONE = Seen()
"""Stands where a resource is the root of its own references."""


def issues(resource: dict[str, Any], *, warnings: bool = False) -> list[Issue]:
    """What is wrong with a resource, each fault with its `expression` and in both languages; empty when it is sound.

    `warnings`: what HL7 only warns of is told too; a write asks for errors alone. Never raises, whatever the shape: anything JSON can hold,
    and lone surrogates besides. At most `ENOUGH` are listed.
    Not checked: profiles, extensible and weaker bindings, whether targets of references exist, the invariants `slips.toml` leaves out.
    """
    try:
        faults = _resource(resource, _NONE)
        if warnings and faults is None:
            faults = invariants.warnings(resource)
    except RecursionError:
        faults = fault("too-costly", f"The resource nests deeper than {DEEPEST} levels.", f"内容嵌套超过 {DEEPEST} 层,无法处理。")
    if faults is None:
        return []
    root = _type_of(resource)
    listed = [Issue(f.severity, f.code, f"{root}{f.place}: {f.diagnostics}", root + f.place, f.zh) for f in faults[:ENOUGH]]
    if len(faults) > ENOUGH:
        listed.append(
            Issue("error", "too-costly", f"{root}: There are more faults than these {ENOUGH}.", root, f"错误过多,仅列出前 {ENOUGH} 处。")
        )
    return listed


def _type_of(resource: Any) -> str:
    kind = resource.get("resourceType") if type(resource) is dict else None
    return kind if isinstance(kind, str) and is_resource_type(kind) else "Resource"


def _resource(value: Any, _seen: Seen) -> Faults:
    """Any resource, also one inside a Bundle or Parameters: it is the root of its own `#` references."""
    faults = _typed(value)
    if faults is not None:
        return faults
    seen = Seen()
    if not surely(value, seen):
        seen = Seen()
        faults = check_of(value["resourceType"])(value, seen)
    if faults is None and "contained" in value:
        faults = _contained(value["contained"])
    if seen.suspects:
        broken = invariants.broken(value, seen, sound=faults is None)
        if broken is not None:
            faults = broken if faults is None else faults + broken
    return faults


def _typed(value: Any) -> Faults:
    if type(value) is not dict:
        return wrong_shape(value, "a resource (an object)", "资源对象")
    kind = value.get("resourceType")
    if kind is None:
        return fault("structure", "resourceType is missing.", "缺少 resourceType。", ".resourceType")
    if not is_resource_type(kind):
        return fault(
            "structure", f"{shown(kind)} is not a resource type of FHIR R4.", f"{shown(kind)} 不是 FHIR R4 的资源类型。", ".resourceType"
        )
    return None


def _inside(value: Any, seen: Seen) -> Faults:
    """A contained resource: it has an id, and shares the invariants of its container."""
    faults = _typed(value)
    if faults is not None:
        return faults
    faults = check_of(value["resourceType"])(value, seen)
    if faults is not None:
        return faults
    if "id" not in value:
        return fault("required", "A contained resource needs an id to be referred to.", "内含资源必须有 id。", ".id")
    return None


def _contained(resources: list[dict[str, Any]]) -> Faults:
    seen: set[str] = set()
    for place, resource in enumerate(resources):
        if resource["id"] in seen:
            name = name_shown(resource["id"])
            return fault(
                "duplicate", f"Two contained resources have the id {name}.", f"内含资源的 id 重复:{name}。", f".contained[{place}].id"
            )
        seen.add(resource["id"])
    return None


resource_check(_resource, _inside)
