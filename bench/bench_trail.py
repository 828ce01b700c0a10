"""The trail after the answer and before it: the same reads of one store by two servers, one of them with `audit_strict`, taking turns."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.bench_read import ids_of
from bench.client import Told, drive
from bench.ground import Ground, Row, Server, Spent
from yilian.postgres import address_of_running

ROUNDS = 5
SECONDS = 1.5
DEFAULT, STRICT = "default", "strict"


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.demo_region()
    with ground.server(data, command="demo") as by_default:
        dsn = address_of_running(data)
        assert dsn is not None
        settings = ground.folder / "strict.toml"
        settings.write_text("audit_strict = true\n")
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        paths = [f"/fhir/Patient/{id}" for id in asyncio.run(ids_of(dsn, "Patient"))]
        with ground.server(data, database=dsn, arguments=["--config", str(settings)]) as strict:
            for connections in (32, 1):
                yield from _beside({DEFAULT: by_default, STRICT: strict}, by_default, paths, token, connections)


def _beside(servers: dict[str, Server], database: Server, paths: list[str], token: str, connections: int) -> Iterator[Row]:
    """`database`: the server whose family the one database belongs to."""
    told: dict[str, list[Told]] = {name: [] for name in servers}
    spent: dict[str, list[Spent]] = {name: [] for name in servers}
    for turn in range(ROUNDS + 1):
        for name, server in servers.items():
            time.sleep(0.7)  # what was queued for the trail is written and sealed
            before = Spent(server.spent().server, database.spent().database)
            one = drive(server.url, paths, token=token, connections=connections, seconds=SECONDS)
            time.sleep(0.5)
            after = Spent(server.spent().server, database.spent().database)
            assert not one.wrong, f"{name}: {one.wrong} of {one.count} answers were not 200"
            if turn:
                told[name].append(one)
                spent[name].append(after.each(before, one.count or 1))

    def both(what: str, unit: str, figures: dict[str, float]) -> Row:
        return Row(f"{what}, {connections} at a time", figures[STRICT], unit, figures[DEFAULT], "the trail within 0.2 s, same run")

    yield both("reads a second", "/s", {name: statistics.median(one.rate for one in some) for name, some in told.items()})
    yield both("p50", "ms", {name: statistics.median(one.p50 for one in some) for name, some in told.items()})
    yield both("p99", "ms", {name: statistics.median(one.p99 for one in some) for name, some in told.items()})
    yield both("CPU of the server a read", "ms", {name: statistics.median(one.server for one in some) for name, some in spent.items()})
    yield both("CPU of the database a read", "ms", {name: statistics.median(one.database for one in some) for name, some in spent.items()})
