"""Which sensitive kinds a resource belongs to, by `sensitivity.toml`: bits, as `resource.sensitive` keeps them.

A hook of the store (`Hooks.sensitive`), asked for every version that is written of what is not the directory's. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("sensitivity.toml")
CATEGORY = re.compile(r"[A-Z][0-9][0-9A-Z]")

_NOT_KINDS = ("system", "source")


@dataclass(frozen=True, slots=True)
class Kind:
    """name: "psychiatric" …; bit: 1, 2, 4 …; zh: what it is called on the pages"""

    name: str
    bit: int
    zh: str


@dataclass(frozen=True, slots=True)
class Table:
    """kinds by name; icd10: the systems whose categories are looked up, and the category ranges with their bits; codes: (system, code) →
    bits; types: resource type → bits; likely: finds something in every text that holds a code of the table"""

    kinds: dict[str, Kind]
    icd10: frozenset[str]
    ranges: tuple[tuple[str, str, int], ...]
    codes: dict[tuple[str, str], int]
    types: dict[str, int]
    likely: re.Pattern[str]


@cache
def table() -> Table:
    """The table as it stands in the package."""
    raw = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    kinds = {name: Kind(name, row["bit"], row["zh"]) for name, row in raw["kinds"].items()}
    ranges = [(*text.split("-"), kinds[row["kind"]].bit) for row in raw["icd10"] for text in row["ranges"]]
    codes: dict[tuple[str, str], int] = {}
    for row in raw["codes"]:
        for name, some in row.items():
            if name not in _NOT_KINDS:
                for code in some:
                    codes[row["system"], code] = codes.get((row["system"], code), 0) | kinds[name].bit
    letters = "".join(sorted({chr(n) for low, high, _ in ranges for n in range(ord(low[0]), ord(high[0]) + 1)}))
    exact = "|".join(re.escape(code) for code in sorted({code for _, code in codes}))
    likely = re.compile(rf'"code":"\s*(?:[{letters}][0-9]|(?:{exact})\s*")', re.IGNORECASE)
    return Table(
        kinds,
        frozenset(raw["systems"]["icd10"]),
        tuple((low, high, bit) for low, high, bit in ranges),
        codes,
        {name: kinds[kind].bit for name, kind in raw["types"].items()},
        likely,
    )


def of(resource: Mapping[str, Any], text: str) -> int:
    """The bits of a resource; `text`: the same as the store writes it, which mostly tells at once that there are none."""
    here = table()
    found = here.types.get(str(resource.get("resourceType")), 0)
    return found | _of_codings(resource) if here.likely.search(text) else found


def of_coding(system: object, code: object) -> int:
    """The bits of one coding; 0 where it says nothing."""
    if not isinstance(system, str) or not isinstance(code, str):
        return 0
    here = table()
    code = code.strip()
    found = here.codes.get((system, code), 0)
    if system in here.icd10 and CATEGORY.match(category := code[:3].upper()):
        for low, high, bit in here.ranges:
            if low <= category <= high:
                found |= bit
    return found


def kinds_of(bits: int) -> list[Kind]:
    """The kinds these bits stand for, in the order of the table."""
    return [kind for kind in table().kinds.values() if kind.bit & bits]


def _of_codings(value: Any) -> int:
    found = 0
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if "code" in one and "system" in one:
                found |= of_coding(one["system"], one["code"])
            waiting.extend(_nested(one.values()))
        else:
            waiting.extend(_nested(one))
    return found


def _nested(values: Iterable[Any]) -> list[Any]:
    return [one for one in values if isinstance(one, dict | list)]
