"""Every invariant HL7 published stands in the table, once, where it is defined; and no other does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from yilian.fhir.definitions import constraints, structure, structure_names

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def published(shared_data: Path) -> list[dict[str, Any]]:
    with gzip.open(shared_data / "fhir-r4-definitions" / "StructureDefinition.ndjson.gz") as lines:
        found = [json.loads(line) for line in lines]
    return [d for d in found if d.get("derivation") != "constraint" and d["kind"] != "logical"]


def row(constraint: dict[str, Any]) -> tuple[str, str, str, str]:
    return constraint["key"], constraint["severity"], constraint["human"], constraint["expression"]


def at(owner: str, name: str) -> set[tuple[str, str, str, str]]:
    """What the table says of a structure and those it specialises (`name` empty), or of one element of it."""
    found = {row(r) for r in constraints().get(owner, ()) if r.get("at", "") == name}
    base = structure(owner).base
    return found | (at(base, name) if base else set())


def test_each_element_has_the_invariants_hl7_gives_it(published: list[dict[str, Any]]) -> None:
    """Those of its own and those of its type, which the snapshots repeat."""
    compared = 0
    for definition in published:
        for element in definition["snapshot"]["element"]:
            path = element["path"]
            owner, _, name = path.rpartition(".")
            wanted = {row(c) for c in element.get("constraint", ())}
            if path in structure_names():
                told = at(path, "")
            else:
                types = [t["code"] for t in element.get("type", ()) if t["code"] in structure_names()]
                told = at(owner, name) | at("Element", "")
                told |= {r for kind in types for r in at(kind, "")} & wanted
                if not types:
                    told &= wanted
            assert wanted <= told | at("Element", ""), path
            if path in structure_names():
                assert told - wanted <= at("Element", ""), path
            compared += len(wanted)
    assert compared > 8_000


def test_the_table_holds_nothing_else(published: list[dict[str, Any]]) -> None:
    known = {row(c) for d in published for e in d["snapshot"]["element"] for c in e.get("constraint", ())}
    assert {row(r) for rows in constraints().values() for r in rows} == known
    assert len(known) == 239
