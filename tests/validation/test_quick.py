"""The quick yes is never given where the checks find a fault, and it puts aside what they do: on sound, damaged and invented records."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validation.test_invariants import CASES, without_none
from tests.validation.test_never_raises import keys, values
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.validation import issues, quick
from yilian.validation.faults import Seen
from yilian.validation.structure import check_of

Json = dict[str, Any]

WRONG = (None, "", " ", [], {}, [None], {"id": "x"}, 7, True, "Foo/1", "#nowhere", "2023-02-30", "\x00", {"unheardOf": 1}, "a b")


@pytest.fixture(autouse=True)
def _every_shape_gets_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "OFTEN", 1)
    monkeypatch.setattr(quick, "_shapes", {})


def compare(resource: Json) -> bool:
    """Whether it was surely sound. The second look is by the tests written at the first."""
    for _ in range(2):
        looked = Seen()
        sure = quick.surely(resource, looked)
    checked = Seen()
    faults = check_of(resource["resourceType"])(resource, checked)
    if sure:
        assert faults is None, (faults, resource)
        assert sorted(looked) == sorted(checked)
        assert sorted((name, id(value)) for name, value in looked.suspects) == sorted((name, id(value)) for name, value in checked.suspects)
    return sure


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(object or array, key) of everything in a resource."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if key != "resourceType":
            yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def damaged(resource: Json, chance: random.Random) -> Json:
    """A copy with one thing wrong with it, or merely different."""
    made = copy.deepcopy(resource)
    parent, key = chance.choice(list(places(made)))
    how = chance.randrange(4)
    if how == 0:
        parent[key] = copy.deepcopy(chance.choice(WRONG))
    elif how == 1:
        del parent[key]
    elif how == 2 and isinstance(parent, dict):
        parent["_" + key] = chance.choice(({"id": "x"}, {}, [None], {"extension": [{"url": "http://x.example", "valueString": "y"}]}))
    else:
        parent[key] = [parent[key]]
    return made


def test_of_records_with_one_fault_none_is_called_sound_that_is_not() -> None:
    chance = random.Random(3)
    sound = [resource for _, *pair in CASES for resource in map(without_none, pair) if not issues(resource)]
    assert sum(compare(resource) for resource in sound) > 0.9 * len(sound)
    for resource in sound:
        for _ in range(12):
            compare(damaged(resource, chance))


@pytest.mark.shared_data
def test_real_records_are_sound_at_a_glance_and_damaged_ones_are_not(shared_data: Path, record_property: pytest.RecordProperty) -> None:
    chance = random.Random(20261122)
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        resources = [entry["resource"] for line in itertools.islice(lines, 2) for entry in json.loads(line)["entry"]]
    definitions = shared_data / "fhir-r4-definitions"
    for kind in ("StructureDefinition", "SearchParameter", "ValueSet", "CapabilityStatement"):
        with gzip.open(definitions / f"{kind}.ndjson.gz") as lines:
            resources += [json.loads(line) for line in itertools.islice(lines, 3)]
    assert all(compare(resource) for resource in resources if not issues(resource))
    refused = 0
    for resource in resources:
        for _ in range(3):
            refused += not compare(damaged(resource, chance))
    record_property("refused", refused)
    assert refused > len(resources)


@given(st.sampled_from(RESOURCE_TYPES), st.dictionaries(keys, values, max_size=6))
@settings(max_examples=300, deadline=None)
def test_invented_content_is_answered_as_the_checks_answer_it(kind: str, content: Json) -> None:
    compare({**content, "resourceType": kind})


def test_two_forms_of_a_choice_and_what_is_missing_are_seen_in_the_shape() -> None:
    sound = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueString": "y"}
    assert compare(sound)
    assert not compare({**sound, "valueInteger": 1})
    assert not compare({"resourceType": "Observation", "status": "final", "valueString": "y"})
    assert not compare({**sound, "code": {"id": "x"}})
    assert not compare({**sound, "unheardOf": 1})
    assert compare({**sound, "note": [{"text": "two\nlines"}]})


def test_ever_new_shapes_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "MOST_SHAPES", 3)
    names = ["use", "text", "family", "given", "prefix"]
    for order in itertools.permutations(names):
        name = {key: ["x"] if key in ("given", "prefix") else "usual" for key in order}
        assert compare({"resourceType": "Patient", "name": [name]})
    shapes = quick.shapes_of("HumanName")
    assert len(shapes.tests) == 3
    assert len(shapes.met) <= 16
