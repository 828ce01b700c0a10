"""The versions of one resource or of a type, newest first, each within the scope it belonged to.

A version before a correction of the patient, or before an approval, is readable by whom that version was about and confined to.
FHIR R4: http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yilian.errors import NotFound
from yilian.fhir.definitions import type_id
from yilian.store import cursor as cursors
from yilian.store.change import Method
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

BEGINNING = datetime.min.replace(tzinfo=UTC)
FAR = datetime.max.replace(tzinfo=UTC)
NEWEST = 2**31 - 1

OF_ONE = f"""
select * from (
    select {COLUMNS}, r.method from resource r where r.rid = $1 and {readable("r", 2)}
    union all
    select {COLUMNS}, r.method from history r where r.rid = $1 and {readable("r", 2)}
) as v
where v.ver < $6 and v.updated >= $7
order by v.ver desc limit $8
"""

OF_TYPE = f"""
select * from (
    (select {COLUMNS}, r.method from resource r
     where r.type = $1 and (r.updated, r.rid, r.ver) < ($6, $7, $8) and r.updated >= $9 and {readable("r", 2)}
     order by r.updated desc, r.rid desc limit $10)
    union all
    (select {COLUMNS}, r.method from history r
     where r.type = $1 and (r.updated, r.rid, r.ver) < ($6, $7, $8) and r.updated >= $9 and {readable("r", 2)}
     order by r.updated desc, r.rid desc, r.ver desc limit $10)
) as v
order by v.updated desc, v.rid desc, v.ver desc limit $10
"""


@dataclass(frozen=True, slots=True)
class Versions:
    """One page.

    versions   each with the method that made it; a deletion has no body
    next       cursor of the next page, None on the last
    """

    versions: list[tuple[Stored, Method]]
    next: str | None


async def versions(
    tx: Tx, scope: Scope, type: str, id: str | None = None, *, since: datetime | None = None, count: int = 50, cursor: str | None = None
) -> Versions:
    """History of `type/id`, or of all of `type` when `id` is None; at most `count` versions, those updated at `since` (aware) or later.

    NotFound when the scope holds no version of that resource at all; BadRequest for a strange cursor.
    """
    start = since or BEGINNING
    if id is None:
        after, rid, version = cursors.unpack(cursor, 3) if cursor else (0, 2**62, NEWEST)
        before = cursors.moment(after) if cursor else FAR
        rows = await tx.fetch(OF_TYPE, type_id(type), *scope.keys(), before, rid, version, start, count + 1)
    else:
        key = await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id(type), id)
        (below,) = cursors.unpack(cursor, 1) if cursor else (NEWEST,)
        rows = await tx.fetch(OF_ONE, key, *scope.keys(), below, start, count + 1) if key is not None else []
        if not rows and (key is None or not await tx.fetch(OF_ONE, key, *scope.keys(), NEWEST, BEGINNING, 1)):
            raise NotFound(f"There is no {type}/{id[:64]} that you may read.", zh="没有找到该记录,或您无权查看。")
    page = [(stored(row), row["method"]) for row in rows[:count]]
    if len(rows) <= count:
        return Versions(page, None)
    last = page[-1][0]
    return Versions(page, cursors.pack(last.version) if id is not None else cursors.pack(last.updated, last.rid, last.version))
