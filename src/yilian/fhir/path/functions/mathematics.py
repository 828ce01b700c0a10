"""Functions of numbers; decimals are exact to 28 digits. http://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, integer, number, value_of
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.scope import Scope

EXACT = Context(prec=28, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Where all decimals of FHIRPath are calculated."""

LARGEST = 1_000
"""Decimal places a number may have before its point; more is nobody's measurement, and written out it fills the memory."""

Number = int | Decimal


def whole(value: Decimal) -> int:
    """A decimal without its fraction as an integer. Raises PathExecutionError for one beyond `LARGEST` digits."""
    if value and value.adjusted() > LARGEST:
        raise PathExecutionError(f"A number of more than {LARGEST} digits is not calculated with.")
    return int(value)


def _whole(rounding: str) -> Callable[[Scope, Collection], Collection]:
    def of(scope: Scope, items: Collection) -> Collection:
        value = number(items)
        return [] if value is None else one(whole(Decimal(value).to_integral_value(rounding=rounding)))

    return of


def _calculated(how: Callable[..., Number]) -> Callable[..., Collection]:
    """Empty for what has no real result: the root of a negative number, the logarithm of 0."""

    def of(scope: Scope, items: Collection, *arguments: Collection) -> Collection:
        values = [number(items), *(number(argument) for argument in arguments)]
        if None in values:
            return []
        try:
            return one(how(*values))
        except (InvalidOperation, DivisionByZero, Overflow):
            return []

    return of


def _magnitude(value: Number) -> Number:
    return -value if value < 0 else value


def _abs(scope: Scope, items: Collection) -> Collection:
    value = value_of(items)
    if isinstance(value, Quantity):
        return one(Quantity(abs(value.value), value.unit, value.calendar))
    found = number(items)
    return [] if found is None else one(_magnitude(found))


def _round(scope: Scope, items: Collection, precision: Collection | None = None) -> Collection:
    value = number(items)
    places = integer(precision) if precision is not None else 0
    if value is None or places is None:
        return []
    if places < 0:
        raise PathExecutionError("round() needs a precision that is not negative.")
    if isinstance(value, int):
        return one(Decimal(value) if precision is not None else value)
    try:
        return one(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT))
    except InvalidOperation:
        return one(value)


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= 1000 and abs(base) < 10**6:
        found: int = base**exponent
        if abs(found) < 2**31:
            return found
    return EXACT.power(Decimal(base), Decimal(exponent))


def _log(value: Number, base: Number) -> Decimal:
    found = EXACT.divide(EXACT.ln(Decimal(value)), EXACT.ln(Decimal(base)))
    near = found.quantize(Decimal(1).scaleb(-20), ROUND_HALF_UP)
    return near.normalize(EXACT) if near == near.to_integral_value() else found


FUNCTIONS: dict[str, Function] = {
    "abs": Plain(_abs),
    "ceiling": Plain(_whole(ROUND_CEILING)),
    "floor": Plain(_whole(ROUND_FLOOR)),
    "truncate": Plain(_whole(ROUND_DOWN)),
    "round": Plain(_round, 0, 1),
    "exp": Plain(_calculated(lambda value: EXACT.exp(Decimal(value)))),
    "ln": Plain(_calculated(lambda value: EXACT.ln(Decimal(value)))),
    "log": Plain(_calculated(_log), 1, 1),
    "power": Plain(_calculated(_power), 1, 1),
    "sqrt": Plain(_calculated(lambda value: EXACT.sqrt(Decimal(value)))),
}
