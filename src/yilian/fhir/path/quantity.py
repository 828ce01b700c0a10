"""Quantities: a decimal with a UCUM unit or a calendar duration.

`4 days` is calendar, `4 'd'` is UCUM. Up to weeks both say the same; a calendar month or year is no fixed time, so `1 year = 1 'a'` has no
answer. How units convert is asked of `units`. http://hl7.org/fhirpath/N1/#quantity
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

CALENDAR = {
    name: unit for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond") for name in (unit, unit + "s")
}
"""Keyword → its singular."""

UCUM_TIME = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
"""Calendar durations that are as long as a UCUM unit."""

UCUM_NEAR = {**UCUM_TIME, "year": "a", "month": "mo"}
"""The same with those that are about as long, for `~`."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is a UCUM code ("1" for none), or with `calendar` the singular of a keyword; a unit of another system is `system|code`."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        if not self.calendar:
            return f"{self.value} '{self.unit}'"
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"


_FORM = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?)\s*(?:'(?P<unit>[^']+)'|(?P<time>[a-zA-Z]+))?", re.ASCII)


def quantity_of(text: str) -> Quantity | None:
    """`1 'mg'`, `4 days`, `1.5`; None for what is no quantity."""
    match = _FORM.fullmatch(text)
    if not match:
        return None
    if match["time"]:
        return Quantity(Decimal(match["value"]), CALENDAR[match["time"]], calendar=True) if match["time"] in CALENDAR else None
    return Quantity(Decimal(match["value"]), match["unit"] or "1")
