"""What goes along with the matches of a page: `_include` and `_revinclude`, in one statement.

Included resources are looked at through the same scope as any other. FHIR R4: http://hl7.org/fhir/R4/search.html#revinclude
"""

from __future__ import annotations

from collections.abc import Sequence

from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.search.includes import Include
from yilian.search.predicates import Scoped
from yilian.search.query import Query
from yilian.search.statement import COLUMNS, Statement

MOST = 10_000
"""Resources that may go along with one page.

The statement gives one more, so that the caller can tell and refuse instead of leaving some out.
"""


def included(query: Query, scope: Scoped, rids: Sequence[int]) -> Statement | None:
    """What the query wants along with the matches of this page (their keys), each once, none that is a match itself: rows of `COLUMNS`.

    None when it wants nothing. More than `MOST` rows mean that the page drags too much along: the caller refuses it (TooLarge).
    """
    parts = [_forward(one) for one in query.includes] + [_backward(one) for one in query.revincludes]
    if not parts or not rids:
        return None
    types = _types(query)
    seen = scope.condition("r", types)
    sql = (
        f"select {COLUMNS} from (select distinct rid from ({' union all '.join(parts)}) u where u.rid <> all($1::bigint[])) p"
        f" join resource r on r.rid = p.rid where not r.deleted and {seen} order by r.type, r.rid limit {MOST + 1}"
    )
    return Statement(sql, (list(rids),))


def _forward(one: Include) -> str:
    parameter = one.parameter
    kind = f" and (select t.type from resource t where t.rid = x.target) = {type_id(one.target)}" if one.target else ""
    found = f"select x.target as rid from index_reference x where x.rid = any($1::bigint[]) and x.param = {parameter.id}{kind}"
    if not parameter.is_clinical_patient:
        return found
    patients = "select x.patient as rid from index_clinical x where x.rid = any($1::bigint[]) and x.nth = 0 and x.patient <> 0"
    return (
        patients
        if one.target == "Patient" or parameter.targets == ("Patient",)
        else found
        if one.target
        else f"{patients} union all {found}"
    )


def _backward(one: Include) -> str:
    parameter = one.parameter
    if parameter.is_clinical_patient and one.target == "Patient":
        return (
            f"select x.rid from index_clinical x where x.patient = any($1::bigint[]) and x.type = {type_id(parameter.base)} and x.nth = 0"
        )
    return f"select x.rid from index_reference x where x.target = any($1::bigint[]) and x.param = {parameter.id}"


def _types(query: Query) -> tuple[str, ...]:
    """Every type that can go along, in a fixed order."""
    found: set[str] = {one.parameter.base for one in query.revincludes}
    for one in query.includes:
        found |= {one.target} if one.target else set(one.parameter.targets)
    return tuple(kind for kind in RESOURCE_TYPES if kind in found)
