"""Ten times the data: reads and indexed searches beside themselves on a tenth of it, and in the database beside a read by key."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import uvloop

from bench import in_database
from bench.bench_read import ids_of
from bench.client import drive
from bench.copies import multiply
from bench.ground import Ground, Row, Server, Spent
from bench.searches import CASES, Case, Draw, by_name
from yilian.postgres import address_of_running
from yilian.postgres.folder import ROLE

TIMES = 9
SECONDS = 1.0
ROUNDS = 3
WARM_AT_MOST_S = 120.0
GIVEN = by_name("given")
"""Copies share given names, so this one finds ten times as many: told beside the others, and no search that stays as it is."""


def measure(ground: Ground) -> Iterator[Row]:
    yield from measured(ground, TIMES)


def measured(ground: Ground, times: int) -> Iterator[Row]:
    small = ground.synthea_region()
    large = ground.new_data()
    shutil.copytree(small, large, symlinks=True)
    shutil.copystat(small, large)
    _own_as(small, large)
    before = _over_http(ground, small)
    with ground.server(large, command="demo") as server:
        dsn = address_of_running(large)
        assert dsn is not None
        count = asyncio.run(_grown(dsn, times))
        yield Row("resources", count, "")
        after = _driven(ground, server, dsn)
        for name, (rate, cpu) in after.items():
            says = "before; at most 1.3" if name != GIVEN.title else "before; finds more, as often as it has grown"
            yield Row(f"{name}: CPU of server and database", _sum(cpu), "ms", _sum(before[name][1]), says)
            yield Row("    of the database", cpu.database, "ms", before[name][1].database, "before")
            yield Row("    8 clients", rate, "/s", before[name][0], "before")
        yield from uvloop.run(in_database.measure(dsn))


def _sum(spent: Spent) -> float:
    return spent.server + spent.database


def _own_as(pattern: Any, folder: Any) -> None:
    """A copied cluster belongs to whom the original belongs to: PostgreSQL insists."""
    import os

    for path in folder.rglob("*"):
        state = (pattern / path.relative_to(folder)).lstat()
        os.chown(path, state.st_uid, state.st_gid, follow_symlinks=False)


async def _grown(dsn: str, times: int) -> int:
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    try:
        await multiply(connection, times)
        count = int(await connection.fetchval("select count(*) from resource"))
    finally:
        await connection.close()
    keeper = await asyncpg.connect(dsn.replace(f"//{ROLE}@", "//postgres@"), command_timeout=3600)
    try:
        await keeper.execute("checkpoint")  # nothing is left to be done in the background
    finally:
        await keeper.close()
    return count


def _over_http(ground: Ground, data: Any) -> dict[str, tuple[float, Spent]]:
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        return _driven(ground, server, dsn)


def _driven(ground: Ground, server: Server, dsn: str) -> dict[str, tuple[float, Spent]]:
    """What was asked → (a second, CPU of each in ms)."""
    token = ground.run("token", "--client", "bench", "--data", str(server.data)).strip()
    asked = {"read": [f"/fhir/Observation/{id}" for id in asyncio.run(ids_of(dsn, "Observation"))]}
    for case in [*(case for name, case in CASES.items() if name != "total"), GIVEN]:
        asked[case.title] = [f"/fhir/{draw.path}" for draw in asyncio.run(_draws(dsn, case))]
    found = {}
    for name, paths in asked.items():
        rates, cpu = [], []
        _warmed(server, paths, token)
        for _ in range(ROUNDS):
            before = server.spent()
            told = drive(server.url, paths, token=token, connections=8, seconds=SECONDS)
            assert not told.wrong, f"{name}: some answers were not 200"
            each = server.spent().each(before, told.count or 1)
            rates.append(told.rate)
            cpu.append(each)
        middle = Spent(statistics.median(each.server for each in cpu), statistics.median(each.database for each in cpu))
        found[name] = statistics.median(rates), middle
    return found


def _warmed(server: Server, paths: list[str], token: str) -> None:
    """Every question was asked before, so that no disk is measured: of five million resources hardly a page is in memory by itself."""
    asked, until = 0, time.monotonic() + WARM_AT_MOST_S
    while asked < 2 * len(paths) and time.monotonic() < until:
        asked += drive(server.url, paths, token=token, connections=8, seconds=SECONDS).count


async def _draws(dsn: str, case: Case) -> list[Draw]:
    connection = await asyncpg.connect(dsn)
    try:
        return await case.draw(connection)
    finally:
        await connection.close()
