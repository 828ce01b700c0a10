"""The profiles, tags and security labels there are, for `$meta`: from the index tables, within a scope.

FHIR R4: http://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yilian.errors import TooLarge
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.search.parameters import parameters_of
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]
MOST = 1000
"""Different profiles, security labels or tags in one answer."""


async def labels_of(tx: Tx, scope: Scope, kind: str = "") -> Json:
    """The Meta that sums up all resources of this type, or of every type, that the scope sees: what is on one of them at least.

    Each label is looked for once and the search for it ends at the first resource that may be seen, so the price goes by the number of
    different labels. Raises TooLarge beyond `MOST` of them: a Meta has no next page.
    """
    kinds = (kind,) if kind else tuple(one for one in RESOURCE_TYPES if one != "AuditEvent")
    found: Json = {}
    profiles = {row[0] for row in await tx.fetch(_profiles(scope, kinds))}
    _bound(len(profiles))
    if profiles:
        found["profile"] = sorted(profiles)
    for name, code in (("security", "_security"), ("tag", "_tag")):
        codings = {(row[0], row[1]) for row in await tx.fetch(_codings(scope, kinds, code))}
        _bound(len(codings))
        if codings:
            found[name] = [{"system": system, "code": code} if system else {"code": code} for system, code in sorted(codings)]
    return found


def _bound(count: int) -> None:
    if count > MOST:
        raise TooLarge(
            f"More than {MOST} different labels of one sort are in use here. Ask for the labels of one type, /Patient/$meta, or search for"
            " the resources of a label with _tag, _security or _profile.",
            zh=f"标签超过 {MOST} 个,请按资源类型查询,或用 _tag、_security、_profile 检索。",
            code="too-costly",
        )


def _codings(scope: Scope, kinds: tuple[str, ...], code: str) -> str:
    params = ", ".join(str(parameters_of(kind)[code].id) for kind in kinds)
    return (
        f"select distinct c.system, c.code from concept c where c.param in ({params}) and c.code <> '' and exists ("
        f"select from index_token t join resource s on s.rid = t.rid where t.h = c.h and {scope.condition('s', kinds)}) limit {MOST + 1}"
    )


def _profiles(scope: Scope, kinds: tuple[str, ...]) -> str:
    """The values of each parameter are skipped through, one look for each that is there."""
    params = ", ".join(f"({parameters_of(kind)['_profile'].id})" for kind in kinds)
    return f"""
with recursive value (param, value) as (
    select p.param, (select min(x.value) from index_uri x where x.param = p.param) from (values {params}) p (param)
    union all
    select v.param, (select min(x.value) from index_uri x where x.param = v.param and x.value > v.value)
    from value v where v.value is not null
)
select distinct v.value from value v where v.value is not null and exists (
    select from index_uri x join resource s on s.rid = x.rid
    where x.param = v.param and x.value = v.value and {scope.condition("s", kinds)}) limit {MOST + 1}
"""
