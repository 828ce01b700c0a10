"""The versions of one resource, of a type or of everything, page by page, each within the scope it belonged to.

A version before a correction of the patient, or before an approval, is readable by whom that version was about and confined to.
The SQL is put together in `history_statement`. FHIR R4: http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import NotFound
from yilian.fhir.compartments import SHARED_TYPES
from yilian.fhir.definitions import type_id
from yilian.store import cursor as cursors
from yilian.store import large, moments
from yilian.store.change import Method
from yilian.store.history_statement import Level, counted, page
from yilian.store.read import Stored, stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

BEGINNING = datetime.min.replace(tzinfo=UTC)
FAR = datetime.max.replace(tzinfo=UTC)
NEWEST = 2**31 - 1
LAST_RID = 2**62 - 1

FEW_PATIENTS = 200
"""Whose rows are gathered and sorted instead of walking everybody's by time; see docs/explanation/store.md."""

PATIENTS = """
select count(*) from (
    select from access_ground g where g.institution = $1 and (g.until is null or g.until > now()) limit $2
) as few
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What history is asked for.

    since   aware: versions made then or later
    at      [lo, hi), aware: versions that were current at some moment of it
    count   versions on a page; 0: none, only the total
    oldest_first   ascending by time instead of descending
    total   count them all, though they do not fit on this page
    cursor  of the page before, None for the first
    """

    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    count: int = 50
    oldest_first: bool = False
    total: bool = False
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """One page.

    versions   each with the method that made it; a deletion has no body
    next       cursor of the next page, None on the last
    total      of all pages, within the scope; None where it was neither asked for nor known anyway
    """

    versions: list[tuple[Stored, Method]]
    next: str | None
    total: int | None = None


async def versions(tx: Tx, scope: Scope, type: str | None = None, id: str | None = None, asked: Asked | None = None) -> Versions:
    """History of `type/id`, of all of `type` when `id` is None, of everything when both are.

    Versions made while somebody turns the pages shift none: newest first they would stand before the first page; oldest first the pages
    end with what there was when the first was asked for. NotFound when the scope holds no version of that resource at all; BadRequest for
    a strange cursor.
    """
    asked = asked or Asked()
    level: Level = "one" if id is not None else "type" if type is not None else "all"
    number = type_id(type) if type is not None else 0
    key: int | None = None
    if type is not None and id is not None:
        key = await tx.fetchval("select rid from resource where type = $1 and id = $2", number, id)
        if key is None or not await _is_known(tx, scope, key):
            raise NotFound(f"There is no {type}/{id[:64]} that you may read.", zh="没有找到该记录,或您无权查看。")
    few = level != "one" and type not in SHARED_TYPES and await _concerns_few(tx, scope)
    statement = scope.finely(page(level, asked.oldest_first, asked.at is not None, few, number))
    fixed = asked.oldest_first and asked.cursor is None
    arguments, until = _arguments(scope, key, asked, await moments.until(tx) if fixed else tx.now)
    rows = await tx.fetch(statement, *arguments, asked.count + 1) if asked.count else []
    found = [(stored(row), row["method"]) for row in await large.whole(tx.fetch, rows[: asked.count])]
    more = len(rows) > asked.count
    total: int | None = len(found) if asked.count and not more and asked.cursor is None else None
    if total is None and (asked.total or level == "one" or not asked.count):
        total = await tx.fetchval(
            scope.finely(counted(level, asked.at is not None, few, number)),
            *scope.keys(),
            key,
            asked.since or BEGINNING,
            until,
            *_at(asked),
        )
    if not more or not found:
        return Versions(found, None, total)
    last = found[-1][0]
    return Versions(found, cursors.pack(until, last.updated, last.rid, last.version), total)


async def _is_known(tx: Tx, scope: Scope, rid: int) -> bool:
    """Whether the scope holds any version of this resource."""
    return bool(await tx.fetchval(scope.finely(counted("one", False, False)), *scope.keys(), rid, BEGINNING, FAR))


async def _concerns_few(tx: Tx, scope: Scope) -> bool:
    """Whether the scope is so narrow that its rows are gathered quicker than found among everybody's."""
    if scope.reach == "self":
        return True
    if scope.reach != "grounds" or not scope.institution_rid:
        return False
    return int(await tx.fetchval(PATIENTS, scope.institution_rid, FEW_PATIENTS + 1)) <= FEW_PATIENTS


def _at(asked: Asked) -> tuple[datetime, ...]:
    return asked.at if asked.at is not None else ()


def _arguments(scope: Scope, key: int | None, asked: Asked, now: datetime) -> tuple[list[Any], datetime]:
    """The arguments of `page` but for the last, and the moment after which versions are not part of these pages."""
    until = now if asked.oldest_first else FAR
    updated, rid, version = (BEGINNING, -1, 0) if asked.oldest_first else (FAR, LAST_RID, NEWEST)
    if asked.cursor is not None:
        bound, place, rid, version = cursors.unpack(asked.cursor, 4)
        until, updated = cursors.moment(bound), cursors.moment(place)
        version = min(max(version, 0), NEWEST)
    return [*scope.keys(), key, asked.since or BEGINNING, until, *_at(asked), updated, rid, version], until
