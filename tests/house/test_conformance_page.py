"""docs/reference/conformance.md says what passes: its skips are those of tests/conformance, its numbers those of the data."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree

from tests.http.page import code, sections

SKIPS = Path(__file__).parents[1] / "conformance" / "skips"
WITH_SKIPS = {"FHIRPath": "fhirpath", "Validator": "validator", "Patch": "patch", "Terminology": "terminology"}
VIEWS = ("SQL-on-FHIR, PostgreSQL", "SQL-on-FHIR, DuckDB")


def skipped(name: str) -> dict[str, str]:
    """Test → reason."""
    found: dict[str, dict[str, str]] = tomllib.loads((SKIPS / f"{name}.toml").read_text("utf-8"))
    (reasons,) = found.values()
    return reasons


def said() -> dict[str, tuple[int, int]]:
    """Suite → how many pass, of how many."""
    return {row[0]: (int(row[3]), int(row[4])) for row in sections("conformance")[""].rows()}


def test_every_skip_stands_there_with_its_reason() -> None:
    assert {file.stem for file in SKIPS.glob("*.toml")} == set(WITH_SKIPS.values())
    page = sections("conformance")
    for title, name in WITH_SKIPS.items():
        rows = page[title].rows() if title in page else []
        assert {code(row[0])[0]: row[1] for row in rows} == skipped(name)


def test_what_does_not_pass_is_what_is_skipped() -> None:
    numbers = said()
    assert set(numbers) == {*WITH_SKIPS, *VIEWS}
    assert {title: total - passing for title, (passing, total) in numbers.items()} == {
        title: len(skipped(WITH_SKIPS[title])) if title in WITH_SKIPS else 0 for title in numbers
    }


def test_the_numbers_are_those_of_the_data(shared_data: Path) -> None:
    def tree(path: str) -> ElementTree.Element:
        return ElementTree.parse(shared_data / path).getroot()

    def read(path: str) -> str:
        return (shared_data / path).read_text("utf-8-sig")

    suites = json.loads(read("terminology-tests/test-cases.json"))["suites"]
    views = sum(len(json.loads(file.read_text("utf-8"))["tests"]) for file in (shared_data / "sql-on-fhir-tests").glob("*.json"))
    there = {
        "FHIRPath": len(tree("fhirpath-r4-tests/tests-fhir-r4.xml").findall("group/test")),
        "Validator": len(list(csv.DictReader(read("fhir-validator-r4/cases.csv").splitlines()))),
        "Patch": len(tree("fhir-patch-r4/fhir-patch-tests.xml")) + len(json.loads(read("fhir-patch-r4/json-patch-tests.json"))),
        "Terminology": sum(len(suite["tests"]) for suite in suites),
        **dict.fromkeys(VIEWS, views),
    }
    assert {title: total for title, (_, total) in said().items()} == there
