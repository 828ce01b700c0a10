"""The quick look at an object never calls sound what FHIRPath would not: on real records, and on them with parts missing."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.validation.test_invariants import CASES, without_none
from yilian.fhir.path.items import Item, child, children, root_item
from yilian.validation.constraints import rules_of, surely
from yilian.validation.faults import Seen
from yilian.validation.invariants import _broken
from yilian.validation.structure import check_of


def elements(item: Item) -> Iterator[Item]:
    if isinstance(item.value, dict):
        yield item
    for below in children(item):
        yield from elements(below)


def compare(resource: dict[str, Any]) -> tuple[int, int]:
    """(looked at, surely sound) over all rules of all objects that are sound in their structure."""
    looked = sure = 0
    for item in elements(root_item(resource)):
        if item.type.startswith("System.") or check_of(item.type)(item.value, Seen()) is not None:
            continue
        for rule in rules_of(item.type):
            looked += 1
            if surely(item.type, rule)(item.value):
                sure += 1
                assert _broken(rule, item) == [], (rule.key, item.value)
    return looked, sure


def fewer(value: Any, chance: random.Random) -> Any:
    """A copy with some of its parts left out, and now and then two texts exchanged for one."""
    if isinstance(value, list):
        kept = [fewer(one, chance) for one in value if chance.random() > 0.1]
        return kept or [fewer(value[0], chance)]
    if isinstance(value, dict):
        return {key: fewer(one, chance) for key, one in value.items() if key == "resourceType" or chance.random() > 0.15}
    return value


def test_every_sound_and_broken_case_is_looked_at_rightly(record_property: pytest.RecordProperty) -> None:
    looked = [compare(without_none(resource)) for _, *pair in CASES for resource in pair]
    record_property("compared", sum(count for count, _ in looked))
    assert sum(sure for _, sure in looked) > 0.9 * sum(count for count, _ in looked)


@pytest.mark.shared_data
def test_real_records_with_parts_missing_are_looked_at_rightly(shared_data: Path, record_property: pytest.RecordProperty) -> None:
    chance = random.Random(20261122)
    looked = sure = 0
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        bundle = json.loads(next(iter(lines)))
    definitions = shared_data / "fhir-r4-definitions"
    resources = [entry["resource"] for entry in bundle["entry"][:60]]
    for kind in ("StructureDefinition", "SearchParameter", "ValueSet", "CapabilityStatement"):
        with gzip.open(definitions / f"{kind}.ndjson.gz") as lines:
            resources += [json.loads(line) for line in itertools.islice(lines, 3)]
    for resource in resources:
        for one in (resource, fewer(resource, chance), fewer(resource, chance)):
            counts = compare(one)
            looked, sure = looked + counts[0], sure + counts[1]
    record_property("compared", looked)
    assert looked > 2000
    assert sure > 0.7 * looked


def test_elements_with_a_rule_of_their_own_are_looked_at_one_by_one() -> None:
    rule = next(rule for rule in rules_of("Organization") if rule.key == "org-3")
    look = surely("Organization", rule)
    assert look({"telecom": [{"use": "work"}, {"value": "1"}]})
    assert not look({"telecom": [{"use": "work"}, {"use": "home"}]})
    found: list[Item] = []
    child(Item({"telecom": [{"use": "home"}]}, "Organization"), "telecom", found)
    assert rule.expression.truth(found[0]) is False
