"""Models as they are kept: versioned, one in use, none ever altered. The one that comes with Yilian is the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from yilian.errors import NotFound
from yilian.identity.matching.comparisons import TERMS
from yilian.identity.matching.features import Features
from yilian.identity.matching.index import seal_secret
from yilian.identity.matching.model import Model, as_json, from_json
from yilian.identity.matching.recipe import settings

if TYPE_CHECKING:
    from yilian.db import Database, Tx

FILE = Path(__file__).with_name("default_model.json")
"""Trained on made-up people by tools/train_match_model.py; says itself how."""

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of models."""

    version: int
    trained: datetime
    by: str
    note: str
    active: bool
    patients: int
    sure_pairs: int


@cache
def shipped() -> Model:
    """The model that comes with Yilian."""
    told = msgspec.json.decode(FILE.read_bytes())
    return from_json(0, told["prior"], told["weights"], told["counts"], told["note"])


async def ensure(tx: Tx) -> None:
    """Where there is no model yet, put the shipped one in use, in `tx`; the secret of the region is sealed."""
    await seal_secret(tx)
    if not await tx.fetchval("select exists (select from match_model)"):
        await add(tx, shipped(), {}, by=SHIPPED)


async def add(tx: Tx, model: Model, terms: Mapping[str, Mapping[str, float]], *, by: str, use: bool = True) -> int:
    """Keep a model and what values are common; returns its version. `use`: from now on it is the one in use."""
    if use:
        await tx.execute("update match_model set active = false where active")
    version: int = await tx.fetchval(
        "insert into match_model (trained, by, note, prior, settings, weights, counts, active)"
        " values ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7::text::jsonb, $8) returning version",
        tx.now,
        by,
        model.note,
        model.prior,
        msgspec.json.encode(settings(model)).decode(),
        msgspec.json.encode(as_json(model)).decode(),
        msgspec.json.encode(model.counts).decode(),
        use,
    )
    rows = [(version, column, value, share) for column, shares in terms.items() for value, share in shares.items()]
    if rows:
        await tx.copy("match_term", ("model", "feature", "value", "share"), rows)
    return version


async def use(tx: Tx, version: int) -> None:
    """Take this one into use. NotFound when there is none of that number; InvalidResource when it compares by other levels."""
    await by_version(tx, version)
    await tx.execute("update match_model set active = false where active and version <> $1", version)
    await tx.execute("update match_model set active = true where version = $1", version)


_known: WeakKeyDictionary[Database, dict[int, Model]] = WeakKeyDictionary()
"""Models by version: they are never altered."""


async def active(tx: Tx) -> Model:
    """The one in use; the shipped one where a database has none."""
    version = await tx.fetchval("select version from match_model where active")
    return shipped() if version is None else await by_version(tx, version)


async def by_version(tx: Tx, version: int) -> Model:
    known = _known.setdefault(tx.db, {})
    if version not in known:
        row = await tx.fetchrow(
            "select prior, weights::text as weights, counts::text as counts, note from match_model where version = $1", version
        )
        if row is None:
            raise NotFound(f"There is no matching model {version}; see yilian match models.", zh=f"没有版本号为 {version} 的匹配模型。")
        weights, counts = (msgspec.json.decode(row[name]) for name in ("weights", "counts"))
        known[version] = from_json(version, row["prior"], weights, counts, row["note"])
    return known[version]


async def listed(tx: Tx) -> list[Entry]:
    """All of them, the newest first."""
    rows = await tx.fetch(
        "select version, trained, by, note, active, coalesce((counts ->> 'patients')::bigint, 0) as patients,"
        " coalesce((counts ->> 'sure_pairs')::bigint, 0) as sure_pairs from match_model order by version desc"
    )
    return [Entry(*row) for row in rows]


async def terms_of(tx: Tx, model: Model) -> dict[str, dict[str, float]]:
    """How common values are, by column; {} where the model was kept without."""
    found: dict[str, dict[str, float]] = {}
    for row in await tx.fetch("select feature, value, share from match_term where model = $1", model.version):
        found.setdefault(row["feature"], {})[row["value"]] = row["share"]
    return {column: found.get(column, {}) for column in TERMS} if found else {}


async def shares_for(tx: Tx, model: Model, person: Features) -> dict[str, dict[str, float]]:
    """How common the values of one person are, for `Model.weigh`; those that were not kept have the least share."""
    if not model.counts.get("terms"):
        return {}
    values: dict[str, Any] = {column: value for column in TERMS if (value := getattr(person, column)) is not None}
    rows = await tx.fetch(
        "select t.feature, t.share from unnest($2::text[], $3::text[]) as w (feature, value)"
        " join match_term t on t.model = $1 and t.feature = w.feature and t.value = w.value",
        model.version,
        list(values),
        list(values.values()),
    )
    found = {row["feature"]: row["share"] for row in rows}
    return {column: {value: found.get(column, model.least_share)} for column, value in values.items()}
