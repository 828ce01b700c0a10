"""What of a resource is personal and sealed: by `personal.toml`, which is the whole rule.

A value is sealed wherever it stands in the text of its resource, also in its narrative or an extension: one of `SHORT` characters or more
with a digit or an @ as a word of its own, any other as the value of the element alone. Free text of other resources is not looked through.
FHIR R4: http://hl7.org/fhir/R4/datatypes.html#Identifier, #ContactPoint
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

MARK = "\ufdd0"
SHORT = 6

_TABLE = tomllib.loads(Path(__file__).with_name("personal.toml").read_text(encoding="utf-8"))
TYPES: Mapping[str, Mapping[str, Any]] = _TABLE["types"]
LISTED: frozenset[str] = frozenset(_TABLE["systems"]["listed"])
_FAMILIES = tuple(system for system in LISTED if system.endswith("-"))
_AMONG: tuple[str, ...] = ("2.16.156.10011.1.", "/NamingSystem/", "/fhir/sid/passport-")
"""One of these stands in the text of every resource that names a listed system."""
assert all(any(part in system for part in _AMONG) for system in LISTED), "every listed system holds one of _AMONG"

_CONTAINED = '"contained":['
_encode = msgspec.json.encode


def spans(kind: str, resource: Mapping[str, Any], text: str) -> list[tuple[int, int]]:
    """Where in the text (the resource as it is dumped) the contents of personal strings stand, in order, none within another."""
    if not may_hold(kind, text):
        return []
    found = list(dict.fromkeys(_values(resource, TYPES.get(kind))))
    if not found:
        return []
    places: list[tuple[int, int]] = []
    for value in found:
        places += _places(_encode(value).decode()[1:-1], text)
    places.sort(key=lambda place: (place[0], -place[1]))
    apart: list[tuple[int, int]] = []
    for place in places:
        if not apart or place[0] >= apart[-1][1]:
            apart.append(place)
    return apart


def may_hold(kind: str, text: str) -> bool:
    """Whether it is worth looking closer at a resource."""
    return kind in TYPES or _CONTAINED in text or any(part in text for part in _AMONG)


def is_listed(system: Any) -> bool:
    """Whether numbers of this system are a person's."""
    return type(system) is str and (system in LISTED or system.startswith(_FAMILIES))


def _values(element: Any, rule: Mapping[str, Any] | None) -> Iterator[str]:
    """Personal values at any depth of an element; `rule`: of the resource it is part of, None where only listed systems count."""
    if type(element) is list:
        for one in element:
            yield from _values(one, rule)
        return
    if type(element) is not dict:
        return
    for key, value in element.items():
        if key == "contained" and type(value) is list:
            for one in value:
                if type(one) is dict:
                    yield from _values(one, TYPES.get(one.get("resourceType", "")))
        elif type(value) is list or type(value) is dict:
            if key == "identifier":
                yield from _numbers(value, rule)
            elif key == "telecom" and rule is not None and type(value) is list:
                for one in value:
                    if type(one) is dict and one.get("system", "other") in rule["telecom"] and type(one.get("value")) is str:
                        yield one["value"]
            yield from _values(value, rule)


def _numbers(value: Any, rule: Mapping[str, Any] | None) -> Iterator[str]:
    for one in value if type(value) is list else [value]:
        if type(one) is not dict or type(one.get("value")) is not str or not one["value"]:
            continue
        if (rule is not None and rule["identifier"] == "all") or is_listed(one.get("system")):
            yield one["value"]


def _places(content: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the content of a JSON string stands in the text."""
    if not content:
        return
    element = f'"value":"{content}"'
    at = text.find(element)
    while at >= 0:
        yield at + 9, at + 9 + len(content)
        at = text.find(element, at + len(element))
    if len(content) < SHORT or not any(character.isdigit() or character == "@" for character in content):
        return
    at = text.find(content)
    while at >= 0:
        end = at + len(content)
        if _is_word(text, at, end):
            yield at, end
        at = text.find(content, end)


def _is_word(text: str, begin: int, end: int) -> bool:
    """Whether it stands by itself within a string: no part of a longer number, of an address or an id, no name of a property, and no number
    without quotes."""
    before, after = text[begin - 1], text[end]
    if _is_sign(before) or _is_sign(after) or before in "/\\":
        return False
    if text.startswith('":', begin - 2) or (before == '"' and text.startswith('":', end)):
        return False
    return not text.endswith('"id":"', 0, begin)


def _is_sign(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in ".-_")
