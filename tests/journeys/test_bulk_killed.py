"""A server that is killed in the middle of an export or an import: started again, it goes on and ends it."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.serving import Killable, Running

Json = dict[str, Any]
COUNT = 400
SLOW = """
import asyncio
from yilian.exchange.bulk import desk, export
import yilian.exchange.batch as batch

# Small parts with a pause after each, so that the test can strike in between.
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
"""


def slow(house: Killable, folder: Path) -> AbstractAsyncContextManager[Running]:
    return house.serving(program=SLOW, YILIAN_BULK_FOLDER=str(folder))


@pytest.fixture
async def token(house: Killable) -> str:
    return await house.prepare([{"resourceType": "Basic", "id": f"b{n}", "code": {"text": str(n)}} for n in range(COUNT)])


async def finished(client: httpx.AsyncClient, url: str) -> Json:
    async with asyncio.timeout(90):
        while True:
            status = await client.get(url)
            if status.status_code != 202:
                assert status.status_code == 200, status.text
                found: Json = status.json()
                return found
            await asyncio.sleep(0.2)


async def test_an_export_goes_on_after_the_server_was_killed(house: Killable, token: str, tmp_path: Path) -> None:
    async with slow(house, tmp_path) as server, server.client(token, prefer="respond-async") as client:
        kickoff = await client.get("/fhir/$export?_type=Basic")
        assert kickoff.status_code == 202, kickoff.text
        way = kickoff.headers["content-location"].removeprefix(server.url)
        await server.struck("select count(*) from bulk_file", 4)
    before = await house.number("select count(*) from bulk_file")
    assert 4 <= before < COUNT // 20
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ndjson")}  # noqa: ASYNC240
    async with slow(house, tmp_path) as server, server.client(token) as client:
        told = await finished(client, way)
        found = []
        for file in told["output"]:
            answer = await client.get("/fhir" + file["url"].partition("/fhir")[2])
            found += [json.loads(line)["id"] for line in answer.text.splitlines()]
    assert sorted(found) == sorted(f"b{n}" for n in range(COUNT))
    now = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.ndjson")}  # noqa: ASYNC240
    untouched = [name for name, at in kept.items() if now[name] == at]
    assert len(untouched) >= before, "finished parts were written again"
    assert await house.number("select max(attempt) from job where kind = 'bulk.export'") == 2


async def test_an_import_goes_on_after_the_server_was_killed(house: Killable, token: str, tmp_path: Path) -> None:
    body = "\n".join(json.dumps({"resourceType": "Basic", "id": f"i{n}", "code": {"text": str(n)}}) for n in range(COUNT))
    stored = "select count(*) from resource where id like 'i%' and type = (select type from resource where id = 'b0')"
    async with slow(house, tmp_path) as server, server.client(token, prefer="respond-async") as client:
        kickoff = await client.post("/fhir/$import", content=body, headers={"content-type": "application/fhir+ndjson"})
        assert kickoff.status_code == 202, kickoff.text
        way = kickoff.headers["content-location"].removeprefix(server.url)
        await server.struck(stored, 60)
    assert 60 <= await house.number(stored) < COUNT
    async with slow(house, tmp_path) as server, server.client(token) as client:
        told = await finished(client, way)
    assert [one["count"] for one in told["output"]] == [COUNT]
    assert told["error"] == []
    assert await house.number(stored) == COUNT
    assert await house.number("select max(ver) from resource where id like 'i%'") == 1, "nothing was written twice"
