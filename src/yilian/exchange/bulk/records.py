"""What is remembered of exports and imports between steps: one row each, one for each finished file. Only who asked may look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import msgspec

from yilian import jobs
from yilian.access.asker import asker_of
from yilian.errors import NotFound, TooManyRequests
from yilian.jobs import Job
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_AT_ONCE = 3
"""Exports and imports one account or application may have under way."""


@dataclass(frozen=True, slots=True)
class File:
    """A finished part. section: output | deleted | error; source: the address imported lines came from; updated, rid: the last version in
    it, where the next part of its type begins; last: whether there is none."""

    nth: int
    section: str
    type: str
    name: str
    count: int
    bytes: int
    source: str = ""
    updated: datetime | None = None
    rid: int | None = None
    last: bool = True


@dataclass(frozen=True, slots=True)
class Bulk:
    """One export or import. state: accepted | done | failed | cancelled; at: transactionTime; progress: (done, of total) of its job."""

    id: str
    kind: str
    job: int | None
    state: str
    owner: str
    asker: dict[str, Any]
    request: str
    ask: dict[str, Any]
    at: datetime | None
    created: datetime
    expires: datetime | None
    error: str
    done: int
    total: int | None
    running: bool


async def accept(tx: Tx, scope: Scope, kind: str, request: str, ask: dict[str, Any], *, id: str = "", job: bool = True) -> str:
    """Take one in, and enqueue the job that carries it out. Returns its id. TooManyRequests when the asker has enough under way."""
    if job:
        await tx.execute("select pg_advisory_xact_lock(hashtext('yilian bulk ' || $1))", scope.user)
        if await tx.fetchval("select count(*) from bulk where owner = $1 and state = 'accepted'", scope.user) >= MOST_AT_ONCE:
            raise TooManyRequests(
                f"You have {MOST_AT_ONCE} exports or imports under way; wait for one, or cancel it.",
                zh="您已有多个批量任务在进行,请等待完成或取消其中一个。",
                retry_after_s=60,
            )
    id = id or new_id()
    await tx.execute(
        "insert into bulk (id, kind, owner, asker, request, ask, created) values ($1, $2, $3, $4::text::jsonb, $5, $6::text::jsonb, $7)",
        id,
        kind,
        scope.user,
        _text(asker_of(scope)),
        request,
        _text(ask),
        tx.now,
    )
    if job:
        number = await jobs.enqueue(tx, f"bulk.{kind}", {"bulk": id})
        await tx.execute("update bulk set job = $2 where id = $1", id, number)
    return id


def new_id() -> str:
    """Not to be guessed; only letters, digits, - and _."""
    return token_urlsafe(18)


async def by_id(tx: Tx, id: str, *, owner: Scope | None = None) -> Bulk:
    """One of them. `owner`: who asks; NotFound when it is somebody else's, or was asked for through another application."""
    row = await tx.fetchrow(
        """
        select b.id, b.kind, b.job, b.state, b.owner, b.asker::text as asker, b.request, b.ask::text as ask, b.at, b.created, b.expires,
               coalesce(b.error, '') as error, coalesce(j.done, 0) as done, j.total, coalesce(j.state = 'running', false) as running,
               j.state as job_state, j.error as job_error
        from bulk b left join job j on j.id = b.job where b.id = $1
        """,
        id,
    )
    asker = msgspec.json.decode(row["asker"]) if row is not None else {}
    if row is None or row["state"] == "cancelled" or (owner is not None and not _same(asker, owner)):
        raise NotFound("There is no such export or import of yours; it may have been cancelled, or have expired.", zh="没有该批量任务。")
    state, error = row["state"], row["error"]
    if state == "accepted" and row["job"] is not None and row["job_state"] in ("failed", "cancelled"):
        state, error = "failed", _told(row["job_error"] or "", row["job"])
    return Bulk(
        row["id"],
        row["kind"],
        row["job"],
        state,
        row["owner"],
        asker,
        row["request"],
        msgspec.json.decode(row["ask"]),
        row["at"],
        row["created"],
        row["expires"],
        error,
        row["done"],
        row["total"],
        row["running"],
    )


def _told(error: str, job: int) -> str:
    """What whoever asked is told of an error: what was meant for them. SQL, paths and stored texts stay with the operator."""
    meant = error.removeprefix("GiveUp: ")
    return meant if meant != error else f"It was given up; the operator finds the reason at job {job}."


def _same(asker: dict[str, Any], owner: Scope) -> bool:
    """Whether this is who asked, seeing as far as then: the same account, application, institution and reach, and every type they read."""
    then = asker.get("reads")
    sees_all = owner.reads is None or (then is not None and owner.reads.issuperset(then))
    now = (owner.user, owner.client, owner.institution, owner.reach)
    return sees_all and now == tuple(asker.get(name) for name in ("user", "client", "institution", "reach"))


async def files(tx: Tx, id: str) -> list[File]:
    """The finished files in their order."""
    rows = await tx.fetch(
        "select nth, section, type, name, count, bytes, source, updated, rid, last from bulk_file where bulk = $1 order by nth", id
    )
    return [File(*row) for row in rows]


async def add_file(tx: Tx, id: str, file: File) -> None:
    await tx.execute(
        "insert into bulk_file (bulk, nth, section, type, name, count, bytes, source, updated, rid, last)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        file.nth,
        file.section,
        file.type,
        file.name,
        file.count,
        file.bytes,
        file.source,
        file.updated,
        file.rid,
        file.last,
    )


async def finish(tx: Tx, id: str, state: str, *, keep: timedelta, error: str = "", job: Job | None = None) -> None:
    """The end of it: files can be fetched for `keep`, then they are cleared away. Ends its job in the same transaction."""
    await tx.execute(
        "update bulk set state = $2, finished = $3, expires = $4, error = $5 where id = $1 and state = 'accepted'",
        id,
        state,
        tx.now,
        tx.now + keep,
        error or None,
    )
    if job is not None:
        await jobs.complete(tx, job)


async def cancel(tx: Tx, bulk: Bulk) -> None:
    """Stop it, or throw its files away: both are what DELETE asks for."""
    if bulk.job is not None:
        await jobs.cancel(tx, bulk.job)
    await tx.execute(
        "update bulk set state = 'cancelled', finished = coalesce(finished, $2), expires = $2 where id = $1 and state <> 'cancelled'",
        bulk.id,
        tx.now,
    )


async def expired(tx: Tx) -> list[str]:
    """Those whose time is over and whose job runs no more; their rows go, their files are for the caller to delete."""
    rows = await tx.fetch(
        """
        delete from bulk b where b.expires < $1
        and not exists (select from job j where j.id = b.job and j.state = 'running') returning b.id
        """,
        tx.now,
    )
    return [row["id"] for row in rows]


def _text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
