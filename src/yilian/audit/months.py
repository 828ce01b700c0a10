"""The trail lies in months (UTC): each is a table of its own, made ahead of time, and taken out as a whole when it is old enough.

Logs are kept for six months at least (Cybersecurity Law, article 21; GB/T 22239-2019 8.1.4.3), records of how sensitive personal
information was handled for three years (Personal Information Protection Law, article 56), which is the default of `audit_keep_months`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from yilian.errors import BadRequest, Conflict

if TYPE_CHECKING:
    from yilian.db import Tx

AHEAD = 3
"""Months that are made before they begin, this one included."""

LEAST_KEPT = 6
"""Months a trail is kept at the very least."""

ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext('yilian audit months'))"
OTHER = "audit_event_other"
"""Holds what no month was made for: a clock that jumped, a server that was long away. Empty as a rule."""


@dataclass(frozen=True, slots=True)
class Month:
    """first: its first day. table: where it lies. rows: how many events are in it, where they were counted."""

    first: date
    table: str
    rows: int = 0


def month_of(moment: datetime) -> date:
    """The first day of the month of an aware moment, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def following(first: date, by: int = 1) -> date:
    """The month `by` months later (earlier where negative)."""
    number = first.year * 12 + first.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


async def ensure(tx: Tx) -> list[Month]:
    """Make what is missing of this month and those to come, and of the months that lie in `OTHER`. Returns what was made.

    In the caller's transaction; several at once wait for each other.
    """
    await tx.execute(ONE_AT_A_TIME)
    made = await _sort_out(tx)
    there = {month.first for month in await months(tx)}
    now = month_of(tx.now)
    for ahead in range(AHEAD):
        first = following(now, ahead)
        if first not in there:
            await _make(tx, first)
            made.append(Month(first, _table(first)))
    return made


async def months(tx: Tx) -> list[Month]:
    """Every month that has a table, the oldest first; `rows` is not counted."""
    rows = await tx.fetch(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'audit_event'::regclass and c.relname ~ '^audit_event_\\d{4}_\\d\\d$' order by c.relname"
    )
    return [Month(date(int(row[0][12:16]), int(row[0][17:19]), 1), row[0]) for row in rows]


async def too_old(tx: Tx, keep: int) -> list[Month]:
    """The months that ended more than `keep` months ago. BadRequest when so few may not be kept."""
    if keep < LEAST_KEPT:
        raise BadRequest(f"The trail is kept for {LEAST_KEPT} months at least, not {keep}.", zh=f"审计日志至少保存 {LEAST_KEPT} 个月。")
    last = following(month_of(tx.now), -keep)
    return [
        Month(month.first, month.table, await tx.fetchval(f"select count(*) from {month.table}"))
        for month in await months(tx)
        if month.first < last
    ]


async def retire(tx: Tx, month: Month, archive: str) -> None:
    """Take one month out, for good. `archive` says where its rows were written to before, '' for nowhere.

    Its blocks stay in the chain, so that what comes after can still be verified. Conflict while some of its rows are not sealed yet.
    """
    await tx.execute(ONE_AT_A_TIME)
    await tx.execute(f"lock table {month.table} in access exclusive mode")
    sealed = await tx.fetchval("select seqs[cardinality(seqs)] from audit_block order by nr desc limit 1")
    if await tx.fetchval(f"select exists (select from {month.table} where seq > $1)", sealed or 0):
        raise Conflict(f"Some of the trail of {month.first:%Y-%m} is not sealed yet; run the server (or yilian audit seal) first.")
    rows = await tx.fetchval(f"select count(*) from {month.table}")
    await tx.execute(f"alter table audit_event detach partition {month.table}")
    await tx.execute(f"drop table {month.table}")
    await tx.execute(
        "insert into audit_retired (month, rows, retired, archive) values ($1, $2, $3, $4)", month.first, rows, tx.now, archive
    )


async def _sort_out(tx: Tx) -> list[Month]:
    """What lies in `OTHER` gets months of its own. Rows are moved, none is changed: what was sealed stays as it was sealed."""
    if not await tx.fetchval(f"select exists (select from {OTHER})"):
        return []
    await tx.execute(f"alter table audit_event detach partition {OTHER}")
    by_month = f"select distinct date_trunc('month', recorded at time zone 'UTC')::date as first from {OTHER} order by first"
    there = {month.first for month in await months(tx)}
    missing = [row["first"] for row in await tx.fetch(by_month) if row["first"] not in there]
    for first in missing:
        await _make(tx, first)
    await tx.execute(f"insert into audit_event select * from {OTHER} order by seq")
    await tx.execute(f"alter table {OTHER} disable trigger audit_event_is_append_only")
    await tx.execute(f"truncate {OTHER}")
    await tx.execute(f"alter table {OTHER} enable trigger audit_event_is_append_only")
    await tx.execute(f"alter table audit_event attach partition {OTHER} default")
    return [Month(first, _table(first)) for first in missing]


async def _make(tx: Tx, first: date) -> None:
    begins, ends = (f"'{day} 00:00:00+00'" for day in (first, following(first)))
    await tx.execute(f"create table {_table(first)} partition of audit_event for values from ({begins}) to ({ends})")
    await tx.execute(
        f"create trigger audit_event_is_append_only before update or delete or truncate on {_table(first)}"
        " for each statement execute function audit_event_is_append_only()"
    )


def _table(first: date) -> str:
    return f"audit_event_{first:%Y_%m}"
