"""Reads by id: the current version, one older version, many at once. Always within a `Scope`; no JSON is parsed, what is sealed is opened.

What lies outside the scope is answered exactly like what does not exist. FHIR R4: http://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.errors import Gone, NotFound
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.readers import ByKey
from yilian.sealing.keyring import opened
from yilian.search.statement import GUARDED
from yilian.store.scope import Scope, readable, readable_by

if TYPE_CHECKING:
    from asyncpg import Record

    from yilian.db import Database, Tx


class Stored(msgspec.Struct, frozen=True):
    """One version of a resource, as it is in the database. A Struct, since a page makes many: a frozen dataclass takes five times as long.

    rid      key inside the database; never leaves the house
    version  meta.versionId, from 1
    updated  meta.lastUpdated, aware, whole milliseconds
    patient  rid of the patient it is about (a Patient: its own), -1 for several, None for nobody
    body     UTF-8 JSON exactly as it is answered; empty when `deleted`
    guarded  sensitive, or its patient's record stands open in an emergency: it leaves once the trail has it (`audit.record.note_read`)
    """

    rid: int
    type: str
    id: str
    version: int
    updated: datetime
    deleted: bool
    patient: int | None
    body: bytes
    guarded: bool


COLUMNS = f"r.rid, r.type, r.id, r.ver, r.updated, r.deleted, r.patient, r.body, {GUARDED}"
"""What `stored` needs of a row `r` of `resource` or `history`, by name and in this order."""

BY_ID = f"select {COLUMNS} from resource r where r.type = $1 and r.id = $2 and {readable('r', 3)}"

BY_KEY = ByKey(
    f"select {COLUMNS} from resource r where r.type = $1 and r.id = $2 and {readable_by('r', '$3::boolean', '$4::bigint', '$5::bigint')}",
    f"""
select r.*, w.nth
from unnest(
    (select $1::smallint[]), (select $2::text[]), (select $3::boolean[]), (select $4::bigint[]), (select $5::bigint[])
) with ordinality as w (type, id, everything, here, own, nth)
cross join lateral (
    select {COLUMNS} from resource r where r.type = w.type and r.id = w.id and {readable_by("r", "w.everything", "w.here", "w.own")} limit 1
) r
""",
)
"""For one asker, and for several who need not see the same. `limit 1` keeps the planner to one look at the index of type and id for each
of them, also while it believes the table to be small; `(select …)` keeps the number of askers from it, so that the general plan is never
worse than one made for this call, and nothing is planned anew."""

VERSION = f"""
select {COLUMNS} from resource r where r.type = $1 and r.id = $2 and r.ver = $7 and {readable("r", 3)}
union all
select {COLUMNS} from history r
where r.rid = (select c.rid from resource c where c.type = $1 and c.id = $2) and r.ver = $7 and {readable("r", 3)}
"""

MANY = f"""
select {COLUMNS} from unnest($1::smallint[], $2::text[]) as wanted (type, id)
join resource r on r.type = wanted.type and r.id = wanted.id
where not r.deleted and {readable("r", 3)}
"""


def stored(row: Record | tuple[Any, ...]) -> Stored:
    """A row whose first columns are `COLUMNS`."""
    body = opened(row[0], row[7]).encode()
    return Stored(row[0], RESOURCE_TYPES[row[1] - 1], row[2], row[3], row[4], row[5], row[6], body, bool(row[8]))


async def by_id(tx: Tx, scope: Scope, type: str, id: str) -> Stored:
    """The current version. NotFound when there is nothing this asker may know of, Gone when it was deleted."""
    return _there(await tx.fetchrow(scope.finely(BY_ID), type_id(type), id, *scope.keys()), type, id)


async def body(db: Database, scope: Scope, type: str, id: str) -> Stored:
    """The same as `by_id` without opening a `Tx` first: one statement on any free connection, together with others who read just now.

    For the hot path of the HTTP edge. `id` is one FHIR allows.
    """
    if not scope.may_read(type):
        raise _nothing(type, id)
    if scope.is_partial:
        return _there(await db.fetchrow(scope.finely(BY_ID), type_id(type), id, *scope.keys()), type, id)
    return _there(await db.by_key(BY_KEY, type_id(type), id, *scope.sees()), type, id)


async def version(tx: Tx, scope: Scope, type: str, id: str, version: int) -> Stored:
    """One version, the current one included. NotFound when there is none the asker may read, Gone when that version is the deletion.

    Each version is readable by whom *it* is about: a version before a correction of the patient stays with the patient it was about.
    """
    if not 0 < version < 2**31:
        raise _nothing(type, id)
    return _there(await tx.fetchrow(scope.finely(VERSION), type_id(type), id, *scope.keys(), version), type, id)


async def many(tx: Tx, scope: Scope, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """The current versions of several resources in one statement, by (type, id); what is missing, deleted or out of scope is left out."""
    if not wanted:
        return {}
    distinct = list(dict.fromkeys(wanted))
    rows = await tx.fetch(scope.finely(MANY), [type_id(type) for type, _ in distinct], [id for _, id in distinct], *scope.keys())
    return {(found.type, found.id): found for found in map(stored, rows)}


def _there(row: Any, type: str, id: str) -> Stored:
    if row is None:
        raise _nothing(type, id)
    found = stored(row)
    if found.deleted:
        raise Gone(f"{type}/{id} was deleted at {found.updated.isoformat(timespec='milliseconds')}.", zh="该记录已被删除。")
    return found


def _nothing(type: str, id: str) -> NotFound:
    return NotFound(f"There is no {type}/{id[:64]} that you may read.", zh="没有找到该记录,或您无权查看。")
