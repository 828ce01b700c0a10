"""How the answer of a search is to look: `_sort`, `_count`, `_total`; `shape` reads `_summary` and `_elements`. FHIR R4: http://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from yilian.errors import BadRequest, NotSupported, Unavailable
from yilian.search.clauses import parameter_of
from yilian.search.kinds import ORDERS
from yilian.search.parameters import Parameter, withheld_by_name

Total = Literal["none", "estimate", "accurate"]


@dataclass(frozen=True, slots=True)
class Sort:
    parameter: Parameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Contained:
    """That resources contained in others are matches too. http://hl7.org/fhir/R4/search.html#contained

    beside  besides ordinary matches (both), not instead of them (true)
    whole   what is answered is the resource that contains the match (container), not the match alone (contained)
    """

    beside: bool
    whole: bool


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


def contained_of(results: Mapping[str, str]) -> Contained | None:
    """What `_contained` and `_containedType` ask for; None where contained resources are no matches. Raises BadRequest."""
    value = results.get("_contained", "false")
    if value not in ("true", "false", "both"):
        raise BadRequest(f"_contained is true, false or both, not {value[:40]!r}.")
    kind = results.get("_containedType", "container")
    if kind not in ("container", "contained"):
        raise BadRequest(f"_containedType is container or contained, not {kind[:40]!r}.")
    if value == "false":
        if "_containedType" in results:
            raise BadRequest("_containedType goes with _contained=true or _contained=both.")
        return None
    return Contained(beside=value == "both", whole=kind == "container")


def require_plain(contained: Contained, *, offered: bool, sorted_: bool, along: bool) -> None:
    """Refuses what does not go with contained resources. `offered`: whether they can be matches where this is asked.

    Raises NotSupported, and Unavailable while containers are still being indexed.
    """
    name = f"_contained={'both' if contained.beside else 'true'}"
    if not offered:
        raise NotSupported(
            f"{name}: contained resources are matches of a search of one type only, GET /Type?{name}; not here.",
            zh="仅按单一资源类型检索时可匹配被包含(contained)的资源。",
        )
    if sorted_:
        raise NotSupported(
            f"_sort does not go with {name}: matches come in the order their containers were stored.", zh="此检索不支持排序。"
        )
    if along:
        raise NotSupported(
            f"_include and _revinclude do not go with {name}; read what the matches refer to by its address.",
            zh="此检索不支持附带其他资源。",
        )
    if why := withheld_by_name("contained"):
        raise Unavailable(f"{name} cannot be asked just now: {why}.", zh="被包含资源的索引正在重建,请稍后再试。")
