"""A search as it is asked becomes a value, or an error that says what could have been asked.

Strict: an unknown parameter, modifier, prefix or chain, an empty value, a value of the wrong form is refused. A condition that is not
understood must never give a wider answer. FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from yilian.errors import BadRequest
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.search.clauses import Clause
from yilian.search.conditions import Reading
from yilian.search.includes import Include, along, included_by, including, is_inclusion
from yilian.search.lists import conditions
from yilian.search.results import Contained, Sort, Total, contained_of, count_of, require_plain, sort_of, total_of
from yilian.search.shape import Shape, shape_of

MOST_CLAUSES = 100
RESULTS = frozenset({"_count", "_total", "_sort", "_summary", "_elements", "_contained", "_containedType", "_cursor"})
"""Parameters that say how the answer is to look; each at most once."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood.

    count    resources on a page; 0 asks for the total alone
    total    whether to count all matches; estimate is answered exactly
    cursor   where the page begins, as the page before gave it, unread; None is the first page
    shape    how much of each resource is shown; None: all of it
    contained  whether contained resources are matches (`store.contained`); None: they are not
    """

    type: str
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 50
    total: Total = "none"
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    cursor: str | None = None
    shape: Shape | None = None
    contained: Contained | None = None


def parse(
    type: str,
    pairs: Sequence[tuple[str, str]],
    *,
    zone: tzinfo,
    max_count: int = 1000,
    default_count: int = 50,
    base: str = "",
    together: Sequence[str] = (),
    contained_too: bool = False,
) -> Query:
    """The search for resources of `type` with these (name, value) pairs, percent-decoded, in their order.

    `zone`: of dates without an offset. `base`: our own address, so that absolute references to ourselves are understood.
    `together`: all the types that are searched at once, this one among them; none when it is this one alone.
    `contained_too`: the caller can answer `_contained=true` and `both`; they are refused otherwise.
    A `_count` above `max_count` is lowered to it; the rest is on the next pages.
    Raises BadRequest or NotSupported; the message names the parameter and what exists.
    """
    type_id(type)
    searched = together or (type,)
    reading = Reading(zone, base)
    clauses: list[Clause] = []
    results: dict[str, str] = {}
    sort: tuple[Sort, ...] = ()
    includes: list[Include] = []
    revincludes: list[Include] = []
    for name, value in pairs:
        _check_text(name, value)
        if name in RESULTS:
            if name in results:
                raise BadRequest(f"{name} is given twice.")
            results[name] = value
        elif is_inclusion(name):
            if name.startswith("_include"):
                includes.append(including(searched, name, value))
            else:
                revincludes.append(included_by(searched, name, value))
        else:
            clauses += conditions(type, name, value, reading)
    if len(clauses) > MOST_CLAUSES:
        raise BadRequest(f"A search has at most {MOST_CLAUSES} conditions.")
    if "_sort" in results:
        sort = sort_of(type, results["_sort"])
    count, total = count_of(results.get("_count"), default_count, max_count), total_of(results.get("_total", "none"))
    shape, contained = None, None
    if "_summary" in results or "_elements" in results or "_contained" in results or "_containedType" in results:
        contained = contained_of(results)
        if contained is not None:
            require_plain(contained, offered=contained_too, sorted_=bool(sort), along=bool(includes or revincludes))
        shown = RESOURCE_TYPES if contained is not None and contained.whole else searched
        shape = _shape(results, shown, includes, revincludes)
        if results.get("_summary") == "count":
            count = 0
    return Query(
        type,
        tuple(clauses),
        sort,
        count,
        "accurate" if count == 0 else total,
        tuple(dict.fromkeys(includes)),
        tuple(dict.fromkeys(revincludes)),
        results.get("_cursor"),
        shape,
        contained,
    )


def _shape(
    results: Mapping[str, str], searched: Sequence[str], includes: Sequence[Include], revincludes: Sequence[Include]
) -> Shape | None:
    summary, elements = results.get("_summary"), results.get("_elements")
    if summary == "count":
        return None
    if summary == "text" and (includes or revincludes):
        raise BadRequest("_summary=text cannot be mixed with _include and _revinclude.")
    return shape_of(summary, elements, (*searched, *along(includes, revincludes)))


def _check_text(name: str, value: str) -> None:
    for text in (name, value):
        if text.isascii() and "\0" not in text:
            continue
        if "\0" in text:
            raise BadRequest(f"{name[:60]!r} holds a NUL character; no text of a record does.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"{name[:60]!r} is not well-formed UTF-8.") from None


__all__ = ["Clause", "Include", "Query", "Sort", "parse"]
