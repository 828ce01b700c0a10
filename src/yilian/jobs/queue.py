"""Jobs as the rest of the house sees them: enqueue in one's own transaction, note progress, complete, cancel, try again.

The queue is the table `job`. A job whose subject has an earlier unfinished one stands `behind` and is moved up when that one ends, so a
worker never looks at jobs it could not take. Two writers who enqueue for one subject at the same moment do not wait for each other; whose
job goes first is then open, but they never run together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.jobs.bell import ring
from yilian.jobs.job import Job, NewJob, Payload, Stopped

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST_NAME = 512

ENQUEUE = """
insert into job (kind, payload, subject, key, priority, run_at, state)
select n.kind, n.payload::jsonb, n.subject, n.key, n.priority, now() + n.run_in,
       case when n.subject is not null and (
                row_number() over (partition by n.subject order by n.nth) > 1
                or exists (select from job e where e.subject = n.subject and e.state in ('waiting', 'later', 'behind', 'running')))
            then 'behind' when n.run_in > interval '0' then 'later' else 'waiting' end
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::interval[])
     with ordinality as n (kind, payload, subject, key, priority, run_in, nth)
order by n.nth
on conflict (kind, key) where key is not null and state in ('waiting', 'later', 'behind') do update set
    priority = greatest(job.priority, excluded.priority), run_at = least(job.run_at, excluded.run_at),
    state = case when job.state = 'later' and excluded.run_at <= now() then 'waiting' else job.state end
returning id, state, subject
"""
"""A job that waits under the same key is locked until this transaction ends, so it is not begun before what it is about can be seen."""

END = """
with ended as (
    update job j set state = e.state, worker = null, lease = null, finished = now(), result = e.result::jsonb, error = e.error
    from unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) as e (id, state, result, error)
    where j.id = e.id and j.worker = $1 and j.state = 'running'
    returning j.id, j.subject),
next as (
    update job set state = case when run_at > now() then 'later' else 'waiting' end
    where state = 'behind' and id in (
        select (select b.id from job b where b.subject = e.subject and b.state = 'behind' order by b.id limit 1)
        from ended e where e.subject is not null)
    returning id)
select (select count(*) from ended) as ended, (select count(*) from next) as next
"""
"""Ends jobs of one worker and moves up those behind them. What is not this worker's any more is left alone."""

NOTE = """
update job set done = coalesce($3, done), total = coalesce($4, total), memo = coalesce($5::jsonb, memo)
where id = $1 and worker = $2 and state = 'running' and not cancel
returning id
"""


async def enqueue(
    tx: Tx,
    kind: str,
    payload: Payload,
    *,
    run_at: datetime | None = None,
    key: str | None = None,
    subject: str | None = None,
    priority: int = 0,
) -> int:
    """Have a job done once `tx` is committed; nothing is kept if it is rolled back. Returns the job's number.

    kind      a handler of `yilian.app.JOBS`
    payload   JSON; ids rather than contents, since it is kept for days. A job on somebody's behalf carries `access.asker.of(scope)`
    run_at    aware; not before then. None: at once
    key       while a job of this kind and key waits, no second one is added: its number is returned. Another transaction that enqueues
              under the same key waits for this one to end
    subject   jobs of one subject run one at a time, in order; one that fails holds up those behind it until it is given up
    priority  higher goes first
    """
    run_in = max(run_at - tx.now, timedelta()) if run_at is not None else timedelta()
    return (await enqueue_many(tx, [NewJob(kind, payload, run_in, key, subject, priority)]))[0]


async def enqueue_many(tx: Tx, new: Sequence[NewJob]) -> list[int]:
    """Several at once, in one statement, in their order. Two of one kind and key must not be among them: ValueError."""
    if not new:
        return []
    keys = [(one.kind, one.key) for one in new if one.key is not None]
    if len(set(keys)) < len(keys):
        raise ValueError("Two jobs of one kind and key in one call; leave one out.")
    if any(len(name or "") > LONGEST_NAME for one in new for name in (one.key, one.subject)):
        raise ValueError(f"The key and the subject of a job have at most {LONGEST_NAME} characters.")
    rows = await tx.fetch(
        ENQUEUE,
        [one.kind for one in new],
        [msgspec.json.encode(dict(one.payload)).decode() for one in new],
        [one.subject for one in new],
        [one.key for one in new],
        [one.priority for one in new],
        [one.run_in for one in new],
    )
    behind = frozenset(row["subject"] for row in rows if row["state"] == "behind")
    if behind or any(row["state"] == "waiting" for row in rows):
        db = tx.db
        tx.after_commit.append(lambda: ring(db, behind))
    return [row["id"] for row in rows]


async def note(tx: Tx, job: Job, *, done: int | None = None, total: int | None = None, memo: Payload | None = None) -> None:
    """Say how far a job is and keep what its next attempt should know, in the handler's transaction. None leaves a value as it is.

    Raises Stopped when the job was cancelled or is not this worker's any more: whatever else `tx` wrote is then rolled back.
    """
    text = msgspec.json.encode(dict(memo)).decode() if memo is not None else None
    if await tx.fetchval(NOTE, job.id, job.worker, done, total, text) is None:
        raise Stopped(f"Job {job.id} is not this worker's any more.")


async def complete(tx: Tx, job: Job, result: Payload | None = None) -> None:
    """End a job together with what its handler wrote: then it is done exactly once, whatever is killed when. Raises Stopped as `note`."""
    text = msgspec.json.encode(dict(result)).decode() if result is not None else None
    row = await tx.fetchrow(END, job.worker, [job.id], ["done"], [text], [None])
    if row is None or not row["ended"]:
        raise Stopped(f"Job {job.id} is not this worker's any more.")
    if row["next"]:
        db = tx.db
        tx.after_commit.append(lambda: ring(db))


async def cancel(tx: Tx, id: int) -> bool:
    """Stop a job: one that waits is cancelled at once, one that runs is told to stop. False when it has ended, or is none."""
    row = await tx.fetchrow(
        """
        update job set cancel = true, state = case when state = 'running' then state else 'cancelled' end,
                       finished = case when state = 'running' then null else now() end
        where id = $1 and state in ('waiting', 'later', 'behind', 'running')
        returning state, subject
        """,
        id,
    )
    if row is None:
        return False
    subjects = frozenset((row["subject"],)) if row["subject"] is not None and row["state"] == "cancelled" else frozenset[str]()
    db = tx.db
    tx.after_commit.append(lambda: ring(db, subjects, cancelled=row["state"] == "running"))
    return True


async def retry(tx: Tx, id: int) -> bool:
    """Begin a job anew that failed or was cancelled, with all its attempts. False when it did not, or is none.

    asyncpg's UniqueViolationError becomes Conflict at the edge: another of the same key waits already.
    """
    row = await tx.fetchrow(
        """
        update job j set attempt = 0, cancel = false, finished = null, run_at = now(), state = case when j.subject is not null and exists (
                select from job e where e.subject = j.subject and e.state in ('waiting', 'later', 'behind', 'running'))
            then 'behind' else 'waiting' end
        where j.id = $1 and j.state in ('failed', 'cancelled')
        returning state, subject
        """,
        id,
    )
    if row is None:
        return False
    db, behind = tx.db, frozenset((row["subject"],)) if row["state"] == "behind" else frozenset[str]()
    tx.after_commit.append(lambda: ring(db, behind))
    return True


def text_of(value: dict[str, Any] | None) -> str | None:
    """JSON of a result, or None."""
    return msgspec.json.encode(value).decode() if value is not None else None
