"""`$lastn`: of what a search for observations finds, the newest of each kind.

Observations are of one kind when they share a coding, be it over a third that has both: a hospital that sends its own code beside LOINC is
told together with one that sends LOINC alone. Without any coding, the words decide.
FHIR R4: http://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from yilian.errors import BadRequest, NotSupported, TooLarge
from yilian.search import statement
from yilian.search.query import Query
from yilian.store import listed, members
from yilian.store.page import Page
from yilian.store.read import COLUMNS, stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST = 20_000
"""Observations that are looked through; nobody has as many of one category."""

CODED = """
select c.rid, c.code, c.lo,
       case when c.code = 0 then (select r.body::jsonb #>> '{code,text}' from resource r where r.rid = c.rid) end as words
from index_clinical c where c.rid = any($1::bigint[])
order by c.lo desc, c.rid desc
"""
BODIES = f"select {COLUMNS} from resource r where r.rid = any($1::bigint[]) and not r.deleted"


async def lastn(tx: Tx, scope: Scope, query: Query, most: int) -> Page:
    """The newest `most` of each kind among the matches within the scope, all kinds after each other, each newest first; one page.

    More than `most` where several were at the same time as the last of them. Raises BadRequest unless the search names the patient and the
    code or category, as the standard asks; NotSupported for sorting and including; TooLarge beyond `MOST` observations.
    """
    named = {clause.parameter.code for clause in query.clauses if not clause.is_negative}
    if not named & {"patient", "subject"} or not named & {"code", "category"}:
        raise BadRequest("$lastn needs a patient or subject, and a code or category.")
    if query.sort or query.includes or query.revincludes or query.cursor:
        raise NotSupported("$lastn has an order of its own, includes nothing and has one page: leave out _sort, _include and _cursor.")
    query = await members.whole(tx, query)
    await listed.require(tx, query.clauses)
    found = statement.keys(replace(query, total="none"), scope, MOST + 1)
    rids = [row[0] for row in await tx.fetch(found.sql, *found.args)]
    if len(rids) > MOST:
        raise TooLarge(f"More than {MOST} observations fit; name a code.", zh="符合条件的检查结果过多,请指定项目。")
    rows = await tx.fetch(CODED, rids)
    newest = _newest([(row[0], row[1] or row[3] or "", row[2]) for row in rows], most)
    bodies = {row[0]: stored(row) for row in await tx.fetch(BODIES, newest)}
    matches = [bodies[rid] for rid in newest if rid in bodies]
    return Page(matches, [], len(matches), None)


def _newest(rows: Iterable[tuple[int, object, object]], most: int) -> list[int]:
    """(key, code, time) newest first → the keys to show. Codes that one observation has together are one kind."""
    kind: dict[object, object] = {}

    def of(code: object) -> object:
        while (above := kind.setdefault(code, code)) != code:
            kind[code] = kind[above]
            code = above
        return code

    first: dict[int, object] = {}
    when: dict[int, object] = {}
    for rid, code, moment in rows:
        when[rid] = moment
        kind[of(code)] = of(first.setdefault(rid, code))
    shown: dict[object, list[int]] = {}
    for rid, code in first.items():
        chosen = shown.setdefault(of(code), [])
        if len(chosen) < most or when[chosen[-1]] == when[rid]:
            chosen.append(rid)
    return [rid for chosen in shown.values() for rid in chosen]
