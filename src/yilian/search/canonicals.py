"""Canonical references followed: `http://…|version` to the resource that bears this url, and back.

Without a version the newest is meant: the highest where versions are numbers with dots, else the last one stored. "Newest" is among what
the asker may see. FHIR R4: http://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.search.parameters import Parameter, parameters_of

CANONICAL = frozenset({"canonical", "uri"})


def is_canonical(parameter: Parameter) -> bool:
    """Whether (also) canonical addresses stand where this reference parameter looks."""
    return parameter.type == "reference" and not CANONICAL.isdisjoint(parameter.value_types)


def canonicals_of(kinds: Iterable[str]) -> list[Parameter]:
    """The canonical reference parameters of these types."""
    return [p for kind in kinds for p in parameters_of(kind).values() if is_canonical(p)]


def forward(parameters: Sequence[Parameter], target: str, rid: str, seen: Callable[[str], str]) -> str:
    """A query (column `rid`) for what these parameters of the resources `rid` point to; null where there is nothing.

    `rid`: the SQL after `x.rid`, such as `= any($1::bigint[])`. `seen(alias)`: the condition that a row of resource may be seen.
    """
    urls, versions = _keys((target,) if target else _targets(parameters))
    text = "split_part(x.value, '#', 1)"
    return (
        "select (select i.rid from index_uri i join resource s on s.rid = i.rid"
        " left join lateral (select c.code from index_token v join concept c on c.h = v.h"
        f" where v.rid = i.rid and c.param = any({versions}) limit 1) k on true"
        f" where i.param = any({urls}) and i.value = split_part({text}, '|', 1) and not s.deleted and {seen('s')}"
        f" and (split_part({text}, '|', 2) = '' or k.code = split_part({text}, '|', 2))"
        r" order by case when k.code ~ '^[0-9]{1,9}(\.[0-9]{1,9}){0,9}$' then string_to_array(k.code, '.')::integer[] end desc nulls last,"
        " s.updated desc, s.rid desc limit 1) as rid"
        f" from index_uri x where x.rid {rid} and x.param = any({_ids(parameters)}) and {_unversioned('x')}"
    )


def backward(parameters: Sequence[Parameter], kinds: Iterable[str], rid: str, only: str) -> str:
    """A query (column `rid`) for what points by these parameters to the resources `rid`, which are of these types.

    A canonical without a version points to any version here. `only`: ` and …`, more that must hold.
    """
    urls, versions = _keys(kinds)
    wanted = f"x.param = any({_ids(parameters)})"
    these = f"m.rid {rid} and m.param = any({urls}){only}"
    return (
        f"select x.rid from index_uri m join index_uri x on x.value = m.value and {wanted} where {these} and {_unversioned('x')}"
        " union all select x.rid from index_uri m join index_token v on v.rid = m.rid join concept c on c.h = v.h"
        f" and c.param = any({versions}) join index_uri x on x.value = m.value || '|' || c.code and {wanted} where {these}"
    )


def _unversioned(row: str) -> str:
    """That a row is no mere shadow: a canonical with a version has a second row without it, to be found by."""
    same = f"y.rid = {row}.rid and y.param = {row}.param"
    return f"not exists (select from index_uri y where {same} and starts_with(y.value, {row}.value || '|'))"


def _keys(kinds: Iterable[str]) -> tuple[str, str]:
    """The parameters that hold a canonical resource's own url and version. (The `url` of a Device or a Subscription is another thing.)"""
    found = [known for known in map(parameters_of, kinds) if "url" in known and "version" in known]
    return _ids([known["url"] for known in found]), _ids([known["version"] for known in found])


def _targets(parameters: Sequence[Parameter]) -> list[str]:
    named = {kind for parameter in parameters for kind in parameter.targets}
    return [kind for kind in RESOURCE_TYPES if kind in named] or list(RESOURCE_TYPES)


def _ids(parameters: Sequence[Parameter]) -> str:
    return "'{" + ",".join(str(p.id) for p in parameters) + "}'::smallint[]"
