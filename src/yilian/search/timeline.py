"""One patient's record in order of time: everything in index_clinical, newest first, over all types at once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import type_id
from yilian.search import order as ordering
from yilian.search.order import Order
from yilian.search.predicates import Predicates, Scoped, all_of
from yilian.search.starts import NEWEST_FIRST
from yilian.search.statement import COLUMNS, Statement, page_limit
from yilian.search.unknown import no_clinical_type

ORDER = Order((NEWEST_FIRST,))


def timeline(
    patient: str, types: Sequence[str], scope: Scoped, *, count: int = 50, cursor: str | None = None, others: Sequence[int] = ()
) -> Statement:
    """A page of what there is about `Patient/{patient}`, of these types (none: all clinical types), newest first, undated last.

    `others`: keys of the other records of the same person, whose record is told along with it.

    Rows of `COLUMNS` and k1; use the first `count`, there is a next page when there are more. The newest of each type are read from its own
    stretch of the index and merged, so a page costs the same however long the record is.
    Raises NotSupported for a type that is not about one patient, BadRequest for a cursor of another timeline.
    """
    for kind in types:
        if kind not in CLINICAL:
            raise no_clinical_type(kind)
    wanted = tuple(dict.fromkeys(types)) or tuple(CLINICAL)
    mark = blake2b(repr((patient, wanted)).encode(), digest_size=6).hexdigest()
    having = Predicates(scope)
    args = having.args
    who = f"(select rid from resource where type = {type_id('Patient')} and id = {args.add(patient)})"
    whom = ""
    if others:
        whom = f" cross join (select {who} as patient union all select unnest({args.add(list(others))}::bigint[])) w"
        who = "w.patient"
    allowed = tuple(kind for kind in wanted if scope.condition("s", (kind,)) != "false")
    numbers = args.add([type_id(kind) for kind in allowed])
    where = [f"c.patient = {who}", "c.type = k.key", "c.nth = 0", *having.seen_of_one(who, "c", allowed)]
    if cursor is not None:
        where.append(ORDER.after(ordering.place(cursor, mark, ORDER), "c", args, direct=True))
    limit = page_limit(count)
    newest = f"select c.rid{ORDER.columns()} from index_clinical c{all_of(where)} order by {ORDER.by('c', direct=True)} limit {limit}"
    sql = (
        f"select {COLUMNS}{ORDER.texts('p')} from"
        f" (select l.* from unnest({numbers}::smallint[]) k(key){whom} cross join lateral ({newest}) l"
        f" order by {ORDER.by('l')} limit {limit}) p join resource r on r.rid = p.rid order by {ORDER.by('p')}"
    )
    return Statement(sql, tuple(args.values), ORDER, lambda: mark)
