"""Events as their reader may see them, now: the version of the resource each is about, within a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

VISIBLE = f"""
with wanted as (select * from unnest($5::bigint[], $6::bigint[], $7::integer[]) as w (event, rid, ver))
select {COLUMNS}, w.event from wanted w join resource r on r.rid = w.rid and r.ver = w.ver where {readable("r", 1)}
union all
select {COLUMNS}, w.event from wanted w join history r on r.rid = w.rid and r.ver = w.ver where {readable("r", 1)}
"""

NUMBERED = """
select id, number, at, interaction, rid, ver from subscription_event
where subscription = $1 and number > $2 and number <= $3 order by number limit $4
"""

PENDING = """
select id, number, at, interaction, rid, ver from subscription_event
where subscription = $1 and number is null order by id limit $2
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. number: None before it has one; found: the version it is about, None when the reader may not see it (any more)."""

    id: int
    number: int | None
    at: datetime
    interaction: str
    rid: int
    ver: int
    found: Stored | None = None


async def numbered(tx: Tx, scope: Scope, subscription: int, after: int, until: int, most: int) -> list[Event]:
    """The events of a subscription with numbers above `after` up to `until`, at most so many, as this scope sees them."""
    return await _seen(tx, scope, await tx.fetch(NUMBERED, subscription, after, until, most))


async def pending(tx: Tx, scope: Scope, subscription: int, most: int) -> list[Event]:
    """The next ones that have no number yet."""
    return await _seen(tx, scope, await tx.fetch(PENDING, subscription, most))


async def _seen(tx: Tx, scope: Scope, rows: Sequence[Any]) -> list[Event]:
    events = [Event(*row) for row in rows]
    if not events:
        return []
    ids, rids, vers = [one.id for one in events], [one.rid for one in events], [one.ver for one in events]
    seen = {row["event"]: stored(row) for row in await tx.fetch(VISIBLE, *scope.keys(), ids, rids, vers)}
    return [Event(one.id, one.number, one.at, one.interaction, one.rid, one.ver, seen.get(one.id)) for one in events]
