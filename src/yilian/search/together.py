"""A page, what goes along with it, and the total: one statement, so one look at the record and one way to the database.

All three are told of the same moment: whoever writes meanwhile is in all of them or in none.
FHIR R4: http://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import msgspec

from yilian.search import follow
from yilian.search.includes import along
from yilian.search.order import Order
from yilian.search.predicates import Scoped
from yilian.search.query import Query
from yilian.search.statement import COLUMNS, Search, Statement, made


def whole(query: Query, scope: Scoped) -> Statement:
    """Rows of `COLUMNS` and k1 …, then `total` and `nth`, in no order.

    nth    place of a match in the order of the page, from 1; null for what goes along with the first `query.count` matches
    total  how many match in all, the same in each match; null where it was not asked for or the first page holds all there are

    More than `follow.MOST` rows without `nth` mean that too much goes along. Raises BadRequest for a cursor of another search.
    """
    search = Search(query, scope)
    seen = scope.condition("r", along(query.includes, query.revincludes))
    besides = query.includes, query.revincludes, query.total == "none", seen
    asked = made(search, "whole", _whole, besides)
    return msgspec.structs.replace(asked, args=(*asked.args, query.count))


def _whole(search: Search) -> tuple[str, Order]:
    query = search.query
    found, order = search.first()
    count = f"${len(search.args.values) + 1}::bigint"  # after all others
    total = "null"
    if query.total != "none":
        total = f"({search.count()})"
        if query.cursor is None:
            total = f"case when (select count(*) from p) > {count} then {total} end"
    sql = (
        f"with p as materialized ({found}),"
        f" m as materialized (select p.*, row_number() over (order by {order.by('p')}) as nth from p)"
        f" select {COLUMNS}{order.texts('m')}, {total}::bigint as total, m.nth from m join resource r on r.rid = m.rid"
        f" where m.nth <= {count} + 1"
    )
    these = f"array(select m.rid from m where m.nth <= {count})"
    beside = follow.beside(query.includes, query.revincludes, search.scope, query.type, these)
    if beside:
        nothing = ", null::text" * len(order.keys)
        sql += f" union all select b.*{nothing}, null::bigint, null::bigint from ({beside}) b"
    return sql, order
