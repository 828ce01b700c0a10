"""Jobs of one subject stand in line; of one key one waits at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.jobs.queueing import enqueue, entry, nothing, until, until_idle
from yilian import jobs
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.jobs import Job, Kind, NewJob, Worker


async def test_jobs_of_one_subject_run_in_order_and_one_at_a_time(db: Database) -> None:
    order: dict[str, list[int]] = {}
    at_work: Counter[str] = Counter()
    together: list[str] = []
    failed: set[tuple[str, int]] = set()

    async def handler(db: Database, job: Job) -> None:
        assert job.subject is not None
        at_work[job.subject] += 1
        if at_work[job.subject] > 1:
            together.append(job.subject)
        await asyncio.sleep(0.001)
        at_work[job.subject] -= 1
        n = job.payload["n"]
        if n % 7 == 3 and (job.subject, n) not in failed:  # a failure holds the line, it does not change its order
            failed.add((job.subject, n))
            raise Unavailable("not now")
        order.setdefault(job.subject, []).append(n)

    kind = Kind(handler, first_pause=timedelta(milliseconds=5))
    workers = [Worker(db, {"step": kind}, at_once=4) for _ in range(4)]
    for worker in workers:
        worker.start()
    subjects = [f"Patient/{n}" for n in range(10)]
    for n in range(20):
        if n % 2:
            for subject in subjects:
                await enqueue(db, "step", {"n": n}, subject=subject)
        else:
            async with db.transaction() as tx:
                await jobs.enqueue_many(tx, [NewJob("step", {"n": n}, subject=subject) for subject in subjects])
    await until_idle(db, 120)
    for worker in workers:
        await worker.stop()
    assert together == []
    assert order == {subject: list(range(20)) for subject in subjects}
    assert len(failed) == 10 * 3


async def test_many_of_one_subject_in_one_transaction_keep_their_order(db: Database) -> None:
    order: list[int] = []

    async def handler(db: Database, job: Job) -> None:
        order.append(job.payload["n"])

    async with db.transaction() as tx:
        await jobs.enqueue_many(tx, [NewJob("step", {"n": n}, subject="one") for n in range(50)])
    worker = Worker(db, {"step": Kind(handler)}, at_once=8)
    worker.start()
    await until_idle(db)
    await worker.stop()
    assert order == list(range(50))


async def test_a_line_is_not_stranded_by_those_who_join_as_its_first_ends(db: Database) -> None:
    count = 0

    async def handler(db: Database, job: Job) -> None:
        nonlocal count
        count += 1

    workers = [Worker(db, {"step": Kind(handler)}, at_once=2) for _ in range(3)]
    for worker in workers:
        worker.start()

    async def writer() -> None:
        for n in range(60):
            async with db.transaction() as tx:
                await jobs.enqueue(tx, "step", {}, subject=f"s{n % 3}")
                await asyncio.sleep(0.002)

    await asyncio.gather(*(writer() for _ in range(3)))
    await until_idle(db)
    for worker in workers:
        await worker.stop()
    assert count == 180


async def test_cancelling_the_first_of_a_line_lets_the_next_one_begin(db: Database) -> None:
    first = await enqueue(db, "x", subject="s", run_at=datetime.now(UTC) + timedelta(hours=1))
    second = await enqueue(db, "x", subject="s")
    worker = Worker(db, {"x": Kind(nothing)})
    worker.start()
    await asyncio.sleep(0.2)
    assert (await entry(db, second)).state == "behind"
    async with db.transaction() as tx:
        await jobs.cancel(tx, first)
    await until_idle(db)
    await worker.stop()
    assert (await entry(db, second)).state == "done"


async def test_one_of_a_key_waits_and_a_running_one_does_not_keep_the_next_out(db: Database) -> None:
    go = asyncio.Event()
    runs = 0

    async def handler(db: Database, job: Job) -> None:
        nonlocal runs
        runs += 1
        await go.wait()

    first = await enqueue(db, "refresh", {}, key="a")
    assert await enqueue(db, "refresh", {}, key="a") == first
    assert await enqueue(db, "refresh", {}, key="b") != first
    worker = Worker(db, {"refresh": Kind(handler)})
    worker.start()

    async def begun() -> bool:
        return runs == 2

    await until(begun)
    second = await enqueue(db, "refresh", {}, key="a")
    assert second != first
    go.set()
    await until_idle(db)
    await worker.stop()
    assert runs == 3


async def test_a_job_under_a_key_is_not_begun_before_those_who_relied_on_it_are_committed(db: Database) -> None:
    seen: list[int] = []

    async def handler(db: Database, job: Job) -> None:
        async with db.reading() as tx:
            seen.append(await tx.fetchval("select count(*) from job_schedule"))

    await enqueue(db, "refresh", {}, key="a")
    worker = Worker(db, {"refresh": Kind(handler)})
    async with db.transaction() as tx:
        await tx.execute("insert into job_schedule values ('x', now())")
        await jobs.enqueue(tx, "refresh", {}, key="a")
        worker.start()
        await asyncio.sleep(0.3)
        assert seen == []
    await until_idle(db)
    await worker.stop()
    assert seen == [1]


async def test_two_of_one_key_in_one_call_are_refused(db: Database) -> None:
    async with db.transaction() as tx:
        with pytest.raises(ValueError, match="one kind and key"):
            await jobs.enqueue_many(tx, [NewJob("x", {}, key="k"), NewJob("x", {}, key="k")])
