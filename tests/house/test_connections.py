"""The embedded PostgreSQL takes as many connections as the server's processes may open."""

from __future__ import annotations

import asyncio
import dataclasses

import asyncpg
import pytest

from tests.conftest import folder_of_ones_own
from yilian import app
from yilian.audit.note import by
from yilian.command import house
from yilian.config import Settings
from yilian.postgres import server
from yilian.store.scope import SYSTEM

OURS = """
select application_name as name, count(*) as many from pg_stat_activity
where datname = current_database() and application_name like 'yilian%' group by 1
"""


@pytest.mark.parametrize(("workers", "connections"), [(1, 20), (4, 20), (16, 20), (2, 200), (64, 64), (256, 200)])
def test_there_is_room_for_every_process_and_for_commands_beside_them(workers: int, connections: int) -> None:
    settings = Settings(workers=workers, connections=connections)
    needed = house.connections_needed(settings)
    assert needed >= (workers + 1) * (connections + house.BESIDE) + 3
    assert needed >= 100
    assert needed <= 262_143, "PostgreSQL takes no more"
    assert needed <= house.connections_needed(dataclasses.replace(settings, workers=workers + 1))


async def test_a_server_process_opens_no_more_than_is_counted_for_it(prepared_dsn: str) -> None:
    settings = Settings(connections=6, jobs_at_once=1)
    front = app.build(settings, prepared_dsn)
    looks = await asyncpg.connect(prepared_dsn)
    try:
        async with front.others.router.lifespan_context(front.others):
            inside = front.fhir.house
            assert inside.listeners is not None

            async def written() -> None:
                async with inside.db.transaction() as tx:
                    await tx.execute("select pg_sleep(1)")

            busy = [asyncio.create_task(written()) for _ in range(20)]
            busy += [asyncio.create_task(inside.db.fetchrow("select pg_sleep(1)")) for _ in range(20)]
            await inside.listeners.attend(1)
            await inside.reads.add([by(SYSTEM, inside.db.clock(), "read", "R")], strict=True)
            most: dict[str, int] = {}
            for _ in range(20):
                for row in await looks.fetch(OURS):
                    most[row["name"]] = max(most.get(row["name"], 0), row["many"])
                await asyncio.sleep(0.05)
            await asyncio.gather(*busy)
    finally:
        await looks.close()
    assert most.pop("yilian") == settings.connections
    assert most == {"yilian pulse": 1, "yilian audit": 1, "yilian audit chain": 1, "yilian jobs": 2, "yilian listeners": 1}
    assert sum(most.values()) == house.BESIDE


def test_the_embedded_server_is_told() -> None:
    async def asked(dsn: str) -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval("show max_connections"))
        finally:
            await connection.close()

    with folder_of_ones_own() as above:
        settings = Settings(data=above / "data", workers=12)
        with house.address(settings, alone=True, purpose="a test") as dsn:
            told = asyncio.run(asked(dsn))
        server.remove(settings.data)
    assert int(told) == house.connections_needed(settings) > 12 * 25
