"""number: `100` means 99.5 to 100.5, `100.00` means 99.995 to 100.005; with a prefix the number itself.

FHIR R4: http://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain
from yilian.search.kinds.prefixes import split
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS: tuple[str, ...] = ()

_all = Context(prec=100)
"""Wide enough for all digits `_form` lets in; Decimal's own operators round to 28."""

_form = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """[lo, hi) is what the digits leave open: half a unit of the last place on either side.

    about: both ends of what is about the same: a tenth of the number on either side, and never less than the digits leave open.
    """

    prefix: str
    value: Decimal
    lo: Decimal
    hi: Decimal
    about: tuple[Decimal, Decimal]


def number(name: str, text: str) -> Number:
    """A prefix and a number. Raises BadRequest."""
    prefix, digits = split(name, text)
    if not _form.fullmatch(digits):
        raise BadRequest(f"{name}: {digits[:60]!r} is not a number; write 100, 5.40 or 1e-3.")
    value = Decimal(digits)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # the form admits no NaN
    # The standard's own example reads 1e2 as 95 to 105: ten times narrower than half of the last place written.
    half = Decimal(5).scaleb(exponent - 2 if exponent > 0 else exponent - 1)
    reach = max(_all.multiply(abs(value), Decimal("0.1")), half)
    about = (_all.subtract(value, reach), _all.add(value, reach))
    return Number(prefix, value, _all.subtract(value, half), _all.add(value, half), about)


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Number:
    return number(parameter.code, plain(text))


def decimal(value: Any) -> Decimal | None:
    """A JSON number as Decimal; None for what is none, or lies beyond what anything is measured in (PostgreSQL takes 131,072 digits)."""
    kind = type(value)
    found = value if kind is Decimal else Decimal(value) if kind is int else Decimal(repr(value)) if kind is float else None
    return found if found is not None and found.is_finite() and abs(found.adjusted()) < 1000 else None


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]

    def take(value: Any, rows: IndexRows) -> None:
        found = decimal(value)
        if found is not None:
            for param in ids:
                rows.numbers.append((param, found))

    def take_range(value: Any, rows: IndexRows) -> None:
        """A range is found by its ends."""
        for end in ("low", "high"):
            if type(value) is dict and type(value.get(end)) is dict:
                take(value[end].get("value"), rows)

    return take_range if branch.type == "Range" else take


def compared(value: Number, args: Args) -> str:
    """The condition on `@.value`. With gt, lt, ge, le, sa and eb the number counts as exact, as the standard says."""
    if value.prefix in ("eq", "ne"):
        low, high = args.add(value.lo), args.add(value.hi)
        return f"(@.value >= {low} and @.value < {high})" if value.prefix == "eq" else f"(@.value < {low} or @.value >= {high})"
    if value.prefix == "ap":
        low, high = (args.add(end) for end in value.about)
        return f"(@.value >= {low} and @.value <= {high})"
    sign = {"gt": ">", "sa": ">", "lt": "<", "eb": "<", "ge": ">=", "le": "<="}[value.prefix]
    return f"@.value {sign} {args.add(value.value)}"


def conditions(parameter: Parameter, modifier: str, values: Sequence[Number], args: Args) -> list[Condition]:
    return [Condition("index_number", f"@.param = {parameter.id} and {either([compared(value, args) for value in values])}")]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_number", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    pick = "max" if descending else "min"
    return (
        f"coalesce((select {pick}(x.value) from index_number x where x.rid = {rid} and x.param = {parameter.id}), '-infinity')",
        "numeric",
    )
