"""Whoever asks by one record of a person is told what is about all of them: by chains, `_has`, exports and subscriptions too."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest

from tests.identity.conftest import Region, observation, person
from yilian.exchange.bulk import export
from yilian.exchange.bulk.ask import Ask
from yilian.exchange.subscriptions import known
from yilian.exchange.subscriptions.definition import Definition
from yilian.exchange.subscriptions.topics import CANONICAL
from yilian.fhir import urls
from yilian.search.query import parse
from yilian.store import find
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo("Asia/Kathmandu")


@pytest.fixture
async def two(region: Region) -> Region:
    """a at qingshi and b at liuhe, whom nobody has linked yet, each with one result; c, somebody else, with another."""
    file = {"a": "11010500100100001", "b": "11010500100100002", "c": "11010500100100003"}
    for id, at in (("a", "qingshi"), ("b", "liuhe"), ("c", "qingshi")):
        await region.put(
            person(id, at=at, name=f"单{id}", identifier=[{"system": urls.HEALTH_FILE, "value": file[id]}]), observation(f"o{id}", id)
        )
    return region


async def found(region: Region, scope: Scope, kind: str, *pairs: tuple[str, str]) -> set[str]:
    async with region.db.reading() as tx:
        return {one.id for one in (await find.find(tx, scope, parse(kind, list(pairs), zone=ZONE))).matches}


CHAINS = (
    [("patient.identifier", "11010500100100001")],
    [("subject:Patient.identifier", "11010500100100001"), ("code", "2345-7")],
    [("patient._id", "a")],
    [("patient.name", "单a")],
    [("patient.name:contains", "单a")],
    [("patient.birthdate", "1956-03-12"), ("patient.name", "单a")],
    [("patient.organization", "Organization/qingshi"), ("patient.identifier", "11010500100100001")],
    [("patient._has:Observation:patient:_id", "oa")],
    [("patient._has:Observation:patient:_lastUpdated", "gt2000-01-01"), ("patient.identifier", "11010500100100001")],
)


@pytest.mark.parametrize("pairs", CHAINS, ids=str)
async def test_a_chain_through_any_record_finds_what_is_about_the_person(two: Region, pairs: list[tuple[str, str]]) -> None:
    for scope in (SYSTEM, two.qingshi):
        assert await found(two, scope, "Observation", *pairs) == {"oa"}
    await two.link("a", "b")
    for scope in (SYSTEM, two.qingshi, two.liuhe):
        assert await found(two, scope, "Observation", *pairs) == {"oa", "ob"}, scope.user
    await two.unlink("b")
    for scope in (SYSTEM, two.qingshi):
        assert await found(two, scope, "Observation", *pairs) == {"oa"}
    assert await found(two, two.liuhe, "Observation", *pairs) == set()


async def test_people_are_found_by_what_is_about_any_of_their_records(two: Region) -> None:
    asked = ("_has:Observation:patient:_id", "ob")
    assert await found(two, SYSTEM, "Patient", asked) == {"b"}
    assert await found(two, two.qingshi, "Patient", asked) == set()
    await two.link("a", "b")
    for scope in (SYSTEM, two.qingshi):
        assert await found(two, scope, "Patient", asked) == {"a", "b"}
        assert await found(two, scope, "Patient", asked, ("organization", "Organization/qingshi")) == {"a"}, "one's own record of somebody"
    wide = ("_has:Observation:patient:date", "gt2000-01-01")
    assert await found(two, SYSTEM, "Patient", wide) == {"a", "b", "c"}
    await two.unlink("a")
    assert await found(two, SYSTEM, "Patient", asked) == {"b"}


async def test_what_a_list_names_and_what_a_patient_is_stay_one_record(two: Region) -> None:
    await two.link("a", "b")
    await two.put(
        {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "entry": [{"item": {"reference": "Patient/a"}}]}
    )
    assert await found(two, SYSTEM, "Patient", ("_list", "l")) == {"a"}
    assert await found(two, SYSTEM, "Patient", ("identifier", "11010500100100001")) == {"a"}


async def exported(region: Region, ask: Ask, scope: Scope) -> set[str]:
    async with region.db.reading() as tx:
        return {
            row["id"]
            for row in await tx.fetch(
                "select id from resource where rid = any($1::bigint[])",
                await export.patients(tx, scope, ask),
            )
        }


async def test_an_export_of_a_patient_is_of_the_person(two: Region) -> None:
    of_a, of_b = Ask("patient", patients=("a",)), Ask("patient", patients=("b",))
    assert await exported(two, of_a, SYSTEM) == {"a"}
    await two.link("a", "b")
    assert await exported(two, of_a, SYSTEM) == await exported(two, of_b, SYSTEM) == {"a", "b"}
    member = [{"entity": {"reference": "Patient/a"}}]
    await two.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member})
    assert await exported(two, Ask("group", "g"), SYSTEM) == {"a", "b"}
    assert await exported(two, Ask("group", "g", patients=("b",)), SYSTEM) == {"a", "b"}, "b is a record of somebody in the Group"
    await two.unlink("a")
    assert await exported(two, Ask("group", "g"), SYSTEM) == {"a"}


async def test_who_watches_one_record_is_told_of_the_others(two: Region) -> None:
    async with two.db.transaction() as tx:
        asked = Definition(
            CANONICAL + "resource-changed", (("Observation", "patient=Patient/a"),), "websocket", "", "application/fhir+json", "id-only"
        )
        await tx.execute(
            "insert into subscription (rid, id, version, state, definition, asker)"
            " values (1, 's', 1, 'active', $1::text::jsonb, $2::text::jsonb)",
            json.dumps(asked.as_json()),
            json.dumps({"kind": "platform"}),
        )
        await known.changed(tx)

    async def told() -> list[str]:
        rows = await two.rows("select r.id from subscription_event e join resource r on r.rid = e.rid order by e.id")
        return [row["id"] for row in rows]

    await two.put(observation("x1", "b"), observation("x2", "a"))
    assert await told() == ["x2"]
    await two.link("a", "b")
    await two.put(observation("x3", "b"), observation("x4", "c"))
    assert await told() == ["x2", "x3"]
    await two.delete("Observation", "x3")
    assert await told() == ["x2", "x3", "x3"]
    await two.unlink("b")
    await two.put(observation("x5", "b"))
    assert await told() == ["x2", "x3", "x3"]
