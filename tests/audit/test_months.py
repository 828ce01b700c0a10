"""The trail in months: made ahead, sorted out when a clock jumped, taken out when old enough and not before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from yilian.audit import chain, months
from yilian.audit.note import Note, write
from yilian.db import Database
from yilian.errors import BadRequest, Conflict

NOW = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def at(db: Database) -> Database:
    db.clock = lambda: NOW
    return db


async def made(db: Database) -> list[str]:
    async with db.transaction() as tx:
        return [month.table for month in await months.ensure(tx)]


async def there(db: Database) -> list[str]:
    async with db.reading() as tx:
        return [month.table for month in await months.months(tx)]


async def note(db: Database, *moments: datetime) -> None:
    async with db.transaction() as tx:
        await write(tx, [Note(moment, "rest", "read", "R") for moment in moments])


async def seal(dsn: str) -> chain.Verdict:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        await chain.seal(connection, (await chain.mark(connection)).seq, NOW)
        return await chain.verify(connection)
    finally:
        await connection.close()


async def test_this_month_and_the_next_two_are_made_once(at: Database) -> None:
    assert await made(at) == ["audit_event_2026_11", "audit_event_2026_12", "audit_event_2027_01"]
    assert await made(at) == []


async def test_an_event_lies_in_its_month_in_utc(at: Database) -> None:
    await made(at)
    await note(at, NOW, NOW + timedelta(seconds=1))
    async with at.reading() as tx:
        rows = await tx.fetch("select tableoid::regclass::text as at from audit_event order by seq")
    assert [row["at"] for row in rows] == ["audit_event_2026_11", "audit_event_2026_12"]


async def test_what_came_when_no_month_was_made_is_sorted_out_and_stays_whole(at: Database, dsn: str) -> None:
    await note(at, NOW, NOW + timedelta(days=400), NOW - timedelta(days=800))
    assert (await seal(dsn)).rows == 3
    assert set(await made(at)) >= {"audit_event_2024_09", "audit_event_2026_11", "audit_event_2028_01"}
    async with at.reading() as tx:
        assert await tx.fetchval("select count(*) from audit_event_other") == 0
    await note(at, NOW + timedelta(days=5000))
    found = await seal(dsn)
    assert (found.whole, found.rows) == (True, 4)
    await made(at)
    assert "audit_event_2040_08" in await there(at)


async def test_a_new_month_refuses_changes_too(at: Database) -> None:
    await made(at)
    for table in (*await there(at), "audit_event_other"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            async with at.transaction() as tx:
                await tx.execute(f"delete from {table}")


async def test_only_what_is_older_than_asked_is_taken_out(at: Database, dsn: str) -> None:
    await note(at, datetime(2026, 4, 30, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), NOW)
    await made(at)
    assert (await seal(dsn)).rows == 3
    async with at.transaction() as tx:
        old = await months.too_old(tx, 6)
        assert [(month.first, month.rows) for month in old] == [(date(2026, 4, 1), 1)]
        await months.retire(tx, old[0], "archive.gz")
    found = await seal(dsn)
    assert (found.whole, found.rows, found.retired) == (True, 2, 1)
    async with at.reading() as tx:
        assert await months.too_old(tx, 6) == []
        row = await tx.fetchrow("select month, rows, archive from audit_retired")
    assert row is not None
    assert tuple(row) == (date(2026, 4, 1), 1, "archive.gz")


async def test_what_goes_missing_beside_a_month_that_was_taken_out_still_shows(at: Database, dsn: str) -> None:
    await note(at, datetime(2026, 4, 30, tzinfo=UTC))
    await made(at)
    await seal(dsn)
    await note(at, NOW, NOW)
    await seal(dsn)
    async with at.transaction() as tx:
        await months.retire(tx, (await months.too_old(tx, 6))[0], "")
    async with at.transaction() as tx:
        for table in ("audit_event", "audit_event_2026_11"):
            await tx.execute(f"alter table {table} disable trigger user")
        await tx.execute("delete from audit_event where seq = 2")
    assert [text for text in (await seal(dsn)).problems if "are missing: 2." in text]


@pytest.mark.parametrize("how", ["drop table {}", "truncate {}"])
async def test_a_month_that_went_missing_without_being_taken_out_shows(at: Database, dsn: str, how: str) -> None:
    """Whoever owns the tables can drop a month; only what was taken out by the book may be missing."""
    await note(at, datetime(2026, 4, 30, tzinfo=UTC))
    await made(at)
    await seal(dsn)
    await note(at, NOW, NOW)
    assert not (await seal(dsn)).problems
    async with at.transaction() as tx:
        (old,) = (await months.too_old(tx, 6))[:1]
        await tx.execute(f"alter table {old.table} disable trigger user")
        await tx.execute(how.format(old.table))
    assert [text for text in (await seal(dsn)).problems if "missing: 1." in text]


async def test_a_month_that_is_not_sealed_is_not_taken_out(at: Database) -> None:
    await note(at, datetime(2026, 1, 15, tzinfo=UTC))
    await made(at)
    async with at.transaction() as tx:
        (old,) = await months.too_old(tx, 6)
        with pytest.raises(Conflict, match="not sealed yet"):
            await months.retire(tx, old, "")


async def test_less_than_six_months_are_never_kept(at: Database) -> None:
    async with at.reading() as tx:
        with pytest.raises(BadRequest, match="6 months"):
            await months.too_old(tx, 5)


@pytest.mark.parametrize(("first", "by", "then"), [((2026, 12), 1, (2027, 1)), ((2026, 1), -1, (2025, 12)), ((2026, 11), -36, (2023, 11))])
def test_months_are_counted_over_the_year(first: tuple[int, int], by: int, then: tuple[int, int]) -> None:
    assert months.following(date(*first, 1), by) == date(*then, 1)
