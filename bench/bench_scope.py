"""Searches within the scope of one institution of fifty, beside the same unscoped: CPU of the database, taking turns on one backend."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import asyncpg

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
ASKED, ROUNDS, TIMES = 60, 9, 10
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
select $1::bigint + n * 101, $1::bigint + n * 101, 2000000 + (n + n / 50 * 7) % $2::integer, false, now()
from generate_series(0, $3::integer / 101 - 1) n
"""
"""Of one patient in a hundred, whichever institution has a ground for them."""
EVERYWHERE = """
insert into access_ground (institution, patient, kind, source)
select $1, $2::bigint + n, 'encounter', $2::bigint + n from generate_series(0, $3::integer - 1) n
"""
CODE, NEWEST = ("code", f"{SYSTEM_OF_CODES}|c{{c}}"), ("_sort", "-date")
QUESTIONS = (
    ("?patient&code&_sort=-date", [("patient", "Patient/p{n}"), CODE, NEWEST]),
    ("?patient&_sort=-date", [("patient", "Patient/p{n}"), NEWEST]),
    ("?code&_sort=-date", [CODE, NEWEST]),
    ("?code&date&_sort=-date", [CODE, ("date", "lt2020"), NEWEST]),
    ("?_sort=-date", [NEWEST]),
)
"""Where nobody is named, the scope is measured for an institution that may see everybody, and for one that sees two patients in fifty: it
passes over the others, and how many there are is no matter of what one of them costs."""


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
        spent = Spent(await connection.fetchval("select pg_backend_pid()"))
        here = replace(SYSTEM, reach="grounds", institution="Organization/i0", institution_rid=FIRST_INSTITUTION, purpose="TREAT")
        large = replace(here, institution="Organization/all", institution_rid=FIRST_INSTITUTION + INSTITUTIONS)
        rows = []
        for title, pairs in QUESTIONS:
            rng = Random(4)
            drawn = [(rng.randrange(0, people, INSTITUTIONS), rng.randrange(CODES)) for _ in range(ASKED)]
            asked = [[(name, value.format(n=n, c=c)) for name, value in pairs] for n, c in drawn]
            named = pairs[0][0] == "patient"
            rows.append(await _beside(connection, spent, title, asked, here if named else large))
            if not named:
                rows.append(await _beside(connection, spent, f"{title}, a small institution", asked[:6], here))
        return rows
    finally:
        await connection.close()


class Spent:
    """CPU of another process, to the nanosecond: `/proc` tells it to ten milliseconds."""

    def __init__(self, pid: int) -> None:
        self.clock = (~pid << 3) | 2  # what clock_getcpuclockid makes of it on Linux

    def milliseconds(self) -> float:
        return time.clock_gettime(self.clock) * 1000


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
    await connection.execute(ROWS, FIRST_INSTITUTION + INSTITUTIONS, organization, "all", True, 0, 0, INSTITUTIONS, person, 1)
    await connection.execute(EVERYWHERE, FIRST_INSTITUTION + INSTITUTIONS, FIRST_PATIENT, people)
    await connection.execute(REFUSALS, FIRST_PATIENT, INSTITUTIONS, people)
    await connection.execute("vacuum analyze")
    return people


async def _beside(connection: Any, spent: Spent, title: str, asked: Sequence[Any], here: Scope) -> Row:
    told: dict[str, list[float]] = {"unscoped": [], "scoped": []}
    found: dict[str, int] = {}
    for turn in range(ROUNDS + 1):
        for name, scope in (("unscoped", SYSTEM), ("scoped", here)):
            statements = [page(parse("Observation", [*pairs, ("_count", "50")], zone=region_zone()), scope) for pairs in asked]
            before = spent.milliseconds()
            found[name] = 0
            for _ in range(TIMES):
                for one in statements:
                    found[name] += len(await connection.fetch(one.sql, *one.args))
            if turn:
                told[name].append((spent.milliseconds() - before) / (TIMES * len(statements)))
    unscoped, scoped = (statistics.median(told[name]) for name in ("unscoped", "scoped"))
    share = found["scoped"] / max(found["unscoped"], 1)
    what = f"{title}, {RESOURCES:,} resources, {share:.0%} of the rows"
    return Row(what, scoped, "ms CPU", unscoped, "unscoped; wanted at most 1.3 ×")
