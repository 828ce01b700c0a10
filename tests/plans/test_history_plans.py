"""History stays on its indexes: at every level, newest or oldest first, for who sees everybody, many, few or one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from tests.conftest import _command, on_database
from yilian.fhir.definitions import type_id
from yilian.store.history import BEGINNING, FAR, LAST_RID, NEWEST
from yilian.store.history_statement import Level, counted, page
from yilian.store.scope import SYSTEM, Scope

PATIENTS, EACH = 1_500, 30
COUNT = 51
FEW, MANY = 20, 500
"""Patients of institution 1 and 2: the few are those whose rows are oldest, so that walking by time meets them last."""

VILLAGE = replace(SYSTEM, reach="grounds", institution="Organization/o0", institution_rid=2_001_000)
COUNTY = replace(SYSTEM, reach="grounds", institution="Organization/o1", institution_rid=2_001_001)
RESIDENT = replace(SYSTEM, reach="self", patient_rid=1_000)

FILL = """
insert into {table} (rid, type, id, ver, updated, method, deleted, shared, patient, body)
select 1000 + $1 * 1000000 + n, $2, $3 || n, {ver}, timestamptz '2026-01-01' + (n * 2 + {ver}) * interval '1 second', 'PUT', false, $5,
       case when $5 then null else 1000 + n / $6 end, repeat('x', 600)
from generate_series(0, $4 - 1) n
"""


@pytest.fixture(scope="module")
def large_dsn(cluster: str, template: str) -> Iterator[str]:
    name = f"yilian_history_plans_{os.getpid()}"

    async def make() -> None:
        await _command(cluster, f'create database "{name}" template "{template}" strategy file_copy')
        db = await asyncpg.connect(on_database(cluster, name))
        for number, (kind, count, shared, each) in enumerate(
            [("Patient", PATIENTS, False, 1), ("Observation", PATIENTS * EACH, False, EACH), ("Organization", 300, True, 1)]
        ):
            for table, version in (("resource", 2), ("history", 1)):
                sql = FILL.format(table=table, ver=version)
                await db.execute(sql, number, type_id(kind), kind[0].lower(), count, shared, each)
        ground = (
            "insert into access_ground (institution, patient, kind, source)"
            " select $1::bigint, $2::bigint + n, 'registered', n from generate_series(0, $3 - 1) n"
        )
        await db.execute(ground, 2_001_000, 1_000, FEW)
        await db.execute(ground, 2_001_001, 1_000 + FEW, MANY)
        await db.execute("vacuum analyze")
        await db.close()

    asyncio.run(make())
    yield on_database(cluster, name)
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


@pytest.fixture
async def large(large_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(large_dsn, server_settings={"timezone": "UTC", "jit": "off"})
    yield db
    await db.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def explained(db: asyncpg.Connection, sql: str, *args: Any) -> tuple[set[str], set[str], int, int]:
    """(indexes used, tables read from end to end, pages touched, rows returned), with the plan a prepared statement settles on."""
    await db.execute("set plan_cache_mode = force_generic_plan")
    (row,) = await db.fetch("explain (analyze, buffers, format json) " + sql, *args)
    plan = json.loads(row[0])[0]["Plan"]
    found = list(nodes(plan))
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    whole = {
        node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan" and node["Relation Name"] in ("resource", "history")
    }
    return indexes, whole, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan["Actual Rows"]


def arguments(scope: Scope, key: int | None, *, oldest_first: bool = False) -> list[Any]:
    place = (BEGINNING, -1, 0) if oldest_first else (FAR, LAST_RID, NEWEST)
    return [*scope.keys(), key, BEGINNING, FAR, *place, COUNT]


OBSERVATION = type_id("Observation")


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize(
    ("level", "key", "indexes"),
    [
        ("all", None, {"resource_updated", "history_updated"}),
        ("type", None, {"resource_type_updated", "history_type_updated"}),
        ("one", 1_001_005, {"resource_pkey", "history_pkey"}),
    ],
)
async def test_a_page_is_walked_to_by_time(
    large: asyncpg.Connection, level: Level, key: int | None, indexes: set[str], oldest_first: bool
) -> None:
    for scope in (SYSTEM, COUNTY):
        used, whole, pages, rows = await explained(
            large, page(level, oldest_first, False, False, type_id("Patient")), *arguments(scope, key, oldest_first=oldest_first)
        )
        assert (used & indexes, whole) == (indexes, set()), (level, used)
        assert rows == (COUNT if level != "one" else 2 if scope is SYSTEM else 0)
        if scope is SYSTEM:
            assert pages < 4 * COUNT


@pytest.mark.parametrize("level", ["all", "type"])
async def test_few_patients_are_gathered_instead(large: asyncpg.Connection, level: Level) -> None:
    for scope, own in ((VILLAGE, FEW * EACH * 2), (RESIDENT, EACH * 2)):
        used, whole, gathered, rows = await explained(large, page(level, False, False, True, OBSERVATION), *arguments(scope, None))
        assert whole == set(), used
        assert {"resource_patient", "history_patient"} <= used
        assert rows == COUNT
        *_, walked, same = await explained(large, page(level, False, False, False, OBSERVATION), *arguments(scope, None))
        assert same == rows
        assert gathered * 5 < walked, (gathered, walked)
        everything = await large.fetchval(counted("type", False, True, OBSERVATION), *arguments(scope, None)[:7])
        assert everything == own


async def test_what_is_about_nobody_has_its_own_way(large: asyncpg.Connection) -> None:
    used, _, pages, _ = await explained(large, page("all", False, False, True), *arguments(RESIDENT, None))
    assert {"resource_shared", "history_shared", "resource_confined", "history_confined"} <= used
    assert pages < 1_000
