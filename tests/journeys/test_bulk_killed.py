"""A server that is killed in the middle of an export or an import: started again, it goes on and ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from yilian import app, config
from yilian.access import clients, tokens
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
COUNT = 400
SLOW = """
import asyncio, sys
from datetime import timedelta
from yilian import jobs
from yilian.exchange.bulk import desk, export, take_in
import yilian.exchange.batch as batch

# Small parts with a pause after each, and a short lease, so that the test can strike in between and need not wait long.
whole = desk.Desk.at
desk.Desk.at = staticmethod(lambda *a, **k: whole(*a, **{**k, "part": 20}))
copy = export._copy
async def slowly(*args):
    await asyncio.sleep(0.1)
    return await copy(*args)
export._copy = slowly
batch.LINES_A_BATCH = 10
store = batch.Storing.store
async def pausing(*args, **more):
    await asyncio.sleep(0.1)
    return await store(*args, **more)
batch.Storing.store = pausing
begin = jobs.Worker.__init__
def impatient(self, *args, **more):
    begin(self, *args, **{**more, "lease": timedelta(seconds=1)})
jobs.Worker.__init__ = impatient

from yilian.cli import main
sys.exit(main(sys.argv[1:]))
"""


@asynccontextmanager
async def serving(dsn: str, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SLOW,
        "serve",
        "--port",
        "0",
        "--database-url",
        dsn,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "YILIAN_BULK_FOLDER": str(folder)},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            said = (await process.stdout.readline()).decode()
        assert said.startswith("Yilian answers at "), said
        yield process, said.split()[3]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


@pytest.fixture
async def token(dsn: str) -> str:
    settings = config.Settings()
    await app.prepare(settings, dsn)
    database = app.database(settings, dsn)
    await database.open()
    async with database.transaction() as tx:
        await clients.add(tx, "bench", name="bench", secret="secret-secret", scope="system/*.*", grant_types=("client_credentials",))
        found = await tokens.issue_for_client(tx, "bench")
    for start in range(0, COUNT, 100):
        async with database.transaction() as tx:
            basics = [{"resourceType": "Basic", "id": f"b{n}", "code": {"text": str(n)}} for n in range(start, start + 100)]
            await write(tx, SYSTEM, [Change("PUT", "Basic", one["id"], one) for one in basics])
    await database.close()
    return found


def client_of(token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(headers={"authorization": f"Bearer {token}", "prefer": "respond-async"}, timeout=30, trust_env=False)


async def rows(dsn: str, sql: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


async def finished(client: httpx.AsyncClient, url: str) -> Json:
    async with asyncio.timeout(90):
        while True:
            status = await client.get(url)
            if status.status_code != 202:
                assert status.status_code == 200, status.text
                found: Json = status.json()
                return found
            await asyncio.sleep(0.2)


async def strike(process: asyncio.subprocess.Process, dsn: str, sql: str, least: int) -> None:
    """Kill the server as soon as this much is done."""
    async with asyncio.timeout(60):
        while await rows(dsn, sql) < least:  # noqa: ASYNC110 it happens in the database
            await asyncio.sleep(0.02)
    process.kill()
    await process.wait()


async def test_an_export_goes_on_after_the_server_was_killed(dsn: str, token: str, tmp_path: Path) -> None:
    async with client_of(token) as client:
        async with serving(dsn, tmp_path) as (process, url):
            kickoff = await client.get(f"{url}/fhir/$export?_type=Basic")
            assert kickoff.status_code == 202, kickoff.text
            way = kickoff.headers["content-location"].removeprefix(url)
            await strike(process, dsn, "select count(*) from bulk_file", 4)
        before = await rows(dsn, "select count(*) from bulk_file")
        assert 4 <= before < COUNT // 20
        kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ndjson")}  # noqa: ASYNC240
        async with serving(dsn, tmp_path) as (process, url):
            told = await finished(client, url + way)
            found = []
            for file in told["output"]:
                answer = await client.get(url + "/fhir" + file["url"].partition("/fhir")[2])
                found += [json.loads(line)["id"] for line in answer.text.splitlines()]
        assert sorted(found) == sorted(f"b{n}" for n in range(COUNT))
        now = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ndjson")}  # noqa: ASYNC240
        untouched = [name for name, at in kept.items() if now[name] == at]
        assert len(untouched) >= before, "finished parts were written again"
        assert await rows(dsn, "select max(attempt) from job where kind = 'bulk.export'") == 2


async def test_an_import_goes_on_after_the_server_was_killed(dsn: str, token: str, tmp_path: Path) -> None:
    body = "\n".join(json.dumps({"resourceType": "Basic", "id": f"i{n}", "code": {"text": str(n)}}) for n in range(COUNT))
    stored = "select count(*) from resource where id like 'i%' and type = (select type from resource where id = 'b0')"
    async with client_of(token) as client:
        async with serving(dsn, tmp_path) as (process, url):
            kickoff = await client.post(f"{url}/fhir/$import", content=body, headers={"content-type": "application/fhir+ndjson"})
            assert kickoff.status_code == 202, kickoff.text
            way = kickoff.headers["content-location"].removeprefix(url)
            await strike(process, dsn, stored, 60)
        assert 60 <= await rows(dsn, stored) < COUNT
        async with serving(dsn, tmp_path) as (process, url):
            told = await finished(client, url + way)
        assert [one["count"] for one in told["output"]] == [COUNT]
        assert told["error"] == []
        assert await rows(dsn, stored) == COUNT
        assert await rows(dsn, "select max(ver) from resource where id like 'i%'") == 1, "nothing was written twice"
