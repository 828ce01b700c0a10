"""The rows of one write put into the tables: a few in one statement, many by COPY.

A statement is put together from the parts below, one for each table that gets rows; its text depends on the tables alone, never on the
data, so each combination is prepared once for each connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from yilian.store.index_rows import TABLES, Row, Rows, Table

if TYPE_CHECKING:
    from yilian.db import Tx

FEW = 12
"""Up to this many resources go in one statement; from there on COPY is quicker."""

RESOURCE = Table(
    "resource",
    (
        ("rid", "bigint"),
        ("type", "smallint"),
        ("id", "text"),
        ("ver", "integer"),
        ("updated", "timestamptz"),
        ("method", "text"),
        ("deleted", "boolean"),
        ("shared", "boolean"),
        ("patient", "bigint"),
        ("confined", "bigint"),
        ("body", "text"),
    ),
)

RENEWED = Table("renewed", tuple(column for column in RESOURCE.columns if column[0] not in ("type", "id", "shared")))
"""What a new version of a resource changes in its row."""

_NAMES = ", ".join(RESOURCE.column_names)

HISTORY = (
    f"insert into history ({_NAMES}) select {', '.join('r.' + name for name in RESOURCE.column_names)} from resource r join n using (rid)"
)

RENEW = (
    "update resource r set ver = n.ver, updated = n.updated, method = n.method, deleted = n.deleted, patient = n.patient,"
    " confined = n.confined, body = n.body from n where r.rid = n.rid"
)

ON_CONFLICT = {
    "index_clinical": " on conflict (rid, nth) do update set type = excluded.type, patient = excluded.patient, code = excluded.code,"
    " lo = excluded.lo, hi = excluded.hi"
}
"""The nth coding of a resource may be replaced: within one statement that cannot be a deletion and an insertion."""


HELD = (
    "held as (select 1 / (count(*) = cardinality($1::bigint[]))::integer as fine"
    " from (select from resource where rid = any($1::bigint[]) and not deleted order by rid for key share) there)"
)
"""Locks what was looked up without a lock, and ends the statement (a division by zero, see `db.py`) where some of it is gone."""

NULLABLE = frozenset({"system", "exact", "written", "other_amount", "other_value"})
"""Columns of index tables that may be null."""


@dataclass(slots=True)
class Work:
    """Everything one write puts into the tables.

    new        rows of `resource`, in its columns
    renewed    rows of RENEWED for resources that get a new version; the version before goes into `history`
    removed, added   index rows
    forgotten  rids of which every index row goes (deletions)
    held       rids of what the rows point to, where they were looked up without a lock: locked and checked in the same statement
    """

    new: list[Row] = field(default_factory=list)
    renewed: list[Row] = field(default_factory=list)
    removed: Rows = field(default_factory=dict)
    added: Rows = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        for name, some in rows.items():
            self.added.setdefault(name, []).extend(some)

    def remove(self, rows: Rows) -> None:
        for name, some in rows.items():
            self.removed.setdefault(name, []).extend(some)


async def put(tx: Tx, work: Work) -> None:
    """Carry out `work` in `tx`. The rows of `renewed` must be locked by now. NoRoom when the disk is nearly full."""
    if tx.db.disk is not None:
        tx.db.disk.require()
    if "index_clinical" in work.removed:
        replaced = {row[:2] for row in work.added.get("index_clinical", ())}
        work.removed["index_clinical"] = [row for row in work.removed["index_clinical"] if row[:2] not in replaced]
    if len(work.new) + len(work.renewed) + len(work.forgotten) <= FEW:
        await _at_once(tx, work)
    else:
        await _one_by_one(tx, work)


def _parts(work: Work) -> list[tuple[str, str, Sequence[Row]]]:
    """(what to do, table, rows) of everything there is to do."""
    parts: list[tuple[str, str, Sequence[Row]]] = []
    if work.new:
        parts.append(("insert", "resource", work.new))
    if work.renewed:
        parts.append(("renew", "renewed", work.renewed))
    if work.forgotten:
        parts.append(("forget", "", [(rid,) for rid in work.forgotten]))
    parts += [("delete", name, rows) for name, rows in work.removed.items() if rows]
    parts += [("insert", name, rows) for name, rows in work.added.items() if rows]
    return parts


async def _at_once(tx: Tx, work: Work) -> None:
    parts = sorted(_parts(work), key=lambda part: part[:2])
    if not parts:
        return
    arguments: list[Any] = []
    shape: list[tuple[str, str, bool]] = []
    if work.held:
        shape.append(("hold", "", False))
        arguments.append(work.held)
    for verb, name, rows in parts:
        single = len(rows) == 1
        shape.append((verb, name, single))
        if single:
            arguments.extend(rows[0])
        else:
            arguments.extend(list(column) for column in zip(*rows, strict=True))
    await tx.later("rows", _clauses(tuple(shape)), arguments)


async def _one_by_one(tx: Tx, work: Work) -> None:
    work.new.sort(key=_by_type_and_id)
    renewed = {row[0] for row in work.renewed}
    for verb, name, rows in _parts(work):
        if verb == "insert" and not (name in ON_CONFLICT and renewed):
            await tx.copy(name, (RESOURCE if name == "resource" else TABLES[name]).column_names, rows)
        else:
            await tx.fetch(_statement((verb, name, False)), *(list(column) for column in zip(*rows, strict=True)))


def _by_type_and_id(row: Row) -> tuple[int, str]:
    """Two writers who bring the same new resources then wait for each other instead of deadlocking."""
    return row[1], row[2]


def _statement(part: tuple[str, str, bool]) -> str:
    return f"with {_clauses((part,))} select"


@cache
def _clauses(parts: tuple[tuple[str, str, bool], ...]) -> str:
    """Clauses of one WITH that do all the parts, (what to do, table, whether it is a single row). Each sees the tables as they were before.

    A single row comes as values, several as one array a column: arrays take the driver and the database several times as long.
    """
    clauses: list[str] = []
    first = 1
    holding = parts[0][0] == "hold"
    for verb, name, single in parts:
        if verb == "hold":
            clauses.append(HELD)
            first = 2
            continue
        table = {"resource": RESOURCE, "renewed": RENEWED}.get(name) or TABLES.get(name) or Table("", (("rid", "bigint"),))
        columns = ", ".join(table.column_names)
        places = [f"${first + n}::{kind}{'' if single else '[]'}" for n, (_, kind) in enumerate(table.columns)]
        rows = f"values ({', '.join(places)})" if single else f"select * from unnest({', '.join(places)})"
        source = f"({rows})"
        first += len(table.columns)
        if verb == "insert":
            if holding and name == "resource":
                rows = f"select * from {source} w where (select fine from held) = 1"
            clauses.append(f"{name}_in as (insert into {name} ({columns}) {rows}{ON_CONFLICT.get(name, '')})")
        elif verb == "delete":
            same = " and ".join(
                f"t.{column} {'is not distinct from' if column in NULLABLE else '='} w.{column}" for column in table.column_names
            )
            clauses.append(f"{name}_out as (delete from {name} t using {source} as w ({columns}) where {same})")
        elif verb == "renew":
            clauses += [f"n as (select * from {source} as w ({columns}))", f"older as ({HISTORY})", f"newer as ({RENEW})"]
        else:
            clauses.append(f"gone as (select * from {source} as w (rid))")
            clauses += [f"{each}_gone as (delete from {each} where rid in (select rid from gone))" for each in TABLES]
    return ", ".join(clauses)
