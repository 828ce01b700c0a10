"""Index rows of stored resources made anew, while everybody goes on reading and writing.

A run goes through the resources of some types (or all) in the order of their keys, in batches. Each batch is a transaction of its own: it
locks the resources against writers, works out their rows from the stored text, compares them with the rows there are, writes the difference
and notes how far it came. So

- a writer is never undone: whoever comes first is waited for, and rows are worked out from the text as it is then;
- a run that is stopped, by whatever, goes on after the last batch that was committed, in any process; two processes at one run take turns;
- a run that finds nothing to change writes nothing but its own progress.

Waiting works one way only. Writers wait for a batch, some tenths of a second at most; a batch that has to wait longer than `PATIENCE_MS`,
for a writer who might wait for it in turn, lets go of everything and comes again with fewer resources. No writer is told of a deadlock.

`withheld` names what nobody is answered by until the run is done (see `search.parameters`): a half full index would give wrong answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.errors import Conflict, Unavailable, YilianError
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened
from yilian.search.extract import extract
from yilian.search.rows import IndexRows, Token
from yilian.store import dictionaries, integrity, marking
from yilian.store.index_rows import TABLES, Rows, difference, rows_of
from yilian.store.rows import Work, put

if TYPE_CHECKING:
    from yilian.db import Database, Tx

log = logging.getLogger("yilian.reindex")

JOB = "store.reindex"
BATCH = 200
BREATH = 20
"""Resources after which other requests of this process get a turn."""
PATIENCE_MS = 300
"""Less than PostgreSQL's deadlock_timeout, so that of two who wait for each other it is us who give way."""
PAUSE_S = 0.3
SETTLING_S = 1.5
"""More than a server process may lag behind what is defined (`custom_parameters.EVERY_S`), and what it then made behind that
(`writers.SENT_WITHIN_S`)."""

SETTLED = """
select clock_timestamp() >= $1::timestamptz + $2::text::interval and not exists (
    select from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'yilian' and a.pid <> pg_backend_pid()
      and a.xact_start < $1::timestamptz + $2::text::interval)
"""

Watch = Callable[["Tx", "Run"], Awaitable[None]]

COLUMNS = "id, types, withheld, why, state, last_rid, done, changed, failed, total, requested, started, finished"

TAKE = f"select {COLUMNS} from reindex_run where id = $1 and state in ('due', 'running') for no key update skip locked"

BEGIN = """
update reindex_run set state = 'running', started = $2,
    total = (select count(*) from resource r where not r.deleted and ($3::smallint[] is null or r.type = any($3)))
where id = $1 returning total
"""

BATCH_OF = """
select r.rid, r.type, r.body from resource r
where r.rid > $1 and not r.deleted and ($2::smallint[] is null or r.type = any($2))
order by r.rid limit $3
for no key update of r
"""

KEEP = """
update reindex_run set last_rid = $2, done = done + $3, changed = changed + $4, failed = failed + $5,
    state = case when $6 then 'done' else state end, finished = case when $6 then $7::timestamptz end
where id = $1
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it stands.

    types     resource types it goes through; None: all
    withheld  what nobody may search by until it is done: types of parameters ("quantity")
    state     due, running, done, cancelled
    done, changed, failed   resources looked at; of them those whose rows were not right; those whose text cannot be indexed
    total     resources there were when it began; None before
    """

    id: int
    types: tuple[str, ...] | None
    withheld: tuple[str, ...]
    why: str
    state: str
    last_rid: int
    done: int
    changed: int
    failed: int
    total: int | None
    requested: datetime
    started: datetime | None
    finished: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in ("due", "running")

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        if not self.is_open:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def type_ids(self) -> list[int] | None:
        return None if self.types is None else [type_id(name) for name in self.types]


async def request(tx: Tx, types: Sequence[str] | None, why: str, *, withheld: Sequence[str] = (), settles: bool = False) -> int:
    """Have these types (None: all) reindexed once `tx` is committed, in the background; returns the number of the run.

    `settles`: it begins only when no transaction is open any more that may not know of what `tx` defines (see `custom_parameters`).
    Raises NotSupported for a name that is no type.
    """
    for name in types or ():
        type_id(name)
    sql = "insert into reindex_run (types, why, withheld, settles, requested) values ($1, $2, $3, $4, $5) returning id"
    run = await tx.fetchval(sql, None if types is None else list(types), why, list(withheld), settles, tx.now)
    await jobs.enqueue(tx, JOB, {}, key=JOB)
    return int(run)


async def run_of(tx: Tx, id: int) -> Run | None:
    """How a run stands; None for a number that is none."""
    row = await tx.fetchrow(f"select {COLUMNS} from reindex_run where id = $1", id)
    return _run(row) if row is not None else None


async def open_runs(tx: Tx) -> list[Run]:
    """What is still to be done, oldest first."""
    return [_run(row) for row in await tx.fetch(f"select {COLUMNS} from reindex_run where state in ('due', 'running') order by id")]


async def cancel(tx: Tx, id: int) -> bool:
    """Stop a run for good, in `tx`; the rows it made stay. False when it has ended, or is none.

    Raises Conflict for one that something is withheld for: stopped half-way it would be withheld for ever.
    """
    run = await run_of(tx, id)
    if run is None or not run.is_open:
        return False
    if run.withheld:
        raise Conflict(
            f"Run {id} fills an index that is not searched until it is full ({', '.join(run.withheld)}); it can only be let finish."
        )
    await tx.fetchrow("select from reindex_run where id = $1 for update", id)
    sql = "update reindex_run set state = 'cancelled', finished = $2 where id = $1 and state in ('due', 'running') returning id"
    return await tx.fetchval(sql, id, tx.now) is not None


async def carry_out_due(db: Database, watch: Watch | None = None) -> list[Run]:
    """Everything that is due, one run after the other; returns them as they ended."""
    ended: list[Run] = []
    while True:
        async with db.transaction() as tx:
            found = await open_runs(tx)
        if not found:
            return ended
        ended.append(await carry_out(db, found[0].id, watch))


async def work(db: Database, job: jobs.Job) -> None:
    """The handler of `JOB`: everything that is due. Whatever stops it, the next attempt goes on from the last batch."""

    async def watch(tx: Tx, run: Run) -> None:
        await jobs.note(tx, job, done=run.done, total=run.total)

    await carry_out_due(db, watch)


async def carry_out(db: Database, id: int, watch: Watch | None = None, *, batch: int = BATCH) -> Run:
    """Work at a run until it is done or cancelled, or wait while another process does; returns it as it ended.

    `watch` is called in the transaction of each batch; what it raises stops the work here, without the batch. Raises Unavailable when the
    database is away, KeyError for a number that is none.
    """
    size = batch
    while True:
        try:
            async with db.transaction() as tx:
                run = await _step(tx, id, size)
                if run is not None and watch is not None:
                    await watch(tx, run)
        except Unavailable as error:
            if not is_in_the_way(error):
                raise
            size = max(1, size // 4)
            await asyncio.sleep(PAUSE_S)
            continue
        if run is None:  # another process is at it, or it has ended
            async with db.transaction() as tx:
                run = await run_of(tx, id)
            if run is None:
                raise KeyError(id)
            if run.is_open:
                await asyncio.sleep(PAUSE_S)
        else:
            size = min(batch, size * 2)
        if not run.is_open:
            return run


def is_in_the_way(error: Unavailable) -> bool:
    """Whether it was another writer's lock, and not that the database is away."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in ("LockNotAvailableError", "DeadlockDetectedError", "SerializationError"):
            return True
        cause = cause.__cause__
    return False


async def _step(tx: Tx, id: int, size: int) -> Run | None:
    """One batch, in `tx`; None when the run is not to be had."""
    row = await tx.fetchrow(TAKE, id)
    if row is None:
        return None
    run = _run(row)
    if run.state == "due":
        if not await _is_settled(tx, id):
            return None
        run = replace(run, state="running", started=tx.now, total=await tx.fetchval(BEGIN, id, tx.now, run.type_ids))
    await tx.execute(f"set local lock_timeout = {PATIENCE_MS}")
    rows = await tx.fetch(BATCH_OF, run.last_rid, run.type_ids, size)
    changed, failed = await _renew(tx, [(row[0], row[1], opened(row[0], row[2])) for row in rows])
    ended = len(rows) < size
    await marking.mark(tx, run.last_rid, None if ended else rows[-1][0], run.type_ids)
    last = rows[-1][0] if rows else run.last_rid
    await tx.execute(KEEP, id, last, len(rows), changed, failed, ended, tx.now)
    return replace(
        run,
        last_rid=last,
        done=run.done + len(rows),
        changed=run.changed + changed,
        failed=run.failed + failed,
        state="done" if ended else "running",
        finished=tx.now if ended else None,
    )


async def _is_settled(tx: Tx, id: int) -> bool:
    """Whether all who may not know yet of what made the run necessary have ended; notes when it was first looked at."""
    row = await tx.fetchrow("select settles, seen from reindex_run where id = $1", id)
    if row is None or not row["settles"]:
        return True
    if row["seen"] is None:
        await tx.execute("update reindex_run set seen = clock_timestamp() where id = $1", id)
        return False
    return bool(await tx.fetchval(SETTLED, row["seen"], f"{SETTLING_S} seconds"))


async def _renew(tx: Tx, resources: Sequence[tuple[int, int, str]]) -> tuple[int, int]:
    """Put the index rows of these (rid, type, text) right, whose rows are locked; returns how many were not, and how many cannot be."""
    taken: list[tuple[int, int, IndexRows, set[tuple[str, str]]]] = []
    failed = 0
    for number, (rid, kind, body) in enumerate(resources, 1):
        resource = parse(body.encode())
        try:
            taken.append((rid, kind, extract(resource), integrity.pointed_to(resource)))
        except YilianError as error:
            log.warning("%s/%s cannot be indexed and keeps the rows it has: %s", RESOURCE_TYPES[kind - 1], resource.get("id"), error)
            failed += 1
        if number % BREATH == 0:
            await asyncio.sleep(0)
    keys = await integrity.keys_of(tx, set().union(*(pointing for *_, pointing in taken)))
    namespaces = await _spelled_out(tx, [found for _, _, found, _ in taken])
    there = await rows_there(tx, [rid for rid, *_ in taken])
    work, changed = Work(), 0
    for rid, kind, found, pointing in taken:
        known = {key: keys[key] for key in pointing if key in keys}
        removed, added = difference(there.get(rid, {}), rows_of(found, rid, kind, known, namespaces, tx.db.ring.blind))
        changed += bool(removed or added)
        work.remove(removed)
        work.add(added)
    await put(tx, work)
    return changed, failed


async def _spelled_out(tx: Tx, every: Sequence[IndexRows]) -> dict[str, int]:
    """The identifier systems of these rows by number; every token's hash stands in `concept` afterwards."""
    tokens: set[Token] = set()
    systems: set[str] = set()
    for found in every:
        systems.update(system for _, system, _ in found.identifiers if system is not None)
        tokens.update(found.words())
    numbers = await dictionaries.namespaces(tx, systems)
    await dictionaries.spell_out(tx, tokens)
    return numbers


async def rows_there(tx: Tx, rids: list[int]) -> dict[int, Rows]:
    """The index rows the database has now: rid → table → rows."""
    found: dict[int, Rows] = {}
    for name, table in TABLES.items():
        columns = table.column_names
        place = columns.index("rid")
        for row in await tx.fetch(f"select {', '.join(columns)} from {name} where rid = any($1::bigint[])", rids):
            found.setdefault(row[place], {}).setdefault(name, []).append(tuple(map(_aware, row)))
    return found


def _aware(value: Any) -> Any:
    """Infinity comes from the driver without a zone."""
    return value.replace(tzinfo=UTC) if type(value) is datetime and value.tzinfo is None else value


def _run(row: Any) -> Run:
    values = dict(row)
    types = values.pop("types")
    return Run(types=None if types is None else tuple(types), withheld=tuple(values.pop("withheld")), **values)
