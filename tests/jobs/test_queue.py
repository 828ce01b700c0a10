"""The job queue: in the caller's transaction, in order, at least once, again after a failure, once under a key."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from yilian import jobs
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.jobs import GiveUp, Job, Kind, NewJob, Periodic, Stopped, Worker, pause
from yilian.store.hooks import Hooks

Json = dict[str, Any]
SECOND = timedelta(seconds=1)


async def nothing(db: Database, job: Job) -> None:
    return None


async def enqueue(db: Database, kind: str, payload: Json | None = None, **more: Any) -> int:
    async with db.transaction() as tx:
        return await jobs.enqueue(tx, kind, payload or {}, **more)


async def entry(db: Database, id: int) -> jobs.Entry:
    async with db.reading() as tx:
        found = await jobs.entry(tx, id)
    assert found is not None
    return found


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 it happens in the database
            await asyncio.sleep(0.01)


async def until_idle(db: Database, seconds: float = 60) -> None:
    async def idle() -> bool:
        async with db.reading() as tx:
            return not await tx.fetchval("select exists (select from job where state in ('waiting', 'later', 'behind', 'running'))")

    await until(idle, seconds)


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


async def test_two_of_one_key_in_one_call_are_refused(db: Database) -> None:
    async with db.transaction() as tx:
        with pytest.raises(ValueError, match="one kind and key"):
            await jobs.enqueue_many(tx, [NewJob("x", {}, key="k"), NewJob("x", {}, key="k")])


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
