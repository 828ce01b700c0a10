"""The hot searches stay on the index that was made for them, on tables of a size where it matters, with any values, prepared or not."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from tests.conftest import on_database
from yilian.fhir.definitions import type_id
from yilian.search.compartment import within
from yilian.search.conditions import Reading
from yilian.search.follow import included
from yilian.search.kinds.composite import elements
from yilian.search.kinds.wording import groups
from yilian.search.parameters import parameters_of
from yilian.search.query import parse
from yilian.search.rows import token_hash
from yilian.search.several import merged
from yilian.search.statement import Statement, count, page
from yilian.search.timeline import timeline
from yilian.store.scope import SYSTEM

ZONE = ZoneInfo("Asia/Shanghai")
PATIENTS, OBSERVATIONS, ENCOUNTERS, CODES = 1_500, 30, 5, 60
TOWNSHIP = replace(SYSTEM, reach="grounds", institution="Organization/1", institution_rid=1)

RESOURCES = """
insert into resource (rid, type, id, ver, updated, method, shared, patient, body)
select $1 + n, $2, $3 || n, 1, timestamptz '2026-01-01' + n * interval '1 second', 'PUT', false, 1000 + n % $4, repeat('x', 600)
from generate_series(0, $5 - 1) n
"""
CLINICAL = """
insert into index_clinical (rid, nth, type, patient, code, lo, hi)
select $1 + n, 0, $2, 1000 + n % $3, ($4::bigint[])[1 + (n / $3) * (n / $3) * 7 % cardinality($4::bigint[])], at, at + interval '1 second'
from generate_series(0, $5 - 1) n, lateral (select timestamptz '2010-01-01' + (n * 7919 % 5000) * interval '1 day' as at) t
"""


def hashes_of(kind: str, code: str, system: str, values: list[str]) -> list[int]:
    return [token_hash(parameters_of(kind)[code].id, system, value) for value in values]


AMOUNTS = """
insert into index_quantity (param, nth, side, code, unit, amount, value, written, rid)
select $2, 0, 0, {code}, 7, 60 + (c.rid * 7919 % 140), 60 + (c.rid * 7919 % 140), 'mmHg', c.rid
from index_clinical c where c.rid between 1000000 and 1000000 + $3::bigint - 1
"""
HASHES = {
    "code": hashes_of("Observation", "code", "http://loinc.org", [f"c{n}" for n in range(CODES)]),
    "type": hashes_of("Encounter", "type", "urn:type", ["visit"]),
    "status": hashes_of("Observation", "status", "", ["final", "preliminary"]),
}


@pytest.fixture(scope="module")
def large_dsn(cluster: str, template: str) -> Iterator[str]:
    """One database for all plans, filled inside PostgreSQL."""
    name = f"yilian_plans_{os.getpid()}"

    async def command(address: str, sql: str) -> None:
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def make() -> None:
        await command(cluster, f'create database "{name}" template "{template}" strategy file_copy')
        db = await asyncpg.connect(on_database(cluster, name))
        await fill(db)
        await db.close()

    asyncio.run(make())
    yield on_database(cluster, name)
    asyncio.run(command(cluster, f'drop database "{name}" with (force)'))


@pytest.fixture
async def large(large_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(large_dsn, server_settings={"timezone": "UTC", "jit": "off"})
    yield db
    await db.close()


async def fill(db: asyncpg.Connection) -> None:
    patient, observation, encounter = (type_id(kind) for kind in ("Patient", "Observation", "Encounter"))
    observations, encounters = PATIENTS * OBSERVATIONS, PATIENTS * ENCOUNTERS
    await db.execute(RESOURCES, 1000, patient, "p", PATIENTS, PATIENTS)
    await db.execute(RESOURCES, 1_000_000, observation, "o", PATIENTS, observations)
    await db.execute(RESOURCES, 2_000_000, encounter, "e", PATIENTS, encounters)
    await db.execute(CLINICAL, 1_000_000, observation, PATIENTS, HASHES["code"], observations)
    await db.execute(CLINICAL, 2_000_000, encounter, PATIENTS, HASHES["type"], encounters)
    await db.execute("insert into index_token select code, rid from index_clinical where code <> 0")
    await db.execute(
        "insert into index_token select case when n % 20 = 0 then $2::bigint else $1::bigint end, 1000000 + n"
        " from generate_series(0, $3 - 1) n",
        *HASHES["status"],
        observations,
    )
    await db.execute("insert into namespace (id, uri) overriding system value values (1, 'urn:id')")
    await db.executemany(
        "insert into concept values ($1, $2, $3, $4)",
        [(h, parameters_of("Observation")["code"].id, "http://loinc.org", f"c{n}") for n, h in enumerate(HASHES["code"])],
    )
    identifier, family = parameters_of("Patient")["identifier"].id, parameters_of("Patient")["family"].id
    await db.execute(
        "insert into index_identifier select $1, 'id' || n, 1, 1000 + n from generate_series(0, $2 - 1) n", identifier, PATIENTS
    )
    await db.execute(
        "insert into index_string select $1, 'name' || n, 'Name' || n, 1000 + n from generate_series(0, $2 - 1) n", family, PATIENTS
    )
    await db.execute(
        "insert into index_date select $1, at, at + interval '1 day', 1000000 + n from generate_series(0, $2 - 1) n,"
        " lateral (select timestamptz '1940-01-01' + (n * 7919 % 30000) * interval '1 day' as at) b",
        parameters_of("Observation")["value-date"].id,
        PATIENTS * 5,
    )
    await db.execute(
        "insert into index_reference select $1, 1000000 + n * 8, 2000000 + n from generate_series(0, $2 - 1) n",
        parameters_of("Observation")["encounter"].id,
        encounters,
    )
    await db.execute(
        "insert into index_uri select $1, 'https://profile.example/' || n % 5, 1000000 + n from generate_series(0, $2 - 1) n",
        parameters_of("Observation")["_profile"].id,
        observations,
    )
    await components(db)
    await db.execute("insert into resource values (1, $1, '1', 1, now(), 'PUT', false, true, null, null, 'x')", type_id("Organization"))
    await db.execute(
        "insert into access_ground (institution, patient, kind, source)"
        " select 1, rid, 'registered', rid from resource where type = $1 and rid % 7 = 1",
        patient,
    )
    await db.execute(
        "insert into resource select 4000000 + n, $1, 'person' || n, 1, now(), 'PUT', false, false, null, null, 'x'"
        " from generate_series(0, 19999) n",
        type_id("Person"),
    )
    await db.execute(RESOURCES, 5_000_000, patient, "linked", 40_000, 40_000)
    await db.execute("insert into person_member select 5000000 + n, 4000000 + n / 2 from generate_series(0, 39999) n")
    await db.execute("vacuum analyze")


async def components(db: asyncpg.Connection) -> None:
    """Amounts beside codes, in components and of whole resources; institutions of the patients; words beside codes."""
    known = parameters_of("Observation")
    group = elements(known["component-code-value-quantity"])[0].group
    await db.execute(AMOUNTS.format(code="$1"), token_hash(group, "http://loinc.org", "8480-6"), group, OBSERVATIONS * 50)
    await db.execute(AMOUNTS.format(code="c.code + $1::bigint * 0"), 0, known["value-quantity"].id, OBSERVATIONS * PATIENTS)
    await db.execute(
        "insert into resource select 3000000 + n, $1, 'org' || n, 1, now(), 'PUT', false, true, null, null, 'x'"
        " from generate_series(0, 99) n",
        type_id("Organization"),
    )
    name, organization = parameters_of("Organization")["name"].id, parameters_of("Patient")["organization"].id
    await db.execute("insert into index_string select $1, 'org' || n, 'Org' || n, 3000000 + n from generate_series(0, 99) n", name)
    await db.execute(
        "insert into index_reference select $1, 3000000 + n % 100, 1000 + n from generate_series(0, $2 - 1) n", organization, PATIENTS
    )
    (number, way), *_ = groups(known["code"])
    words = [(token_hash(number, way, f"systolic {n}"), number, way, f"systolic {n}") for n in range(3000)]
    await db.executemany("insert into concept values ($1, $2, $3, $4)", words)
    await db.execute(
        "insert into index_token select h, 1000000 + n from unnest($1::bigint[]) with ordinality t (h, n)", [word[0] for word in words]
    )


SHAPES: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "a patient's values of one code, newest first": (
        "Observation",
        [("patient", "p7"), ("code", "http://loinc.org|c3"), ("_sort", "-date")],
        "index_clinical_patient_code",
    ),
    "the same without a system": ("Observation", [("patient", "p7"), ("code", "c3"), ("_sort", "-date")], "index_clinical_patient_code"),
    "a patient's values, newest first": ("Observation", [("patient", "p7"), ("_sort", "-date")], "index_clinical_timeline"),
    "a patient's values of one status": ("Observation", [("patient", "p7"), ("status", "preliminary")], "index_clinical_timeline"),
    "a patient's visits": ("Encounter", [("patient", "p7")], "index_clinical_timeline"),
    "a code since a day": ("Observation", [("code", "http://loinc.org|c3"), ("date", "ge2020"), ("_sort", "-date")], "index_clinical_code"),
    "a bare code since a day": ("Observation", [("code", "c3"), ("date", "ge2020"), ("_sort", "-date")], "index_clinical_code"),
    "the newest of a type": ("Observation", [("_sort", "-date")], "index_clinical_type"),
    "the newest of a status": ("Observation", [("status", "final"), ("_sort", "-date")], "index_clinical_type"),
    "a code": ("Observation", [("code", "http://loinc.org|c3")], "index_token_pkey"),
    "an identifier": ("Patient", [("identifier", "urn:id|id77")], "index_identifier_value"),
    "the beginning of a name": ("Patient", [("family", "name77")], "index_string_value"),
    "the beginning of many names": ("Patient", [("family", "n")], "index_string_value"),
    "a day or later": ("Observation", [("value-date", "ge1950")], "index_date_lo"),
    "before a day": ("Observation", [("value-date", "lt2010")], "index_date_lo"),
    "an identifier of the patient": ("Observation", [("patient.identifier", "urn:id|id77")], "index_clinical_timeline"),
    "a reference": ("Observation", [("encounter", "e5")], "index_reference_pkey"),
    "what changed since": ("Observation", [("_lastUpdated", "gt2026-01-01T12:00:00Z")], "resource_type_updated or resource_updated"),
    "people with a code": ("Patient", [("_has:Observation:patient:code", "http://loinc.org|c3")], "index_clinical_code"),
    "people with a code, by name": (
        "Patient",
        [("_has:Observation:patient:code", "http://loinc.org|c3"), ("family", "name77")],
        "index_clinical_patient_code",
    ),
    "a chain of three": (
        "Observation",
        [("patient.organization.name", "org7"), ("code", "http://loinc.org|c3")],
        "index_clinical_patient_code",
    ),
    "a chain with a _has": (
        "Observation",
        [("encounter._has:Observation:encounter:status", "final"), ("patient", "p7")],
        "index_clinical_timeline",
    ),
    "a code with an amount in one element": (
        "Observation",
        [("component-code-value-quantity", "http://loinc.org|8480-6$gt198")],
        "index_quantity_code_value",
    ),
    "a code with an amount of the whole": (
        "Observation",
        [("code-value-quantity", "http://loinc.org|c3$gt198")],
        "index_quantity_code_value",
    ),
    "words beside a code": ("Observation", [("code:text", "systolic 77")], "concept_param_code"),
    "an id": ("Observation", [("_id", "o77")], "resource_type_id"),
}


@pytest.mark.parametrize("scope", [SYSTEM, TOWNSHIP], ids=["everything", "grounds"])
async def test_hot_searches_use_their_index(large: asyncpg.Connection, scope: Any) -> None:
    for mode in ("force_custom_plan", "force_generic_plan"):
        await large.execute(f"set plan_cache_mode = {mode}")
        for name, (kind, pairs, index) in SHAPES.items():
            asked = page(parse(kind, pairs, zone=ZONE), scope)
            used = await plan(large, asked)
            assert indexes(used) & set(index.split(" or ")), (mode, name, json.dumps(used, indent=1))
            assert big_scans(used) == [], (mode, name)
            if scope is SYSTEM:
                most = 1200 if name != "people with a code" else 4000  # of each it is looked up whether there are other records
                assert buffers(used) < most, (mode, name, buffers(used))


async def test_a_page_of_many_names_or_days_ends_when_it_is_full(large: asyncpg.Connection) -> None:
    for mode in ("force_custom_plan", "force_generic_plan"):
        await large.execute(f"set plan_cache_mode = {mode}")
        for name in ("the beginning of many names", "a day or later", "before a day"):
            kind, pairs, index = SHAPES[name]
            used = await plan(large, page(parse(kind, pairs, zone=ZONE), SYSTEM))
            (walk,) = [node for node in nodes(used) if node.get("Index Name") == index]
            assert walk["Actual Rows"] == 51, (mode, name)


EMERGENCIES = "e"
"""What the statement calls the grounds it looks through for records that stand open in an emergency."""


async def test_the_ground_for_one_patient_is_asked_once(large: asyncpg.Connection) -> None:
    asked = page(parse("Observation", [("patient", "p2")], zone=ZONE), TOWNSHIP)  # key 1002, which the township has a ground for
    used = await plan(large, asked)
    assert used["Actual Rows"] == OBSERVATIONS
    looks = sum(node["Actual Loops"] for node in nodes(used) if node.get("Relation Name") == "access_ground")
    assert looks == 2, "one for the ground, one for whose records stand open in an emergency"


async def test_the_ground_is_asked_once_for_each_record_of_a_person(large: asyncpg.Connection) -> None:
    asked = page(parse("Observation", [("patient", "p2,p9"), ("_sort", "-date"), ("_count", "500")], zone=ZONE), TOWNSHIP)
    used = await plan(large, asked)
    assert used["Actual Rows"] == 2 * OBSERVATIONS
    looks = sum(node["Actual Loops"] for node in nodes(used) if node.get("Relation Name") == "access_ground")
    assert looks == 3, "one for each record, one for whose records stand open in an emergency"


async def test_what_is_read_of_a_code_is_what_the_institution_has_a_ground_for(large: asyncpg.Connection) -> None:
    asked = page(parse("Observation", [("code", "http://loinc.org|c3"), ("date", "ge2010"), ("_sort", "-date")], zone=ZONE), TOWNSHIP)
    for mode in ("force_custom_plan", "force_generic_plan"):
        await large.execute(f"set plan_cache_mode = {mode}")
        used = await plan(large, asked)
        assert used["Actual Rows"] == 51
        (asked_for,) = [node for node in nodes(used) if node.get("Relation Name") == "access_ground" and node.get("Alias") != EMERGENCIES]
        read = sum(node["Actual Loops"] for node in nodes(used) if node.get("Relation Name") == "resource")
        assert asked_for["Actual Loops"] > 3 * read, "the others are passed over without being read"
        assert read == 51
        assert not any(node["Node Type"].startswith("Sort") for node in nodes(used)), "it comes in the order of the index"


async def test_pages_in_order_follow_each_other_within_a_scope(large: asyncpg.Connection) -> None:
    """A page of one patient, whose order no sort makes sure of."""
    for pairs in ([("patient", "p2")], [("patient", "p2,p9")], [("code", "http://loinc.org|c3"), ("patient", "p2,p9,p16")]):
        whole = parse("Observation", [*pairs, ("_sort", "-date"), ("_count", "500")], zone=ZONE)
        found = page(whole, TOWNSHIP)
        keys = [(row["k1"], row["rid"]) for row in await large.fetch(found.sql, *found.args)]
        assert keys == sorted(keys, reverse=True)
        assert keys
        turned, cursor = [], None
        while True:
            part = page(replace(whole, count=10, cursor=cursor), TOWNSHIP)
            rows = await large.fetch(part.sql, *part.args)
            turned += [(row["k1"], row["rid"]) for row in rows[:10]]
            if len(rows) <= 10:
                break
            cursor = part.cursor_after(dict(rows[9]))
        assert turned == keys


async def test_totals_use_the_same_index(large: asyncpg.Connection) -> None:
    for name in (
        "a patient's values of one code, newest first",
        "a patient's visits",
        "a code since a day",
        "a code",
        "an identifier",
        "people with a code",
    ):
        kind, pairs, index = SHAPES[name]
        asked = count(parse(kind, [pair for pair in pairs if pair[0] != "_sort"], zone=ZONE), SYSTEM)
        assert index in indexes(await plan(large, asked)), name


async def test_what_goes_along_and_the_timeline_use_theirs(large: asyncpg.Connection) -> None:
    visits = along("Patient", [1007, 1008], ("_revinclude", "Encounter:patient"))
    whose = along("Observation", [1_000_007, 1_000_008], ("_include", "Observation:patient"))
    line = timeline("p7", ("Observation", "Encounter"), TOWNSHIP)
    for asked, index in ((visits, "index_clinical_timeline"), (whose, "index_clinical_pkey"), (line, "index_clinical_timeline")):
        assert asked is not None
        used = await plan(large, asked)
        assert index in indexes(used), json.dumps(used, indent=1)
        assert big_scans(used) == []


FAR: dict[str, tuple[str, list[int], list[tuple[str, str]], set[str]]] = {
    "all a visit points to": ("Encounter", [2_000_007], [("_include", "*")], {"index_reference_rid", "index_clinical_pkey"}),
    "all that points to a visit": ("Encounter", [2_000_007], [("_revinclude", "*")], {"index_reference_pkey"}),
    "the values of a visit and whose they are": (
        "Encounter",
        [2_000_007],
        [("_revinclude", "Observation:encounter"), ("_include:iterate", "Observation:patient")],
        {"index_reference_pkey", "index_clinical_pkey"},
    ),
    "all around a visit's values": (
        "Observation",
        [1_000_007],
        [("_include:iterate", "Observation:*"), ("_include:iterate", "Encounter:*")],
        {"index_reference_rid", "index_clinical_pkey"},
    ),
}


@pytest.mark.parametrize("scope", [SYSTEM, TOWNSHIP], ids=["everything", "grounds"])
async def test_what_goes_along_far_away_is_found_step_by_step(large: asyncpg.Connection, scope: Any) -> None:
    for mode in ("force_custom_plan", "force_generic_plan"):
        await large.execute(f"set plan_cache_mode = {mode}")
        for name, (kind, rids, pairs, wanted) in FAR.items():
            asked = along(kind, rids, *pairs, scope=scope)
            assert asked is not None
            used = await plan(large, asked)
            assert wanted <= indexes(used), (mode, name, json.dumps(used, indent=1))
            assert big_scans(used) == [], (mode, name)
            assert buffers(used) < 1200, (mode, name, buffers(used))


async def test_a_compartment_starts_from_each_of_its_parameters(large: asyncpg.Connection) -> None:
    for owner, id, kind, wanted in (
        ("Patient", "p7", "Observation", {"index_clinical_timeline", "index_reference_pkey"}),
        ("Patient", "p7", "Encounter", {"index_clinical_timeline"}),
        ("Encounter", "e5", "Observation", {"index_reference_pkey"}),
    ):
        bound = (within(owner, id, kind, Reading(ZONE)),)
        used = await plan(large, page(replace(parse(kind, [], zone=ZONE), clauses=bound), SYSTEM))
        assert wanted <= indexes(used), json.dumps(used, indent=1)
        assert big_scans(used) == []
        assert buffers(used) < 1200


async def test_several_types_are_merged_from_an_index_each(large: asyncpg.Connection) -> None:
    queries = [parse(kind, [("_sort", "-_lastUpdated"), ("_count", "20")], zone=ZONE) for kind in ("Observation", "Encounter", "Patient")]
    used = await plan(large, merged(queries, SYSTEM))
    assert indexes(used) & {"resource_type_updated", "resource_updated"}
    assert big_scans(used) == []
    assert buffers(used) < 1200


def along(kind: str, rids: list[int], *pairs: tuple[str, str], scope: Any = SYSTEM) -> Statement | None:
    query = parse(kind, pairs, zone=ZONE)
    return included(query.includes, query.revincludes, scope, {kind: rids})


async def plan(db: asyncpg.Connection, asked: Statement) -> dict[str, Any]:
    """The plan of the statement as it ran, prepared on the server, so that plan_cache_mode counts."""
    await db.execute(f"prepare asked as {asked.sql}")
    try:
        values = f"({', '.join(literal(value) for value in asked.args)})" if asked.args else ""
        found = json.loads(await db.fetchval(f"explain (analyze, buffers, format json) execute asked{values}"))
    finally:
        await db.execute("deallocate asked")
    return found[0]["Plan"]  # type: ignore[no-any-return]


def literal(value: Any) -> str:
    if isinstance(value, list):
        value = "{" + ",".join(str(item) for item in value) + "}"
    return "'" + str(value).replace("'", "''") + "'"


def nodes(of: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield of
    for child in of.get("Plans", ()):
        yield from nodes(child)


def indexes(of: dict[str, Any]) -> set[str]:
    return {node["Index Name"] for node in nodes(of) if "Index Name" in node}


def big_scans(of: dict[str, Any]) -> list[str]:
    """Tables read from one end to the other; a few grounds, consents or concepts may be."""
    return [
        node["Relation Name"]
        for node in nodes(of)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in ("access_ground", "concept", "consent_rule", "namespace")
    ]


def buffers(of: dict[str, Any]) -> int:
    return int(of.get("Shared Hit Blocks", 0) + of.get("Shared Read Blocks", 0))
