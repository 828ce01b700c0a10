"""Jobs that are cancelled, workers that stop or are lost, a database that goes away: nothing is done twice, and nothing left."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from tests.jobs.queueing import enqueue, entry, nothing, until, until_idle
from yilian import jobs
from yilian.db import Database
from yilian.jobs import Job, Kind, Stopped, Worker


async def test_what_waits_is_cancelled_at_once_and_what_runs_is_stopped(db: Database) -> None:
    stopped = asyncio.Event()
    begun = asyncio.Event()

    async def handler(db: Database, job: Job) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    worker = Worker(db, {"long": Kind(handler)})
    running = await enqueue(db, "long", subject="s")
    behind = await enqueue(db, "long", subject="s")
    worker.start()
    await begun.wait()
    async with db.transaction() as tx:
        assert await jobs.cancel(tx, behind)
        assert await jobs.cancel(tx, running)
    async with asyncio.timeout(5):
        await stopped.wait()
    await until_idle(db)
    await worker.stop()
    assert [(await entry(db, one)).state for one in (running, behind)] == ["cancelled", "cancelled"]
    async with db.transaction() as tx:
        assert not await jobs.cancel(tx, running)


async def test_a_worker_that_stops_puts_back_what_it_did_not_finish(db: Database) -> None:
    begun = asyncio.Event()
    finished: list[str] = []

    async def handler(db: Database, job: Job) -> None:
        begun.set()
        await asyncio.sleep(0.3 if job.payload.get("short") else 60)
        finished.append("short" if job.payload.get("short") else "long")

    worker = Worker(db, {"x": Kind(handler, attempts=1)})
    short, long = await enqueue(db, "x", {"short": True}), await enqueue(db, "x")
    worker.start()
    await begun.wait()
    await worker.stop(grace_s=1)
    assert finished == ["short"]
    assert (await entry(db, short)).state == "done"
    left = await entry(db, long)
    assert (left.state, left.attempt) == ("waiting", 0)


async def test_a_lost_lease_is_taken_up_by_another_and_the_first_worker_can_write_nothing(db: Database) -> None:
    outcome: list[str] = []
    numbers = itertools.count()

    async def handler(db: Database, job: Job) -> None:
        if next(numbers) == 0:
            async with db.transaction() as tx:  # as if this worker had been away for long
                await tx.execute("update job set lease = now() - interval '1 second' where id = $1", job.id)
            await asyncio.sleep(1)
            try:
                async with db.transaction() as tx:
                    await jobs.complete(tx, job)
            except Stopped:
                outcome.append("stopped")
                raise
        outcome.append(f"attempt {job.attempt}")

    one = Worker(db, {"x": Kind(handler)}, lease=timedelta(hours=1))
    one.start()
    id = await enqueue(db, "x")
    await asyncio.sleep(0.3)
    other = Worker(db, {"x": Kind(handler)})
    other.start()
    await until_idle(db)
    await asyncio.sleep(1)
    await one.stop()
    await other.stop()
    assert sorted(outcome) == ["attempt 2", "stopped"]
    assert (await entry(db, id)).attempt == 2


async def test_a_job_that_takes_its_workers_down_is_given_up_in_the_end(db: Database) -> None:
    id = await enqueue(db, "poison", subject="s")
    after = await enqueue(db, "other", subject="s")
    for _ in range(2):
        async with db.transaction() as tx:
            await tx.execute(
                "update job set state = 'running', worker = 'gone', attempt = attempt + 1, lease = now() - interval '1 s' where id = $1", id
            )
        worker = Worker(db, {"poison": Kind(nothing, attempts=2)}, at_once=0)
        worker.start()

        async def seen() -> bool:
            return (await entry(db, id)).state != "running"

        await until(seen)
        await worker.stop()
    assert (await entry(db, id)).state == "failed"

    async def moved_up() -> bool:
        return (await entry(db, after)).state == "waiting"

    last = Worker(db, {"poison": Kind(nothing)}, at_once=0)
    last.start()
    await until(moved_up)
    await last.stop()


async def test_a_worker_outlives_a_database_that_goes_away(db: Database) -> None:
    worker = Worker(db, {"x": Kind(nothing)})
    worker.start()
    await asyncio.sleep(0.2)
    async with db.reading() as tx:
        await tx.fetch("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'yilian jobs'")
    id = await enqueue(db, "x")
    await until_idle(db)
    await worker.stop()
    assert (await entry(db, id)).state == "done"
