"""Workers in processes of their own, killed without a word: every job is done, and what was completed with its writes was done once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from yilian import jobs
from yilian.db import Database
from yilian.jobs import NewJob

HERE = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
from datetime import timedelta
from yilian import jobs
from yilian.db import Database
from yilian.store.hooks import Hooks


async def once(db, job):
    async with db.transaction() as tx:
        await tx.execute("insert into ledger values ('once', $1)", job.payload["n"])
        await asyncio.sleep(0.005)
        await jobs.complete(tx, job)


async def at_least_once(db, job):
    async with db.transaction() as tx:
        await tx.execute("insert into ledger values ('at-least-once', $1)", job.payload["n"])
    await asyncio.sleep(0.005)


async def main():
    db = Database(sys.argv[1], Hooks(validate=lambda resource: []))
    await db.open()
    kinds = {"once": jobs.Kind(once, attempts=100), "at-least-once": jobs.Kind(at_least_once, attempts=100)}
    jobs.Worker(db, kinds, at_once=3, lease=timedelta(seconds=1)).start()
    print("works", flush=True)
    await asyncio.sleep(600)


asyncio.run(main())
"""

JOBS = 300


async def test_killed_workers_lose_no_job_and_do_none_twice_that_was_completed(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute("create table ledger (kind text, n integer)")
        await jobs.enqueue_many(
            tx, [NewJob(kind, {"n": n}, subject=f"s{n % 20}" if n % 2 else None) for n in range(JOBS) for kind in ("once", "at-least-once")]
        )
    killed = 0
    process = await _start(db.dsn)
    try:
        async with asyncio.timeout(120):
            while True:
                await asyncio.sleep(0.4)
                async with db.reading() as tx:
                    left = await tx.fetchval("select count(*) from job where state <> 'done'")
                if not left:
                    break
                if killed < 4:
                    os.kill(process.pid, signal.SIGKILL)
                    await process.wait()
                    killed += 1
                    process = await _start(db.dsn)
    finally:
        process.kill()
        await process.wait()
    async with db.reading() as tx:
        rows = await tx.fetch("select kind, n, count(*) as times from ledger group by kind, n")
        again = await tx.fetchval("select count(*) from job where attempt > 1")
    done = {kind: {row["n"]: row["times"] for row in rows if row["kind"] == kind} for kind in ("once", "at-least-once")}
    assert done["once"] == dict.fromkeys(range(JOBS), 1)
    assert set(done["at-least-once"]) == set(range(JOBS))
    assert killed >= 1
    assert again >= 1, "nothing was under way when the workers were killed"


async def _start(dsn: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, dsn, stdout=asyncio.subprocess.PIPE, cwd=HERE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"works\n"
    return process
