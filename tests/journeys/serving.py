"""A server as a program of its own, to be killed: started on a prepared database, with a short lease so that a test need not wait long."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

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
