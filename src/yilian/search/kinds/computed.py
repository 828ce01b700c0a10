"""`_id` and `_lastUpdated`: answered from the resource row itself, without index rows.

FHIR R4: http://hl7.org/fhir/R4/search.html#all
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from yilian.errors import BadRequest
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain
from yilian.search.kinds import date
from yilian.search.kinds.date import Date
from yilian.search.parameters import Parameter

MODIFIERS: tuple[str, ...] = ()

_id = re.compile(r"[A-Za-z0-9.\-]{1,64}", re.ASCII)


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Any:
    if parameter.code == "_lastUpdated":
        return date.read(parameter, modifier, text, reading)
    key = plain(text)
    if not _id.fullmatch(key):
        raise BadRequest(f"_id: {key[:80]!r} is no id; an id has 1 to 64 letters, digits, dashes and dots.")
    return key


def conditions(parameter: Parameter, modifier: str, values: Sequence[Any], args: Args) -> list[Condition]:
    if parameter.code == "_lastUpdated":
        return [Condition("resource", either([_updated(value, args) for value in values]), once=True)]
    if len(values) == 1:
        return [Condition("resource", f"@.id = {args.add(values[0])}", once=True)]
    return [Condition("resource", f"@.id = any({args.add(list(values))}::text[])", once=True)]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("resource", "true", once=True)]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    column, kind = ("updated", "timestamptz") if parameter.code == "_lastUpdated" else ("id", "text")
    return f"(select x.{column} from resource x where x.rid = {rid})", kind


def _updated(value: Date, args: Args) -> str:
    """An instant against an interval: the prefixes of dates where the record's side has no length."""
    if value.prefix == "ap":
        return date.about(value, args).replace("@.lo", "@.updated").replace("@.hi", "@.updated")
    if value.prefix in ("eq", "ne"):
        low, high = args.add(value.lo), args.add(value.hi)
        return f"(@.updated >= {low} and @.updated < {high})" if value.prefix == "eq" else f"(@.updated < {low} or @.updated >= {high})"
    edge = args.add(value.hi if value.prefix in ("gt", "sa", "le") else value.lo)
    return f"@.updated {'>=' if value.prefix in ('gt', 'sa', 'ge') else '<'} {edge}"
