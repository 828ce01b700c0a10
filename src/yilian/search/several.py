"""Several types searched at once: `GET /fhir?_type=Patient,Observation&…`, `GET /fhir/Patient/1/*`.

Each type is a search of its own with the same parameters; they must be known to all of them. Where `_sort` is given, the answers are merged
in one statement; without, they come type by type, each in its own order (`store.several`). FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from yilian.errors import BadRequest
from yilian.search import order as ordering
from yilian.search.order import Order, Place
from yilian.search.predicates import Scoped
from yilian.search.query import Query
from yilian.search.statement import COLUMNS, Statement, mark_of, page_limit, part

_argument = re.compile(r"\$(\d+)")


def merged(queries: Sequence[Query], scope: Scoped) -> Statement:
    """One page over all of them in the order of `_sort`: rows of `COLUMNS` and k1 …. They have the same `_sort`, `_count` and `_cursor`.

    Raises BadRequest for a key that is of another kind in one type than in another, and for a cursor of another search.
    """
    first = queries[0]
    mark = partial(_mark, queries)

    def after(order: Order) -> Place | None:
        return ordering.place(first.cursor, mark(), order) if first.cursor is not None else None

    parts: list[str] = []
    args: list[Any] = []
    orders: list[Order] = []
    for query in queries:
        sql, values, order = part(query, scope, after)
        parts.append(f"({_shifted(sql, len(args))})")
        args += values
        orders.append(order)
    for query, order in zip(queries, orders, strict=True):
        if [key.type for key in order.keys] != [key.type for key in orders[0].keys]:
            keys = ",".join(sort.parameter.code for sort in query.sort)
            raise BadRequest(f"_sort={keys}: a {query.type} and a {first.type} cannot be compared by this.")
    order = orders[0]
    found = f"select q.* from ({' union all '.join(parts)}) q order by {order.by('q')} limit {page_limit(first.count)}"
    sql = f"select {COLUMNS}{order.texts('p')} from ({found}) p join resource r on r.rid = p.rid order by {order.by('p')}"
    return Statement(sql, tuple(args), order, mark)


def _shifted(sql: str, by: int) -> str:
    """The statement with its arguments counted from `by` on."""
    return _argument.sub(lambda found: f"${int(found[1]) + by}", sql) if by else sql


def _mark(queries: Sequence[Query]) -> str:
    return blake2b(" ".join(mark_of(query) for query in queries).encode(), digest_size=6).hexdigest()
