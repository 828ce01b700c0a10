"""`yilian jobs`, `yilian export`, and `yilian work` as a program that is told to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.commanded import yilian
from yilian import jobs
from yilian.db import Database
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

YILIAN = [sys.executable, "-m", "yilian"]


@pytest.fixture
def dsn(prepared_dsn: str) -> str:
    return prepared_dsn


@pytest.fixture
def house(db: Database) -> Database:
    return db


async def test_what_failed_is_listed_begun_anew_and_carried_out_by_a_worker_process(dsn: str, house: Database) -> None:
    async with house.transaction() as tx:
        id = await jobs.enqueue(tx, "jobs.clear", {})
        await tx.execute("update job set state = 'failed', attempt = 3, finished = now(), error = 'no luck [here]' where id = $1", id)
    code, out, _ = await yilian("jobs", "--failed", "--database-url", dsn)
    assert code == 0
    assert "1 failed" in out
    assert "jobs.clear" in out
    assert "no luck" in out
    code, out, _ = await yilian("jobs", "--retry", str(id), "--database-url", dsn)
    assert (code, out) == (0, f"Job {id} will be begun anew.\n")
    code, _, err = await yilian("jobs", "--retry", "999999", "--database-url", dsn)
    assert code == 1
    assert "There is no job 999999 that failed." in err
    process = await asyncio.create_subprocess_exec(
        *YILIAN, "work", "--at-once", "1", "--database-url", dsn, stdout=subprocess.PIPE, env={**os.environ, "YILIAN_LOG_LEVEL": "error"}
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).startswith(b"Working on up to 1 job")
        async with asyncio.timeout(20):
            while await _state(house, id) != "done":  # noqa: ASYNC110 it happens in the database
                await asyncio.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def _state(db: Database, id: int) -> str:
    async with db.reading() as tx:
        found = await jobs.entry(tx, id)
    return found.state if found is not None else ""


async def test_the_store_is_written_into_a_folder(dsn: str, house: Database, tmp_path: Path) -> None:
    async with house.transaction() as tx:
        some: list[dict[str, Any]] = [{"resourceType": "Basic", "id": f"b{n}", "code": {"text": "x"}} for n in range(3)]
        await write(tx, SYSTEM, [Change("PUT", "Basic", one["id"], one) for one in some])
    folder = tmp_path / "out"
    code, _, err = await yilian("export", str(folder), "--type", "Basic", "--database-url", dsn)
    assert code == 0, err
    assert err.startswith("3 resources,")
    manifest = json.loads(await asyncio.to_thread((folder / "manifest.json").read_text))
    assert manifest["output"] == [{"type": "Basic", "url": "Basic.1.ndjson", "count": 3}]
    lines = (await asyncio.to_thread((folder / "Basic.1.ndjson").read_text)).splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == ["b0", "b1", "b2"]
    code, _, err = await yilian("export", str(folder), "--database-url", dsn)
    assert code == 1
    assert "is not an empty folder" in err
    code, _, err = await yilian("export", str(tmp_path / "other"), "--type", "Nothing", "--database-url", dsn)
    assert code == 1
    assert "no type that can be exported" in err
