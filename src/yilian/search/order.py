"""The order of a page, and the cursor that says where the next one begins.

A page begins after the last resource of the page before, found by its sort values and key, so nothing is skipped or given twice while
others write. A missing value counts as the lowest. The cursor carries a place, never a condition: whoever makes one up sees what the
query and the scope allow.
FHIR R4: http://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from yilian.errors import BadRequest
from yilian.search.conditions import Args

_forms = {
    "timestamptz": re.compile(r"-?infinity|\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00( BC)?", re.ASCII),
    "numeric": re.compile(r"-?(Infinity|\d{1,20000}(\.\d{1,20000})?)", re.ASCII),
    "text": re.compile(r"[^\0]*", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One thing to sort by.

    `expression` is SQL on the row `c`, never null; `type` its SQL type; `direct`: a plain column of `c`, so an index may give the order.
    """

    expression: str
    type: str
    descending: bool
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """The keys in turn, and at last the resource's own key, in the direction of the last of them."""

    keys: tuple[Key, ...]

    @property
    def descending(self) -> bool:
        return bool(self.keys) and self.keys[-1].descending

    @property
    def is_direct(self) -> bool:
        return all(key.direct for key in self.keys)

    def columns(self) -> str:
        """`, … as k1, … as k2`"""
        return "".join(f", {key.expression} as k{place}" for place, key in enumerate(self.keys, 1))

    def names(self, row: str) -> str:
        """`, p.k1, p.k2`"""
        return "".join(f", {row}.k{place}" for place in range(1, len(self.keys) + 1))

    def texts(self, row: str) -> str:
        """The same as text, for the cursor."""
        return "".join(f", {row}.k{place}::text as k{place}" for place in range(1, len(self.keys) + 1))

    def by(self, row: str, *, direct: bool = False) -> str:
        """What stands after `order by`, on the columns k1 … of `row` or directly on the expressions."""
        parts = [
            f"{key.expression if direct else f'{row}.k{place}'}{' desc' if key.descending else ''}"
            for place, key in enumerate(self.keys, 1)
        ]
        return ", ".join([*parts, f"{row}.rid{' desc' if self.descending else ''}"])

    def after(self, place: Place, row: str, args: Args, *, direct: bool = False) -> str:
        """The condition that a row comes after `place`."""
        left = [key.expression if direct else f"{row}.k{n}" for n, key in enumerate(self.keys, 1)] + [f"{row}.rid"]
        right = [f"{args.add(value)}::text::{key.type}" for value, key in zip(place.values, self.keys, strict=True)]
        right.append(f"{args.add(place.rid)}::bigint")
        down = [key.descending for key in self.keys] + [self.descending]
        if len(set(down)) == 1:
            return f"({', '.join(left)}) {'<' if down[0] else '>'} ({', '.join(right)})"
        condition = ""
        for one, other, falling in reversed(list(zip(left, right, down, strict=True))):
            step = f"{one} {'<' if falling else '>'} {other}"
            condition = f"({step} or ({one} = {other} and {condition}))" if condition else f"({step})"
        return condition


@dataclass(frozen=True, slots=True)
class Place:
    """The last resource of a page: the text of its sort values, and its key."""

    values: tuple[str, ...]
    rid: int


def cursor(mark: str, order: Order, row: Mapping[str, Any]) -> str:
    """The text for the `next` link. `mark` says which search it belongs to; `row` is the last row of the page, with k1 … and rid."""
    values = [row[f"k{place}"] for place in range(1, len(order.keys) + 1)]
    return urlsafe_b64encode(msgspec.json.encode([mark, values, row["rid"]])).decode().rstrip("=")


def place(text: str, mark: str, order: Order) -> Place:
    """Where a cursor points. Raises BadRequest when it is none of ours, or belongs to another search."""
    try:
        found = msgspec.json.decode(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)), type=tuple[str, list[str], int])
    except (ValueError, UnicodeError, msgspec.MsgspecError):
        raise BadRequest("_cursor was not given out by this server; follow the `next` link as it stands.") from None
    whose, values, rid = found
    if whose != mark or not _fits(values, order.keys) or not -(2**63) <= rid < 2**63:
        raise BadRequest("_cursor belongs to another search; follow the `next` link as it stands.")
    return Place(tuple(values), rid)


def _fits(values: Sequence[str], keys: Sequence[Key]) -> bool:
    return len(values) == len(keys) and all(_forms[key.type].fullmatch(value) for value, key in zip(values, keys, strict=True))
