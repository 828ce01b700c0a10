"""quantity: a number with or without its unit: `6.1`, `gt6.1|http://unitsofmeasure.org|mmol/L`, `6.1||mmol/L`.

Units are compared as written; that 1 g is 1000 mg comes with the units of measure (issue B). A comparator in the record ("< 0.01") is not
heeded: its number is.
FHIR R4: http://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain, split
from yilian.search.folding import bounded
from yilian.search.kinds.number import Number, compared, decimal, number
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS: tuple[str, ...] = ()
CURRENCIES = "urn:iso:std:iso:4217"


@dataclass(frozen=True, slots=True)
class Quantity:
    """`system` and `code` None where any will do."""

    number: Number
    system: str | None = None
    code: str | None = None


# --- values


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Quantity:
    found = [plain(part) for part in split(text, "|")]
    amount = number(parameter.code, found[0])
    if len(found) == 1:
        return Quantity(amount)
    if len(found) != 3 or not found[2]:
        raise BadRequest(f"{parameter.code}: {text[:60]!r} is not a quantity; write 6.1, 6.1|system|code or 6.1||unit.")
    return Quantity(amount, found[1] or None, found[2])


# --- rows


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]
    if branch.type == "Money":
        return lambda value, rows: _money(value, ids, rows)
    if branch.type == "Range":
        return lambda value, rows: _range(value, ids, rows)
    if branch.type == "SampledData":
        return lambda value, rows: _samples(value, ids, rows)
    return lambda value, rows: _quantity(value, ids, rows)


def _quantity(value: Any, ids: list[int], rows: IndexRows, amount: Decimal | None = None) -> None:
    if type(value) is not dict:
        return
    amount = decimal(value.get("value")) if amount is None else amount
    if amount is None:
        return
    system, code, unit = (_word(value.get(key)) for key in ("system", "code", "unit"))
    for param in ids:
        rows.quantities.append((param, system, code or unit, amount))
        if code and unit and unit != code:  # `6.1||次/分` is compared with both
            rows.quantities.append((param, None, unit, amount))


def _money(value: Any, ids: list[int], rows: IndexRows) -> None:
    amount = decimal(value.get("value")) if type(value) is dict else None
    if amount is not None:
        currency = _word(value.get("currency"))
        for param in ids:
            rows.quantities.append((param, CURRENCIES if currency else None, currency, amount))


def _range(value: Any, ids: list[int], rows: IndexRows) -> None:
    """A range is found by its ends."""
    if type(value) is dict:
        for end in ("low", "high"):
            _quantity(value.get(end), ids, rows)


def _samples(value: Any, ids: list[int], rows: IndexRows) -> None:
    """A curve is found by its lowest and highest point. Data: numbers and E, L, U for error, below and above the limits."""
    if type(value) is not dict or type(value.get("origin")) is not dict:
        return
    origin, factor, data = decimal(value["origin"].get("value")), decimal(value.get("factor", 1)), value.get("data")
    if origin is None or factor is None or type(data) is not str:
        return
    try:
        points = [Decimal(word) * factor + origin for word in data.split() if word not in ("E", "L", "U")]
    except InvalidOperation:
        return
    for point in {min(points), max(points)} if points else ():
        _quantity(value["origin"], ids, rows, point)


def _word(value: Any) -> str | None:
    return bounded(value) if type(value) is str and value and "\0" not in value else None


# --- conditions


def conditions(parameter: Parameter, modifier: str, values: Sequence[Quantity], args: Args) -> list[Condition]:
    found = []
    for value in values:
        parts = [compared(value.number, args)]
        if value.code is not None:
            parts.append(f"@.code = {args.add(bounded(value.code))}")
        if value.system is not None:
            parts.append(f"@.system = {args.add(bounded(value.system))}")
        found.append(" and ".join(parts) if len(values) == 1 else "(" + " and ".join(parts) + ")")
    return [Condition("index_quantity", f"@.param = {parameter.id} and {either(found)}")]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_quantity", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    pick = "max" if descending else "min"
    return (
        f"coalesce((select {pick}(x.value) from index_quantity x where x.rid = {rid} and x.param = {parameter.id}), '-infinity')",
        "numeric",
    )
