"""First pages of searches over HTTP, beside the hand-written SQL that gives the same, returned by a bare application."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator

import asyncpg

from bench.client import drive
from bench.ground import Ground, Row, beside
from bench.searches import CASES, Draw
from yilian.postgres import address_of_running

ROUNDS = 3
SECONDS = 1.0
CONNECTIONS = 8


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.synthea_region()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        with beside("bench.bare", dsn) as (bare, _):
            for name, case in CASES.items():
                draws = asyncio.run(_draws(dsn, name))
                ours = [f"/fhir/{draw.path}" for draw in draws]
                theirs = [f"/search/{name}/{number}" for number in range(len(draws))]
                told: list[list[float]] = [[], []]
                spent = []
                for turn in range(ROUNDS + 1):
                    before = server.spent()
                    here = drive(server.url, ours, token=token, connections=CONNECTIONS, seconds=SECONDS)
                    each = server.spent().each(before, here.count or 1)
                    there = drive(bare, theirs, connections=CONNECTIONS, seconds=SECONDS)
                    assert not here.wrong, f"{name}: {here.wrong} answers were not 200, such as {ours[0]}"
                    assert not there.wrong, f"{name}: the bare application failed"
                    if turn:  # the first is for warming up
                        told[0].append(here.rate)
                        told[1].append(there.rate)
                        spent.append(each)
                goal = "hand-written SQL, same run; at least 0.5"
                yield Row(case.title, statistics.median(told[0]), "/s", statistics.median(told[1]), goal)
                cpu = statistics.median(one.server for one in spent), statistics.median(one.database for one in spent)
                yield Row(f"    CPU: server {cpu[0]:.2f} ms, database {cpu[1]:.2f} ms; together", sum(cpu), "ms")


async def _draws(dsn: str, name: str) -> list[Draw]:
    connection = await asyncpg.connect(dsn)
    try:
        return await CASES[name].draw(connection)
    finally:
        await connection.close()
