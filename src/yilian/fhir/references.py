"""References: what a text points to, every reference in a resource, and rewriting them.

http://hl7.org/fhir/R4/references.html; rewriting in a transaction: http://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from yilian.fhir.definitions import is_resource_type, structure


@dataclass(frozen=True, slots=True)
class Local:
    """A resource on this server: `Patient/123`, `Patient/123/_history/2`, or the same below our own base URL."""

    type: str
    id: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Urn:
    """`urn:uuid:…` or `urn:oid:…`: another entry of the same Bundle, or something known by that name."""

    text: str


@dataclass(frozen=True, slots=True)
class Contained:
    """`#id`: a contained resource; id "" is the container itself."""

    id: str


@dataclass(frozen=True, slots=True)
class Conditional:
    """`Patient?identifier=…`: a search that must find exactly one; allowed in transactions only."""

    type: str
    query: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An absolute URL that is not below our base. `type` and `id` where it ends like a RESTful address, else ""."""

    url: str
    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """No reference of any form; `validation` refuses it."""

    text: str


Target = Local | Urn | Contained | Conditional | Elsewhere | Malformed

_local = re.compile(r"([A-Za-z]{1,64})/([A-Za-z0-9.\-]{1,64})(?:/_history/([A-Za-z0-9.\-]{1,64}))?")
_conditional = re.compile(r"([A-Za-z]{1,64})\?(\S+)")
_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_rest_end = re.compile(r"/([A-Za-z]{1,64})/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?$")


def parse(text: str, base: str = "") -> Target:
    """What the text of a Reference points to. Never raises.

    `base` is our own address (`https://host/fhir`); absolute URLs below it are Local.
    """
    return _remembered(text, base) if len(text) <= LONGEST_REMEMBERED else _parse(text, base)


def _parse(text: str, base: str) -> Target:
    match = _local.fullmatch(text)
    if match is not None:
        kind, key, version = match.groups()
        return Local(kind, key, version) if is_resource_type(kind) else Malformed(text)
    if text.startswith("#"):
        return Contained(text[1:])
    if text.startswith("urn:"):
        return Urn(text) if _absolute.fullmatch(text) else Malformed(text)
    match = _conditional.fullmatch(text)
    if match is not None and is_resource_type(match[1]):
        return Conditional(match[1], match[2])
    if not _absolute.fullmatch(text):
        return Malformed(text)
    if base and text.startswith(base.rstrip("/") + "/"):
        inner = parse(text[len(base.rstrip("/")) + 1 :])
        if isinstance(inner, Local):
            return inner
    match = _rest_end.search(text)
    if match is not None and is_resource_type(match[1]):
        return Elsewhere(text, match[1], match[2])
    return Elsewhere(text)


LONGEST_REMEMBERED = 160
"""Characters. A record points to the same patient and visit hundreds of times; overlong texts would fill the memory."""

_remembered = lru_cache(maxsize=8192)(_parse)


@dataclass(slots=True)
class _Way:
    """Where one structure leads: JSON key → the structure below it; which keys are URIs; FHIRPath names of choices. Compiled once.

    shapes   the keys of an object, as they came → which of them lead on, and which may hold a URI or a narrative. Objects of one structure
             come in few shapes, so most keys of a record need not be looked at at all
    """

    is_reference: bool
    keys: dict[str, _Way]
    uris: frozenset[str]
    steps: dict[str, str]
    shapes: dict[tuple[str, ...], _Shape] = field(default_factory=dict)

    def shape(self, node: dict[str, Any]) -> _Shape:
        keys = tuple(node)
        known = self.shapes.get(keys)
        if known is None:
            known = (
                tuple((key, self.keys[key]) for key in keys if key in self.keys),
                tuple(k for k in keys if k in self.uris or k == "div"),
            )
            if len(self.shapes) < MOST_SHAPES:
                self.shapes[keys] = known
        return known


_Shape = tuple[tuple[tuple[str, _Way], ...], tuple[str, ...]]
MOST_SHAPES = 2_000
"""Shapes remembered for each structure; who sends ever new ones gets no quicker, and fills no memory."""

_ANY = _Way(False, {}, frozenset(), {})
"""Stands for "any resource": which one is read from `resourceType`."""

_NOWHERE = _Way(False, {}, frozenset(), {})
_URI_TYPES = {"uri", "url", "oid", "uuid", "canonical"}
_ways: dict[str, _Way] = {"Resource": _ANY}


def _way(name: str) -> _Way:
    known = _ways.get(name)
    if known is not None:
        return known
    elements = structure(name).elements.values()
    way = _ways[name] = _Way(name == "Reference", {}, frozenset(e.key for e in elements if e.type in _URI_TYPES), {})
    for element in elements:
        if structure(element.type).kind == "primitive":
            key = "_" + element.key
            way.keys[key] = _way("Element")
            way.steps[key] = (element.choice or element.key).removesuffix("[x]")
        else:
            way.keys[element.key] = _way(element.type)
            if element.choice:
                way.steps[element.key] = element.choice.removesuffix("[x]")
    return way


def _way_of(resource: dict[str, Any]) -> _Way:
    kind = resource.get("resourceType")
    return _way(kind) if type(kind) is str and is_resource_type(kind) else _NOWHERE


def found(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """Every Reference that has a `reference`, those of resources inside included, in no promised order. The objects themselves, not copies.

    Goes by the definitions, since DetectedIssue, Expression and Immunization.education have a `reference` that is none. Never raises.
    """
    references: list[dict[str, Any]] = []
    nodes: list[tuple[dict[str, Any], _Way]] = [(resource, _ANY)]
    while nodes:
        node, way = nodes.pop()
        if way.is_reference:
            if type(node.get("reference")) is str:
                references.append(node)
        elif way is _ANY:
            way = _way_of(node)
        for key, below in (way.shapes.get(tuple(node)) or way.shape(node))[0]:
            value = node[key]
            kind = type(value)
            if kind is dict:
                nodes.append((value, below))
            elif kind is list:
                for item in value:
                    if type(item) is dict:
                        nodes.append((item, below))
    return references


def walk(resource: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, Reference) of every Reference that has a `reference`, as they stand: `("Patient.generalPractitioner[0]", {…})`.

    The place begins with the resource's type; resources inside (contained, Bundle entries) are part of the path of the outermost.
    Choices go by their FHIRPath name, `MedicationRequest.medication`.
    """
    nodes: list[tuple[str, Any, _Way]] = [(str(resource.get("resourceType", "")), resource, _ANY)]
    while nodes:
        place, node, way = nodes.pop()
        if type(node) is list:
            nodes.extend((f"{place}[{number}]", node[number], way) for number in reversed(range(len(node))) if type(node[number]) is dict)
            continue
        if way.is_reference and type(node.get("reference")) is str:
            yield place, node
        elif way is _ANY:
            way = _way_of(node)
        for key in reversed(node):
            if (type(node[key]) is dict or type(node[key]) is list) and key in way.keys:
                nodes.append((f"{place}.{way.steps.get(key, key)}", node[key], way.keys[key]))


def rewrite(resource: dict[str, Any], mapping: Mapping[str, str]) -> int:
    """Replace references and other URIs by `mapping` (old text → new text), in place; returns how many were replaced.

    `Reference.reference`, elements of type uri, url, oid, uuid and canonical, and links and images of narrative, as the transaction rules
    say; never strings, so an Identifier whose value is the same `urn:uuid:` keeps it. Only whole texts are replaced. Never raises.
    """
    return _rewritten(resource, mapping, [])


def rewritten(resource: dict[str, Any], mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """`rewrite`, and what `found` finds afterwards, in one walk."""
    references: list[dict[str, Any]] = []
    _rewritten(resource, mapping, references)
    return references


def _rewritten(resource: dict[str, Any], mapping: Mapping[str, str], references: list[dict[str, Any]]) -> int:
    count = 0
    rename = mapping.get
    nodes: list[tuple[dict[str, Any], _Way]] = [(resource, _ANY)]
    while nodes:
        node, way = nodes.pop()
        if way.is_reference:
            text = node.get("reference")
            if type(text) is str:
                references.append(node)
                name = rename(text)
                if name is not None:
                    node["reference"] = name
                    count += 1
        elif way is _ANY:
            way = _way_of(node)
        down, uris = way.shapes.get(tuple(node)) or way.shape(node)
        for key in uris:
            value = node[key]
            kind = type(value)
            if kind is str:
                if key == "div":
                    if "urn:" in value:
                        node[key], changed = _in_narrative(value, mapping)
                        count += changed
                elif (name := rename(value)) is not None:
                    node[key] = name
                    count += 1
            elif kind is list:
                for place, item in enumerate(value):
                    if type(item) is str and item in mapping:
                        value[place] = mapping[item]
                        count += 1
        for key, below in down:
            value = node[key]
            kind = type(value)
            if kind is dict:
                nodes.append((value, below))
            elif kind is list:
                for item in value:
                    if type(item) is dict:
                        nodes.append((item, below))
    return count


_link = re.compile(r"""((?:href|src)\s*=\s*(["']))(urn:[^"'\s]+)(\2)""")


def _in_narrative(div: str, mapping: Mapping[str, str]) -> tuple[str, int]:
    changed = 0

    def one(match: re.Match[str]) -> str:
        nonlocal changed
        if match[3] not in mapping:
            return match[0]
        changed += 1
        return match[1] + mapping[match[3]] + match[4]

    return _link.sub(one, div), changed
