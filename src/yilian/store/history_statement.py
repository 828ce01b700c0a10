"""The SQL of history. Its text depends on what is asked for alone, never on who asks, so each form is prepared once.

The current versions stand in `resource`, older ones in `history`; a page takes as many of each as it needs, in order, and merges them.
Where the asker sees few patients, their rows are gathered by patient and sorted: to walk everybody's by time until enough of theirs have
been met takes the longer the fewer they are.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from yilian.store.large import PAGED
from yilian.store.scope import of_readable_type, readable, records_of

Level = Literal["one", "type", "all"]
"""Of one resource ($5 is its rid), of a type, of everything ($5 is null).

The number of the type stands in the text: to a plan made for any type, walking everything by time and leaving out what is of other types
looks as good as the index of the type, and of a rare type it would walk for minutes.
"""

SCOPE = 1
"""$1 to $4: `Scope.keys`; $5 key, $6 since, $7 until, then [lo, hi) where `_at` is asked for."""

NEXT = """coalesce((select n.updated from history n where n.rid = r.rid and n.ver > r.ver order by n.ver limit 1),
    (select c.updated from resource c where c.rid = r.rid))"""
"""When a version in `history` ceased to be the current one. Versions between may have been expunged."""

MINE = f"""mine (patient) as materialized (
    select s.patient from ({records_of("$3::bigint")}) s where s.patient <> 0
    union select g.patient from access_ground g where g.institution = abs($2::bigint) and (g.until is null or g.until > now())
)"""
"""The patients of a narrow scope; which of their rows may be seen is asked of each row. Each one's rows are taken by index, one patient
after the other (`offset 0` keeps the planner from joining them otherwise: it did, from 400 patients on, and took a minute instead of
20 ms)."""


@cache
def page(level: Level, oldest_first: bool, at: bool, few: bool, type: int = 0) -> str:
    """One page. Arguments as above, then updated, rid and version of where the page before ended, and how many rows."""
    first = 10 if at else 8
    way, sign = ("asc", ">") if oldest_first else ("desc", "<")
    place = ", ".join(f"${n}::{kind}" for n, kind in zip(range(first, first + 3), ("timestamptz", "bigint", "integer"), strict=True))
    after = f"(r.updated, r.rid, r.ver) {sign} ({place})"
    limit = f"limit ${first + 3}::bigint"
    order = "order by {0}.updated {1}, {0}.rid {1}, {0}.ver {1}"
    parts = [
        f"(select {PAGED}, r.method from {rows} and {after} {order.format('r', way)} {limit})" for rows in _sources(level, at, few, type)
    ]
    return f"{_with(few)}select * from ({' union all '.join(parts)}) as v {order.format('v', way)} {limit}"


@cache
def counted(level: Level, at: bool, few: bool, type: int = 0) -> str:
    """How many versions there are on all pages."""
    parts = [f"(select count(*) from {rows})" for rows in _sources(level, at, few, type)]
    return f"{_with(few)}select {' + '.join(parts)}"


def _with(few: bool) -> str:
    return f"with {MINE} " if few else ""


def _sources(level: Level, at: bool, few: bool, type: int) -> list[str]:
    """`table r where …` of each place where versions may stand; together they are all of them, each once."""
    key = "r.rid = $5::bigint" if level == "one" else "$5::bigint is null"
    key += f" and r.type = {type}" if level == "type" else ""
    since = f"{key} and r.updated >= $6::timestamptz and r.updated <= $7::timestamptz"
    found = []
    for table in ("resource", "history"):
        when = since
        if at:
            when += " and r.updated < $9::timestamptz" + (f" and {NEXT} > $8::timestamptz" if table == "history" else "")
        if not few:
            found.append(f"{table} r where {when} and {readable('r', SCOPE)}")
            continue
        types = of_readable_type("r", "$4::smallint[]")
        of_type = f" and o.type = {type}" if level == "type" else ""
        own = f"mine m cross join lateral (select o.* from {table} o where o.patient = m.patient{of_type} offset 0) r"
        found.append(f"{own} where {when} and {readable('r', SCOPE)}")
        found.append(f"{table} r where {when} and {types} and r.patient is null and r.confined = abs($2::bigint)")
        if level == "all":
            found.append(f"{table} r where {when} and {types} and r.patient is null and r.shared")
    if few:
        found = [f"{source} and not $1::boolean" for source in found]  # a narrow scope never sees everything; $1 is said for its type
    return found
