"""A job that fails is tried again, goes on where it was, and is given up at last."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.jobs.queueing import SECOND, Json, enqueue, entry, nothing, until, until_idle
from yilian import jobs
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.jobs import GiveUp, Job, Kind, Worker, pause


async def test_a_failing_job_is_tried_again_with_growing_pauses_and_then_stands_as_failed(db: Database) -> None:
    now = datetime.now(UTC)
    attempts: list[int] = []

    async def handler(db: Database, job: Job) -> None:
        attempts.append(job.attempt)
        raise Unavailable("the receiver is away")

    kind = Kind(handler, attempts=4, first_pause=60 * SECOND, longest_pause=100 * SECOND)
    worker = Worker(db, {"send": kind}, clock=lambda: now, chance=lambda: 0.0)
    id = await enqueue(db, "send")
    worker.start()
    pauses = []
    for n in range(1, 4):

        async def failed(n: int = n) -> bool:
            return (await entry(db, id)).state == "later" and len(attempts) == n

        await until(failed)
        found = await entry(db, id)
        assert found.started is not None
        assert "the receiver is away" in found.error
        pauses.append(round((found.run_at - found.started).total_seconds()))
        now = found.run_at - SECOND
        worker.wake()
        await asyncio.sleep(0.15)
        assert len(attempts) == n, "it was begun before its time"
        now = found.run_at
        worker.wake()
    await until_idle(db)
    await worker.stop()
    assert pauses == [60, 100, 100]
    assert attempts == [1, 2, 3, 4]
    found = await entry(db, id)
    assert (found.state, found.attempt) == ("failed", 4)
    async with db.reading() as tx:
        assert [(one.kind, one.failed) for one in await jobs.counts(tx)] == [("send", 1)]
        assert [one.id for one in await jobs.latest(tx, failed=True)] == [id]


def test_pauses_double_up_to_the_longest_and_chance_takes_off_up_to_half() -> None:
    kind = Kind(nothing, first_pause=2 * SECOND, longest_pause=30 * SECOND)
    assert [pause(kind, n, 0.0).total_seconds() for n in range(1, 7)] == [2, 4, 8, 16, 30, 30]
    assert pause(kind, 1, 1.0) == SECOND
    assert pause(kind, 10_000, 0.5) == timedelta(seconds=22.5)


async def test_what_can_never_succeed_fails_at_once_and_can_be_begun_anew_by_hand(db: Database) -> None:
    cured = False

    async def handler(db: Database, job: Job) -> None:
        if not cured:
            raise GiveUp("the address is not one")

    worker = Worker(db, {"send": Kind(handler)})
    worker.start()
    id = await enqueue(db, "send", subject="s")
    behind = await enqueue(db, "send", subject="s")
    await until_idle(db)
    assert [(await entry(db, one)).state for one in (id, behind)] == ["failed", "failed"]
    cured = True
    async with db.transaction() as tx:
        assert await jobs.retry(tx, id)
        assert not await jobs.retry(tx, 0)
    await until_idle(db)
    await worker.stop()
    assert [(await entry(db, one)).state for one in (id, behind)] == ["done", "failed"]


async def test_progress_and_memo_outlive_an_attempt_and_a_cancelled_job_writes_nothing_more(db: Database) -> None:
    memos: list[Json] = []

    async def handler(db: Database, job: Job) -> None:
        if job.attempt == 1:
            async with db.transaction() as tx:
                await jobs.note(tx, job, done=3, total=10, memo={"next": 4})
            raise Unavailable("again")
        async with db.transaction() as tx:
            await jobs.cancel(tx, job.id)
        memos.append(job.memo)
        async with db.transaction() as tx:
            await tx.execute("insert into job_schedule values ('written', now())")
            await jobs.note(tx, job, done=5)

    worker = Worker(db, {"x": Kind(handler, first_pause=timedelta(milliseconds=1))})
    worker.start()
    id = await enqueue(db, "x")
    await until_idle(db)
    await worker.stop()
    found = await entry(db, id)
    assert (found.done, found.total) == (3, 10)
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from job_schedule") == 0
    assert found.state == "cancelled"
    assert memos == [{"next": 4}]


async def test_a_job_completed_in_its_own_transaction_is_done_with_it(db: Database) -> None:
    async def handler(db: Database, job: Job) -> None:
        async with db.transaction() as tx:
            await tx.execute("insert into job_schedule values ($1, now())", f"job {job.id}")
            await jobs.complete(tx, job, {"ok": True})
        raise Unavailable("too late to matter")

    worker = Worker(db, {"x": Kind(handler)})
    worker.start()
    ids = [await enqueue(db, "x", subject="s") for _ in range(3)]
    await until_idle(db)
    await worker.stop()
    assert [(await entry(db, id)).result for id in ids] == [{"ok": True}] * 3
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from job_schedule") == 3
