"""A search as it is asked becomes a value, or an error that says what could have been asked.

Strict: an unknown parameter, modifier, prefix or chain, an empty value, a value of the wrong form is refused. A condition that is not
understood must never give a wider answer. FHIR R4: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Literal, cast, get_args

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import type_id
from yilian.search import escapes
from yilian.search.conditions import Reading
from yilian.search.includes import Include, included_by, including
from yilian.search.kinds import ORDERS, kind_of
from yilian.search.parameters import COMPUTED, Parameter, parameters_of
from yilian.search.unknown import no_modifier, no_parameter, not_yet

Total = Literal["none", "estimate", "accurate"]

MOST_VALUES = 1000
MOST_CLAUSES = 100

NOT_YET = {
    "_has": "reverse chaining",
    "_list": "searching within a List",
    "_type": "searching several types at once",
    "_contained": "searching contained resources",
    "_containedType": "searching contained resources",
    "_elements": "shortened resources",
    "_score": "ranking",
    "_query": "named queries",
    "_filter": "filter expressions",
    "_text": "full-text search",
    "_content": "full-text search",
}
"""Parameters of the standard that belong to no type and are not answered here yet."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. All clauses of a query must hold; of the values of one, any.

    modifier  "", "not", "missing", "exact", "contains", or the type a reference is to
    values    as the parameter's kind reads them; for "missing" one boolean
    chain     what must hold of the resource the reference points to, which is of type `modifier`; there are no values then
    """

    parameter: Parameter
    modifier: str
    values: tuple[Any, ...]
    chain: Clause | None = None

    @property
    def is_negative(self) -> bool:
        """Satisfied by what is not there."""
        return self.modifier == "not" or (self.modifier == "missing" and bool(self.values[0]))


@dataclass(frozen=True, slots=True)
class Sort:
    parameter: Parameter
    descending: bool


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
            clauses.append(_clause(type, name, value, reading))
    if len(clauses) > MOST_CLAUSES:
        raise BadRequest(f"A search has at most {MOST_CLAUSES} conditions.")
    if "_sort" in results:
        sort = _sort(type, results["_sort"])
    count, total = _count(results.get("_count"), default_count, max_count), _total(results.get("_total", "none"))
    if "_summary" in results and _is_count(results["_summary"]):
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


# --- conditions


def _clause(kind: str, name: str, value: str, reading: Reading) -> Clause:
    """`code`, `code:not`, `patient.identifier`, `subject:Patient.name:exact`."""
    link, dot, rest = name.partition(".")
    code, _, modifier = link.partition(":")
    parameter = _parameter(kind, code)
    if not dot:
        return _plain(parameter, modifier, value, reading)
    if parameter.type != "reference":
        raise BadRequest(f"{name}: {code} is no reference, so nothing can be asked of what it points to.")
    target = _chained_type(parameter, modifier, rest)
    inner = _clause_of_target(target, rest, value, reading)
    return Clause(parameter, target, (), inner)


def _plain(parameter: Parameter, modifier: str, value: str, reading: Reading) -> Clause:
    code, kind = parameter.code, kind_of(parameter)
    if not value:
        raise BadRequest(f"{code} is given without a value.")
    if modifier == "missing" and code not in COMPUTED:
        if value not in ("true", "false"):
            raise BadRequest(f"{code}:missing is true or false, not {value[:40]!r}.")
        return Clause(parameter, modifier, (value == "true",))
    if modifier and modifier not in kind.MODIFIERS and not (parameter.type == "reference" and modifier in parameter.targets):
        raise no_modifier(parameter, modifier, kind.MODIFIERS)
    texts = escapes.split(value, ",")
    if "" in texts:
        raise BadRequest(f"{code}: there is an empty value between the commas of {value[:80]!r}; a comma that is meant is written \\,.")
    if len(texts) > MOST_VALUES:
        raise BadRequest(f"{code}: at most {MOST_VALUES} values can be asked for at once.")
    return Clause(parameter, modifier, tuple(dict.fromkeys(kind.read(parameter, modifier, text, reading) for text in texts)))


def _chained_type(parameter: Parameter, modifier: str, rest: str) -> str:
    """The type at the other end: named, or the only one that knows what is asked of it."""
    code = rest.partition(".")[0].partition(":")[0]
    if modifier:
        if modifier not in parameter.targets:
            raise BadRequest(f"{parameter.code}:{modifier}.{rest}: {parameter.code} points to {', '.join(parameter.targets[:12])}.")
        return modifier
    knowing = [target for target in parameter.targets if code in parameters_of(target)]
    if len(knowing) > 1:
        raise BadRequest(
            f"{parameter.code}.{rest}: several types have {code!r}; name one: "
            + ", ".join(f"{parameter.code}:{target}.{rest}" for target in knowing[:12])
            + "."
        )
    if not knowing:
        if len(parameter.targets) == 1:
            raise no_parameter(parameter.targets[0], code)
        raise BadRequest(f"{parameter.code}.{rest}: none of {', '.join(parameter.targets[:12])} has a search parameter {code!r}.")
    return knowing[0]


def _clause_of_target(target: str, name: str, value: str, reading: Reading) -> Clause:
    if "." in name:
        raise NotSupported(f"{name}: chains over more than one reference are not supported yet.")
    code, _, modifier = name.partition(":")
    return _plain(_parameter(target, code), modifier, value, reading)


def _parameter(kind: str, code: str) -> Parameter:
    found = parameters_of(kind).get(code)
    if found is None:
        if code in NOT_YET:
            raise not_yet(code, NOT_YET[code])
        raise no_parameter(kind, code)
    return found


# --- how the answer is to look


def _sort(kind: str, value: str) -> tuple[Sort, ...]:
    keys: dict[str, Sort] = {}
    for text in value.split(","):
        descending, code = text.startswith("-"), text.removeprefix("-")
        if not code:
            raise BadRequest(f"_sort: there is an empty key in {value[:80]!r}; write _sort=-date,code.")
        parameter = _parameter(kind, code)
        if parameter.type not in ORDERS:
            raise NotSupported(f"_sort: {code} is a {parameter.type}; one can sort by string, token, date, number, quantity and uri.")
        if code in keys:
            raise BadRequest(f"_sort: {code} is named twice.")
        keys[code] = Sort(parameter, descending)
    if len(keys) > 5:
        raise BadRequest("_sort: at most 5 keys.")
    return tuple(keys.values())


def _count(value: str | None, default: int, most: int) -> int:
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRequest(f"_count is a whole number from 0, not {value[:40]!r}.")
    return min(int(value), most)


def _total(value: str) -> Total:
    for known in get_args(Total):
        if value == known:
            return cast(Total, known)
    raise BadRequest(f"_total is none, estimate or accurate, not {value[:40]!r}.")


def _is_count(value: str) -> bool:
    if value in ("true", "text", "data"):
        raise NotSupported(f"_summary={value} (shortened resources) is not supported yet; count and false are.")
    if value not in ("count", "false"):
        raise BadRequest(f"_summary is true, text, data, count or false, not {value[:40]!r}.")
    return value == "count"


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
