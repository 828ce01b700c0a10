"""How much of each resource is shown: `_summary=true|text|data` and `_elements`.

A resource from which something was left out says so with the tag SUBSETTED. What is kept is kept to the byte: only what the summary
divides is parsed. FHIR R4: http://hl7.org/fhir/R4/search.html#summary, http://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

import msgspec

from yilian.errors import BadRequest
from yilian.fhir.definitions import RESOURCE_TYPES, Element, structure
from yilian.fhir.json import dump

Summary = Literal["true", "text", "data"]
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = ("resourceType", "id", "meta")

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_values = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Shape:
    """Either a summary or a choice of elements (names of the top level, as in JSON or, for a choice of types, without the type)."""

    summary: Summary | None = None
    elements: tuple[str, ...] = ()


def shape_of(summary: str | None, elements: str | None, kinds: Sequence[str] = RESOURCE_TYPES) -> Shape | None:
    """What `_summary` and `_elements` ask for; None where whole resources are asked for. `kinds`: the types that may be answered.

    `count` is not for here. Raises BadRequest for a value there is not, for elements none of the types has, and for both at once.
    """
    how = None if summary in (None, "false") else summary
    if how is not None and how not in get_args(Summary):
        raise BadRequest(f"_summary is true, text, data, count or false, not {how[:40]!r}.")
    if elements is None:
        return Shape(cast(Summary, how)) if how else None
    if how is not None:
        raise BadRequest("_summary and _elements each say what is shown; give one of them.")
    names = tuple(dict.fromkeys(name.strip() for name in elements.split(",")))
    for name in names:
        if not any(name in _names(kind) for kind in kinds):
            known = (
                ", ".join(sorted(_names(kinds[0]))) if len(kinds) == 1 else "elements at the top level of a resource, such as identifier"
            )
            raise BadRequest(f"_elements: there is no element {name[:60]!r}; there are {known}.")
    return Shape(elements=names)


def shaped(body: bytes, kind: str, shape: Shape) -> bytes:
    """The part of a stored resource of type `kind` that is to be shown, with its tag."""
    found = _parts.decode(body)
    if shape.summary == "data":
        found.pop("text", None)
    else:
        kept = _summary_of(kind) if shape.summary == "true" else _kept(kind, shape)
        found = {key: _part(value, kept[plain]) for key, value in found.items() if (plain := key.removeprefix("_")) in kept}
    found["meta"] = _tagged(found.get("meta"))
    return msgspec.json.encode(found)


def _tagged(meta: msgspec.Raw | None) -> msgspec.Raw:
    value = _values.decode(meta) if meta is not None else {}
    tags = value.get("tag", [])
    if not any(tag.get("code") == SUBSETTED["code"] and tag.get("system") == SUBSETTED["system"] for tag in tags):
        value["tag"] = [*tags, SUBSETTED]
    return msgspec.Raw(dump(value))


def _part(raw: msgspec.Raw, name: str) -> msgspec.Raw:
    """The whole value, or the summary of the structure `name`."""
    return msgspec.Raw(dump(_pruned(_values.decode(raw), name))) if name else raw


def _pruned(value: Any, name: str) -> Any:
    if type(value) is list:
        return [_pruned(item, name) for item in value]
    if type(value) is not dict:
        return value
    kept = _summary_of(name)
    return {
        key: _pruned(item, kept[plain]) if kept[plain] else item for key, item in value.items() if (plain := key.removeprefix("_")) in kept
    }


# --- what is kept, compiled once for each structure: key → "" for the whole value, or the structure whose summary is taken


@lru_cache(maxsize=1024)
def _kept(kind: str, shape: Shape) -> Mapping[str, str]:
    """For `text` and for a choice of elements, which come whole. Elements that must be there stay; a choice keeps modifiers too."""
    if shape.summary == "text":
        keys = [e.key for e in structure(kind).elements.values() if e.min or e.key == "text"]
    else:
        chosen = set(shape.elements)
        keys = [e.key for e in structure(kind).elements.values() if e.min or e.modifier or not chosen.isdisjoint((e.key, _name(e)))]
    return MappingProxyType(dict.fromkeys([*ALWAYS, *keys], ""))


@cache
def _summary_of(name: str) -> Mapping[str, str]:
    """The elements of the summary, those that must be there, and those that change what others mean.

    Inside, extensions stay with what they qualify.
    """
    found = dict.fromkeys(ALWAYS, "") if name in RESOURCE_TYPES else {"id": "", "extension": ""}
    for element in structure(name).elements.values():
        if element.summary or element.min or element.modifier:
            found[element.key] = "" if _is_whole(element.type, frozenset()) else element.type
    return MappingProxyType(found)


def _is_whole(name: str, above: frozenset[str]) -> bool:
    """Whether the summary of a structure is all of it; so too where HL7 marks none of its own elements."""
    own = structure(name)
    if own.kind in ("primitive", "resource") or name in above:
        return True
    below = [e for e in own.elements.values() if e.key not in ("id", "extension", "modifierExtension")]
    if not any(element.summary for element in below):
        return True
    return all((e.summary or e.min or e.modifier) and _is_whole(e.type, above | {name}) for e in below)


@cache
def _names(kind: str) -> frozenset[str]:
    elements = structure(kind).elements.values()
    return frozenset(e.key for e in elements) | frozenset(_name(e) for e in elements)


def _name(element: Element) -> str:
    return (element.choice or element.key).removesuffix("[x]")
