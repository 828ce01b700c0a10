"""The parts an expression is made of: what `parse` gives and what is compiled, to Python here and to SQL elsewhere.

Frozen values, so an expression may be a key. `at` is the character (from 0) where the part begins, and does not count when two are
compared. Two parts stand for steps: `Name` and `Call`. Alone they are taken of the context (`$this`); as `step` of a `Path` they are taken
of what is left of the point: `Patient.name.first()` is Path(Path(Name("Patient"), Name("name")), Call("first", ())).
Grammar: http://hl7.org/fhirpath/N1/grammar.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal as OneOf

from yilian.fhir.path.quantity import Quantity
from yilian.fhir.path.temporal import Date, DateTime, Time

Simple = bool | int | Decimal | str | Date | DateTime | Time | Quantity


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out: `'a'`, `1`, `1.0`, `true`, `@2014-01`, `@T14:30`, `4 days`, `5 'mg'`. Decimals keep their digits."""

    value: Simple
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`"""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """An element, or at the beginning of an expression a type: `name`, `Patient`. Without the backticks it may have been written in."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, not evaluated. Types as arguments (`ofType(Quantity)`) are Name or Path, see `type_named`.

    `descending` belongs to `sort` alone: which of the arguments are followed by `desc`.
    """

    name: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)
    descending: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class This:
    """`$this`, `$index` or `$total`; `name` is without the sign."""

    name: OneOf["this", "index", "total"]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """`%resource`, `%`vs-administrative-gender``; `name` is without sign and quotes."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """`of.step`"""

    of: Node
    step: Name | Call
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Indexed:
    """`of[index]`"""

    of: Node
    index: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """`-of` or `+of`"""

    sign: OneOf["+", "-"]
    of: Node
    at: int = field(default=0, compare=False)


Operator = OneOf[
    "*", "/", "div", "mod", "+", "-", "&", "|", "<=", "<", ">", ">=", "=", "~", "!=", "!~", "in", "contains", "and", "xor", "or", "implies"
]


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`"""

    operator: Operator
    left: Node
    right: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeName:
    """`Quantity`, `System.Quantity`; `space` is "" when the name stands alone."""

    space: str
    name: str


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`of is type` or `of as type`"""

    operator: OneOf["is", "as"]
    of: Node
    type: TypeName
    at: int = field(default=0, compare=False)


Node = Literal | Empty | Name | Call | This | Variable | Path | Indexed | Signed | Binary | TypeTest


def type_named(node: Node) -> TypeName | None:
    """The type an argument names (`Quantity`, `FHIR.Quantity`), None when it is something else."""
    if isinstance(node, Name):
        return TypeName("", node.name)
    if isinstance(node, Path) and isinstance(node.of, Name) and isinstance(node.step, Name):
        return TypeName(node.of.name, node.step.name)
    return None
