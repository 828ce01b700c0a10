"""How much of a resource is shown: summaries and chosen elements, as R4 lists them, to the byte."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from yilian.fhir.definitions import RESOURCE_TYPES, structure
from yilian.search.shape import SUBSETTED, Shape, shape_of, shaped

PATIENT = (
    b'{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","tag":[{"code":"a"}]},"implicitRules":"http://x",'
    b'"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>"},"extension":[{"url":"http://e","valueDecimal":1.10}],'
    b'"identifier":[{"value":"1","assigner":{"display":"x"}}],"active":true,"name":[{"text":"\xe5\xbc\xa0\xe4\xbc\x9f","extension":[{"url":"u"}]}],'
    b'"_birthDate":{"extension":[{"url":"u","valueString":"?"}]},"deceasedBoolean":false,"maritalStatus":{"text":"m"},'
    b'"contact":[{"name":{"text":"x"}}],"photo":[{"title":"t","data":"AAAA"}]}'
)
OBSERVATION = (
    b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"1"},"status":"final","code":{"text":"x","id":"c"},'
    b'"valueQuantity":{"value":6.10,"unit":"%"},"interpretation":[{"text":"H"}],"component":[{"code":{"text":"a"},"valueQuantity":{"value":1.0},'
    b'"interpretation":[{"text":"L"}]}],"note":[{"text":"n"}]}'
)
QUESTIONNAIRE = b'{"resourceType":"Questionnaire","id":"q","status":"active","item":[{"linkId":"1","type":"group"}]}'


def keys(body: bytes) -> list[str]:
    return list(json.loads(body))


def test_a_summary_is_what_the_definitions_mark() -> None:
    found = shaped(PATIENT, "Patient", Shape("true"))
    assert keys(found) == ["resourceType", "id", "meta", "implicitRules", "identifier", "active", "name", "_birthDate", "deceasedBoolean"]
    value = json.loads(shaped(OBSERVATION, "Observation", Shape("true")))
    assert list(value) == ["resourceType", "id", "meta", "status", "code", "valueQuantity", "component"]
    assert list(value["component"][0]) == ["code", "valueQuantity"]
    assert value["code"] == {"text": "x", "id": "c"}


def test_digits_and_extensions_inside_stay() -> None:
    assert b'"valueQuantity":{"value":6.10,"unit":"%"}' in shaped(OBSERVATION, "Observation", Shape("true"))
    assert b'"valueQuantity":{"value":1.0}' in shaped(OBSERVATION, "Observation", Shape("true"))
    assert json.loads(shaped(PATIENT, "Patient", Shape("true")))["name"] == [{"text": "张伟", "extension": [{"url": "u"}]}]


def test_text_is_the_narrative_and_what_must_be_there() -> None:
    assert keys(shaped(PATIENT, "Patient", Shape("text"))) == ["resourceType", "id", "meta", "text"]
    assert keys(shaped(OBSERVATION, "Observation", Shape("text"))) == ["resourceType", "id", "meta", "status", "code"]


def test_data_is_all_but_the_narrative() -> None:
    found = shaped(PATIENT, "Patient", Shape("data"))
    assert keys(found) == [key for key in keys(PATIENT) if key != "text"]
    assert b'"valueDecimal":1.10' in found


def test_chosen_elements_come_with_those_that_must_be_there_and_those_that_change_the_meaning() -> None:
    assert keys(shaped(PATIENT, "Patient", Shape(elements=("birthDate",)))) == [
        "resourceType", "id", "meta", "implicitRules", "active", "_birthDate", "deceasedBoolean",
    ]  # fmt: skip
    for name in ("value", "valueQuantity"):
        assert keys(shaped(OBSERVATION, "Observation", Shape(elements=(name,)))) == [
            "resourceType", "id", "meta", "status", "code", "valueQuantity",
        ]  # fmt: skip
    assert keys(shaped(QUESTIONNAIRE, "Questionnaire", Shape(elements=("title",)))) == ["resourceType", "id", "status", "meta"]


@pytest.mark.parametrize("shape", [Shape("true"), Shape("text"), Shape("data"), Shape(elements=("id",))])
def test_what_is_shortened_says_so_once(shape: Shape) -> None:
    found = shaped(shaped(PATIENT, "Patient", shape), "Patient", shape)
    assert json.loads(found)["meta"] == {"versionId": "3", "tag": [{"code": "a"}, SUBSETTED]}
    assert json.loads(shaped(QUESTIONNAIRE, "Questionnaire", shape))["meta"] == {"tag": [SUBSETTED]}


def test_whole_resources_are_the_default() -> None:
    assert shape_of(None, None) is None
    assert shape_of("false", None) is None
    assert shape_of("false", "name", ["Patient"]) == Shape(elements=("name",))


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
def test_every_summary_keeps_what_must_be_there(kind: str) -> None:
    """A shortened resource is still a resource: its mandatory elements are kept at every level that is."""
    elements = structure(kind).elements.values()
    body = json.dumps({"resourceType": kind} | {e.key: "x" if structure(e.type).kind == "primitive" else {} for e in elements}).encode()
    for shape in (Shape("true"), Shape("text"), Shape(elements=("id",))):
        kept = set(json.loads(shaped(body, kind, shape)))
        assert {e.key for e in elements if e.min} <= kept
        assert {e.key for e in elements if e.modifier} <= kept or shape.summary == "text"
    assert {e.key for e in elements if e.summary} <= set(json.loads(shaped(body, kind, Shape("true"))))


def test_summaries_of_real_records_are_parts_of_them(shared_data: Path) -> None:
    """Whatever a summary holds stands in the record; it is marked, or must be there, or changes what others mean."""

    def part_of(small: Any, large: Any) -> bool:
        if isinstance(small, dict):
            return isinstance(large, dict) and all(key in large and part_of(value, large[key]) for key, value in small.items())
        if isinstance(small, list):
            return len(small) == len(large) and all(map(part_of, small, large))
        return bool(small == large)

    compared = 0
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        for entry in json.loads(next(lines))["entry"]:
            resource = entry["resource"]
            kind = resource["resourceType"]
            short = json.loads(shaped(json.dumps(resource).encode(), kind, Shape("true")))
            meta = short.pop("meta")
            assert meta["tag"][-1] == SUBSETTED
            assert part_of(short, resource), kind
            marked = structure(kind).elements
            assert all(e.summary or e.min or e.modifier for key in short if key != "resourceType" for e in [marked[key.removeprefix("_")]])
            compared += 1
    assert compared > 100
