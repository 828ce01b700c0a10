"""A unit as a value: what it measures, and how many of the base units it is.

Four ways in which this is stricter than UCUM's own algebra, all of them so that two records never count as comparable that a clinician
would not compare:

- mol is a quantity of its own, as in the SI, and not the number 6.02e23: 5 mmol/L is no cell count.
- Arbitrary units ([iU], [arb'U]) compare with themselves alone (UCUM §24 says the same); [IU] is another way to write [iU].
- Logarithmic and procedure-bound scales ([pH], B[SPL], homeopathic potencies) compare with themselves alone, prefixes heeded: 10 dB is 1 B.
- Cel, [degF] and [degRe] are converted with their zero points, but only where they stand alone (UCUM §21); Cel/min is no unit.

What mass a mole has is not a matter of units: mg/dL and mmol/L of glucose stay incomparable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from yilian.errors import BadRequest

SYSTEM = "http://unitsofmeasure.org"
DIGITS = 40
"""Significant digits of a converted number that has no end (70/min is 1.1666… a second). Equal amounts give equal numbers all the same."""

_rounded = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-100_000, Emax=100_000)
_wide = Context(prec=20_000, Emin=-100_000, Emax=100_000)
_SECONDS_A_DAY = 86_400


class UnknownUnit(BadRequest):
    """A text that is no unit of UCUM; the message says what is not understood."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`value` of this unit is `value * factor + zero` of the base units.

    code       as it was written
    dimension  (base unit, exponent), sorted, without zeros: (("g", 1), ("m", -3)); () is a plain number
    zero       0 but for temperatures with a zero point of their own
    """

    code: str
    factor: Fraction
    dimension: tuple[tuple[str, int], ...]
    zero: Fraction = Fraction(0)
    _line: tuple[Decimal, Decimal] | None = field(init=False, compare=False, repr=False)
    """Factor and zero for `canonical` where both have an end; most units do, and decimals are ten times quicker than fractions."""

    def __post_init__(self) -> None:
        factor, zero = self.factor * self._per, self.zero * self._per
        line = (_decimal(factor), _decimal(zero)) if _ends(factor) and _ends(zero) else None
        object.__setattr__(self, "_line", line)

    @property
    def measures(self) -> str:
        """The dimension as text: "g.m-3"; "1" for a plain number. Units with the same one are comparable."""
        return ".".join(base if exponent == 1 else f"{base}{exponent}" for base, exponent in self.dimension) or "1"

    def canonical(self, value: Decimal) -> Decimal:
        """The amount in base units, for comparing: monotone, and equal for equal amounts.

        Infinity stays what it is. What is counted per time is counted per day, so that rates a minute, hour and second are all without
        remainder: 70 /min is 100800.
        """
        if self._line is not None:
            return _wide.fma(value, *self._line)
        if value.is_infinite():
            return value
        return _decimal((Fraction(value) * self.factor + self.zero) * self._per)

    @property
    def _per(self) -> int:
        return _SECONDS_A_DAY if ("s", -1) in self.dimension else 1


@lru_cache(maxsize=8192)
def unit(code: str) -> Unit | None:
    """The unit with this code; None where it is none."""
    try:
        return parse(code)
    except UnknownUnit:
        return None


def parse(code: str) -> Unit:
    """The unit with this code. Raises UnknownUnit."""
    from yilian.fhir.ucum.grammar import read

    return read(code)


def convert(value: Decimal, source: Unit, target: Unit) -> Decimal:
    """The same amount in another unit, exact or to `DIGITS` digits. Raises UnknownUnit where the two measure different things."""
    if source.dimension != target.dimension:
        raise UnknownUnit(f"{source.code} measures {source.measures} and {target.code} {target.measures}; one is not the other.")
    return _decimal((Fraction(value) * source.factor + source.zero - target.zero) / target.factor)


def _decimal(exact: Fraction) -> Decimal:
    """All its digits where it has an end, else the first `DIGITS`."""
    whole, parts = Decimal(exact.numerator), Decimal(exact.denominator)
    return (_wide if _ends(exact) else _rounded).divide(whole, parts)


def _ends(exact: Fraction) -> bool:
    """Whether it can be written as a decimal: no factor but 2 and 5 below the line."""
    below = exact.denominator
    return pow(10, below.bit_length(), below) == 0 if below > 1 else True
