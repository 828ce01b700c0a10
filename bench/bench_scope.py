"""Searches within the scope of one institution of fifty, beside the same unscoped: CPU of the database, taking turns on one backend."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import asyncpg
import psutil

from bench.ground import Ground, Row
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running
from yilian.search.parameters import parameters_of
from yilian.search.query import parse
from yilian.search.rows import token_hash
from yilian.search.statement import page
from yilian.store.scope import SYSTEM, Scope

BY_NAME_ONLY = True
"""It makes a store of its own, which takes some minutes."""

RESOURCES = int(os.environ.get("YILIAN_BENCH_RESOURCES", "1000000"))
INSTITUTIONS, EACH, CODES = 50, 50, 40
ASKED, ROUNDS = 60, 9
FIRST_INSTITUTION, FIRST_PATIENT, FIRST_VALUE = 2_000_000, 3_000_000, 10_000_000
SYSTEM_OF_CODES = "http://loinc.org"

ROWS = """
insert into resource (rid, type, id, ver, updated, method, shared, patient, origin, sensitive, body)
select $1::bigint + n, $2::smallint, $3::text || n, 1, timestamptz '2026-01-01' + n * interval '1 second', 'PUT', $4::boolean,
       case when $5::integer > 0 then $6::bigint + n % $5::integer end, 2000000 + n % $7::integer,
       case when n % 100 = 7 and not $4::boolean and $2::smallint <> $8::smallint then 1 else 0 end, repeat('x', 600)
from generate_series(0, $9::integer - 1) n
"""
CLINICAL = """
insert into index_clinical (rid, nth, type, patient, code, lo, hi)
select $1::bigint + n, 0, $2::smallint, $3::bigint + n % $4::integer, ($5::bigint[])[1 + (n / $4::integer) % cardinality($5::bigint[])],
       at, at + interval '1 second'
from generate_series(0, $6::integer - 1) n, lateral (select timestamptz '2010-01-01' + (n::bigint * 7919 % 5000) * interval '1 day' as at) t
"""
GROUNDS = """
insert into access_ground (institution, patient, kind, source)
select 2000000 + (n + k * 17) % $1::integer, $2::bigint + n, 'encounter', $2::bigint + n + k
from generate_series(0, $3::integer - 1) n cross join generate_series(0, 1) k
"""
REFUSALS = """
insert into consent_rule (patient, source, institution, permit, since)
select $1::bigint + n * 100, $1::bigint + n * 100, 2000000 + n % $2::integer, false, now() from generate_series(0, $3::integer / 100 - 1) n
"""


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data):
        dsn = address_of_running(data)
        assert dsn is not None
        yield from asyncio.run(_measure(dsn))


async def _measure(dsn: str) -> list[Row]:
    connection = await asyncpg.connect(dsn)
    try:
        people = await _fill(connection)
        backend = psutil.Process(await connection.fetchval("select pg_backend_pid()"))
        here = replace(SYSTEM, reach="grounds", institution="Organization/i0", institution_rid=FIRST_INSTITUTION, purpose="TREAT")
        rows = []
        for title, pairs in (
            ("?patient&code&_sort=-date", [("patient", "Patient/p{n}"), ("code", f"{SYSTEM_OF_CODES}|c{{c}}"), ("_sort", "-date")]),
            ("?patient&_sort=-date", [("patient", "Patient/p{n}"), ("_sort", "-date")]),
        ):
            rng = Random(4)
            drawn = [(rng.randrange(0, people, INSTITUTIONS), rng.randrange(CODES)) for _ in range(ASKED)]
            asked = [[(name, value.format(n=n, c=c)) for name, value in pairs] for n, c in drawn]
            rows += await _beside(connection, backend, title, asked, here)
        return rows
    finally:
        await connection.close()


async def _fill(connection: Any) -> int:
    """Fifty institutions, patients with a ground at two of them each, results, some sensitive, and refusals of one patient in a hundred."""
    values = RESOURCES - RESOURCES // EACH
    people = RESOURCES // EACH
    person, value, organization = type_id("Patient"), type_id("Observation"), type_id("Organization")
    code = parameters_of("Observation")["code"].id
    hashes = [token_hash(code, SYSTEM_OF_CODES, f"c{n}") for n in range(CODES)]
    await connection.execute("set synchronous_commit = off")
    await connection.execute(ROWS, FIRST_INSTITUTION, organization, "i", True, 0, 0, INSTITUTIONS, person, INSTITUTIONS)
    await connection.execute(ROWS, FIRST_PATIENT, person, "p", False, people, FIRST_PATIENT, INSTITUTIONS, person, people)
    await connection.execute(ROWS, FIRST_VALUE, value, "o", False, people, FIRST_PATIENT, INSTITUTIONS, person, values)
    await connection.execute(CLINICAL, FIRST_VALUE, value, FIRST_PATIENT, people, hashes, values)
    await connection.execute(GROUNDS, INSTITUTIONS, FIRST_PATIENT, people)
    await connection.execute(REFUSALS, FIRST_PATIENT, INSTITUTIONS, people)
    await connection.execute("vacuum analyze")
    return people


async def _beside(connection: Any, backend: psutil.Process, title: str, asked: Sequence[Any], here: Scope) -> list[Row]:
    told: dict[str, list[float]] = {"unscoped": [], "scoped": []}
    found: dict[str, int] = {}
    for turn in range(ROUNDS + 1):
        for name, scope in (("unscoped", SYSTEM), ("scoped", here)):
            statements = [page(parse("Observation", [*pairs, ("_count", "50")], zone=region_zone()), scope) for pairs in asked]
            before = sum(backend.cpu_times()[:2])
            found[name] = 0
            for _ in range(10):
                for one in statements:
                    found[name] += len(await connection.fetch(one.sql, *one.args))
            if turn:
                told[name].append((sum(backend.cpu_times()[:2]) - before) / (10 * len(statements)) * 1000)
    unscoped, scoped = (statistics.median(told[name]) for name in ("unscoped", "scoped"))
    share = found["scoped"] / max(found["unscoped"], 1)
    return [
        Row(f"{title}, {RESOURCES:,} resources, {share:.0%} of the rows in scope", scoped, "ms CPU", unscoped, "unscoped; at most 1.3 ×")
    ]
