"""The operators between two collections. http://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from yilian.fhir.path.durations import plus
from yilian.fhir.path.equality import equal, equivalent, order
from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.combining import union
from yilian.fhir.path.functions.conversion import LEAST, MOST
from yilian.fhir.path.functions.existence import is_in
from yilian.fhir.path.functions.kinds import single, truth, value_of
from yilian.fhir.path.functions.mathematics import EXACT, whole
from yilian.fhir.path.functions.strings import as_text
from yilian.fhir.path.items import Collection, one, wrap
from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.temporal import Temporal
from yilian.fhir.path.units import aligned, divided, multiplied, ucum

Operation = Callable[[Collection, Collection], Collection]
Number = (int, Decimal)


def _numbers(left: Any, right: Any) -> bool:
    return isinstance(left, Number) and isinstance(right, Number) and not isinstance(left, bool) and not isinstance(right, bool)


def _wrong(left: Any, sign: str, right: Any) -> PathExecutionError:
    return PathExecutionError(f"{type(left).__name__} {sign} {type(right).__name__} is not known.")


def _calculated(sign: str, how: Callable[[Any, Any], Any]) -> Operation:
    """Empty where a side is, where the result is too great, and for a division by zero."""

    def of(left: Collection, right: Collection) -> Collection:
        if not left or not right:
            single(left), single(right)
            return []
        first, second = value_of(left), value_of(right)
        if first is None or second is None:
            raise PathExecutionError(f"{sign} needs two values.")
        try:
            result = how(first, second)
        except (DivisionByZero, InvalidOperation, Overflow, ZeroDivisionError):
            return []
        if isinstance(result, int) and not isinstance(result, bool) and not LEAST <= result <= MOST:
            return []
        return one(result)

    return of


def _add(left: Any, right: Any) -> Any:
    if _numbers(left, right):
        return left + right if isinstance(left, int) and isinstance(right, int) else EXACT.add(Decimal(left), Decimal(right))
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, Temporal) and isinstance(right, Quantity):
        return plus(left, right)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return _summed(left, right, 1)
    raise _wrong(left, "+", right)


def _subtract(left: Any, right: Any) -> Any:
    if _numbers(left, right):
        return left - right if isinstance(left, int) and isinstance(right, int) else EXACT.subtract(Decimal(left), Decimal(right))
    if isinstance(left, Temporal) and isinstance(right, Quantity):
        return plus(left, right, -1)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return _summed(left, right, -1)
    raise _wrong(left, "-", right)


def _summed(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """In the finer of the two units."""
    pair = aligned(left, right)
    if pair is None:
        return None
    finer = right if pair[1] == right.value and pair[0] != left.value else left
    if left.calendar and right.calendar and left.unit != right.unit:
        finer = Quantity(Decimal(0), "month" if left.unit in ("year", "month") else "millisecond", calendar=True)
    return Quantity(pair[0] + sign * pair[1], finer.unit, finer.calendar)


def _multiply(left: Any, right: Any) -> Any:
    if _numbers(left, right):
        return left * right if isinstance(left, int) and isinstance(right, int) else EXACT.multiply(Decimal(left), Decimal(right))
    return _of_units("*", left, right, EXACT.multiply, multiplied)


def _divide(left: Any, right: Any) -> Any:
    if _numbers(left, right):
        return EXACT.divide(Decimal(left), Decimal(right))
    return _of_units("/", left, right, EXACT.divide, divided)


def _of_units(
    sign: str, left: Any, right: Any, how: Callable[[Decimal, Decimal], Decimal], unit: Callable[[str, str], str]
) -> Quantity | None:
    first = Quantity(Decimal(left), "1") if isinstance(left, Number) and not isinstance(left, bool) else left
    second = Quantity(Decimal(right), "1") if isinstance(right, Number) and not isinstance(right, bool) else right
    if not isinstance(first, Quantity) or not isinstance(second, Quantity):
        raise _wrong(left, sign, right)
    if first.calendar and second == Quantity(second.value, "1"):
        return Quantity(how(first.value, second.value), first.unit, calendar=True)
    one_unit, other_unit = ucum(first), ucum(second)
    if one_unit is None or other_unit is None:
        return None
    return Quantity(how(first.value, second.value), unit(one_unit, other_unit))


def _div(left: Any, right: Any) -> Any:
    if not _numbers(left, right):
        raise _wrong(left, "div", right)
    return whole(EXACT.divide(Decimal(left), Decimal(right)))


def _mod(left: Any, right: Any) -> Any:
    if not _numbers(left, right):
        raise _wrong(left, "mod", right)
    found = EXACT.remainder(Decimal(left), Decimal(right))
    return whole(found) if isinstance(left, int) and isinstance(right, int) else found


def _ordered(accepts: Callable[[int], bool]) -> Operation:
    def of(left: Collection, right: Collection) -> Collection:
        if not left or not right:
            single(left), single(right)
            return []
        first, second = value_of(left), value_of(right)
        if first is None or second is None:
            return []
        found = order(first, second)
        return [] if found is None else one(accepts(found))

    return of


def _equal(left: Collection, right: Collection) -> Collection:
    return one(equal(left, right))


def _not_equal(left: Collection, right: Collection) -> Collection:
    found = equal(left, right)
    return [] if found is None else one(not found)


def _in(left: Collection, right: Collection) -> Collection:
    item = single(left)
    return [] if item is None else one(is_in(item, right))


def _and(left: Collection, right: Collection) -> Collection:
    first, second = truth(left), truth(right)
    if first is False or second is False:
        return one(False)
    return [] if first is None or second is None else one(True)


def _or(left: Collection, right: Collection) -> Collection:
    first, second = truth(left), truth(right)
    if first or second:
        return one(True)
    return [] if first is None or second is None else one(False)


def _xor(left: Collection, right: Collection) -> Collection:
    first, second = truth(left), truth(right)
    return [] if first is None or second is None else one(first is not second)


def _implies(left: Collection, right: Collection) -> Collection:
    first, second = truth(left), truth(right)
    if first is False or second is True:
        return one(True)
    return [] if first is None or second is None else one(False)


def negative(items: Collection) -> Collection:
    """Unary minus."""
    value = value_of(items)
    if value is None:
        return []
    if isinstance(value, Quantity):
        return [wrap(Quantity(-value.value, value.unit, value.calendar))]
    if not _numbers(value, 0):
        raise PathExecutionError(f"A {type(value).__name__} has no sign.")
    return [wrap(-value)]  # type: ignore[operator]


OPERATIONS: dict[str, Operation] = {
    "+": _calculated("+", _add),
    "-": _calculated("-", _subtract),
    "*": _calculated("*", _multiply),
    "/": _calculated("/", _divide),
    "div": _calculated("div", _div),
    "mod": _calculated("mod", _mod),
    "&": lambda left, right: one(as_text(left) + as_text(right)),
    "|": union,
    "<": _ordered(lambda found: found < 0),
    "<=": _ordered(lambda found: found <= 0),
    ">": _ordered(lambda found: found > 0),
    ">=": _ordered(lambda found: found >= 0),
    "=": _equal,
    "!=": _not_equal,
    "~": lambda left, right: one(equivalent(left, right)),
    "!~": lambda left, right: one(not equivalent(left, right)),
    "in": _in,
    "contains": lambda left, right: _in(right, left),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}
