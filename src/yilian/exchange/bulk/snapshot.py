"""What stood at one instant, read in parts: the SQL of an export.

An export may take hours and be taken up again by another process, so no transaction is held open meanwhile. Instead every part asks for the
versions that were current at `transactionTime`: those in `resource` that were not changed since, and for those that were, the version
before in `history`. Both halves of a part are one statement, so nothing is missed or comes twice, whatever is written at the same time.
Parts follow each other by (lastUpdated, rid) of these versions.

Where a history row was removed for good since (`$expunge`), it is not exported either.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from yilian.exchange.bulk.ask import Ask
from yilian.fhir.definitions import type_id
from yilian.store import moments
from yilian.store.scope import Scope
from yilian.writers import SENT_WITHIN_S

if TYPE_CHECKING:
    from yilian.db import Database, Tx

START = datetime.min.replace(tzinfo=UTC)
END_RID = 2**62
SETTLE_S = 30.0

BEGIN_S = SENT_WITHIN_S + 0.1
"""A transaction takes its time from the server and begins in the database so much later at the most."""

UNDER_WAY = """
select array(
    select xact_start from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and xact_start < $1) as begun
"""
"""When those began that are under way, by the database's clock, which need not be the server's."""

PLACE = """
select r.updated, r.rid from resource r
where r.type = $1 and (r.updated, r.rid) > ($2, $3) and r.updated <= $4
order by r.updated, r.rid offset $5 limit 1
"""
"""Where a part of so many resources ends."""


async def settled(db: Database) -> datetime:
    """The instant for which everything that will ever carry an earlier time is committed: now, or earlier where a transaction that is under
    way now does not end within half a minute. Nothing that is committed by now is dated after it, whatever the clock was set to."""
    async with db.reading() as tx:
        at = await moments.until(tx)
    await asyncio.sleep(BEGIN_S)
    async with db.reading() as tx:
        first: datetime = await tx.fetchval("select clock_timestamp()")
    waited_s = 0.0
    while True:
        async with db.reading() as tx:
            (row,) = await tx.fetch(UNDER_WAY, first)
        if not row["begun"]:
            return at
        if waited_s >= SETTLE_S:
            oldest: datetime = min(row["begun"])
            return at - (first - oldest) - timedelta(seconds=BEGIN_S)
        await asyncio.sleep(0.1)
        waited_s += 0.1


def part(ask: Ask, bulk: str, kind: str, scope: Scope, columns: str, *, deleted: bool = False) -> str:
    """The versions of one part, in no order: rows of `columns` (of an alias v).

    Arguments: $1 transactionTime, $2 and $3 (updated, rid) after which the part begins, $4 and $5 the one with which it ends.
    `deleted`: instead of what stood, what had been deleted.
    """
    number = type_id(kind)
    which = [f"v.type = {number}", "(v.updated, v.rid) > ($2, $3)", "(v.updated, v.rid) <= ($4, $5)", "v.updated <= $1"]
    which.append("v.deleted" if deleted else "not v.deleted")
    which.append(scope.condition("v", (kind,)))
    name = bulk.replace("'", "")
    if ask.level == "group" or ask.patients:
        which.append(f"exists (select from bulk_key k where k.bulk = '{name}' and k.what = 0 and k.rid = v.patient)")
    elif ask.level == "patient":
        which.append("v.patient > 0")
    if not deleted and any(filtered == kind for filtered, _ in ask.filters):
        which.append(f"exists (select from bulk_key k where k.bulk = '{name}' and k.what = {number} and k.rid = v.rid)")
    where = " and ".join(which)
    return f"""
        select {columns} from resource v where {where}
        union all
        select {columns} from resource r join history v on v.rid = r.rid
        where r.type = {number} and r.updated > $1 and {where}
          and not exists (select from history n where n.rid = v.rid and n.ver > v.ver and n.updated <= $1)
    """


async def end_of_part(tx: Tx, kind: str, after: tuple[datetime, int], at: datetime, size: int) -> tuple[datetime, int, bool]:
    """(updated, rid) of the last of the next `size` resources, and whether these are the last of the type."""
    row = await tx.fetchrow(PLACE, type_id(kind), *after, at, size - 1)
    return (at, END_RID, True) if row is None else (row["updated"], row["rid"], False)


async def types_there(tx: Tx) -> frozenset[int]:
    """The types of which there is anything, by number."""
    rows = await tx.fetch(
        """
        with recursive t (type) as (
            (select type from resource order by type limit 1)
            union all
            select (select r.type from resource r where r.type > t.type order by r.type limit 1) from t where t.type is not null)
        select type from t where type is not null
        """
    )
    return frozenset(row["type"] for row in rows)
