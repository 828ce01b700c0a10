"""Lists and statistics of referrals over HTTP with 200,000 referrals stored and some 2,000 of them open, asked by the lead hospital."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import asyncpg

from bench import keys
from bench.ground import Ground, Row
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running
from yilian.sealing.keyring import opened
from yilian.sealing.personal import MARK
from yilian.search.parameters import parameters_of

BY_NAME_ONLY = True
STORED, OPEN = 200_000, 2_000
TIMES, SELDOM = 40, 8
"""Lists are asked for so often; statistics, which few ask for, so often."""
STEP = 1_000_000_000
"""Between the keys of one copy and the next."""

NAME = parameters_of("Patient")["name"].id
CLOSED = "f.closed_at is not null and f.state <> 'draft'"
MINE = "select f.* from referral f where f.task_rid < {step} and {which}"
COPIES = (
    """
    insert into resource (rid, type, id, ver, updated, method, deleted, shared, patient, confined, origin, sensitive, body)
    select distinct on (r.rid, n) r.rid + n * {step}, r.type, r.id || '-' || n, r.ver, r.updated, r.method, false, r.shared,
        r.patient + n * {step}, r.confined, r.origin, r.sensitive,
        replace(coalesce(p.body, r.body), '"id":"' || r.id || '"', '"id":"' || r.id || '-' || n || '"')
    from ({mine}) f join resource r on r.rid in (f.task_rid, f.request_rid, f.patient, f.approval_rid) left join plain p using (rid)
    cross join generate_series({first}::bigint, {last}::bigint) n
    """,
    """
    insert into index_string (param, value, exact, rid)
    select i.param, i.value, i.exact, i.rid + n * {step}
    from (select distinct f.patient from ({mine}) f) f join index_string i on i.rid = f.patient and i.param = {name}
    cross join generate_series({first}::bigint, {last}::bigint) n
    """,
    """
    insert into access_ground (institution, patient, kind, source, since, until, purpose, sensitive)
    select g.institution, g.patient + n * {step}, g.kind, g.source + n * {step}, g.since, g.until, g.purpose, g.sensitive
    from (select distinct f.patient from ({mine}) f) f join access_ground g on g.patient = f.patient
    cross join generate_series({first}::bigint, {last}::bigint) n
    """,
    """
    insert into referral ({columns})
    select {values} from ({mine}) f cross join generate_series({first}::bigint, {last}::bigint) n
    """,
)
KEYS = ("task_rid", "request_rid", "patient", "approval_rid", "basis_task", "replaces_task")
TEXTS = ("task_id", "request_id", "number")


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        stored, open_ones = asyncio.run(_multiply(dsn))
        yield Row("referrals stored", stored, "")
        yield Row("of which open", open_ones, "")
        token = ground.run("token", "--user", "coordinator", "--data", str(data)).strip().splitlines()[-1]
        for what, path in _questions():
            lists = "$worklist" in path
            took, bytes_ = _timed(server.url, path, token, TIMES if lists else SELDOM)
            yield Row(f"{what}, p95 ({bytes_ // 1024} KiB)", took, "ms", *((250.0, "at most") if lists else ()))


def _questions() -> Iterator[tuple[str, str]]:
    for name in ("inbox", "expected", "here", "sent", "returned", "closed"):
        yield f"list {name}", f"Task/$worklist?list={name}"
    yield "list inbox by name", f"Task/$worklist?list=inbox&q={quote('张')}"
    yield "list closed by name", f"Task/$worklist?list=closed&q={quote('张')}"
    yield "numbers of all lists", "Task/$worklist-counts"
    for by in ("institution", "disease", "month"):
        yield f"statistics of a year by {by}", f"Task/$referral-statistics?side=received&by={by}"
    yield "the referrals behind a number", "Task/$referrals?side=received&figure=completed"


def _timed(url: str, path: str, token: str, times: int) -> tuple[float, int]:
    """The 95th percentile in milliseconds, and the size of an answer."""
    took, size = [], 0
    for _ in range(times):
        request = urllib.request.Request(f"{url}/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=120) as answer:
            size = len(answer.read())
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)[int(times * 0.95) - 1], size


async def _open(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """What is sealed belongs to its resource and opens nowhere else: copies are made of the text as it was given."""
    await keys.known(connection)
    await connection.execute("create temporary table plain (rid bigint primary key, body text)")
    sealed = await connection.fetch("select rid, body from resource where type = $1 and strpos(body, $2) > 0", type_id("Patient"), MARK)
    await connection.copy_records_to_table("plain", records=[(row["rid"], opened(row["rid"], row["body"])) for row in sealed])


async def _multiply(dsn: str) -> tuple[int, int]:
    """Copy the demo region's referrals with their patients, inside the database: closed ones most, so that the open ones are few."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set synchronous_commit = off")
        await _open(connection)
        for table in ("resource", "referral"):  # the originals passed them
            await connection.execute(f"alter table {table} disable trigger user")
        columns = [
            row["column_name"]
            for row in await connection.fetch(
                "select column_name from information_schema.columns where table_name = 'referral' and is_generated = 'NEVER'"
            )
        ]
        values = ", ".join(
            f"f.{name} + n * {STEP}" if name in KEYS else f"f.{name} || '-' || n" if name in TEXTS else f"f.{name}" for name in columns
        )
        for which, wanted in ((CLOSED, STORED - OPEN), (f"not ({CLOSED}) and f.state <> 'draft'", OPEN)):
            mine = MINE.format(step=STEP, which=which)
            there = await connection.fetchval(f"select count(*) from ({mine}) f")
            last = wanted // there
            for sql in COPIES:
                await connection.execute(
                    sql.format(step=STEP, mine=mine, name=NAME, first=1, last=last, columns=", ".join(columns), values=values)
                    + (" on conflict do nothing" if "referral (" not in sql else "")
                )
        for table in ("resource", "referral"):
            await connection.execute(f"alter table {table} enable trigger user")
        await connection.execute("vacuum analyze")
        return (
            await connection.fetchval("select count(*) from referral"),
            await connection.fetchval("select count(*) from referral where closed_at is null"),
        )
    finally:
        await connection.close()
