"""Policy is data: numbers and rules a region sets for itself, each with the date it holds from, its source and how well that is founded.

The defaults are in `policy.toml` beside this file and are readable without Python. `seed` copies them into the table `policy`, where an
administrator's own values join them; the newest one that holds on the day wins, an institution's own before the region's.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone

if TYPE_CHECKING:
    from yilian.db import Database, Tx

FILE = Path(__file__).with_name("policy.toml")
FROM_THE_START = date(2000, 1, 1)
"""The day the shipped defaults hold from."""

KEEP_S = 5.0
"""How long a server process may go on with values it has read."""


@dataclass(frozen=True, slots=True)
class Default:
    """One entry of `policy.toml`. `evidence`: S | S2 | example | house, explained there."""

    name: str
    value: Any
    source: str
    evidence: str
    note: str


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: float
    values: dict[str, list[tuple[date, int | None, Any]]]


_cache: WeakKeyDictionary[Database, _Known] = WeakKeyDictionary()


@cache
def defaults() -> dict[str, Default]:
    """The shipped values by name ("referral.approval_hours")."""
    groups = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        f"{group}.{name}": Default(f"{group}.{name}", entry["value"], entry["source"], entry["evidence"], entry["note"])
        for group, entries in groups.items()
        for name, entry in entries.items()
    }


async def seed(tx: Tx) -> None:
    """Bring the shipped defaults in the table up to date, in `tx`. What a region has set itself is not touched."""
    await tx.executemany(
        """
        insert into policy (name, value, valid_from, source, evidence, note, shipped)
        values ($1, $2::text::jsonb, $3, $4, $5, $6, true)
        on conflict (name, institution, valid_from) do update set
            value = excluded.value, source = excluded.source, evidence = excluded.evidence, note = excluded.note
        where policy.shipped
        """,
        [(d.name, msgspec.json.encode(d.value).decode(), FROM_THE_START, d.source, d.evidence, d.note) for d in defaults().values()],
    )
    _cache.pop(tx.db, None)


async def put(
    tx: Tx, name: str, value: Any, *, valid_from: date, source: str, institution: int | None = None, evidence: str = "S", note: str = ""
) -> None:
    """Set a value for the region, or for one institution by its database key, from a day on, in `tx`. BadRequest for an unknown name."""
    if name not in defaults():
        raise BadRequest(f"There is no policy {name!r}; known are {', '.join(defaults())}.", zh=f"没有名为 {name} 的参数。")
    await tx.execute(
        """
        insert into policy (name, institution, value, valid_from, source, evidence, note)
        values ($1, $2, $3::text::jsonb, $4, $5, $6, $7)
        on conflict (name, institution, valid_from) do update set
            value = excluded.value, source = excluded.source, evidence = excluded.evidence, note = excluded.note, shipped = false
        """,
        name,
        institution,
        msgspec.json.encode(value).decode(),
        valid_from,
        source,
        evidence,
        note,
    )
    _cache.pop(tx.db, None)


async def value(tx: Tx, name: str, at: datetime, institution: int | None = None) -> Any:
    """The value that holds on the day of `at` (aware) in the region's zone, for an institution's database key or for the region.

    Falls back to the shipped default, so a database that was never seeded behaves like a new one. May be up to `KEEP_S` seconds old.
    """
    today = at.astimezone(region_zone()).date()
    best: tuple[bool, date, Any] | None = None
    for valid_from, whose, found in (await _read(tx)).get(name, ()):
        if valid_from <= today and whose in (None, institution):
            rank = (whose is not None, valid_from, found)
            if best is None or rank[:2] > best[:2]:
                best = rank
    return defaults()[name].value if best is None else best[2]


async def _read(tx: Tx) -> dict[str, list[tuple[date, int | None, Any]]]:
    known = _cache.get(tx.db)
    if known is None or time.monotonic() - known.read_at > KEEP_S:
        values: dict[str, list[tuple[date, int | None, Any]]] = {}
        for row in await tx.fetch("select name, institution, value::text as value, valid_from from policy"):
            values.setdefault(row["name"], []).append((row["valid_from"], row["institution"], msgspec.json.decode(row["value"])))
        known = _Known(time.monotonic(), values)
        _cache[tx.db] = known
    return known.values
