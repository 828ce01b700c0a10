"""Ten times the data: reads and indexed searches beside themselves on a tenth of it, and in the database beside a read by key."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import asyncpg

from bench.bench_read import ids_of
from bench.client import drive
from bench.copies import multiply
from bench.ground import Ground, Row, Server
from bench.searches import CASES, Draw
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running
from yilian.search import statement
from yilian.search.query import parse
from yilian.store.read import BY_ID
from yilian.store.scope import SYSTEM

TIMES = 9
SECONDS = 1.0
ROUNDS = 3
ASKED = 40
CODE_DATE = "Observation?code={code}&date=ge2015-01-01&_sort=-date"
CODE_VALUE = "Observation?code={code}&value-quantity=gt100"
HAS = "Patient?_has:Observation:patient:code={code}"


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
            yield Row(f"{name}: CPU of server and database", cpu, "ms", before[name][1], "a tenth of the data; at most 1.3")
            yield Row(f"{name}: 8 clients", rate, "/s", before[name][0], "a tenth of the data")
        yield from asyncio.run(_in_database(dsn))


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
        return int(await connection.fetchval("select count(*) from resource"))
    finally:
        await connection.close()


def _over_http(ground: Ground, data: Any) -> dict[str, tuple[float, float]]:
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        return _driven(ground, server, dsn)


def _driven(ground: Ground, server: Server, dsn: str) -> dict[str, tuple[float, float]]:
    """What was asked → (a second, CPU ms of server and database)."""
    token = ground.run("token", "--client", "bench", "--data", str(server.data)).strip()
    asked = {"read": [f"/fhir/Observation/{id}" for id in asyncio.run(ids_of(dsn, "Observation"))]}
    for name in CASES:
        if name != "total":
            asked[name] = [f"/fhir/{draw.path}" for draw in asyncio.run(_draws(dsn, name))]
    found = {}
    for name, paths in asked.items():
        rates, cpu = [], []
        for turn in range(ROUNDS + 1):
            before = server.spent()
            told = drive(server.url, paths, token=token, connections=8, seconds=SECONDS)
            assert not told.wrong, f"{name}: some answers were not 200"
            each = server.spent().each(before, told.count or 1)
            if turn:
                rates.append(told.rate)
                cpu.append(each.server + each.database)
        found[name if name == "read" else CASES[name].title] = statistics.median(rates), statistics.median(cpu)
    return found


async def _draws(dsn: str, name: str) -> list[Draw]:
    connection = await asyncpg.connect(dsn)
    try:
        return await CASES[name].draw(connection)
    finally:
        await connection.close()


async def _in_database(dsn: str) -> Iterator[Row]:
    """Our own SQL, prepared as the server prepares it, in the time of a read by key; then a rare value after ten common ones."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set jit = off")
        keys = await ids_of(dsn, "Observation", ASKED)
        number = type_id("Observation")
        read = await connection.prepare(BY_ID)
        one = await _median([lambda id=id: read.fetch(number, id, *SYSTEM.keys()) for id in keys])  # type: ignore[misc]
        common = (await _draws(dsn, "total"))[:10]
        codes = [dict(parse_qsl(draw.path.partition("?")[2]))["code"] for draw in common]
        rare = await connection.fetchrow(
            "select c.system || '|' || c.code as code from (select code, count(*) as n from index_clinical where type = $1 and code <> 0"
            " group by code having count(*) > 5 order by n limit 1) s join concept c on c.h = s.code",
            number,
        )
        assert rare is not None
        rows = []
        paths = [draw.path for draw in await _draws(dsn, "patient-code")][:ASKED]
        rows.append(Row("in PostgreSQL: patient + code, newest first", await _ours(connection, paths), "ms", one, "read by key; at most 2"))
        for title, pattern, beside, says in (
            ("code + date, newest first", CODE_DATE, one, "read by key; at most 3"),
            ("_has over a common code", HAS, 10.0, "at most"),
            ("code + value-quantity", CODE_VALUE, 5.0, "at most"),
        ):
            often = [pattern.format(code=code) for code in codes]
            rows.append(Row(f"in PostgreSQL: {title}", await _ours(connection, often * 4), "ms", beside, says))
            after, fresh = await _rare(dsn, often, pattern.format(code=rare["code"]))
            rows.append(Row("    a rare value after ten common ones", after, "ms", fresh, "planned for it alone; at most 3"))
        return iter(rows)
    finally:
        await connection.close()


def _compiled(path: str) -> tuple[str, tuple[Any, ...]]:
    kind, _, text = path.partition("?")
    made = statement.page(parse(kind, parse_qsl(text), zone=region_zone()), SYSTEM)
    return made.sql, tuple(made.args)


async def _ours(connection: Any, paths: list[str]) -> float:
    asked = []
    for path in paths:
        sql, args = _compiled(path)
        prepared = await connection.prepare(sql)
        asked.append(lambda prepared=prepared, args=args: prepared.fetch(*args))
    return await _median(asked)


async def _rare(dsn: str, often: list[str], seldom: str) -> tuple[float, float]:
    """ms of the rare question in a statement that was used for common ones, and in one planned anew each time."""
    found = []
    for mode in ("auto", "force_custom_plan"):
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(f"set plan_cache_mode = {mode}")
            sql, args = _compiled(seldom)
            prepared = await connection.prepare(sql)
            for path in often:
                other, values = _compiled(path)
                assert other == sql, "one shape, one statement"
                await prepared.fetch(*values)
            found.append(await _median([lambda: prepared.fetch(*args)] * 20))  # noqa: B023
        finally:
            await connection.close()
    return found[0], found[1]


async def _median(asked: Sequence[Callable[[], Awaitable[Any]]]) -> float:
    for one in asked[:10]:
        await one()
    times = []
    for one in asked:
        started = time.perf_counter()
        await one()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
