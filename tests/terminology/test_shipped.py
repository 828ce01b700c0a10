"""What HL7 publishes with R4 is there, once, and gives way to what the region stores."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.terminology.words import SIGNS, code_system, codes, concept, remove, store
from yilian.db import Database
from yilian.fhir.definitions import required_codings
from yilian.terminology import codes_in, is_member, shipped, subsumes

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


async def load(db: Database) -> bool:
    async with db.transaction() as tx:
        return await shipped.load(tx)


async def test_it_is_loaded_once_and_again_when_the_file_is_another(followed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await load(followed) is True
    assert await load(followed) is False
    counts = "select array[(select count(*) from code_system), (select count(*) from value_set), (select count(*) from value_set_code)]"
    async with followed.reading() as tx:
        before = await tx.fetchval(counts)
    monkeypatch.setattr(shipped, "digest", lambda: "another")
    assert await load(followed) is True
    async with followed.reading() as tx:
        assert await tx.fetchval(counts) == before
        assert before[:2] == [1062, 1316]
        left_over = "select count(*) from code_system_concept c where not exists (select from code_system s where s.cs = c.cs)"
        assert await tx.fetchval(left_over) == 0


async def test_what_was_stored_before_is_taken_in_with_it(db: Database) -> None:
    """As in a database that was used before there were these tables: its writes were followed by nothing."""
    await store(db, code_system(concept("a", "", concept("b"))))
    async with db.reading() as tx:
        assert await subsumes(tx, SIGNS, "a", "b") is None
    await load(db)
    async with db.reading() as tx:
        assert await subsumes(tx, SIGNS, "a", "b") == "subsumes"


async def test_every_value_set_is_listed_or_says_why_not(followed: Database) -> None:
    await load(followed)
    async with followed.reading() as tx:
        rows = await tx.fetch("select value_set, complete, reason from value_set_state")
        assert len(rows) == 1316
        unclear = [
            row["value_set"]
            for row in rows
            if not row["complete"]
            and "is held here" not in row["reason"]
            and "could not be found" not in row["reason"]
            and "without end" not in row["reason"]
        ]
        assert unclear == []
        assert sum(row["complete"] for row in rows) > 1200


async def test_the_lists_are_those_required_bindings_are_checked_by(followed: Database) -> None:
    await load(followed)
    compared = 0
    async with followed.reading() as tx:
        for url in [row["value_set"] for row in await tx.fetch("select value_set from value_set_state where complete")]:
            required = required_codings(url)
            if required is not None:
                assert await codes_in(tx, url) == required, url
                compared += 1
    assert compared > 150


async def test_what_the_region_stores_under_the_same_url_answers_instead(followed: Database) -> None:
    await load(followed)
    own = code_system(concept("male", "男"), concept("female", "女"), url=GENDER) | {"id": "gender"}
    assert await codes(followed, GENDERS) == ["male", "female", "other", "unknown"]
    await store(followed, own)
    assert await codes(followed, GENDERS) == ["male", "female"]
    async with followed.reading() as tx:
        assert await is_member(tx, GENDERS, GENDER, "unknown") is False
    await remove(followed, own)
    assert await codes(followed, GENDERS) == ["male", "female", "other", "unknown"]


@pytest.mark.shared_data
@pytest.mark.parametrize("kind", ["CodeSystem", "ValueSet", "ConceptMap"])
def test_the_file_says_what_hl7_published(shared_data: Path, kind: str) -> None:
    """Compared with the package hl7.fhir.r4.core 4.0.1; narrative, meta and contacts are left out on both sides."""
    with gzip.open(shared_data / "fhir-r4-definitions" / f"{kind}.ndjson.gz") as lines:
        official: dict[str, dict[str, Any]] = {one["url"]: one for one in map(json.loads, lines)}
    ours = {one["url"]: one for one in shipped.resources() if one["resourceType"] == kind}
    # The package lacks the maps of each status code to the general ones; nothing else, and nothing is there besides.
    assert {url for url in official if url not in ours and "/ConceptMap/sc-" not in url} == set()
    assert ours.keys() <= official.keys()
    meaning = "url version status content caseSensitive hierarchyMeaning supplements property concept compose group".split()
    broken_there = "http://terminology.hl7.org/CodeSystem/operation-outcome"  # one letter of an Italian designation
    different = [url for url, one in ours.items() if any(one.get(key) != official[url].get(key) for key in meaning) and url != broken_there]
    assert different == []
    assert len(ours) == {"CodeSystem": 1062, "ValueSet": 1316, "ConceptMap": 19}[kind]
