"""How the queue stands: for /metrics, for `yilian jobs`, and clearing away what ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from yilian.db import Tx

KEEP_DONE = timedelta(hours=1)
KEEP_RESULT = timedelta(days=3)
KEEP_FAILED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Count:
    """Jobs of one kind. waiting: those that wait for a worker, a time or an earlier one; oldest_s: how long the first has been due."""

    kind: str
    waiting: int
    running: int
    failed: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One job as an administrator sees it; times are aware. Payloads are not shown: they may say whom a job is about."""

    id: int
    kind: str
    state: str
    attempt: int
    run_at: datetime
    enqueued: datetime
    started: datetime | None
    finished: datetime | None
    done: int
    total: int | None
    cancel: bool
    error: str
    result: dict[str, Any] | None


_EACH = "select kind, state, count(*) as n, min(run_at) filter (where run_at <= now()) as first from job where {} group by kind, state"

COUNTS = f"""
select kind, coalesce(sum(n) filter (where state in ('waiting', 'later', 'behind')), 0)::int as waiting,
       coalesce(sum(n) filter (where state = 'running'), 0)::int as running,
       coalesce(sum(n) filter (where state = 'failed'), 0)::int as failed,
       coalesce(extract(epoch from now() - min(first) filter (where state = 'waiting')), 0)::float8 as oldest
from ({_EACH.format("state = 'waiting'")} union all {_EACH.format("state = 'later'")} union all {_EACH.format("state = 'running'")}
      union all {_EACH.format("state = 'failed'")} union all
      {_EACH.format("subject is not null and state in ('waiting', 'later', 'behind', 'running') and state = 'behind'")}) s
group by kind order by kind
"""
"""Each part from the index of its own: what is done, by far the most, is not looked at."""


async def counts(tx: Tx) -> list[Count]:
    """By kind; what is done is not counted."""
    rows = await tx.fetch(COUNTS)
    return [Count(row["kind"], row["waiting"], row["running"], row["failed"], row["oldest"]) for row in rows]


async def entry(tx: Tx, id: int) -> Entry | None:
    """One job; None when there is none, or it was cleared away."""
    rows = await _entries(tx, "id = $1", [id])
    return rows[0] if rows else None


async def latest(tx: Tx, *, failed: bool = False, most: int = 50) -> list[Entry]:
    """Those that have not ended, then those that ended, newest first; or only those that failed."""
    if failed:
        return await _entries(tx, "state = 'failed' order by finished desc limit $1", [most])
    live = await _entries(tx, "state in ('waiting', 'later', 'behind', 'running') order by state = 'running' desc, id limit $1", [most])
    ended = await _entries(tx, "state in ('done', 'failed', 'cancelled') order by finished desc limit $1", [most - len(live)])
    return live + ended


async def clear(tx: Tx) -> int:
    """Delete what was done an hour ago (with a result: three days ago), and what failed or was cancelled 90 days ago; how many."""
    text = await tx.execute(
        """
        delete from job where state in ('done', 'failed', 'cancelled')
        and finished < now() - case when state <> 'done' then $3::interval when result is null then $1::interval else $2::interval end
        """,
        KEEP_DONE,
        KEEP_RESULT,
        KEEP_FAILED,
    )
    return int(text.split()[-1])


async def _entries(tx: Tx, which: str, args: Sequence[Any]) -> list[Entry]:
    rows = await tx.fetch(
        "select id, kind, state, attempt, run_at, enqueued, started, finished, done, total, cancel, coalesce(error, '') as error,"
        f" result::text as result from job where {which}",
        *args,
    )
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    values: list[Any] = list(row)
    values[-1] = msgspec.json.decode(values[-1]) if values[-1] is not None else None
    return Entry(*values)
