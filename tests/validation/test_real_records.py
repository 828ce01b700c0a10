"""Records that others made: they pass where they are sound, and where they do not it is known why."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yilian.fhir.json import parse
from yilian.validation import issues

pytestmark = pytest.mark.shared_data


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as packed:
        for line in packed:
            yield parse(line)


def test_every_resource_of_the_200_synthea_patients_is_sound(shared_data: Path) -> None:
    counted = 0
    for bundle in lines(shared_data / "synthea-r4" / "bundles.ndjson.gz"):
        for entry in bundle["entry"]:
            counted += 1
            assert issues(entry["resource"]) == []
    assert counted == 56_769


def test_a_whole_transaction_bundle_is_sound(shared_data: Path) -> None:
    bundle = next(lines(shared_data / "synthea-r4" / "bundles.ndjson.gz"))
    assert issues(bundle) == []
    bundle["entry"][3]["resource"]["subject"] = {"reference": "Nobody/1"}
    assert any(issue.expression.startswith("Bundle.entry[3].resource") for issue in issues(bundle))


def test_every_resource_of_the_bulk_export_is_sound(shared_data: Path) -> None:
    counted = 0
    for path in sorted((shared_data / "synthea-bulk-r4").glob("*.ndjson.gz")):
        for resource in lines(path):
            counted += 1
            assert issues(resource) == [], path.name
    assert counted == 7160


def test_hl7s_own_definitions_are_sound_but_for_twelve_slips(shared_data: Path) -> None:
    """Ten search parameters lack their base, one has an id of 69 characters; a value set names its contained code system by #id."""
    counted = 0
    faults: dict[str, list[str]] = {}
    for path in sorted((shared_data / "fhir-r4-definitions").glob("*.ndjson.gz")):
        for resource in lines(path):
            counted += 1
            for issue in issues(resource):
                faults.setdefault(issue.expression, []).append(resource["id"])
    assert counted == 4581
    assert set(faults) == {"SearchParameter.base", "SearchParameter.id", "ValueSet.compose.include[0]"}
    assert sorted(faults["SearchParameter.base"]) == sorted(
        f"{kind}-extensions-{name}-{code}"
        for kind, name in (("codesystem", "CodeSystem"), ("valueset", "ValueSet"))
        for code in ("author", "effective", "end", "keyword", "workflow")
    )
    assert faults["SearchParameter.id"] == ["questionnaireresponse-extensions-QuestionnaireResponse-item-subject"]
    assert faults["ValueSet.compose.include[0]"] == ["example-hierarchical"]
