"""Searches by a patient find the whole person: what is about any record that is linked to the one that is named.

The other records of a person are looked up by one key, and only where there are some the question becomes another: "of A" then is "of A
or B". Whoever may read one record of a person may read all of them (`derive_grounds`, migration 0020), so nothing is told that the answer
would not tell. A Patient or a Person itself is found by what it is, not by what it is linked to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from yilian.fhir.definitions import type_id
from yilian.readers import ByKey
from yilian.search.clauses import Clause
from yilian.search.persons import NOT_FOLLOWED
from yilian.search.query import Query

if TYPE_CHECKING:
    from yilian.db import Database, Tx

_OTHERS = """
select array_agg(p.id order by p.rid) as others
from resource r join person_member m on m.patient = r.rid
join person_member o on o.person = m.person and o.patient <> m.patient join resource p on p.rid = o.patient
"""

OTHERS = ByKey(
    f"{_OTHERS} where r.type = {type_id('Patient')} and r.id = $1",
    f"""
select r.others, w.nth from unnest($1::text[]) with ordinality as w (id, nth)
cross join lateral ({_OTHERS} where r.type = {type_id("Patient")} and r.id = w.id) r
""",
)
"""One row, whether there are others or not."""

OF_SEVERAL = f"""
select w.id, x.others from unnest($1::text[]) as w (id)
cross join lateral ({_OTHERS} where r.type = {type_id("Patient")} and r.id = w.id) x
"""

OF_ONE = """
select o.patient from person_member m join person_member o on o.person = m.person where m.patient = $1 and o.patient <> m.patient order by 1
"""

OF_MANY = "select o.patient from person_member m join person_member o on o.person = m.person where m.patient = any($1::bigint[])"

GROUPS = """
select m.person, array_agg(p.id order by p.rid) as ids from person_member m join resource p on p.rid = m.patient
where m.person in (select w.person from person_member w where w.patient = any($1::bigint[])) group by m.person
"""

Look = Callable[[Sequence[str]], Awaitable[Mapping[str, Sequence[str]]]]


async def others_of(tx: Tx, patient: int) -> list[int]:
    """The rids of the records of the same person besides this one, in ascending order."""
    return [row["patient"] for row in await tx.fetch(OF_ONE, patient)]


async def with_others(tx: Tx, patients: Sequence[int]) -> set[int]:
    """These records (rids) and all that are linked to one of them."""
    return {*patients, *(row["patient"] for row in await tx.fetch(OF_MANY, list(patients)))} if patients else set()


async def linked(tx: Tx, patients: Sequence[int]) -> dict[str, list[str]]:
    """The ids of the records of the same people as these (rids): each with those it is linked to. {} where nobody is linked."""
    groups = [row["ids"] for row in await tx.ahead(GROUPS, list(patients))]
    return {one: [other for other in ids if other != one] for ids in groups for one in ids}


def names_patients(query: Query) -> bool:
    """Whether what a query finds depends on who is linked to whom."""
    return any(True for _ in _named(query.clauses))


def widened(query: Query, others: Mapping[str, Sequence[str]]) -> Query:
    """The query with every patient it names become the whole person, told who is linked to whom (`linked`)."""
    return replace(query, clauses=tuple(_with(one, others) for one in query.clauses))


async def whole(tx: Tx, query: Query) -> Query:
    """The query with every patient it names become the whole person. The same object where nobody is linked."""

    async def look(ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        rows = await tx.fetch(OF_SEVERAL, list(ids))
        return {row["id"]: row["others"] for row in rows if row["others"]}

    return await _whole(query, look)


async def whole_at_once(db: Database, query: Query) -> Query:
    """The same without opening a `Tx`, for the hot path of the HTTP edge."""

    async def look(ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        if len(ids) == 1:
            row = await db.by_key(OTHERS, ids[0])
            return {ids[0]: row["others"]} if row is not None and row["others"] else {}
        rows = await db.fetch(OF_SEVERAL, list(ids))
        return {row["id"]: row["others"] for row in rows if row["others"]}

    return await _whole(query, look)


async def _whole(query: Query, look: Look) -> Query:
    named = sorted(set(_named(query.clauses)))
    others = await look(named) if named else {}
    return widened(query, others) if others else query


def _named(clauses: Iterable[Clause]) -> Iterable[str]:
    """The ids of patients these clauses ask by."""
    for one in clauses:
        if one.chain is not None:
            yield from _named((one.chain,))
        elif _is_about_patients(one):
            yield from (id_ for value in one.values if (id_ := _patient(one, value)))
        yield from _named(one.also)


def _is_about_patients(one: Clause) -> bool:
    parameter = one.parameter
    return (
        parameter.type == "reference"
        and one.modifier in ("", "Patient")
        and "Patient" in parameter.targets
        and parameter.base not in NOT_FOLLOWED
    )


def _patient(one: Clause, value: Any) -> str:
    kind, key = value
    return key if kind == "Patient" or (not kind and ":" not in key) else ""


def _with(one: Clause, others: Mapping[str, Sequence[str]]) -> Clause:
    also = tuple(_with(other, others) for other in one.also)
    if one.chain is not None:
        return structs.replace(one, chain=_with(one.chain, others), also=also)
    if not _is_about_patients(one):
        return structs.replace(one, also=also)
    more = [("Patient", other) for value in one.values for other in others.get(_patient(one, value), ())]
    return structs.replace(one, values=tuple(dict.fromkeys((*one.values, *more))), also=also)
