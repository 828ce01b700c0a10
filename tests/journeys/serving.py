"""A server as a program of its own, to be killed: started on a prepared database, with a short lease so that a test need not wait long."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from yilian import app, config
from yilian.access import clients, tokens
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

PROGRAM = """
import sys
from datetime import timedelta
from yilian import jobs

# A short lease: what a killed server had in hand is taken up soon.
begin = jobs.Worker.__init__
def impatient(self, *args, **more):
    begin(self, *args, **{{**more, "lease": timedelta(seconds=1)}})
jobs.Worker.__init__ = impatient
{more}
from yilian.cli import main
sys.exit(main(sys.argv[1:]))
"""
READY_WITHIN_S = 90
AT_ONCE = 100


@asynccontextmanager
async def serving(dsn: str, *, program: str = "", **environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and its address; `program` is run before it begins. Ended in the end, unless somebody has killed it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM.format(more=program),
        "serve",
        "--port",
        "0",
        "--database-url",
        dsn,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_WITHIN_S):
            said = (await process.stdout.readline()).decode()
        assert said.startswith("Yilian answers at "), said
        yield process, said.split()[3]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def prepared(dsn: str, resources: Sequence[dict[str, object]]) -> str:
    """Prepare a database, put these in, and give the region's system a token."""
    settings = config.Settings()
    await app.prepare(settings, dsn)
    database = app.database(settings, dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            await clients.add(tx, "bench", name="bench", secret="secret-secret", scope="system/*.*", grant_types=("client_credentials",))
            found = await tokens.issue_for_client(tx, "bench")
        for start in range(0, len(resources), AT_ONCE):
            async with database.transaction() as tx:
                some = resources[start : start + AT_ONCE]
                await write(tx, SYSTEM, [Change("PUT", str(one["resourceType"]), str(one["id"]), one) for one in some])
    finally:
        await database.close()
    return found


@dataclass(frozen=True, slots=True)
class Killable:
    """A database on which servers are started, killed, and started again."""

    dsn: str

    async def prepare(self, resources: Sequence[dict[str, object]]) -> str:
        """As `prepared`."""
        return await prepared(self.dsn, resources)

    @asynccontextmanager
    async def serving(self, *, program: str = "", **environment: str) -> AsyncIterator[Running]:
        async with serving(self.dsn, program=program, **environment) as (process, url):
            yield Running(self, process, url)

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Straight from the database, whether or not a server runs."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()

    async def number(self, sql: str, *args: Any) -> int:
        """The one number a statement gives."""
        return int((await self.rows(sql, *args))[0][0])

    async def until(self, sql: str, number: int, within_s: float = 60) -> None:
        """Wait until a statement gives at least this number."""
        async with asyncio.timeout(within_s):
            while await self.number(sql) < number:  # noqa: ASYNC110 it happens in the database
                await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Running:
    """A server as a program, and where it answers."""

    house: Killable
    process: asyncio.subprocess.Process
    url: str

    def client(self, token: str, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {token}", **headers}, timeout=30, trust_env=False)

    async def struck(self, sql: str, least: int) -> None:
        """Killed as soon as a statement gives this number."""
        await self.house.until(sql, least)
        await self.killed()

    async def killed(self) -> None:
        """Killed now, in the middle of whatever it does."""
        self.process.kill()
        await self.process.wait()
