"""A search over several types carried out: merged where an order is asked for, else type by type.

FHIR R4: http://hl7.org/fhir/R4/http.html#search (whole system, compartments)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from yilian.errors import BadRequest
from yilian.fhir.definitions import type_name
from yilian.search import several, statement
from yilian.search.query import Query
from yilian.store import large, listed, members
from yilian.store.find import along_with, total
from yilian.store.page import Page
from yilian.store.read import Stored, stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

TYPES_HERE = """
with recursive t (type) as (
    select min(type) from resource
    union all
    select (select min(r.type) from resource r where r.type > t.type) from t where t.type is not null
)
select type from t where type is not null
"""
"""By steps over the index (type, id): one for each type there is, however many resources."""


async def types_here(tx: Tx) -> list[str]:
    """The types this store has resources of (or once had), in their order. For asking fewer questions, not for telling anybody."""
    return [type_name(row[0]) for row in await tx.fetch(TYPES_HERE)]


async def find(tx: Tx, scope: Scope, queries: Sequence[Query]) -> Page:
    """One page over all these queries: one for each type, with the same result parameters.

    Without `_sort` the types follow each other as given, each in its own order. Raises BadRequest for a cursor of another search and for
    a `_sort` that compares differently in different types; TooLarge when too much would go along.
    """
    if not queries:
        return Page([], total=0)
    queries = [await members.whole(tx, query) for query in queries]
    first = queries[0]
    if first.count == 0:
        return Page([], total=await _total(tx, scope, queries))
    for query in queries:
        await listed.require(tx, query.clauses)
    matches, following = await (_merged if first.sort else _in_turn)(tx, scope, queries)
    known = len(matches) if following is None and first.cursor is None else None
    if known is None and first.total != "none":
        known = await _total(tx, scope, queries)
    beside = await along_with(tx, scope, first, matches) if first.includes or first.revincludes else []
    return Page(matches, beside, known, following)


async def _total(tx: Tx, scope: Scope, queries: Sequence[Query]) -> int:
    return sum([await total(tx, scope, query) for query in queries])


async def _merged(tx: Tx, scope: Scope, queries: Sequence[Query]) -> tuple[list[Stored], str | None]:
    asked = several.merged(queries, scope)
    rows = await tx.fetch(asked.sql, *asked.args)
    here = await large.whole(tx.fetch, rows[: queries[0].count])
    return [stored(row) for row in here], asked.cursor_after(dict(here[-1])) if len(rows) > len(here) else None


async def _in_turn(tx: Tx, scope: Scope, queries: Sequence[Query]) -> tuple[list[Stored], str | None]:
    """The cursor is the type where the next page begins, a dot, and the cursor within that type, empty at its beginning."""
    count, begin = queries[0].count, 0
    inner: str | None = None
    if queries[0].cursor is not None:
        kind, _, inner = queries[0].cursor.partition(".")
        kinds = [query.type for query in queries]
        if kind not in kinds:
            raise BadRequest("_cursor belongs to another search; follow the `next` link as it stands.")
        begin = kinds.index(kind)
    matches: list[Stored] = []
    for query in queries[begin:]:
        room = count - len(matches)
        asked = statement.page(replace(query, count=max(room, 1), cursor=inner or None), scope)
        inner = None
        rows = await tx.fetch(asked.sql, *asked.args)
        if rows and room == 0:
            return matches, f"{query.type}."
        matches += [stored(row) for row in await large.whole(tx.fetch, rows[:room])]
        if len(rows) > room:
            return matches, f"{query.type}.{asked.cursor_after(dict(rows[room - 1]))}"
    return matches, None
