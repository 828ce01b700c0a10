"""A search as it is asked becomes a value, or an error that says what could have been asked.

Strict: an unknown parameter, modifier, prefix or chain, an empty value, a value of the wrong form is refused. A condition that is not
understood must never give a wider answer. FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import type_id
from yilian.search.clauses import Clause, clause
from yilian.search.conditions import Reading
from yilian.search.includes import Include, included_by, including
from yilian.search.results import Sort, Total, count_of, is_count, sort_of, total_of

MOST_CLAUSES = 100


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood.

    count    resources on a page; 0 asks for the total alone
    total    whether to count all matches; estimate is answered exactly
    cursor   where the page begins, as the page before gave it, unread; None is the first page
    """

    type: str
    clauses: tuple[Clause, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 50
    total: Total = "none"
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    cursor: str | None = None


def parse(
    type: str, pairs: Sequence[tuple[str, str]], *, zone: tzinfo, max_count: int = 1000, default_count: int = 50, base: str = ""
) -> Query:
    """The search for resources of `type` with these (name, value) pairs, percent-decoded, in their order.

    `zone`: of dates without an offset. `base`: our own address, so that absolute references to ourselves are understood.
    A `_count` above `max_count` is lowered to it; the rest is on the next pages.
    Raises BadRequest or NotSupported; the message names the parameter and what exists.
    """
    type_id(type)
    reading = Reading(zone, base)
    clauses: list[Clause] = []
    results: dict[str, str] = {}
    sort: tuple[Sort, ...] = ()
    includes: list[Include] = []
    revincludes: list[Include] = []
    for name, value in pairs:
        _check_text(name, value)
        if name in ("_count", "_total", "_sort", "_summary", "_cursor"):
            if name in results:
                raise BadRequest(f"{name} is given twice.")
            results[name] = value
        elif name.startswith(("_include", "_revinclude")):
            _refuse_iteration(name)
            (includes.append(including(type, value)) if name == "_include" else revincludes.append(included_by(type, value)))
        else:
            clauses.append(clause(type, name, value, reading))
    if len(clauses) > MOST_CLAUSES:
        raise BadRequest(f"A search has at most {MOST_CLAUSES} conditions.")
    if "_sort" in results:
        sort = sort_of(type, results["_sort"])
    count, total = count_of(results.get("_count"), default_count, max_count), total_of(results.get("_total", "none"))
    if "_summary" in results and is_count(results["_summary"]):
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
    )


def _refuse_iteration(name: str) -> None:
    plain, _, modifier = name.partition(":")
    if plain not in ("_include", "_revinclude"):
        raise NotSupported(f"There is no parameter {name[:60]!r}; there are _include and _revinclude.")
    if modifier:
        raise NotSupported(f"{name[:60]}: including what included resources point to is not supported yet; {plain} without a modifier is.")


def _check_text(name: str, value: str) -> None:
    for text in (name, value):
        if "\0" in text:
            raise BadRequest(f"{name[:60]!r} holds a NUL character; no text of a record does.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"{name[:60]!r} is not well-formed UTF-8.") from None


__all__ = ["Clause", "Include", "Query", "Sort", "parse"]
