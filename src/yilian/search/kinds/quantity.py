"""quantity: a number with or without its unit.

    6.1                                          this number, whatever the unit
    gt6.1|http://unitsofmeasure.org|mmol/L       compared in base units: 6100 umol/L is the same
    6.1|urn:iso:std:iso:4217|CNY                 another system: compared as written
    6.1||次/分                                    code or stated unit as written, whatever the system

Without a prefix, and with ne, the digits given say how much is meant: 6.1 is 6.05 to 6.15, and that range is converted. An amount in a
record may be an interval (`measured`); the prefixes compare with it as the standard says for ranges: gt and lt where the part above or
below overlaps, sa and eb where all of it does, eq where it lies inside. So `< 0.01` is found by lt5, lt0.001 and eb0.01, not by gt0.01.
FHIR R4: http://hl7.org/fhir/R4/search.html#quantity, #prefix
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yilian.errors import BadRequest
from yilian.fhir import ucum
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain, split
from yilian.search.folding import bounded
from yilian.search.kinds.measured import ToBase, as_written, in_base_units, leaf
from yilian.search.kinds.number import Number, number
from yilian.search.parameters import Parameter

MODIFIERS: tuple[str, ...] = ()


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
    if len(found) == 1 or found[1:] == ["", ""]:
        return Quantity(amount)
    if len(found) != 3 or not found[2]:
        raise BadRequest(f"{parameter.code}: {text[:60]!r} is not a quantity; write 6.1, 6.1|system|code or 6.1||unit.")
    return Quantity(amount, found[1] or None, found[2])


# --- conditions


def conditions(parameter: Parameter, modifier: str, values: Sequence[Quantity], args: Args) -> list[Condition]:
    found = [_condition(parameter, value, args) for value in values]
    if len(found) == 1:
        return found
    where = f"@.param = {parameter.id} and {either([f'({_own(parameter, one.where)})' for one in found])}"
    return [Condition("index_quantity", where)]


def _own(parameter: Parameter, where: str) -> str:
    return where.removeprefix(f"@.param = {parameter.id} and ")


def _condition(parameter: Parameter, value: Quantity, args: Args) -> Condition:
    """Rows of the resource (nth 0, or -1 where stated units are asked for), and the same for each of its codes."""
    # The two ends of a Range may be points of their own (`measured`).
    once = "Range" not in parameter.value_types and not any(step.many for branch in parameter.branches for step in branch.steps)
    head = f"@.param = {parameter.id}"
    if value.code is None:
        met = compared(value.number, "value", args)
        return _made(f"{head} and @.nth = 0 and {met}", f"{head} and @.code <> 0 and @.nth >= 0 and {met}", "value", once)
    measured = in_base_units(value.code) if value.system == ucum.SYSTEM else None
    if measured is not None:
        unit, base = measured
        met = f"@.unit = {args.add(unit)} and {compared(converted(value.number, base), 'amount', args)}"
        return _made(f"{head} and @.nth = 0 and {met}", f"{head} and @.code <> 0 and {met}", "amount", once)
    text = bounded(value.code)
    met = f"@.unit = {args.add(as_written(text))} and {compared(value.number, 'amount', args)}"
    if value.system is not None:
        met = f"@.system = {args.add(bounded(value.system))} and {met}"
    elif (known := in_base_units(value.code)) is not None:
        unit, base = known
        same = f"@.unit = {args.add(unit)} and @.written = {args.add(text)}"
        met, once = f"(({met}) or ({same} and {compared(converted(value.number, base), 'amount', args)}))", False
    return _made(f"{head} and @.nth in (0, -1) and {met}", f"{head} and @.code <> 0 and {met}", "amount", once)


def _made(where: str, coded: str, natural: str, once: bool) -> Condition:
    return Condition("index_quantity", where, once=once, coded=coded, natural=natural)


def converted(given: Number, base: ToBase) -> Number:
    """The number and what its digits leave open, in base units."""
    reach = given.about
    return replace(given, value=base(given.value), lo=base(given.lo), hi=base(given.hi), about=(base(reach[0]), base(reach[1])))


def compared(value: Number, column: str, args: Args) -> str:
    """The condition on `@.amount` or `@.value`, the other end and the side (see `measured`)."""
    here, other = f"@.{column}", f"@.other_{column}"
    if value.prefix in ("eq", "ne"):
        low, high = args.add(value.lo), args.add(value.hi)
        if value.prefix == "eq":
            return f"{here} >= {low} and {here} < {high} and @.side <= 0 and coalesce({other}, {here}) < {high}"
        return f"@.side <= 0 and ({here} < {low} or coalesce({other}, {here}) >= {high})"
    if value.prefix == "ap":
        low, high = (args.add(end) for end in value.about)
        return f"((@.side = 0 and {here} >= {low} and {here} <= {high}) or (@.side < 0 and {here} <= {high} and {other} >= {low}))"
    this = args.add(value.value)
    return {
        "gt": f"{here} > {this} and @.side >= 0",
        "lt": f"{here} < {this} and @.side <= 0",
        "ge": f"{here} >= {this} and @.side >= 0 and ({here} > {this} or @.side < 2)",
        "le": f"{here} <= {this} and @.side <= 0 and ({here} < {this} or @.side > -2)",
        "sa": f"{here} >= {this} and @.side <= 0 and ({here} > {this} or @.side = -2)",
        "eb": f"{here} <= {this} and @.side >= 0 and ({here} < {this} or @.side = 2)",
    }[value.prefix]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_quantity", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    """By the amount in base units, so that g and mg stand in one order; different dimensions have none between them."""
    pick = "max" if descending else "min"
    rows = f"select {pick}(x.amount) from index_quantity x where x.rid = {rid} and x.param = {parameter.id} and x.nth = 0"
    return f"coalesce(({rows}), '-infinity')", "numeric"


__all__ = ["MODIFIERS", "Quantity", "conditions", "leaf", "order", "present", "read"]
