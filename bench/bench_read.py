"""Reading by id: signed in, scoped and audited, beside a bare application that returns the same bytes from the same database."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import asyncpg
import psutil

from bench.client import Told, drive
from bench.ground import Ground, Row, Server, Spent, beside
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running

ROUNDS = 5


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.demo_region()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        ids = asyncio.run(ids_of(dsn, "Patient"))
        ours = [f"/fhir/Patient/{id}" for id in ids]
        theirs = [f"/read/{type_id('Patient')}/{id}" for id in ids]
        with beside("bench.bare", dsn) as (bare, _), beside("bench.unsigned", dsn) as (unsigned, open_process):
            sides: list[Callable[[], Told]] = [
                lambda: drive(server.url, ours, token=token),
                lambda: drive(bare, theirs),
                lambda: drive(unsigned, ours),
            ]
            for side in sides:
                side()
            told, spent = alternate(server, sides, open_process)
    here, there, open_ = told
    assert not any(one.wrong for some in told for one in some), "some answers were not 200"
    rate, floor = (statistics.median(one.rate for one in some) for some in (here, there))
    yield Row("reads a second, 32 connections", rate, "/s", floor, "bare select, same run; at least 0.6")
    yield Row("the same without sign-in and audit", statistics.median(one.rate for one in open_), "/s", floor, "at least 0.75")
    yield Row("p50", statistics.median(one.p50 for one in here), "ms", statistics.median(one.p50 for one in there), "bare select")
    yield Row("p99", statistics.median(one.p99 for one in here), "ms", statistics.median(one.p99 for one in there), "at most 3")
    yield Row("CPU of the server a read", spent.server, "ms", 1.0, "at most, together with the next")
    yield Row("CPU of the database a read", spent.database, "ms")


def alternate(server: Server, sides: Sequence[Callable[[], Told]], *others: psutil.Process) -> tuple[list[list[Told]], Spent]:
    """Each side in turn, several times, so that what else the machine does meets all; and what the first side's server spent a request."""
    told: list[list[Told]] = [[] for _ in sides]
    servers, databases = [], []
    for _ in range(ROUNDS):
        time.sleep(0.5)  # what was queued for the trail is written
        before = server.spent()
        for number, side in enumerate(sides):
            told[number].append(side())
            if number == 0:
                time.sleep(0.3)
                each = server.spent().each(before, told[0][-1].count or 1)
                servers.append(each.server)
                databases.append(each.database)
    return told, Spent(statistics.median(servers), statistics.median(databases))


async def ids_of(dsn: str, kind: str, limit: int = 400) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select id from resource where type = $1 and not deleted order by rid limit $2", type_id(kind), limit)
    finally:
        await connection.close()
    return [row["id"] for row in rows]
