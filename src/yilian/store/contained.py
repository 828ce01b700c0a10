"""Searches whose matches are contained in other resources, carried out: `_contained=true` and `_contained=both`.

Containers come from index_token, in the order of their keys and within the scope, and are looked into one after the other. A page that
has looked into `MOST` of them ends there, perhaps with few matches or none; its `next` goes on. With `both`, ordinary matches come first,
then the contained; a resource that is an ordinary match and contains another is answered once.
FHIR R4: http://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import structs

from yilian.errors import BadRequest, TooLarge
from yilian.search import contained
from yilian.search.query import Query
from yilian.search.results import Contained
from yilian.search.rows import CONTAINED, token_hash
from yilian.search.statement import mark_of
from yilian.store import find as ordinary
from yilian.store.page import Page
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

MOST = 5_000
"""Containers looked into for one page."""
MOST_COUNTED = 10_000
"""Containers looked into for a total."""
BATCH = 100

CONTAINERS = f"""
select {COLUMNS} from index_token i
cross join lateral (select * from resource o where o.rid = i.rid and not o.deleted and {readable("o", 4)} offset 0) r
where i.h = $1 and i.rid >= $2
order by i.rid limit $3
"""

Place = tuple[int, int]
"""Key of a container, and which of what it contains: the first that may come on a page."""

START: Place = (0, 0)

_cursor = re.compile(r"in\.([0-9a-f]{12})\.(\d{1,18})\.(\d{1,9})", re.ASCII)


class Inside(Stored, frozen=True):
    """A contained resource as a match: `body` is its own, everything else is its container's.

    kind  its type
    name  its id within the container
    """

    kind: str
    name: str


async def find(tx: Tx, scope: Scope, query: Query) -> Page:
    """The page a query with `contained` asks for, and the total where it is asked for or known anyway.

    Raises BadRequest for a cursor of another search, NotSupported for a condition contained resources cannot answer, TooLarge for a total
    over too many containers.
    """
    asked = _asked(query)
    contained.answerable(query)
    if query.count == 0:
        return Page([], total=await total(tx, scope, query))
    place, before = _begin(query), Page([])
    if place is None:
        before = await ordinary.find(tx, scope, replace(query, contained=None, total="none"))
        place = START
    found: list[Stored] = list(before.matches)
    following = before.next
    if following is None:
        async for here, match in _matches(tx, scope, query, place, MOST):
            if match is None or len(found) == query.count:
                following = f"in.{_mark(query, asked)}.{here[0]}.{here[1]}"
                break
            found.append(match)
    known = len(found) if following is None and query.cursor is None else None
    if known is None and query.total != "none":
        known = await total(tx, scope, query)
    return Page(found, [], known, following)


async def total(tx: Tx, scope: Scope, query: Query) -> int:
    """How many matches there are, within the scope. Raises TooLarge when more than `MOST_COUNTED` containers would be looked into."""
    counted = 0
    if _asked(query).beside:
        counted = await ordinary.total(tx, scope, replace(query, contained=None))
    async for _, match in _matches(tx, scope, query, START, MOST_COUNTED):
        if match is None:
            raise TooLarge(
                f"More than {MOST_COUNTED:,} resources contain a {query.type}: they are not counted. Leave _total out, and follow `next`.",
                zh="包含此类资源的记录过多,无法统计总数。",
            )
        counted += 1
    return counted


async def _matches(tx: Tx, scope: Scope, query: Query, begin: Place, most: int) -> AsyncIterator[tuple[Place, Stored | None]]:
    """All matches from `begin` on, each with its place. After `most` containers: where to go on, and None."""
    key, first = begin
    head, looked = token_hash(CONTAINED, "", query.type), 0
    while True:
        rows = await tx.fetch(scope.finely(CONTAINERS), head, key, BATCH, *scope.keys())
        for row in rows:
            container = stored(row)
            for nth, match in _within(query, container, tx.now):
                if container.rid != begin[0] or nth >= first:
                    yield (container.rid, nth), match
        if len(rows) < BATCH:
            return
        key, looked = rows[-1][0] + 1, looked + len(rows)
        if looked >= most:
            yield (key, 0), None
            return
        await asyncio.sleep(0)  # looking into a hundred takes milliseconds; others get a turn


def _within(query: Query, container: Stored, now: datetime) -> Iterator[tuple[int, Stored]]:
    asked = _asked(query)
    if not asked.whole:
        for nth, name, body in contained.inside(query, container.body, now=now):
            yield nth, Inside(**structs.asdict(container) | {"body": body}, kind=query.type, name=name)
    elif next(contained.inside(query, container.body, now=now), None) is not None:
        told_already = asked.beside and container.type == query.type and contained.is_match(query, container.body, now=now)
        if not told_already:
            yield 0, container


def _asked(query: Query) -> Contained:
    assert query.contained is not None, "asked by callers of parse(…, contained_too=True)"
    return query.contained


def _begin(query: Query) -> Place | None:
    """Where the page begins; None: among the ordinary matches."""
    asked = _asked(query)
    if query.cursor is None:
        return None if asked.beside else START
    ours = _cursor.fullmatch(query.cursor)
    if ours is None and asked.beside:
        return None
    if ours is None or ours[1] != _mark(query, asked):
        raise BadRequest("_cursor belongs to another search; follow the `next` link as it stands.")
    return int(ours[2]), int(ours[3])


def _mark(query: Query, asked: Contained) -> str:
    return blake2b(f"{mark_of(query)} {asked}".encode(), digest_size=6).hexdigest()
