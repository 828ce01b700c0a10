"""Searches by an amount, and an institution's patients in order of their names, stay on their index at a size where it counts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.conftest import _command, on_database
from tests.plans.test_search_plans import TOWNSHIP, ZONE, big_scans, buffers, indexes, nodes, plan
from yilian.fhir.definitions import type_id
from yilian.search.kinds.measured import as_written, in_base_units
from yilian.search.parameters import parameters_of
from yilian.search.query import parse
from yilian.search.rows import token_hash
from yilian.search.statement import count, page
from yilian.store.scope import SYSTEM

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
PATIENTS, OBSERVATIONS, CODES = 4_000, 60_000, 40
CODE, VALUE = parameters_of("Observation")["code"].id, parameters_of("Observation")["value-quantity"].id
HASHES = [token_hash(CODE, LOINC, f"c{n}") for n in range(CODES)]

RESOURCES = """
insert into resource (rid, type, id, ver, updated, method, shared, patient, body)
select $1 + n, $2, $3 || n, 1, timestamptz '2026-01-01' + n * interval '1 second', 'PUT', false, 1000 + n % $4, repeat('x', 300)
from generate_series(0, $5 - 1) n
"""
CLINICAL = """
insert into index_clinical (rid, nth, type, patient, code, lo, hi)
select 1000000 + n, 0, $1, 1000 + n % $2, ($3::bigint[])[1 + n % cardinality($3::bigint[])], at, at + interval '1 second'
from generate_series(0, $4 - 1) n, lateral (select timestamptz '2010-01-01' + (n * 7919 % 5000) * interval '1 day' as at) t
"""
AMOUNTS = """
insert into index_quantity (param, nth, side, code, unit, amount, value, written, rid)
select $1, 0, 0, ($2::bigint[])[1 + n % cardinality($2::bigint[])], $3, much, much, 'mmol/L', 1000000 + n
from generate_series(0, $4 - 1) n, lateral (select (n * 31 % 10000) / 10.0 as much) m
"""


@pytest.fixture(scope="module")
def measured_dsn(cluster: str, template: str) -> Iterator[str]:
    name = f"yilian_amounts_{os.getpid()}"

    async def make() -> None:
        await _command(cluster, f'create database "{name}" template "{template}" strategy file_copy')
        db = await asyncpg.connect(on_database(cluster, name))
        await fill(db)
        await db.close()

    asyncio.run(make())
    yield on_database(cluster, name)
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


async def fill(db: asyncpg.Connection) -> None:
    known = in_base_units("mmol/L")
    assert known is not None
    await db.execute(RESOURCES, 1000, type_id("Patient"), "p", PATIENTS, PATIENTS)
    await db.execute(RESOURCES, 1_000_000, type_id("Observation"), "o", PATIENTS, OBSERVATIONS)
    await db.execute(CLINICAL, type_id("Observation"), PATIENTS, HASHES, OBSERVATIONS)
    await db.execute("insert into index_token select code, rid from index_clinical")
    await db.execute(AMOUNTS, VALUE, HASHES, known[0], OBSERVATIONS)
    await db.executemany("insert into concept values ($1, $2, $3, $4)", [(h, CODE, LOINC, f"c{n}") for n, h in enumerate(HASHES)])
    await db.execute(
        "insert into index_string select $1, 'name' || n * 17 % 1000, 'Name', 1000 + n from generate_series(0, $2 - 1) n",
        parameters_of("Patient")["name"].id,
        PATIENTS,
    )
    await db.execute("insert into resource values (1, $1, '1', 1, now(), 'PUT', false, true, null, null, 'x')", type_id("Organization"))
    await db.execute(
        "insert into access_ground (institution, patient, kind, source) select 1, rid, 'registered', rid from resource"
        " where type = $1 and rid % 50 = 1",
        type_id("Patient"),
    )
    await db.execute("vacuum analyze")


@pytest.fixture
async def amounts(measured_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(measured_dsn, server_settings={"timezone": "UTC", "jit": "off"})
    yield db
    await db.close()


CODED = ("code", f"{LOINC}|c3")
RARE, COMMON = f"gt997|{UCUM}|mmol/L", f"gt10|{UCUM}|mmol/L"
SHAPES: dict[str, tuple[list[tuple[str, str]], str, int]] = {
    "a code and a rare amount": ([CODED, ("value-quantity", RARE)], "index_quantity_code", 60),
    "in another unit": ([CODED, ("value-quantity", f"gt997000|{UCUM}|umol/L")], "index_quantity_code", 60),
    "to the digit": ([CODED, ("value-quantity", f"99.8|{UCUM}|mmol/L")], "index_quantity_code", 60),
    "a code and a common amount": ([CODED, ("value-quantity", COMMON)], "index_quantity_code", 400),
    "a bare code and a rare amount": ([("code", "c3"), ("value-quantity", RARE)], "index_quantity_code", 90),
    "a code and a bare number": ([CODED, ("value-quantity", "gt997")], "index_quantity_code_value", 60),
    "a rare amount, newest first": ([CODED, ("value-quantity", RARE), ("_sort", "-date")], "index_quantity_code", 120),
    "a common amount, newest first": ([CODED, ("value-quantity", COMMON), ("_sort", "-date")], "index_clinical_code", 2500),
    "an amount alone": ([("value-quantity", f"gt999|{UCUM}|mmol/L")], "index_quantity_unit", 1500),
    "a number alone": ([("value-quantity", "gt999.5")], "index_quantity_value", 1500),
}
"""What is asked → the index, and the most pages it may touch for the first 51 of 1,500 of a code."""


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_amounts_are_found_in_the_index_made_for_them(
    amounts: asyncpg.Connection, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yilian.search.statement.FEW", 300)  # in proportion to the table
    monkeypatch.setattr("yilian.search.statement._texts", {})
    await amounts.execute(f"set plan_cache_mode = {mode}")
    for name, (pairs, index, most) in SHAPES.items():
        used = await plan(amounts, page(parse("Observation", pairs, zone=ZONE), SYSTEM))
        assert index in indexes(used), (name, json.dumps(used, indent=1))
        assert big_scans(used) == [], name
        assert buffers(used) < most, (name, buffers(used))


async def test_of_the_two_ways_to_the_newest_only_one_is_walked(amounts: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yilian.search.statement.FEW", 300)
    monkeypatch.setattr("yilian.search.statement._texts", {})
    for amount, by_date in ((RARE, False), (COMMON, True)):
        used = await plan(amounts, page(parse("Observation", [CODED, ("value-quantity", amount), ("_sort", "-date")], zone=ZONE), SYSTEM))
        walked = [node for node in nodes(used) if node.get("Index Name") == "index_clinical_code"]
        assert bool(walked and walked[0]["Actual Loops"]) is by_date


async def test_totals_read_the_same_index(amounts: asyncpg.Connection) -> None:
    used = await plan(amounts, count(parse("Observation", [CODED, ("value-quantity", COMMON)], zone=ZONE), SYSTEM))
    assert "index_quantity_code" in indexes(used)
    assert buffers(used) < 1600, json.dumps(used, indent=1)


async def test_the_patients_of_an_institution_are_sorted_without_a_look_at_the_others(amounts: asyncpg.Connection) -> None:
    for pairs in ([("_sort", "name")], [("_sort", "-birthdate")], [], [("_sort", "_lastUpdated")]):
        asked = page(parse("Patient", pairs, zone=ZONE), TOWNSHIP)
        used = await plan(amounts, asked)
        assert used["Actual Rows"] == 51
        seen = [node for node in nodes(used) if node.get("Relation Name") == "resource"]
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in seen) < 500, json.dumps(used, indent=1)
        assert set(big_scans(used)) <= {"index_date", "index_reference"}  # which are empty here
    total = await amounts.fetchval(*(lambda asked: (asked.sql, *asked.args))(count(parse("Patient", [], zone=ZONE), TOWNSHIP)))
    assert total == PATIENTS // 50


def test_a_unit_as_written_and_what_it_measures_have_keys_of_their_own() -> None:
    measured = in_base_units("mmol/L")
    assert measured is not None
    assert measured[0] != as_written("mmol/L")
    assert measured[0] == (in_base_units("umol/mL") or (0,))[0]
