"""What a quantity in a record comes to in index_quantity: an amount in base units, or an interval of them.

    6.1 mmol/L                    one row, side 0
    < 0.01 ng/mL                  two: from minus infinity (side -1) to 0.01, which is not reached (side 2)
    Range 3 to 5 d                two: its ends (sides -1 and 1); where an end is left out, infinity stands for it
    SampledData                   two: its lowest and its highest point

An amount with a unit of UCUM is kept in base units and can be asked for in any unit of the same dimension; any other is kept as it is and
asked for by its unit as written. A stated unit besides the code (`次/分` beside `/min`) gives a row of its own.
FHIR R4: http://hl7.org/fhir/R4/datatypes.html#quantity, #Range, #SampledData, #Money
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from yilian.fhir import ucum
from yilian.fhir.fhirpath import Branch
from yilian.search.folding import bounded
from yilian.search.kinds.number import decimal
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows, Measure, token_hash

CURRENCIES = "urn:iso:std:iso:4217"
ToBase = Callable[[Decimal], Decimal]
"""From a number in some unit to the amount that is kept."""

End = tuple[Decimal, int]
"""Of an interval: the number, and 1 where it belongs to the interval, else 2."""

BELOW, ABOVE = Decimal("-Infinity"), Decimal("Infinity")


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    """What takes up one value of the branch's type for these parameters."""
    ids = [p.id for p in parameters]
    take = {"Money": _money, "Range": _range, "SampledData": _samples}.get(branch.type, _quantity)
    return lambda value, rows: take(value, ids, rows) if type(value) is dict else None


class _Label(NamedTuple):
    """The unit of a quantity as it is compared: key, what turns a number into the amount that is kept, and the unit as written."""

    unit: int
    amount: ToBase
    system: str | None
    written: str | None


def as_written(text: str | None) -> int:
    """The key of a unit that is compared to the letter; also of none at all."""
    return token_hash(0, "unit", text or "")


@lru_cache(maxsize=8192)
def in_base_units(code: str) -> tuple[int, ToBase] | None:
    """The key of what a unit of UCUM measures, and the way there; None where the code is no such unit."""
    unit = ucum.unit(code)
    return (token_hash(0, "measures", unit.measures), unit.canonical) if unit is not None else None


@lru_cache(maxsize=8192)
def _label(system: str | None, code: str | None, unit: str | None) -> _Label:
    measured = in_base_units(code) if system == ucum.SYSTEM and code else None
    written = code or unit
    if measured is not None:
        return _Label(*measured, None, written)
    return _Label(as_written(written), _as_it_is, system, written)


def _as_it_is(value: Decimal) -> Decimal:
    return value


# --- one for each type


def _quantity(value: dict[str, Any], ids: list[int], rows: IndexRows) -> None:
    amount = decimal(value.get("value"))
    if amount is not None:
        label, unit = _labelled(value)
        comparator = value.get("comparator")
        if comparator in ("<", "<="):
            _interval((BELOW, 1), (amount, 1 if comparator == "<=" else 2), label, unit, ids, rows)
        elif comparator in (">", ">="):
            _interval((amount, 1 if comparator == ">=" else 2), (ABOVE, 1), label, unit, ids, rows)
        else:
            _point(amount, label, unit, ids, rows)


def _money(value: dict[str, Any], ids: list[int], rows: IndexRows) -> None:
    amount = decimal(value.get("value"))
    if amount is not None:
        currency = _word(value.get("currency"))
        _point(amount, _label(CURRENCIES if currency else None, currency, None), None, ids, rows)


def _range(value: dict[str, Any], ids: list[int], rows: IndexRows) -> None:
    low, high = (end if type(end := value.get(name)) is dict else {} for name in ("low", "high"))
    least, most = decimal(low.get("value")), decimal(high.get("value"))
    if least is None and most is None:
        return
    label, unit = _labelled(high if least is None else low)
    if least is not None and most is not None and (_labelled(high) != (label, unit) or least > most):
        _quantity(low, ids, rows)  # 5 mg to 1 g, or a slip: its ends are found, what lies between is not
        _quantity(high, ids, rows)
    else:
        _interval((BELOW if least is None else least, 1), (ABOVE if most is None else most, 1), label, unit, ids, rows)


def _samples(value: dict[str, Any], ids: list[int], rows: IndexRows) -> None:
    """Data: numbers and E, L, U for error, below and above the limits."""
    origin, data = value.get("origin"), value.get("data")
    if type(origin) is not dict or type(data) is not str:
        return
    zero, factor = decimal(origin.get("value")), decimal(value.get("factor", 1))
    if zero is None or factor is None:
        return
    try:
        points = [Decimal(word) * factor + zero for word in data.split() if word not in ("E", "L", "U")]
        least, most = decimal(min(points)), decimal(max(points))
    except (InvalidOperation, ValueError):
        return
    if least is not None and most is not None:
        label, unit = _labelled(origin)
        if least == most:
            _point(least, label, unit, ids, rows)
        else:
            _interval((least, 1), (most, 1), label, unit, ids, rows)


# --- rows


def _labelled(value: dict[str, Any]) -> tuple[_Label, str | None]:
    """The unit, and the stated one where it is another text than the code."""
    code, unit = _word(value.get("code")), _word(value.get("unit"))
    return _label(_word(value.get("system")), code, None if code else unit), unit if code and unit != code else None


def _point(value: Decimal, label: _Label, stated: str | None, ids: list[int], rows: IndexRows) -> None:
    amount = label.amount(value)
    for param in ids:
        rows.quantities.append((param, False, 0, label.unit, amount, value, None, None, label.system, label.written))
        if stated:
            rows.quantities.append((param, True, 0, as_written(stated), value, value, None, None, None, stated))


def _interval(
    low: tuple[Decimal, int], high: tuple[Decimal, int], label: _Label, stated: str | None, ids: list[int], rows: IndexRows
) -> None:
    """Two rows. An end is (number, 1 where it belongs to the interval, else 2)."""
    (least, in_least), (most, in_most) = low, high
    lower, upper = label.amount(least), label.amount(most)
    found: list[Measure] = []
    for param in ids:
        found.append((param, False, -in_least, label.unit, lower, least, upper, most, label.system, label.written))
        found.append((param, False, in_most, label.unit, upper, most, lower, least, label.system, label.written))
        if stated:
            key = as_written(stated)
            found.append((param, True, -in_least, key, least, least, most, most, None, stated))
            found.append((param, True, in_most, key, most, most, least, least, None, stated))
    rows.quantities.extend(found)


def _word(value: Any) -> str | None:
    return bounded(value) if type(value) is str and value and "\0" not in value else None
