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
from yilian.store.scope import readable_by
from yilian.writers import Clauses, Part

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
        ("origin", "bigint"),
        ("sensitive", "smallint"),
        ("body", "text"),
    ),
)

MARKED = Table("", (("rid", "bigint"), ("sensitive", "smallint")))
"""Resources that have become more sensitive: their older versions are from now on as well."""

FORGOTTEN = Table("", (("rid", "bigint"),))

RENEWED = Table("renewed", tuple(column for column in RESOURCE.columns if column[0] not in ("type", "id", "shared", "origin")))
"""What a new version of a resource changes in its row."""

_NAMES = ", ".join(RESOURCE.column_names)

BEFORE = "r.ver = n.ver - 1"
"""The row is the version the new one was made from."""

_OLDER = ", ".join("n.sensitive" if name == "sensitive" else f"stood.{name}" for name in RESOURCE.column_names)
HISTORY = f"insert into history ({_NAMES}) select {_OLDER} from stood join n using (rid)"
MARK = "update history h set sensitive = m.sensitive from m where h.rid = m.rid and h.sensitive <> m.sensitive"

RENEW = (
    "update resource r set ver = n.ver, updated = n.updated, method = n.method, deleted = n.deleted, patient = n.patient,"
    f" confined = n.confined, sensitive = n.sensitive, body = n.body from n where r.rid = n.rid and {BEFORE}"
)

ON_CONFLICT = {
    "index_clinical": " on conflict (rid, nth) do update set type = excluded.type, patient = excluded.patient, code = excluded.code,"
    " lo = excluded.lo, hi = excluded.hi"
}
"""The nth coding of a resource may be replaced: within one statement that cannot be a deletion and an insertion."""


HELD = (("rid", "bigint"), ("everything", "boolean"), ("here", "bigint"), ("own", "bigint"))
"""What a row points to, and for whom it was looked up (`Scope.sees`)."""

_TABLES = {"hold": Table("", HELD), "renew": RENEWED, "forget": FORGOTTEN, "mark": MARKED}
"""What the rows of a part are, where that is no table of its own."""

NULLABLE = frozenset({"system", "exact", "written", "other_amount", "other_value"})
"""Columns of index tables that may be null."""


@dataclass(slots=True)
class Work(Part):
    """Everything one write puts into the tables.

    new        rows of `resource`, in its columns
    renewed    rows of RENEWED for resources that get a new version; the version before goes into `history`
    removed, added   index rows
    marked     rows of MARKED
    forgotten  rids of which every index row goes (deletions)
    held       rows of HELD for what the rows point to, where that was looked up without a lock: locked and checked in the same statement
    """

    new: list[Row] = field(default_factory=list)
    renewed: list[Row] = field(default_factory=list)
    marked: list[Row] = field(default_factory=list)
    removed: Rows = field(default_factory=dict)
    added: Rows = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        for name, some in rows.items():
            self.added.setdefault(name, []).extend(some)

    def remove(self, rows: Rows) -> None:
        for name, some in rows.items():
            self.removed.setdefault(name, []).extend(some)

    def clauses(self, *, patient: bool) -> Clauses:
        """The statement that does all of it, as a part of one."""
        shape: list[tuple[str, str, bool]] = []
        arguments: list[Any] = []
        parts = sorted(_parts(self), key=lambda part: part[:2])
        for verb, name, rows in [("hold", "", self.held), *parts] if self.held else parts:
            single = len(rows) == 1
            shape.append((verb, name, single))
            if single:
                arguments.extend(rows[0])
            else:
                arguments.extend(list(column) for column in zip(*rows, strict=True))
        text, checks = _clauses(tuple(shape), patient)
        return Clauses(text, arguments, checks)

    def with_(self, others: Sequence[Work]) -> Work:
        joined = Work()
        for one in (self, *others):
            joined.new += one.new
            joined.renewed += one.renewed
            joined.marked += one.marked
            joined.add(one.added)
            joined.remove(one.removed)
            joined.forgotten += one.forgotten
            joined.held += one.held
        joined.held = list(dict.fromkeys(joined.held))
        joined.new.sort(key=_by_type_and_id)
        return joined

    def alters(self) -> Sequence[object]:
        return [row[0] for row in self.renewed] + [row[1:3] for row in self.new]

    def relies_on(self) -> Sequence[object]:
        return [row[0] for row in self.held]

    def may_wait(self) -> bool:
        return any(row[5] != "POST" for row in self.new)  # somebody may be making the same one


async def put(tx: Tx, work: Work) -> None:
    """Carry out `work` in `tx`. The rows of `renewed` are those of the version before; where they need not be locked by now, and one of
    them has another version already, the statement ends (`writers.CHANGED`). NoRoom when the disk is nearly full."""
    if tx.db.disk is not None:
        tx.db.disk.require()
    if "index_clinical" in work.removed:
        replaced = {row[:2] for row in work.added.get("index_clinical", ())}
        work.removed["index_clinical"] = [row for row in work.removed["index_clinical"] if row[:2] not in replaced]
    if len(work.new) + len(work.renewed) + len(work.forgotten) <= FEW:
        if _parts(work):
            await tx.later("rows", work)
    else:
        await _one_by_one(tx, work)


def _parts(work: Work) -> list[tuple[str, str, Sequence[Row]]]:
    """(what to do, table, rows) of everything there is to do."""
    parts: list[tuple[str, str, Sequence[Row]]] = []
    if work.new:
        parts.append(("insert", "resource", work.new))
    if work.renewed:
        parts.append(("renew", "renewed", work.renewed))
    if work.marked:
        parts.append(("mark", "", work.marked))
    if work.forgotten:
        parts.append(("forget", "", [(rid,) for rid in work.forgotten]))
    parts += [("delete", name, rows) for name, rows in work.removed.items() if rows]
    parts += [("insert", name, rows) for name, rows in work.added.items() if rows]
    return parts


async def _one_by_one(tx: Tx, work: Work) -> None:
    work.new.sort(key=_by_type_and_id)
    renewed = {row[0] for row in work.renewed}
    for verb, name, rows in _parts(work):
        if verb == "insert" and not (name in ON_CONFLICT and renewed):
            await tx.copy(name, (RESOURCE if name == "resource" else TABLES[name]).column_names, rows)
        else:
            done = await tx.fetch(_statement((verb, name, False)), *(list(column) for column in zip(*rows, strict=True)))
            assert verb != "renew" or done[0][0], "many rows are locked before they are renewed"


def _by_type_and_id(row: Row) -> tuple[int, str]:
    """Two writers who bring the same new resources then wait for each other instead of deadlocking."""
    return row[1], row[2]


def _statement(part: tuple[str, str, bool]) -> str:
    text, checks = _clauses((part,), True)
    return f"with {text} select {' and '.join(checks)}"


@cache
def _clauses(parts: tuple[tuple[str, str, bool], ...], patient: bool) -> tuple[str, tuple[str, ...]]:
    """Clauses of one WITH that do all the parts, (what to do, table, whether it is a single row), and the checks that go with them.

    Each sees the tables as they were before. A single row comes as values, several as one array a column: arrays take the driver and the
    database several times as long. `patient`: rows that others have locked are waited for; otherwise they count as changed.
    """
    clauses: list[str] = []
    checks: list[str] = []
    waiting = "" if patient else " skip locked"
    first = 1
    for verb, name, single in parts:
        table = _TABLES.get(verb) or TABLES.get(name) or RESOURCE
        columns = ", ".join(table.column_names)
        places = [f"${first + n}::{kind}{'' if single else '[]'}" for n, (_, kind) in enumerate(table.columns)]
        rows = f"values ({', '.join(places)})" if single else f"select * from unnest({', '.join(places)})"
        source = f"({rows})"
        count = "1" if single else f"cardinality({places[0]})"
        first += len(table.columns)
        if verb == "hold":
            seen = readable_by("r", "w.everything", "w.here", "w.own")
            there = f"select from {source} as w ({columns}) join resource r on r.rid = w.rid where not r.deleted and {seen}"
            clauses.append(f"held as (select count(*) = {count} as fine from ({there} order by r.rid for key share of r{waiting}) there)")
            checks.append("(select fine from held)")
        elif verb == "insert":
            clauses.append(f"{name}_in as (insert into {name} ({columns}) {rows}{ON_CONFLICT.get(name, '')})")
        elif verb == "delete":
            same = " and ".join(
                f"t.{column} {'is not distinct from' if column in NULLABLE else '='} w.{column}" for column in table.column_names
            )
            clauses.append(f"{name}_out as (delete from {name} t using {source} as w ({columns}) where {same})")
        elif verb == "renew":
            clauses += [
                f"n as (select * from {source} as w ({columns}))",
                f"stood as (select r.* from resource r join n using (rid) where {BEFORE} order by r.rid for no key update of r{waiting})",
                f"stands as (select count(*) = {count} as fine from stood)",
                f"older as ({HISTORY})",
                f"newer as ({RENEW})",
            ]
            checks.append("(select fine from stands)")
        elif verb == "mark":
            clauses += [f"m as (select * from {source} as w ({columns}))", f"marked as ({MARK})"]
        else:
            clauses.append(f"gone as (select * from {source} as w (rid))")
            clauses += [f"{each}_gone as (delete from {each} where rid in (select rid from gone))" for each in TABLES]
    return ", ".join(clauses), tuple(checks)
