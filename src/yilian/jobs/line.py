"""The worker's own connection: taking jobs, keeping the lease, ending them. Every time here is the database's.

One connection beside the pool, so that a lease is kept also when every connection of the pool is in use. It is opened anew when it breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from yilian.jobs.bell import CHANNEL, MOVE_UP
from yilian.jobs.job import Job, Kind, Periodic
from yilian.jobs.queue import END

CONNECT_S = 5
LONGEST_LEASE = timedelta(minutes=5)
STATEMENT_S = 20

TAKE = """
with found as (
    select j.id from job j
    where j.state = 'waiting' and j.kind = any($2::text[])
      and (j.subject is null or not exists (
          select from job e where e.subject = j.subject and e.id <> j.id
          and (e.state = 'running' or (e.state in ('waiting', 'later') and e.id < j.id))))
    order by j.priority desc, j.id limit $3
    for update skip locked)
update job j set state = 'running', worker = $1, attempt = j.attempt + 1, started = now(), lease = now() + $4::interval, error = null
from found where j.id = found.id
returning j.id, j.kind, j.payload::text, j.subject, j.attempt, j.memo::text
"""
"""Two of one subject cannot be taken by two workers at one moment: `job_one_of_a_subject` refuses the second, who looks again."""

KEEP = "update job set lease = now() + $2::interval where worker = $1 and state = 'running' returning id, cancel"

OTHER = (
    """exists (select from job o where o.kind = j.kind and o.key = j.key and o.id <> j.id and o.state in ('waiting', 'later', 'behind'))"""
)
"""Another of the same key waits already: it will do what this one would have done again."""

AGAIN = f"""
update job j set worker = null, lease = null, run_at = now() + $4::interval, attempt = j.attempt - $5,
    error = case when {OTHER} then 'Another job of the same key waits.' else $3 end,
    state = case when j.cancel or {OTHER} then 'cancelled' when $4::interval > interval '0' then 'later' else 'waiting' end,
    finished = case when j.cancel or {OTHER} then now() end
where j.id = $2 and j.worker = $1 and j.state = 'running'
returning j.state, j.subject
"""

TOO_FAR = "update job set lease = now() + $1::interval where state = 'running' and lease > now() + $2::interval"
"""The database's clock was set back: what a lost worker held would be its own until the clock has caught up. Who lives prolongs it soon."""

LEFT = f"""
with dead as (
    select j.id, j.kind, j.key, j.attempt >= k.attempts as over from job j
    join unnest($1::text[], $2::integer[]) as k (kind, attempts) on k.kind = j.kind
    where j.state = 'running' and j.lease < now()
    for update of j skip locked),
each as (
    select id, over, key is not null and row_number() over (partition by kind, key order by id) > 1 as again from dead)
update job j set worker = null, lease = null, error = 'The worker that ran it was lost.',
    state = case when j.cancel or each.again or {OTHER} then 'cancelled' when each.over then 'failed' else 'waiting' end,
    finished = case when j.cancel or each.again or each.over or {OTHER} then now() end
from each where j.id = each.id
returning j.id, j.state, j.subject
"""

DUE = "update job set state = 'waiting' where state = 'later' and run_at <= coalesce($1, now())"

NEXT_DUE = "select extract(epoch from min(run_at) - now())::float8 from job where state = 'later'"

STRANDED = """
with recursive line (subject) as (
    (select subject from job where subject is not null and state in ('waiting', 'later', 'behind', 'running') order by subject limit 1)
    union all
    select (select j.subject from job j where j.subject > line.subject and j.state in ('waiting', 'later', 'behind', 'running')
            order by j.subject limit 1)
    from line where line.subject is not null)
select subject from line l where subject is not null
  and not exists (select from job h where h.subject = l.subject and h.state in ('waiting', 'later', 'running'))
limit 1000
"""
"""Lines whose first was gone at the very moment somebody joined."""

SCHEDULE = """
with known as (
    insert into job_schedule (name, next_at) select name, coalesce($5, now()) from unnest($1::text[]) as n (name)
    on conflict (name) do nothing returning name),
due as (
    update job_schedule s set next_at = coalesce($5, now()) + p.every
    from unnest($1::text[], $4::interval[]) as p (name, every)
    where s.name = p.name and (s.next_at <= coalesce($5, now()) or s.next_at > coalesce($5, now()) + p.every) returning s.name)
insert into job (kind, payload, key, state, run_at)
select n.kind, n.payload::jsonb, 'every ' || n.name, 'waiting', now()
from unnest($1::text[], $2::text[], $3::text[]) as n (name, kind, payload) join due using (name)
on conflict (kind, key) where key is not null and state in ('waiting', 'later', 'behind') do nothing
"""
"""What has never run is only entered; it is due from the next look on. What is due later than an interval from now was entered before the
clock was set back."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. state: done | failed | cancelled."""

    id: int
    state: str
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """To be begun again after `pause`. back: 1 when this attempt shall not count."""

    id: int
    error: str | None
    pause: timedelta
    back: int = 0


class Line:
    """`worker` is the name under which jobs are held, unlike any other. `rung(word)` is called for every bell of another process."""

    def __init__(self, dsn: str, worker: str, rung: Callable[[str], None]) -> None:
        self.dsn = dsn
        self.worker = worker
        self.rung = rung
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def connection(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            connection = await asyncpg.connect(
                self.dsn,
                timeout=CONNECT_S,
                command_timeout=STATEMENT_S,
                server_settings={"application_name": "yilian jobs", "timezone": "UTC", "jit": "off"},
            )
            await connection.add_listener(CHANNEL, self._heard)
            self._connection = connection
        return self._connection

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        self.rung(str(payload))

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=2)

    async def take(self, kinds: Sequence[str], most: int, lease: timedelta) -> list[Job]:
        """Up to `most` jobs, which are ours until the lease is over."""
        connection = await self.connection()
        rows: list[asyncpg.Record] = []
        for _ in range(3):
            with suppress(asyncpg.UniqueViolationError):
                rows = await connection.fetch(TAKE, self.worker, list(kinds), most, lease)
                break
        jobs = [
            Job(
                row["id"],
                row["kind"],
                msgspec.json.decode(row["payload"]),
                row["subject"],
                row["attempt"],
                msgspec.json.decode(row["memo"]) if row["memo"] is not None else {},
                self.worker,
            )
            for row in rows
        ]
        return sorted(jobs, key=lambda job: job.id)

    async def keep(self, lease: timedelta) -> dict[int, bool]:
        """Prolong the lease of all we hold: id → whether it was asked to stop. What is missing is not ours any more."""
        connection = await self.connection()
        return {row["id"]: row["cancel"] for row in await connection.fetch(KEEP, self.worker, lease)}

    async def end(self, ended: Sequence[Ended]) -> bool:
        """Write how attempts ended. True when that let others move up."""
        connection = await self.connection()
        columns: list[list[Any]] = [[getattr(one, name) for one in ended] for name in ("id", "state", "result", "error")]
        row = await connection.fetchrow(END, self.worker, *columns)
        return row is not None and row["next"] > 0

    async def again(self, one: Again) -> None:
        """Put a job back, to be begun anew after its pause."""
        connection = await self.connection()
        row = await connection.fetchrow(AGAIN, self.worker, one.id, one.error, one.pause, one.back)
        if row is not None and row["state"] == "cancelled" and row["subject"] is not None:
            await connection.execute(MOVE_UP, [row["subject"]])

    async def look_after(
        self, kinds: Mapping[str, Kind], periodic: Sequence[Periodic], lease: timedelta, now: datetime | None
    ) -> list[int]:
        """What any worker does for all, every few seconds: take from dead workers, let what is due begin, mend lines, keep the schedule.

        `now` stands in for the database's clock where jobs wait for a time. Returns the jobs that were given up because worker after
        worker was lost.
        """
        connection = await self.connection()
        await connection.execute(TOO_FAR, lease, max(lease, LONGEST_LEASE))
        left = await connection.fetch(LEFT, list(kinds), [kind.attempts for kind in kinds.values()])
        await connection.execute(DUE, now)
        stranded = {row["subject"] for row in await connection.fetch(STRANDED)}
        stranded |= {row["subject"] for row in left if row["subject"] is not None and row["state"] != "waiting"}
        if stranded:
            await connection.execute(MOVE_UP, sorted(stranded))
        ours = [one for one in periodic if one.kind in kinds]
        if ours:
            await connection.execute(
                SCHEDULE,
                [one.name for one in ours],
                [one.kind for one in ours],
                [msgspec.json.encode(dict(one.payload)).decode() for one in ours],
                [one.every for one in ours],
                now,
            )
        return [row["id"] for row in left if row["state"] == "failed"]

    async def due(self, now: datetime | None) -> float | None:
        """Let what is due begin; seconds until the next becomes due, None when nothing waits for its time."""
        connection = await self.connection()
        await connection.execute(DUE, now)
        seconds: float | None = await connection.fetchval(NEXT_DUE)
        return seconds
