"""docs/reference/persons.md says what the code does, where it has lists."""

from __future__ import annotations

import re
from pathlib import Path

from yilian.fhir import urls
from yilian.http.operations import persons
from yilian.identity import identifiers, review

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "persons.md").read_text(encoding="utf-8")


def test_every_kind_of_identifier_is_listed_with_whose_alone_it_is_and_its_system() -> None:
    listed = set(re.findall(r"^\| ([a-z-]+) \| (\S+) \| (person|record) \| `(\S+?)`", PAGE, re.MULTILINE))
    systems = {kind.code: system for system, kind in identifiers.SYSTEMS.items()} | {"passport": urls.PASSPORT}
    assert listed == {(kind.code, kind.zh, kind.alone, systems[kind.code]) for kind in identifiers.KINDS.values()}


def test_every_operation_is_named() -> None:
    for operation in persons.OPERATIONS:
        assert f"${operation.name}`" in PAGE, operation.name


def test_the_states_and_decisions_are_named() -> None:
    assert f"`state` ({', '.join(review.STATES)})" in PAGE
    assert f"`decision` ({', '.join(persons.DECISIONS)})" in PAGE
