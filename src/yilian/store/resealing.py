"""Everything that is sealed brought over to the keys of today, while everybody goes on reading, searching and writing.

One run at a time: after `data_keys.rotate`, and once on a database that is older than its keys. It goes so:

    due       the new keys are made known; nobody writes with them
    settling  every server has read them by now: they are written with; who may not know yet that they are is waited for
    running   resources in the order of their keys, in batches, with their older versions and their rows in the index of exact values;
              at the end of a pass the columns of `COLUMNS`. A pass that found something to do is followed by another
    done      the last pass found nothing: the old keys are retired

Each batch is a transaction that locks its resources against writers, and notes how far it came; whatever stops a run, it goes on after the
last batch. Meanwhile searches ask by every live key, and what is stored opens with whichever it names.

A writer who waits for a batch takes away the rows that stood in the index before it, not those the batch put in their place. The pass after
compares the index with what is stored, so none of these stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.errors import Unavailable, YilianError
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.sealing import keyring, personal
from yilian.sealing.keyring import open_column, opened
from yilian.sealing.personal import MARK
from yilian.search.extract import extract
from yilian.store import data_keys, dictionaries
from yilian.store.reindex import PATIENCE_MS, PAUSE_S, is_in_the_way
from yilian.writers import SENT_WITHIN_S

if TYPE_CHECKING:
    from yilian.db import Database, Tx

log = logging.getLogger("yilian.sealing")

JOB = "store.reseal"
BATCH = 200
BREATH = 20
"""Resources after which other requests of this process get a turn."""

Watch = Callable[["Tx", "Run"], Awaitable[None]]

_FIELDS = "id, plain, state, pass, last_rid, done, total, changed, requested, switched, finished"
OPEN = f"select {_FIELDS} from sealing_run where state <> 'done'"
TAKE = f"{OPEN} and id = $1 for no key update skip locked"
PASSED = """
select clock_timestamp() >= $1::timestamptz + $2::text::interval and not exists (
    select from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'yilian' and a.pid <> pg_backend_pid()
      and a.xact_start < $1::timestamptz + $2::text::interval)
"""
BATCH_OF = "select r.rid, r.type, r.deleted, r.body from resource r where r.rid > $1 order by r.rid limit $2 for no key update of r"
OLDER = "select h.rid, h.ver, h.type, h.body from history h where h.rid = any($1::bigint[]) and h.body <> ''"
INDEX = "select param, value, system, rid from index_identifier where rid = any($1::bigint[])"
GONE = """
delete from index_identifier t using unnest($1::smallint[], $2::text[], $3::integer[], $4::bigint[]) as w (param, value, system, rid)
where t.rid = w.rid and t.param = w.param and t.value = w.value and t.system is not distinct from w.system
"""
RESEAL = "update resource r set body = n.body from unnest($1::bigint[], $2::text[]) as n (rid, body) where r.rid = n.rid"
RESEAL_OLDER = """
update history h set body = n.body from unnest($1::bigint[], $2::integer[], $3::text[]) as n (rid, ver, body)
where h.rid = n.rid and h.ver = n.ver
"""
KEEP = """
update sealing_run set state = $2, pass = $3, last_rid = $4, done = $5, total = $6, changed = $7, switched = $8,
    finished = case when $2 = 'done' then clock_timestamp() end
where id = $1
"""

OF_RESOURCES = (("match_feature", "patient", "numbers", "bytea"),)
"""Columns that are sealed as a whole, in rows of resources: table, key (the resource's), column, type. They go with their resource."""
COLUMNS = (
    ("match_state", "only_one", "secret", "bytea"),
    ("signing_key", "kid", "private", "text"),
    ("card_key", "kid", "private", "text"),
    ("totp", "account", "secret", "bytea"),
    ("identity_provider", "id", "secret", "bytea"),
    ("message_address", "id", "address", "bytea"),
    ("message_reader", "id", "address", "bytea"),
    ("outside_window", "institution", "email", "bytea"),
    ("outside_window", "institution", "sms", "bytea"),
    ("outside_link", "id", "seed", "bytea"),
    ("message_secret", "message", "says", "bytea"),
)
"""The others: a handful of rows each, but for the secrets of authenticator apps and where messages go."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it stands; see the table `sealing_run`. `pass_` counts from 1; done, total, changed are of this pass."""

    id: int
    plain: bool
    state: str
    pass_: int
    last_rid: int
    done: int
    total: int | None
    changed: int
    requested: datetime
    switched: datetime | None
    finished: datetime | None


async def open_run(tx: Tx) -> Run | None:
    """What is still to be done."""
    row = await tx.fetchrow(OPEN)
    return Run(*row) if row is not None else None


async def rotate(tx: Tx, suite: str | None) -> int:
    """New keys, and a job that brings everything over to them; number of the run. Raises as `data_keys.rotate`."""
    run = await data_keys.rotate(tx, suite)
    await jobs.enqueue(tx, JOB, {}, key=JOB)
    return run


async def seal(tx: Tx) -> int:
    """A job that seals whatever is not sealed with the keys of today; number of the run."""
    run = await data_keys.seal(tx)
    await jobs.enqueue(tx, JOB, {}, key=JOB)
    return run


async def ensure(tx: Tx) -> None:
    """Have a run that is open carried on with."""
    if await open_run(tx) is not None:
        await jobs.enqueue(tx, JOB, {}, key=JOB)


async def work(db: Database, job: jobs.Job) -> None:
    """The handler of `JOB`. Whatever stops it, the next attempt goes on from the last batch."""

    async def watch(tx: Tx, run: Run) -> None:
        await jobs.note(tx, job, done=run.done, total=run.total)

    await carry_out(db, watch)


async def carry_out(db: Database, watch: Watch | None = None, *, batch: int = BATCH) -> None:
    """Work at the run that is open, if any, until it is done, or wait while another process does.

    `watch` is called in the transaction of each step; what it raises stops the work here, without the step. Raises Unavailable when the
    database is away or a key is missing.
    """
    size = batch
    while True:
        async with db.transaction() as tx:
            run = await open_run(tx)
        if run is None:
            return
        try:
            async with db.transaction() as tx:
                stepped = await _step(tx, run.id, size)
                if stepped is not None and watch is not None:
                    await watch(tx, stepped)
        except Unavailable as error:
            if not is_in_the_way(error):
                raise
            size, stepped = max(1, size // 4), None
        else:
            size = min(batch, size * 2)
        if stepped is None or stepped.state in ("due", "settling"):
            await asyncio.sleep(PAUSE_S)


async def _step(tx: Tx, id: int, size: int) -> Run | None:
    """One step, in `tx`; None when another process is at it, or nothing can be done yet."""
    row = await tx.fetchrow(TAKE, id)
    if row is None:
        return None
    run = Run(*row)
    if run.state == "due":
        return await _announced(tx, run)
    if run.state == "settling":
        if not await tx.fetchval(PASSED, run.switched, _seconds()):
            return None
        tx.db.ring.load(await tx.fetch(keyring.KEYS))
        total = await tx.fetchval("select count(*) from resource")
        return await _kept(tx, replace(run, state="running", total=total))
    await tx.execute(f"set local lock_timeout = {PATIENCE_MS}")
    rows = await tx.fetch(BATCH_OF, run.last_rid, size)
    changed = run.changed + await _batch(tx, rows, look_closely=run.pass_ > 1)
    run = replace(run, done=run.done + len(rows), changed=changed, last_rid=rows[-1]["rid"] if rows else run.last_rid)
    if len(rows) == size:
        return await _kept(tx, run)
    changed += await _columns(tx)
    if changed or run.pass_ == 1:
        return await _kept(tx, replace(run, pass_=run.pass_ + 1, last_rid=-1, done=0, changed=0))
    await data_keys.retire(tx)
    return await _kept(tx, replace(run, state="done"))


def _seconds() -> str:
    return f"{keyring.OLDEST_S + SENT_WITHIN_S + 0.5} seconds"


async def _announced(tx: Tx, run: Run) -> Run | None:
    """Once every server knows the keys that are coming, they are written with."""
    if not run.plain:
        if not await tx.fetchval("select clock_timestamp() >= $1::timestamptz + $2::text::interval", run.requested, _seconds()):
            return None
        await data_keys.switch(tx)
    return await _kept(tx, replace(run, state="settling", switched=await tx.fetchval("select clock_timestamp()")))


async def _kept(tx: Tx, run: Run) -> Run:
    await tx.execute(KEEP, run.id, run.state, run.pass_, run.last_rid, run.done, run.total, run.changed, run.switched)
    return run


async def _batch(tx: Tx, rows: Sequence[Any], *, look_closely: bool) -> int:
    """Bring these resources over, whose rows are locked; how many texts and how many resources' index rows were changed.

    `look_closely`: the index is compared with what is stored, also where all of it stands under the key of today.
    """
    if not rows:
        return 0
    rids = [row["rid"] for row in rows]
    ring = tx.db.ring
    current: list[tuple[int, str]] = []
    for number, row in enumerate(rows, 1):
        if not row["deleted"] and (text := _sealed_anew(tx, row["rid"], row["type"], row["body"])) is not None:
            current.append((row["rid"], text))
        if number % BREATH == 0:
            await asyncio.sleep(0)
    older = [
        (row["rid"], row["ver"], text)
        for row in await tx.fetch(OLDER, rids)
        if (text := _sealed_anew(tx, row["rid"], row["type"], row["body"])) is not None
    ]
    there: dict[int, set[tuple[int, str, int | None]]] = {}
    for param, value, system, rid in await tx.fetch(INDEX, rids):
        there.setdefault(rid, set()).add((param, value, system))
    wrong = 0
    gone: list[tuple[int, str, int | None, int]] = []
    fresh: list[tuple[int, str, int | None, int]] = []
    for row in rows:
        has = there.get(row["rid"], set())
        if not has or not (look_closely or any(not ring.is_current(value) for _, value, _ in has)):
            continue
        wanted = await _identifiers(tx, row)
        gone += [(*one, row["rid"]) for one in has - wanted]
        fresh += [(*one, row["rid"]) for one in wanted - has]
        wrong += has != wanted
    if current:
        await tx.execute(RESEAL, *_columns_of(current))
    if older:
        await tx.execute(RESEAL_OLDER, *_columns_of(older))
    if gone:
        await tx.execute(GONE, *_columns_of(gone))
    if fresh:
        await tx.copy("index_identifier", ("param", "value", "system", "rid"), fresh)
    beside = 0
    for table, key, column, kind in OF_RESOURCES:
        beside += await _column(tx, table, key, column, kind, rids)
    return len(current) + len(older) + wrong + beside


def _sealed_anew(tx: Tx, rid: int, kind: int, body: str) -> str | None:
    """The text under the key of today; None where it is that already."""
    name, ring = RESOURCE_TYPES[kind - 1], tx.db.ring
    if MARK in body:
        if not ring.outdated(body):
            return None
        plain = opened(rid, body)
    elif body and personal.may_hold(name, body):
        plain = body
    else:
        return None
    sealed = ring.seal_body(rid, name, parse(plain.encode()), plain)
    return sealed if sealed != body else None


async def _identifiers(tx: Tx, row: Any) -> set[tuple[int, str, int | None]]:
    """The rows the resource is to have in the index of exact values."""
    if row["deleted"]:
        return set()
    try:
        found = extract(parse(opened(row["rid"], row["body"]).encode()))
    except YilianError as error:
        kind = RESOURCE_TYPES[row["type"] - 1]
        log.error("A %s (key %d) cannot be indexed and is found by none of its identifiers: %s", kind, row["rid"], error)
        return set()
    systems = await dictionaries.namespaces(tx, {system for _, system, _ in found.identifiers if system is not None})
    blind = tx.db.ring.blind
    return {(param, blind(param, value), None if system is None else systems[system]) for param, system, value in found.identifiers}


def _columns_of(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _columns(tx: Tx) -> int:
    """Bring the columns that are sealed as a whole over; how many values were changed."""
    changed = 0
    for table, key, column, kind in COLUMNS:
        changed += await _column(tx, table, key, column, kind)
    return changed


async def _column(tx: Tx, table: str, key: str, column: str, kind: str, rids: Sequence[int] | None = None) -> int:
    ring, name = tx.db.ring, f"{table}.{column}"
    stored = f"convert_to({column}, 'UTF8')" if kind == "text" else column
    begin = MARK + ring.current_id()
    sql = f"select {key} as key, {stored} as value from {table} where substr({stored}, 1, octet_length($1::bytea)) <> $1"
    these = (f"{sql} and {key} = any($2::bigint[]) for update", rids) if rids is not None else (f"{sql} for update",)
    changed: list[tuple[Any, Any]] = []
    for row in await tx.fetch(these[0], begin.encode(), *these[1:]):
        plain = _plain(tx, name, row["key"], bytes(row["value"]))
        sealed = ring.seal_column(name, row["key"], plain)
        changed.append((row["key"], sealed.decode() if kind == "text" else sealed))
        if len(changed) % BREATH == 0:
            await asyncio.sleep(0)
    if changed:
        await tx.executemany(f"update {table} set {column} = $2 where {key} = $1", changed)
    return len(changed)


def _plain(tx: Tx, name: str, key: Any, stored: bytes) -> bytes:
    if name == "totp.secret" and stored[:1] == b"\x01":  # by the master key itself, see yilian.access.factors.sealing
        return tx.db.ring.master.opens_older(stored, key)
    return open_column(name, key, stored)


async def counts(tx: Tx) -> dict[str, int]:
    """How many values stand under each key (by id), and under "" resources and columns that hold something unsealed."""
    found: dict[str, int] = {}
    ids = [one.id for one in await data_keys.listed(tx)]
    for id in ids:
        found[id] = await tx.fetchval(
            "select (select count(*) from resource where strpos(body, $1) > 0) + (select count(*) from history where strpos(body, $1) > 0)"
            " + (select count(*) from index_identifier where starts_with(value, $2))",
            MARK + id,
            id + ".",
        )
        for table, _, column, kind in (*OF_RESOURCES, *COLUMNS):
            stored = f"convert_to({column}, 'UTF8')" if kind == "text" else column
            found[id] += await tx.fetchval(f"select count(*) from {table} where position($1::bytea in {stored}) = 1", (MARK + id).encode())
    found[""] = await tx.fetchval("select count(*) from index_identifier where split_part(value, '.', 1) <> all($1::text[])", ids)
    for table, _, column, kind in (*OF_RESOURCES, *COLUMNS):
        stored = f"convert_to({column}, 'UTF8')" if kind == "text" else column
        found[""] += await tx.fetchval(f"select count(*) from {table} where position($1::bytea in {stored}) <> 1", MARK.encode())
    types = [type_id(name) for name in personal.TYPES]
    for table in ("resource", "history"):
        sql = f"select rid, type, body from {table} where type = any($1::smallint[]) and strpos(body, $2) = 0 and body <> ''"
        async for row in tx.connection.cursor(sql, types, MARK, prefetch=500):
            found[""] += bool(personal.spans(RESOURCE_TYPES[row["type"] - 1], parse(row["body"].encode()), row["body"]))
    return found
