"""date: every date is an interval, in the record and in the question; prefixes compare the two.

"2020" in a question is the whole year, "2020-02" in a record the whole month, a Period lasts from its start to its end, or on if it has
none.
FHIR R4: http://hl7.org/fhir/R4/search.html#date, #prefix
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.dates import FIRST, LAST, interval, region_zone
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain
from yilian.search.kinds.prefixes import split
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS: tuple[str, ...] = ()
NEVER = "'-infinity'::timestamptz"


@dataclass(frozen=True, slots=True)
class Date:
    """[lo, hi), aware, UTC."""

    prefix: str
    lo: datetime
    hi: datetime


# --- values


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Date:
    prefix, date = split(parameter.code, plain(text))
    if " " in date:
        raise BadRequest(f"{parameter.code}: {date[:60]!r} holds a space; a + in an address is written %2B (2020-02-01T08:00:00%2B08:00).")
    lo, hi = interval(date, reading.zone)
    return Date(prefix, lo, hi)


# --- rows


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]
    ends = {"Period": period, "Timing": timing}.get(branch.type, moment)

    def take(value: Any, rows: IndexRows) -> None:
        found = ends(value)
        if found is not None:
            for param in ids:
                rows.dates.append((param, *found))

    return take


def moment(value: Any) -> tuple[datetime, datetime] | None:
    return interval(value, region_zone()) if type(value) is str else None


def period(value: Any) -> tuple[datetime, datetime] | None:
    """From the first instant of its start to the last of its end; None when it has neither, or ends before it starts."""
    if type(value) is not dict:
        return None
    start, end = moment(value.get("start")), moment(value.get("end"))
    if start is None and end is None:
        return None
    lo, hi = start[0] if start else FIRST, end[1] if end else LAST
    return (lo, hi) if lo < hi else None


def timing(value: Any) -> tuple[datetime, datetime] | None:
    """The outer limits of a schedule: its events and its bounds; None when it has neither."""
    if type(value) is not dict:
        return None
    events, repeat = value.get("event"), value.get("repeat")
    found = [one for event in (events if type(events) is list else ()) if (one := moment(event)) is not None]
    bounds = period(repeat.get("boundsPeriod")) if type(repeat) is dict else None
    if bounds:
        found.append(bounds)
    return (min(lo for lo, _ in found), max(hi for _, hi in found)) if found else None


# --- conditions


def compared(value: Date, args: Args) -> str:
    """The condition on `@.lo` and `@.hi`. What is implied (lo < end) is written out where it lets an index on lo stop early."""
    if value.prefix == "ap":
        return about(value, args)
    start = args.add(value.lo) if value.prefix not in ("gt", "sa") else ""
    end = args.add(value.hi) if value.prefix not in ("lt", "eb") else ""
    return {
        "eq": f"(@.lo >= {start} and @.lo < {end} and @.hi <= {end})",
        "ne": f"(@.hi > {NEVER} and (@.lo < {start} or @.hi > {end}))",
        "gt": f"@.hi > {end}",
        "ge": f"(@.lo >= {start} or @.hi > {end})",
        "lt": f"(@.lo < {start} and @.hi > {NEVER})",
        "le": f"(@.lo < {end} and (@.lo < {start} or @.hi <= {end}) and @.hi > {NEVER})",
        "sa": f"@.lo >= {end}",
        "eb": f"(@.lo < {start} and @.hi <= {start} and @.hi > {NEVER})",
    }[value.prefix]


def about(value: Date, args: Args) -> str:
    """Overlaps the interval widened by a tenth of its distance from now, which is what the standard proposes."""
    start, end = f"{args.add(value.lo)}::timestamptz", f"{args.add(value.hi)}::timestamptz"
    margin = "abs(extract(epoch from now() - {})) * interval '0.1 second'"
    return f"(@.lo < {end} + {margin.format(end)} and @.hi > {start} - {margin.format(start)})"


def conditions(parameter: Parameter, modifier: str, values: Sequence[Date], args: Args) -> list[Condition]:
    found = either([compared(value, args) for value in values])
    if parameter.is_clinical_date:
        return [Condition("index_clinical", found, once=True)]
    # A page of what is early begins with the earliest, of what is late with the latest: there the first rows of the index match.
    prefix = values[0].prefix if len(values) == 1 else "ap"
    natural = "lo" if prefix != "ap" else ""
    return [Condition("index_date", f"@.param = {parameter.id} and {found}", natural=natural, falling=prefix in ("gt", "ge", "sa"))]


def present(parameter: Parameter) -> list[Condition]:
    if parameter.is_clinical_date:
        return [Condition("index_clinical", f"@.hi > {NEVER}", once=True)]
    return [Condition("index_date", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    """By its beginning; of several dates by the earliest one, or the latest when the order is reversed."""
    if parameter.is_clinical_date:
        return f"coalesce((select x.lo from index_clinical x where x.rid = {rid} and x.nth = 0), {NEVER})", "timestamptz"
    pick = "max" if descending else "min"
    return f"coalesce((select {pick}(x.lo) from index_date x where x.rid = {rid} and x.param = {parameter.id}), {NEVER})", "timestamptz"
