"""Policy: dated values, an institution's own before the region's, and defaults that say where they come from."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from yilian import policy
from yilian.db import Database
from yilian.errors import BadRequest
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

NAME = "referral.approval_hours"
NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


async def value(db: Database, at: datetime = NOW, institution: int | None = None) -> object:
    async with db.reading() as tx:
        return await policy.value(tx, NAME, at, institution)


async def put(db: Database, number: int, since: date, institution: int | None = None) -> None:
    async with db.transaction() as tx:
        await policy.put(tx, NAME, number, valid_from=since, source="测试", institution=institution)


def test_every_default_names_its_source_and_how_well_it_is_founded() -> None:
    for default in policy.defaults().values():
        assert default.source
        assert default.note
        assert default.evidence in ("S", "S2", "example", "house")


async def test_the_default_holds_before_and_after_seeding(db: Database) -> None:
    assert await value(db) == 4
    for _ in range(2):
        async with db.transaction() as tx:
            await policy.seed(tx)
    assert await value(db) == 4
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from policy") == len(policy.defaults())


async def test_the_newest_value_that_holds_on_the_day_wins(db: Database) -> None:
    await put(db, 6, date(2026, 1, 1))
    await put(db, 8, date(2026, 11, 24))
    assert await value(db) == 6
    assert await value(db, datetime(2025, 12, 31, 12, tzinfo=UTC)) == 4
    assert await value(db, datetime(2026, 11, 23, 18, 30, tzinfo=UTC)) == 8  # it is the 24th in the region already


async def test_an_institutions_own_value_comes_before_the_regions(db: Database) -> None:
    async with db.transaction() as tx:
        (one,) = await write(tx, SYSTEM, [Change("POST", "Organization", None, {"resourceType": "Organization", "name": "院"})])
    await put(db, 2, date(2026, 1, 1), one.rid)
    await put(db, 9, date(2026, 6, 1))
    assert await value(db, institution=one.rid) == 2
    assert await value(db) == 9


async def test_a_shipped_default_does_not_overwrite_what_a_region_set(db: Database) -> None:
    await put(db, 12, policy.FROM_THE_START)
    async with db.transaction() as tx:
        await policy.seed(tx)
    assert await value(db) == 12


async def test_an_unknown_name_is_refused(db: Database) -> None:
    async with db.transaction() as tx:
        with pytest.raises(BadRequest):
            await policy.put(tx, "referral.magic", 1, valid_from=date(2026, 1, 1), source="x")
