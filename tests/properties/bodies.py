"""Bodies to send: sound resources changed at random places, patches, Bundles and Parameters."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from tests.properties.samples import FHIR_PATHS, NUMBERS, PATHS, STRANGE

Json = dict[str, Any]


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here] * bool(here) + [place for key, below in inner for place in places(below, (*here, key))]


def changed(random: Random, resource: Json, times: int) -> Json:
    """A copy with so many strange things in it: a value replaced, removed, moved, or put under a strange name."""
    resource = copy.deepcopy(resource)
    for _ in range(times):
        there = places(resource)
        if not there:
            break
        place = random.choice(there)
        holder: Any = resource
        for key in place[:-1]:
            holder = holder[key]
        way = random.randrange(6)
        if way == 0:
            del holder[place[-1]]
        elif way == 1 and isinstance(holder, dict):
            holder[
                random.choice(
                    ("", "x", "_id", "_" + str(place[-1]), "fhir_comments", "值", "extension", "modifierExtension", "contained", "id")
                )
            ] = copy.deepcopy(random.choice(STRANGE))
        elif way == 2:
            holder[place[-1]] = [holder[place[-1]]]
        elif way == 3:
            other: Any = resource
            for key in random.choice(there):
                other = (
                    other[key]
                    if (isinstance(other, dict) and key in other) or (isinstance(other, list) and key in range(len(other)))
                    else None
                )
            holder[place[-1]] = copy.deepcopy(other)
        else:
            holder[place[-1]] = copy.deepcopy(random.choice(STRANGE))
    return resource


def written(random: Random, value: Any) -> bytes:
    """As JSON; now and then not quite, or with a number no double can hold."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    way = random.random()
    if way < 0.03:
        at = random.randrange(len(text))
        return text[:at] + random.choice((b"", b"\xff", b'"', b"}", b"\x00", b"\\", b"\xed\xa0\x80")) + text[at + 1 :]
    if way < 0.06:
        return text.replace(b'"value": ', b'"value": ' + random.choice(NUMBERS) + b', "was": ', 1)
    if way < 0.08:
        return text.replace(b"{", b"{" + text[1 : text.find(b",") + 1], 1)  # the first property twice
    if way < 0.09:
        return b"\xef\xbb\xbf" + text
    return text


def json_patch(random: Random, resource: Json | None) -> list[Any]:
    """A JSON Patch (RFC 6902) of one to four steps, sound or not."""
    there = ["".join(f"/{key}" for key in place) for place in places(resource or {})] or list(PATHS)
    steps: list[Any] = []
    for _ in range(random.randint(1, 4)):
        step: Json = {
            "op": random.choice(("add", "replace", "remove", "test", "move", "copy", "x")),
            "path": random.choice([*there, *PATHS]),
        }
        if random.random() < 0.8:
            step["value"] = random.choice(STRANGE)
        if step["op"] in ("move", "copy") or random.random() < 0.1:
            step["from"] = random.choice([*there, *PATHS])
        steps.append(step)
    return steps


def path_patch(random: Random) -> Json:
    """A FHIRPath Patch of one to three steps, sound or not."""
    steps = []
    for _ in range(random.randint(1, 3)):
        parts = [
            {"name": "type", "valueCode": random.choice(("add", "insert", "delete", "replace", "move", "x"))},
            {"name": "path", "valueString": random.choice(FHIR_PATHS)},
            {"name": "name", "valueString": random.choice(("birthDate", "status", "x", "given"))},
            {"name": random.choice(("value", "index", "source")), random.choice(("valueString", "part")): random.choice(STRANGE)},
        ]  # fmt: skip
        steps.append({"name": "operation", "part": random.sample(parts, random.randint(2, 4))})
    return {"resourceType": "Parameters", "parameter": steps}
