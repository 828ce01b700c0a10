"""The pieces search statements are put together from: arguments, and conditions on the rows of one index table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import msgspec


@dataclass(slots=True)
class Args:
    """The values of a statement. Its text holds only `$1`, `$2` …, so that the same shape of request is prepared once."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


class Condition(msgspec.Struct, frozen=True):
    """What the rows of one index table must be like for a resource to match. `@` stands for the row.

    A Struct, since every search makes some: a frozen dataclass takes five times as long to be made.

    table   index_token, index_clinical, resource …
    where   on the row's own columns; for index_clinical only on patient, lo and hi, which all rows of a resource share
    column  the column that is looked up, "" where `where` says it all
    value   what it must equal: an argument or a scalar sub-select
    keys    or: a query for all it may equal, in one column `key`
    once    at most one row of each resource satisfies it
    coded   for index_quantity: `where` for rows whose `code` is looked up as well; "" elsewhere
    natural the column whose index serves it, where a page may come in its order; "" elsewhere
    falling that order begins with the largest
    """

    table: str
    where: str = ""
    column: str = ""
    value: str = ""
    keys: str = ""
    once: bool = False
    coded: str = ""
    natural: str = ""
    falling: bool = False

    def on(self, row: str) -> str:
        """The whole condition for the row with this alias."""
        parts = []
        if self.value:
            parts.append(f"{row}.{self.column} = {self.value}")
        elif self.keys:
            parts.append(f"{row}.{self.column} = any(array({self.keys}))")
        if self.where:
            parts.append(self.where.replace("@", row))
        return " and ".join(parts)

    def on_key(self, row: str, key: str) -> str:
        """The same for one of `keys`, which stands in the SQL as `key`."""
        return msgspec.structs.replace(self, value=key, keys="").on(row)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a value depends on.

    Zone: of dates without an offset; base: our own address, so that absolute references are understood.
    """

    zone: tzinfo
    base: str = ""


def either(conditions: list[str]) -> str:
    """Any of them."""
    return conditions[0] if len(conditions) == 1 else "(" + " or ".join(conditions) + ")"
