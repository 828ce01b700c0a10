"""`yilian check --deep`: what agrees is left alone, and each kind of disagreement is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from yilian import app, config
from yilian.command.check import _grounds
from yilian.db import Database
from yilian.fhir.definitions import type_id
from yilian.store import agreement
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

CODE = {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]}


@pytest.fixture
async def house(prepared_dsn: str) -> AsyncIterator[Database]:
    database = app.database(config.Settings(), prepared_dsn)
    await database.open()
    await put(database, organization("hospital"))
    await put(database, {"resourceType": "Patient", "id": "wang", "managingOrganization": {"reference": "Organization/hospital"}})
    for value in (1, 2, 3):
        await put(database, observation("glucose", value))
    await put(database, observation("gone", 1))
    async with database.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Observation", "gone", None)])
    yield database
    await database.close()


def organization(id: str) -> dict[str, Any]:
    kind = {"coding": [{"system": "https://yilian.example/fhir/CodeSystem/institution-tier", "code": "county"}]}
    return {"resourceType": "Organization", "id": id, "name": "医院", "active": True, "type": [kind]}


def observation(id: str, value: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": CODE,
        "subject": {"reference": "Patient/wang"},
        "performer": [{"reference": "Organization/hospital"}],
        "effectiveDateTime": "2026-01-02",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    }


async def put(db: Database, resource: dict[str, Any]) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", resource["resourceType"], resource["id"], resource)])


async def found(db: Database) -> set[tuple[str, str]]:
    return {(one.about, one.kind) async for one in agreement.disagreements(db, lambda seen: None, [_grounds])}


async def test_what_was_written_agrees(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await found(house) == set()
    monkeypatch.setattr(agreement, "BATCH", 2)
    seen: list[int] = []
    assert [one async for one in agreement.disagreements(house, seen.append, [_grounds])] == []
    async with house.reading() as tx:
        assert seen[-1] == await tx.fetchval("select count(*) from resource")


GLUCOSE = f"(select rid from resource where type = {type_id('Observation')} and id = 'glucose')"
WANG = f"(select rid from resource where type = {type_id('Patient')} and id = 'wang')"
HOSPITAL = f"(select rid from resource where type = {type_id('Organization')} and id = 'hospital')"


@pytest.mark.parametrize(
    ("damage", "about", "kind"),
    [
        (f"delete from index_clinical where rid = {GLUCOSE}", "Observation/glucose", "index"),
        (f"insert into index_token (h, rid) values (4711, {GLUCOSE})", "Observation/glucose", "index"),
        (f"update index_quantity set value = value + 1 where rid = {GLUCOSE}", "Observation/glucose", "index"),
        (
            "insert into index_uri (param, value, rid) values"
            f" (1, 'x', (select rid from resource where type = {type_id('Observation')} and id = 'gone'))",
            "Observation/gone",
            "index",
        ),
        (f"delete from history where rid = {GLUCOSE} and ver = 2", "Observation/glucose", "history"),
        (f"update resource set ver = 2 where rid = {GLUCOSE}", "Observation/glucose", "history"),
        (f"update resource set ver = 7 where rid = {GLUCOSE}", "Observation/glucose", "text"),
        (f"update resource set patient = null where rid = {GLUCOSE}", "Observation/glucose", "text"),
        (f"update resource set deleted = true, body = '' where rid = {HOSPITAL}", "Observation/glucose", "reference"),
        ("delete from concept where code = '2339-0'", "Observation/glucose", "concept"),
        (f"delete from access_ground where patient = {WANG}", "Patient/wang", "ground"),
        (
            f"insert into access_ground (institution, patient, kind, source) values ({GLUCOSE}, {WANG}, 'registered', {WANG})",
            "Patient/wang",
            "ground",
        ),
    ],
)
async def test_each_kind_of_damage_is_named(house: Database, damage: str, about: str, kind: str) -> None:
    async with house.transaction() as tx:
        done = await tx.execute(damage)
    assert not done.endswith(" 0")
    assert (about, kind) in await found(house)
