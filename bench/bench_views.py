"""Views: rows a second that DuckDB makes of exported files, and PostgreSQL of the store."""

from __future__ import annotations

import asyncio
import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from bench.ground import Ground, Row, synthea
from yilian.analytics.views import run, shipped
from yilian.analytics.views.definition import View
from yilian.config import Settings
from yilian.postgres import address_of_running

VIEWS = ("lab_results", "vital_signs", "encounters", "conditions")
ROUNDS = 3
TIMES = 8
"""Files are read so often in one view, because starting DuckDB takes as long as a thousand rows."""


def measure(ground: Ground) -> Iterator[Row]:
    folder = ground.new_data()
    folder.mkdir()
    _split(synthea(), folder)
    yield Row("DuckDB started and stopped", 1000 / _median(_started)[1], "ms")
    for name in VIEWS:
        view = shipped.view(name)
        for times, says in ((TIMES, "at least"), (1, "at least, the start of DuckDB included")):
            rows, rate = _median(lambda view=view, times=times: _inside(view, folder, times))  # type: ignore[misc]
            yield Row(f"{name}: {rows:,} rows into a DuckDB table", rate, "rows/s", 50_000, says)
        yield Row(f"{name}: the same handed to Python", _median(lambda view=view: len(run.over_files(view, folder).rows))[1], "rows/s")  # type: ignore[misc]
    data = ground.synthea_region()
    with ground.server(data):
        dsn = address_of_running(data)
        assert dsn is not None
        for name in VIEWS:
            rows, rate = _median(lambda name=name: asyncio.run(_over_store(dsn, shipped.view(name))))  # type: ignore[misc]
            yield Row(f"{name}: {rows:,} rows out of PostgreSQL", rate, "rows/s")


def _median(made: Callable[[], int]) -> tuple[int, float]:
    rates, rows = [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        rows = made()
        rates.append(rows / (time.perf_counter() - began))
    return rows, statistics.median(rates)


def _started() -> int:
    with duckdb.connect() as connection:
        return len(connection.execute("select 1").fetchall())


def _inside(view: View, folder: Path, times: int) -> int:
    """The table stays in DuckDB, as what counts from it wants it."""
    with duckdb.connect() as connection:
        connection.execute(f"create table flat as {run.over(view, [folder / f'{view.resource}.ndjson'] * times).sql}")
        found = connection.execute("select count(*) from flat").fetchone()
        assert found is not None
        return int(found[0])


async def _over_store(dsn: str, view: View) -> int:
    from yilian import app
    from yilian.store.scope import SYSTEM

    db = app.database(Settings(), dsn)
    await db.open()
    try:
        async with db.reading() as tx:
            return len((await run.over_store(tx, SYSTEM, view, run.Wish())).rows)
    finally:
        await db.close()


def _split(bundles: Path, folder: Path) -> None:
    """The resources of transaction Bundles as an export would write them: a file a type."""
    by_type: dict[str, list[bytes]] = {}
    with gzip.open(bundles) as lines:
        for line in lines:
            for entry in json.loads(line)["entry"]:
                kept = json.dumps(entry["resource"], ensure_ascii=False, separators=(",", ":")).encode()
                by_type.setdefault(entry["resource"]["resourceType"], []).append(kept)
    for kind, found in by_type.items():
        (folder / f"{kind}.ndjson").write_bytes(b"\n".join(found) + b"\n")
