"""What a record costs on disk, beside its JSON as it came, and what a server process holds in memory while it works."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator

import asyncpg
import psutil

from bench.client import drive
from bench.ground import Ground, Row, synthea
from yilian.postgres import address_of_running

TABLES = """
select case when relname like 'index%' or relname = 'concept' then 'index tables'
    when relname = 'resource' then 'resources' when relname = 'history' then 'history'
    else 'the rest (trail, grounds, jobs …)' end as what, sum(pg_total_relation_size(oid))::bigint as bytes
from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace group by 1 order by 2 desc
"""


def measure(ground: Ground) -> Iterator[Row]:
    file = synthea()
    with gzip.open(file) as lines:
        raw = sum(len(line) for line in lines)
    data = ground.new_data()
    with ground.server(data) as server:
        dsn = address_of_running(data)
        assert dsn is not None
        empty = sum(size for _, size in asyncio.run(_sizes(dsn)))
        ground.run("load", str(file), "--data", str(data))
        sizes = asyncio.run(_sizes(dsn))
        drive(server.url, ["/fhir/metadata"], seconds=1)
        memory = max(_own_mib(process) for process in server.family() if "postgres" not in process.name())
    whole = sum(size for _, size in sizes) - empty
    yield Row("disk: resources, history, indexes, trail", whole / 1024**2, "MiB", raw / 1024**2, "raw JSON; at most 6")
    for what, size in sizes:
        yield Row(f"    {what}", size / 1024**2, "MiB", raw / 1024**2, "raw JSON")
    yield Row("memory of a server process", memory, "MiB", 200.0, "at most")


def _own_mib(process: psutil.Process) -> float:
    memory = process.memory_full_info()
    return float(getattr(memory, "pss", 0) or memory.rss) / 1024**2


async def _sizes(dsn: str) -> list[tuple[str, int]]:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("vacuum analyze")
        return [(row["what"], row["bytes"]) for row in await connection.fetch(TABLES)]
    finally:
        await connection.close()
