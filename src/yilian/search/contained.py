"""`_contained=true|both`: which resources contained in others match a search.

A contained resource has no index rows of its own; its container has one row for each type it contains. So containers are found by an index
and what they contain is held against the query one by one, by the same words as everything else (`match`). That answers all that stands
in the contained resource itself; the rest is refused by name. A reference to `#id`, inside the same container, is not searchable here
as it is not in a resource of its own. FHIR R4: http://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from yilian.errors import NotSupported
from yilian.fhir.json import parse
from yilian.search.clauses import Clause
from yilian.search.match import check, matches
from yilian.search.query import Query


class _Container(msgspec.Struct):
    contained: list[msgspec.Raw] = []


class _Kind(msgspec.Struct):
    resourceType: str


_container = msgspec.json.Decoder(_Container)
_kind = msgspec.json.Decoder(_Kind)


def answerable(query: Query) -> Query:
    """The query itself. Raises NotSupported, naming the condition, for what cannot be asked of contained resources."""
    if query.contained is not None:
        for clause in query.clauses:
            _answerable(clause)
    return query


def _answerable(clause: Clause) -> None:
    if clause.parameter.code == "_lastUpdated":
        raise NotSupported(
            "_lastUpdated does not go with _contained: what is contained has no time of its own.", zh="被包含的资源没有更新时间。"
        )
    try:
        check(clause)
    except NotSupported as error:
        raise NotSupported(f"With _contained: {error}", zh="被包含的资源只能按其自身内容检索。") from None
    for other in clause.also:
        _answerable(other)


def inside(query: Query, body: bytes, *, now: datetime) -> Iterator[tuple[int, str, bytes]]:
    """Of what a stored resource contains, all that matches: its place among the contained, from 0, its id there, and its text.

    `now`: what `ap` reckons from. Only contained resources of the type asked for are parsed.
    """
    for place, raw in enumerate(_container.decode(body).contained):
        if _kind.decode(raw).resourceType != query.type:
            continue
        text = bytes(raw)
        found = parse(text)
        if matches(query, {"id": "", **found}, now=now):
            yield place, found.get("id", ""), text


def is_match(query: Query, body: bytes, *, now: datetime) -> bool:
    """Whether a whole stored resource is a match by itself."""
    return matches(query, parse(body), now=now)
