"""How the answer of a search is to look: `_sort`, `_count`, `_total`; `shape` reads `_summary` and `_elements`. FHIR R4: http://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from yilian.errors import BadRequest, NotSupported
from yilian.search.clauses import parameter_of
from yilian.search.kinds import ORDERS
from yilian.search.parameters import Parameter

Total = Literal["none", "estimate", "accurate"]


@dataclass(frozen=True, slots=True)
class Sort:
    parameter: Parameter
    descending: bool


def sort_of(kind: str, value: str) -> tuple[Sort, ...]:
    keys: dict[str, Sort] = {}
    for text in value.split(","):
        descending, code = text.startswith("-"), text.removeprefix("-")
        if not code:
            raise BadRequest(f"_sort: there is an empty key in {value[:80]!r}; write _sort=-date,code.")
        parameter = parameter_of(kind, code)
        if parameter.type not in ORDERS:
            raise NotSupported(
                f"_sort: {code} is a {parameter.type}; one can sort by string, token, date, number, quantity, reference and uri."
            )
        if code in keys:
            raise BadRequest(f"_sort: {code} is named twice.")
        keys[code] = Sort(parameter, descending)
    if len(keys) > 5:
        raise BadRequest("_sort: at most 5 keys.")
    return tuple(keys.values())


def count_of(value: str | None, default: int, most: int) -> int:
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRequest(f"_count is a whole number from 0, not {value[:40]!r}.")
    return min(int(value), most)


def total_of(value: str) -> Total:
    for known in get_args(Total):
        if value == known:
            return cast(Total, known)
    raise BadRequest(f"_total is none, estimate or accurate, not {value[:40]!r}.")


def refuse_contained(results: Mapping[str, str]) -> None:
    """Contained resources are found through what contains them; to be matches themselves they would need index rows of their own."""
    value = results.get("_contained", "false")
    if value not in ("true", "false", "both"):
        raise BadRequest(f"_contained is true, false or both, not {value[:40]!r}.")
    if value != "false":
        raise NotSupported(
            f"_contained={value}: contained resources are no matches of their own here; they come with what contains them.",
            zh="不支持直接检索被包含(contained)的资源。",
        )
    if "_containedType" in results:
        raise NotSupported("_containedType goes with _contained=true, which is not answered here.")
