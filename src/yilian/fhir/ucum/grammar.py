"""The grammar of unit codes: `mmol/L`, `10*9/L`, `mL/min/{1.73_m2}`, `g/(8.h)`, `kg.m-1.s-2`.

UCUM §§2-12: components joined by `.` and `/` from left to right, parentheses, exponents, annotations in braces that count as 1.
https://ucum.org/ucum#section-Grammar-of-Units-and-Unit-Terms
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from yilian.fhir.ucum import table
from yilian.fhir.ucum.unit import Unit, UnknownUnit

LONGEST = 200
DEEPEST = 10
DIGITS = "0123456789"
BITS = 4000
"""A factor has at most some 1,200 digits; `10*9999` is nobody's measurement."""


@dataclass(slots=True)
class _Amount:
    """What a term comes to."""

    factor: Fraction = Fraction(1)
    bases: Counter[str] = field(default_factory=Counter)
    zero: Fraction = Fraction(0)
    alone: bool = False
    """A special unit: nothing may be multiplied with it."""

    def times(self, other: _Amount, exponent: int, code: str) -> _Amount:
        bases = Counter(self.bases)
        for base, power in other.bases.items():
            bases[base] += power * exponent
        factor = self.factor * _power(other.factor, exponent, code)
        if max(factor.numerator.bit_length(), factor.denominator.bit_length()) > BITS:
            raise _no(code, "is too large or too small to be a unit")
        return _Amount(factor, bases)


def read(code: str) -> Unit:
    """The unit a code stands for. Raises UnknownUnit."""
    if not code or len(code) > LONGEST:
        raise _no(code, "is empty or too long")
    found = _Reader(code).all()
    bases = tuple(sorted((base, power) for base, power in found.bases.items() if power))
    return Unit(code, found.factor, bases, found.zero)


class _Reader:
    def __init__(self, code: str) -> None:
        self.code = code
        self.at = 0
        self.depth = 0

    def all(self) -> _Amount:
        found = self.term()
        if self.at < len(self.code):
            raise _no(self.code, f"cannot go on with {self.code[self.at :][:20]!r}")
        return found

    def next(self) -> str:
        return self.code[self.at : self.at + 1]

    def term(self) -> _Amount:
        """A leading `/` is one over what follows, at the beginning alone and after `(`."""
        parts: list[tuple[_Amount, int]] = []
        sign = -1 if self.next() == "/" else 1
        self.at += sign == -1
        while True:
            parts.append((self.component(), sign))
            if self.next() not in (".", "/"):
                break
            sign = 1 if self.next() == "." else -1
            self.at += 1
        if len(parts) == 1 and parts[0][1] == 1:
            return parts[0][0]
        found = _Amount()
        for amount, exponent in parts:
            if amount.alone:
                raise _no(self.code, "has a unit of a scale with a zero point or a logarithm in it, and those stand alone")
            found = found.times(amount, exponent, self.code)
        return found

    def component(self) -> _Amount:
        here = self.next()
        if here == "(":
            return self.parenthesis()
        if here == "{":
            self.annotation()
            return _Amount()
        start = self.at
        digits = self.digits()
        if digits and not (digits == "10" and self.next() in ("*", "^")):
            found = _Amount(Fraction(int(digits)))
            if found.factor == 0:
                raise _no(self.code, "has a zero in it")
        else:
            self.at = start
            found = self.with_exponent(self.symbol())
        if self.next() == "{":
            self.annotation()
        return found

    def parenthesis(self) -> _Amount:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _no(self.code, "is nested too deeply")
        self.at += 1
        found = self.term()
        if self.next() != ")":
            raise _no(self.code, "has a parenthesis that is not closed")
        self.at += 1
        self.depth -= 1
        return found

    def annotation(self) -> None:
        end = self.code.find("}", self.at)
        if end < 0 or "{" in self.code[self.at + 1 : end]:
            raise _no(self.code, "has a brace that is not closed")
        self.at = end + 1

    def digits(self) -> str:
        start = self.at
        while self.at < len(self.code) and self.next() in DIGITS:
            self.at += 1
        return self.code[start : self.at]

    def symbol(self) -> str:
        """The letters of one unit: up to an operator or a digit, but for what stands in brackets and for `10*`."""
        start = self.at
        if self.code.startswith(("10*", "10^"), start):
            self.at += 3
            return self.code[start : self.at]
        while (here := self.next()) and "!" <= here <= "~" and here not in "./(){}+-" + DIGITS:
            if here == "[":
                self.at = self.code.find("]", self.at)
                if self.at < 0:
                    raise _no(self.code, "has a bracket that is not closed")
            self.at += 1
        if self.at == start:
            raise _no(self.code, f"lacks a unit before {self.code[start:][:20]!r}" if self.next() else "ends where a unit was expected")
        return self.code[start : self.at]

    def with_exponent(self, symbol: str) -> _Amount:
        sign = self.next() if self.next() in ("+", "-") else ""
        self.at += len(sign)
        digits = self.digits()
        if sign and not digits:
            raise _no(self.code, f"has a {sign} that is no exponent")
        found = _atom(symbol)
        if found is None:
            raise _no(self.code, f"names {symbol[:40]!r}, which is no unit")
        if not digits:
            return found
        if found.alone:
            raise _no(self.code, "has a unit of a scale with a zero point or a logarithm in it, and those stand alone")
        if len(digits) > 3:
            raise _no(self.code, "has an exponent no measurement needs")
        return _Amount().times(found, int(sign + digits), self.code)


@cache
def _atom(symbol: str) -> _Amount | None:
    """A unit of the table, with or without a prefix before a metric one; the whole is looked for first: `cd` is the candela."""
    found = _defined(symbol)
    if found is not None:
        return found
    for length in (2, 1):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in table.PREFIXES and rest in table.METRIC and (bare := _defined(rest)) is not None:
            return _Amount(bare.factor * Fraction(table.PREFIXES[prefix]), bare.bases, bare.zero, bare.alone)
    return None


@cache
def _defined(symbol: str) -> _Amount | None:
    if symbol in table.BASES or symbol in table.ARBITRARY:
        return _Amount(bases=Counter({symbol: 1}))
    if symbol in table.SCALES:
        return _Amount(bases=Counter({symbol: 1}), alone=True)
    if symbol in table.TEMPERATURES:
        degree, zero = table.TEMPERATURES[symbol]
        return _Amount(Fraction(degree), Counter({"K": 1}), Fraction(zero), alone=True)
    definition = table.DEFINED.get(symbol)
    if definition is None:
        return None
    number, _, unit = definition.partition(" ")
    found = _Reader(unit or "1").all()
    return _Amount(found.factor * Fraction(number), found.bases)


def _power(factor: Fraction, exponent: int, code: str) -> Fraction:
    if max(factor.numerator.bit_length(), factor.denominator.bit_length()) * abs(exponent) > 2 * BITS:
        raise _no(code, "is too large or too small to be a unit")
    return factor**exponent


def _no(code: str, why: str) -> UnknownUnit:
    return UnknownUnit(f"{code[:60]!r} is no unit of UCUM: it {why}.", zh=f"“{code[:60]}”不是 UCUM 计量单位。")
