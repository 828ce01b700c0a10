"""The job queue: in the caller's transaction, at once or at its time, each job once, cleared away in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.jobs.queueing import Json, enqueue, entry, until_idle
from yilian import jobs
from yilian.db import Database
from yilian.jobs import Job, Kind, NewJob, Periodic, Worker
from yilian.store.hooks import Hooks


async def test_a_job_is_done_and_its_result_kept(db: Database) -> None:
    async def handler(db: Database, job: Job) -> Json:
        return {"twice": job.payload["n"] * 2}

    worker = Worker(db, {"double": Kind(handler)})
    worker.start()
    id = await enqueue(db, "double", {"n": 21})
    await until_idle(db)
    await worker.stop()
    done = await entry(db, id)
    assert (done.state, done.result, done.attempt) == ("done", {"twice": 42}, 1)


async def test_what_is_rolled_back_was_never_enqueued(db: Database) -> None:
    async def rolled_back() -> None:
        async with db.transaction() as tx:
            await jobs.enqueue(tx, "x", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await rolled_back()
    async with db.reading() as tx:
        assert await jobs.latest(tx) == []


async def test_an_idle_worker_begins_at_once_without_waiting_for_its_next_look(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yilian.jobs.worker.POLL_S", 600.0)
    begun = asyncio.Event()

    async def handler(db: Database, job: Job) -> None:
        begun.set()

    other = Database(db.dsn, Hooks(validate=lambda resource: []))  # as another process would: only a NOTIFY reaches the worker
    await other.open()
    worker = Worker(db, {"x": Kind(handler)})
    worker.start()
    try:
        for who in (db, other):
            await asyncio.sleep(0.3)
            begun.clear()
            await enqueue(who, "x")
            async with asyncio.timeout(5):
                await begun.wait()
            assert begun.is_set()
    finally:
        await worker.stop()
        await other.close()


async def test_eight_workers_do_a_thousand_jobs_each_exactly_once(db: Database) -> None:
    seen: Counter[int] = Counter()
    of_worker: Counter[str] = Counter()

    async def handler(db: Database, job: Job) -> None:
        seen[job.payload["n"]] += 1
        of_worker[job.worker] += 1
        await asyncio.sleep(0)

    workers = [Worker(db, {"count": Kind(handler)}, at_once=3) for _ in range(8)]
    for worker in workers:
        worker.start()
    for start in range(0, 1000, 100):
        async with db.transaction() as tx:
            await jobs.enqueue_many(tx, [NewJob("count", {"n": n}) for n in range(start, start + 100)])
    await until_idle(db)
    for worker in workers:
        await worker.stop()
    assert seen == Counter(range(1000))
    assert len(of_worker) == 8


async def test_a_job_waits_for_its_time(db: Database) -> None:
    begun: list[datetime] = []

    async def handler(db: Database, job: Job) -> None:
        begun.append(datetime.now(UTC))

    worker = Worker(db, {"x": Kind(handler)})
    worker.start()
    at = datetime.now(UTC) + timedelta(seconds=1)
    await enqueue(db, "x", run_at=at)
    await until_idle(db)
    await worker.stop()
    assert timedelta() <= begun[0] - at < timedelta(seconds=3)


async def test_higher_priority_goes_first(db: Database) -> None:
    order: list[int] = []

    async def handler(db: Database, job: Job) -> None:
        order.append(job.payload["n"])

    for n, priority in enumerate((0, -5, 5, 0)):
        await enqueue(db, "x", {"n": n}, priority=priority)
    worker = Worker(db, {"x": Kind(handler)}, at_once=1)
    worker.start()
    await until_idle(db)
    await worker.stop()
    assert order == [2, 0, 3, 1]


async def test_what_is_periodic_is_enqueued_once_in_each_interval_however_many_workers_there_are(db: Database) -> None:
    now = datetime.now(UTC)
    runs: list[datetime] = []

    def clock() -> datetime:
        return now

    async def handler(db: Database, job: Job) -> None:
        runs.append(now)

    kinds, every = {"tidy": Kind(handler)}, [Periodic("tidy", "tidy", timedelta(hours=1))]
    for step in (0, 0, 1, 30, 61, 62, 125):
        now = datetime.now(UTC) + timedelta(minutes=step)
        workers = [Worker(db, kinds, periodic=every, clock=clock) for _ in range(3)]
        for worker in workers:
            worker.start()
        await asyncio.sleep(0.25)
        await until_idle(db)
        for worker in workers:
            await worker.stop()
    assert len(runs) == 3


async def test_what_ended_long_ago_is_cleared_away(db: Database) -> None:
    ids = [await enqueue(db, "x") for _ in range(4)]
    async with db.transaction() as tx:
        for id, state, result, age in zip(
            ids, ("done", "done", "failed", "failed"), (None, "{}", None, None), (2, 2, 24 * 30, 24 * 100), strict=True
        ):
            await tx.execute(
                "update job set state = $2, result = $3::text::jsonb, finished = now() - make_interval(hours => $4) where id = $1",
                id,
                state,
                result,
                age,
            )
        assert await jobs.clear(tx) == 2
    async with db.reading() as tx:
        assert sorted(one.id for one in await jobs.latest(tx)) == ids[1:3]
