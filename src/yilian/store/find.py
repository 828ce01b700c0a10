"""Searches carried out: a `Query` becomes a page, and conditions find the one resource they mean.

The SQL is made by `search.statement`; here it meets the database. FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from yilian.errors import BadRequest, TooLarge, VersionStale, YilianError
from yilian.fhir.dates import region_zone
from yilian.search import follow, statement, together
from yilian.search.parameters import parameters_of
from yilian.search.query import Query, parse
from yilian.search.statement import Statement
from yilian.store import large, listed, members
from yilian.store.page import Page
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from asyncpg import Record

    from yilian.db import Database, Tx

Pairs = Sequence[tuple[str, str]]

LOCKS = 0x796C_636F  # "ylco"
BUCKETS = 1024
"""Locks conditional creations share: enough that strangers seldom meet, few enough for PostgreSQL's lock table."""

SERIALISE = "select pg_advisory_xact_lock($1, bucket) from (select bucket from unnest($2::integer[]) b (bucket) order by bucket offset 0) s"

BY_IDENTIFIER = f"""
select w.nth, {COLUMNS}
from unnest($1::integer[], $2::smallint[], $3::text[], $4::text[]) as w (nth, param, value, uri)
join namespace n on n.uri = w.uri
join index_identifier i on i.param = w.param and i.value = w.value and i.system = n.id
join resource r on r.rid = i.rid
where {readable("r", 5)}
"""

PLAIN_VALUE_LENGTH = 400
"""Longer identifiers are found by their digest, which `search` knows about and `BY_IDENTIFIER` does not."""


async def find(tx: Tx, scope: Scope, query: Query) -> Page:
    """The page a query asks for, what goes with it, and the total where it is asked for or known anyway: of one moment.

    Resources are whole, whatever `query.shape` says: that is for the edge. Raises BadRequest for a cursor of another search, TooLarge when
    too much would go along.
    """
    return await _find(tx, scope, await members.whole(tx, query))


async def _find(tx: Tx, scope: Scope, query: Query) -> Page:
    if query.count == 0:
        return Page([], total=await _total(tx, scope, query))
    await listed.require(tx, query.clauses)
    asked = _asked(scope, query)
    found = _found(query, asked, await large.whole(tx.fetch, await tx.fetch(asked.sql, *asked.args)))
    if found.total is None and query.total != "none":
        return replace(found, total=await _total(tx, scope, query))
    return found


async def page(db: Database, scope: Scope, query: Query) -> Page:
    """The same as `find` without opening a `Tx` first where it is one statement, as it mostly is. For the hot path of the HTTP edge.

    What the region defines to search by is to be known already (`custom_parameters.look`).
    """
    query = await members.whole_at_once(db, query)
    if query.count and not listed.asks(query.clauses):
        asked = _asked(scope, query)
        found = _found(query, asked, await large.whole(db.fetch, await db.fetch(asked.sql, *asked.args)))
        if found.total is not None or query.total == "none":
            return found
    async with db.reading() as tx:
        return await _find(tx, scope, query)


def _asked(scope: Scope, query: Query) -> Statement:
    alone = query.total == "none" and not query.includes and not query.revincludes
    return statement.page(query, scope) if alone else together.whole(query, scope)


def _found(query: Query, asked: Statement, rows: Sequence[Record]) -> Page:
    """What the rows of `_asked` say. The total is missing where it was asked for and the page lies behind the last match."""
    if query.total == "none" and not query.includes and not query.revincludes:
        return _page(query, asked, rows)
    beside = [row for row in rows if row["nth"] is None]
    _refuse_too_many(beside)
    matches = sorted((row for row in rows if row["nth"] is not None), key=itemgetter("nth"))
    page = _page(query, asked, matches)
    known = matches[0]["total"] if page.total is None and matches else page.total
    return Page(page.matches, [stored(row) for row in sorted(beside, key=itemgetter("type", "rid"))], known, page.next)


def _page(query: Query, asked: Statement, rows: Sequence[Record]) -> Page:
    """What the rows of a page give, without what goes along."""
    more = len(rows) > query.count
    here = rows[: query.count] if more else rows
    known = len(here) if not more and query.cursor is None else None
    return Page([stored(row) for row in here], [], known, asked.cursor_after(dict(here[-1])) if more else None)


async def along_with(tx: Tx, scope: Scope, query: Query, matches: Sequence[Stored]) -> list[Stored]:
    """What the query's `_include` and `_revinclude` take along with these matches. Raises TooLarge beyond `follow.MOST`."""
    kinds: dict[str, list[int]] = {}
    for match in matches:
        kinds.setdefault(match.type, []).append(match.rid)
    asked = follow.included(query.includes, query.revincludes, scope, kinds)
    rows = await large.whole(tx.fetch, await tx.fetch(asked.sql, *asked.args)) if asked is not None else []
    _refuse_too_many(rows)
    return [stored(row) for row in rows]


def _refuse_too_many(beside: Sequence[object]) -> None:
    if len(beside) > follow.MOST:
        raise TooLarge(
            f"More than {follow.MOST} resources would go along with this page; ask for a smaller _count, or follow fewer references.",
            zh="附带的资料过多,请减小每页条数。",
        )


async def total(tx: Tx, scope: Scope, query: Query) -> int:
    """How many resources match, within the scope."""
    return await _total(tx, scope, await members.whole(tx, query))


async def _total(tx: Tx, scope: Scope, query: Query) -> int:
    await listed.require(tx, query.clauses)
    asked = statement.count(query, scope)
    return int(await tx.fetchval(asked.sql, *asked.args))


async def only(tx: Tx, scope: Scope, type: str, params: Pairs, *, zone: tzinfo | None = None, creating: bool = False) -> Stored | None:
    """The one resource a condition means (If-None-Exist, `Patient?identifier=…`); None when there is none within the scope.

    `zone`: of dates without an offset, the region's when None. `creating`: the answer None stays true until `tx` ends, for everyone who
    asks the same with `creating`; so two who create under one condition do not both create.
    Raises VersionStale when there are several, BadRequest or NotSupported for a condition that cannot be understood, or is none.
    """
    query = parse(type, params, zone=zone or region_zone())
    if not query.clauses:
        raise BadRequest("A condition needs a search parameter, such as identifier=system|value.")
    if creating:
        await serialise(tx, [(type, params)])
    query = replace(query, count=2, total="none", sort=(), includes=(), revincludes=(), cursor=None)
    found = (await find(tx, scope, query)).matches
    if len(found) > 1:
        raise VersionStale(
            f"The condition {_shown(type, params)} finds more than one.",
            zh="条件匹配到多条记录,无法确定是哪一条。",
            code="multiple-matches",
        )
    return found[0] if found else None


async def serialise(tx: Tx, conditions: Iterable[tuple[str, Pairs]]) -> None:
    """Wait for, and from now until `tx` ends keep back, everyone who creates under one of these conditions."""
    buckets = {zlib.crc32(repr((type, sorted(params))).encode("utf-8", "replace")) % BUCKETS for type, params in conditions}
    if buckets:
        await tx.fetch(SERIALISE, LOCKS, sorted(buckets))


async def only_each(
    tx: Tx, scope: Scope, conditions: Mapping[str, tuple[str, str]], *, zone: tzinfo | None = None
) -> dict[str, Stored | str]:
    """For each name the one resource its (type, query text) means, or a sentence that says why there is not exactly one.

    Conditions that are one identifier with its system, which is what senders write, are looked up together; others one by one.
    """
    found: dict[str, Stored | str] = {}
    plain: dict[str, tuple[str, str, str]] = {}
    for name, (type, text) in conditions.items():
        identifier = _one_identifier(type, text)
        if identifier is not None:
            plain[name] = (type, *identifier)
            continue
        try:
            match = await only(tx, scope, type, parse_qsl(text, keep_blank_values=True), zone=zone)
            found[name] = match if match is not None else f"There is no {name[:200]}."
        except YilianError as error:
            found[name] = f"{name[:200]}: {error}"
    found.update(await _by_identifier(tx, scope, plain))
    return found


async def _by_identifier(tx: Tx, scope: Scope, wanted: Mapping[str, tuple[str, str, str]]) -> dict[str, Stored | str]:
    names = list(wanted)
    if not names:
        return {}
    asked: list[tuple[int, int, str, str]] = []
    for nth, name in enumerate(names):
        type, system, value = wanted[name]
        param = parameters_of(type)["identifier"].id
        asked += [(nth, param, blind, system) for blind in tx.db.ring.blinds(param, value)]
    rows = await tx.fetch(scope.finely(BY_IDENTIFIER), *(list(column) for column in zip(*asked, strict=True)), *scope.keys())
    found: dict[str, Stored | str] = {name: f"There is no {name[:200]}." for name in names}
    for row in rows:
        name, match = names[row[0]], stored(row[1:])
        before = found[name]
        if isinstance(before, Stored) and before.rid != match.rid:
            found[name] = f"{name[:200]} finds more than one."
        elif before == f"There is no {name[:200]}.":
            found[name] = match
    return found


def _one_identifier(type: str, text: str) -> tuple[str, str] | None:
    """(system, value) of `identifier=system|value`; None for anything less plain."""
    params = parse_qsl(text, keep_blank_values=True)
    if len(params) != 1 or params[0][0] != "identifier" or "identifier" not in parameters_of(type):
        return None
    system, bar, value = params[0][1].partition("|")
    if not (bar and system and value) or "," in params[0][1] or "\\" in params[0][1] or "|" in value or len(value) > PLAIN_VALUE_LENGTH:
        return None
    return system, value


def _shown(type: str, params: Pairs) -> str:
    return f"{type}?{'&'.join(f'{name}={value}' for name, value in params)}"[:200]
