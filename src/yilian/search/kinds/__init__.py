"""One file for each type of search parameter: how its values are read, what rows a resource gives, which rows answer a question.

`computed` is not a type of the standard: `_id` and `_lastUpdated` come from the resource row itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading
from yilian.search.kinds import composite, computed, date, number, position, quantity, reference, string, token, uri
from yilian.search.parameters import COMPUTED, Parameter
from yilian.search.rows import IndexRows

Leaf = Callable[[Any, IndexRows], None]


class Kind(Protocol):
    """What every file of this folder offers to questions."""

    @property
    def MODIFIERS(self) -> tuple[str, ...]:
        """Besides `:missing`, which all have, and the types of a reference."""

    @property
    def read(self) -> Callable[[Parameter, str, str, Reading], Any]:
        """One alternative of a value, still escaped; the second argument is the modifier. Raises BadRequest, naming the parameter."""

    @property
    def conditions(self) -> Callable[[Parameter, str, Sequence[Any], Args], list[Condition]]:
        """A resource matches when a row satisfies one of these."""

    @property
    def present(self) -> Callable[[Parameter], list[Condition]]:
        """The same for "has any value"."""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "string": string,
        "token": token,
        "reference": reference,
        "date": date,
        "number": number,
        "quantity": quantity,
        "uri": uri,
        "composite": composite,
        "special": position,
    }
)
"""Of the special parameters there is one that can be answered: `near`."""
LEAVES: Mapping[str, Callable[[Sequence[Parameter], Branch], Leaf]] = MappingProxyType(
    {
        "string": string.leaf,
        "token": token.leaf,
        "reference": reference.leaf,
        "date": date.leaf,
        "number": number.leaf,
        "quantity": quantity.leaf,
        "uri": uri.leaf,
        "special": position.leaf,
    }
)
"""Parameter type → maker of the function that turns one value into rows of these parameters."""


Sorting = Callable[[Parameter, str, bool], tuple[str, str]]
ORDERS: Mapping[str, Sorting] = MappingProxyType(
    {
        "string": string.order,
        "token": token.order,
        "date": date.order,
        "number": number.order,
        "quantity": quantity.order,
        "uri": uri.order,
        "reference": reference.order,
    }
)
"""Parameter type → what `_sort` compares: (parameter, SQL of the resource's key, descending) → expression and SQL type.

The expression is never null: where there is no value it is the lowest one.
"""


def modifiers_of(parameter: Parameter) -> tuple[str, ...]:
    """The modifiers that mean something for this parameter, besides `:missing` and the types of a reference."""
    if parameter.code in COMPUTED:
        return computed.MODIFIERS
    if parameter.type == "token":
        return token.modifiers(parameter)
    if parameter.type == "reference":
        return reference.modifiers(parameter)
    return KINDS[parameter.type].MODIFIERS


def order_of(parameter: Parameter) -> Sorting:
    return computed.order if parameter.code in COMPUTED else ORDERS[parameter.type]


def kind_of(parameter: Parameter) -> Kind:
    return computed if parameter.code in COMPUTED else KINDS[parameter.type]
