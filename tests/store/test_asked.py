"""What is asked of words, pairs, places, links and value sets is answered of what was written, changed and deleted by the store itself."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import REGION_ZONE
from tests.store.region import delete, put
from yilian.db import Database
from yilian.errors import NotSupported
from yilian.search.query import parse
from yilian.store import find
from yilian.store.scope import SYSTEM

ZONE = ZoneInfo(REGION_ZONE)
LOINC = "http://loinc.org"


async def ids(db: Database, kind: str, name: str, value: str) -> list[str]:
    async with db.transaction() as tx:
        page = await find.find(tx, SYSTEM, parse(kind, [(name, value)], zone=ZONE))
        assert await find.total(tx, SYSTEM, parse(kind, [(name, value)], zone=ZONE)) == len(page.matches)
    return [one.id for one in page.matches]


def pressure(systolic: int, words: str = "收缩压") -> dict[str, Any]:
    def part(code: str, value: int) -> dict[str, Any]:
        return {"code": {"coding": [{"system": LOINC, "code": code, "display": words}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}

    return {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "85354-9", "display": words}]},
        "subject": {"reference": "Patient/p", "identifier": {"system": "urn:who", "value": "7"}},
        "component": [part("8480-6", systolic), part("8462-4", 80)],
    }


QUESTIONS = [
    ("Observation", "component-code-value-quantity", f"{LOINC}|8480-6$gt140", "bp"),
    ("Observation", "combo-code-value-quantity", "8462-4$80||mmHg", "bp"),
    ("Observation", "code:text", "收缩", "bp"),
    ("Observation", "component-code:text", "缩压", "bp"),
    ("Observation", "subject:identifier", "urn:who|7", "bp"),
    ("Patient", "_has:Observation:patient:component-code-value-quantity", "8480-6$gt140", "p"),
    ("Patient", "identifier:of-type", "urn:types|MR|1|2".replace("1|2", "1\\|2"), "p"),
    ("Location", "near", "31.23|121.47|2|km", "l"),
    ("DocumentReference", "relationship", "replaces$DocumentReference/old", "new"),
    ("Patient", "_list", "42", "p"),
    ("Observation", "subject:Patient.organization.partof.name", "卫健", "bp"),
]


async def written(db: Database) -> None:
    await put(db, {"resourceType": "Organization", "id": "top", "name": "卫健委"})
    await put(db, {"resourceType": "Organization", "id": "low", "name": "医院", "partOf": {"reference": "Organization/top"}})
    kind = {"coding": [{"system": "urn:types", "code": "MR"}]}
    identifier = [{"type": kind, "system": "urn:id", "value": "1|2"}]
    await put(
        db, {"resourceType": "Patient", "id": "p", "identifier": identifier, "managingOrganization": {"reference": "Organization/low"}}
    )
    await put(db, pressure(150))
    await put(db, {"resourceType": "Location", "id": "l", "position": {"latitude": 31.24, "longitude": 121.47}})
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {}}],
    }
    await put(db, {**document, "id": "old"})
    await put(db, {**document, "id": "new", "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/old"}}]})
    entry = [{"item": {"reference": "Patient/p"}}]
    await put(db, {"resourceType": "List", "id": "42", "status": "current", "mode": "working", "entry": entry})


async def test_what_is_written_is_found_by_whatever_is_asked_of_it(db: Database) -> None:
    await written(db)
    for kind, name, value, id_ in QUESTIONS:
        assert await ids(db, kind, name, value) == [id_], (kind, name, value)


async def test_a_change_changes_the_answers_and_a_deletion_ends_them(db: Database) -> None:
    await written(db)
    await put(db, pressure(130, "血压"))
    assert await ids(db, "Observation", "component-code-value-quantity", f"{LOINC}|8480-6$gt140") == []
    assert await ids(db, "Observation", "component-code-value-quantity", f"{LOINC}|8480-6$130") == ["bp"]
    assert await ids(db, "Observation", "code:text", "收缩") == []
    assert await ids(db, "Observation", "code:text", "血压") == ["bp"]
    await delete(db, "Observation", "bp")
    await delete(db, "List", "42")
    await delete(db, "DocumentReference", "new")
    await delete(db, "Location", "l")
    for kind, name, value, id_ in QUESTIONS:
        if id_ != "p" or "_has" in name or name == "_list":
            assert await ids(db, kind, name, value) == [], (kind, name, value)
    async with db.transaction() as tx:
        for table in ("index_pair", "index_position", "index_quantity"):
            assert await tx.fetchval(f"select count(*) from {table}") == 0


@pytest.mark.parametrize("name", ["code:in", "code:not-in", "combo-code:in"])
async def test_a_value_set_that_is_not_known_or_cannot_be_listed_is_refused(db: Database, name: str) -> None:
    await written(db)
    async with db.transaction() as tx:
        await tx.execute("insert into value_set_state values ('urn:endless', false, 'it is all of SNOMED CT')")
        await tx.execute("insert into value_set_state values ('urn:empty', true, null)")
    with pytest.raises(NotSupported, match="urn:nowhere cannot be searched by: it is unknown here"):
        await ids(db, "Observation", name, "urn:nowhere")
    with pytest.raises(NotSupported, match="urn:endless cannot be searched by: it cannot be listed: it is all of SNOMED CT"):
        await ids(db, "Observation", name, "urn:empty,urn:endless")
    with pytest.raises(NotSupported, match="urn:nowhere"):
        await ids(db, "Patient", f"_has:Observation:patient:{name}", "urn:nowhere")
    assert await ids(db, "Observation", name, "urn:empty") == (["bp"] if name == "code:not-in" else [])


async def test_a_code_without_a_place_in_a_hierarchy_is_refused(db: Database) -> None:
    await written(db)
    async with db.transaction() as tx:
        await tx.execute(
            "insert into code_ancestor values ($1, '85354-9', '85354-9'), ($1, '85354-9', 'vital'), ($1, 'vital', 'vital')", LOINC
        )
    assert await ids(db, "Observation", "code:below", f"{LOINC}|vital") == ["bp"]
    assert await ids(db, "Observation", "code:above", f"{LOINC}|vital") == []
    for value in (f"{LOINC}|unknown", "urn:other|vital", f"{LOINC}|vital,{LOINC}|unknown"):
        with pytest.raises(NotSupported, match="has no place in a hierarchy known here"):
            await ids(db, "Observation", "code:below", value)
