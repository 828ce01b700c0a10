"""Versions, newest first, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.store.region import delete, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, NotFound
from yilian.store import cursor, history
from yilian.store.scope import SYSTEM

START = datetime(2026, 1, 1, tzinfo=UTC)


async def several_versions(db: Database) -> None:
    """Five of a, one of b, three of c of which the second is a deletion; some in the same millisecond."""
    for second, (id, gender) in enumerate([("a", "male"), ("a", "female"), ("b", "male"), ("a", "other"), ("c", "male"), ("c", "")]):
        db.clock = lambda second=second: START + timedelta(seconds=second // 2)
        await (put(db, patient(id, gender=gender)) if gender else delete(db, "Patient", id))
    await put(db, patient("c"))
    await put(db, patient("a", gender="male"))
    await put(db, patient("a", gender="unknown"))


async def pages(db: Database, id: str | None, count: int, since: datetime | None = None) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    following: str | None = None
    async with db.reading() as tx:
        while True:
            page = await history.versions(tx, SYSTEM, "Patient", id, since=since, count=count, cursor=following)
            assert 0 < len(page.versions) <= count
            found += [(stored.id, stored.version, method) for stored, method in page.versions]
            if page.next is None:
                return found
            following = page.next


async def test_the_history_of_one_resource_is_every_version_newest_first(db: Database) -> None:
    await several_versions(db)
    assert await pages(db, "a", 50) == [("a", version, "PUT") for version in (5, 4, 3, 2, 1)]
    assert await pages(db, "c", 50) == [("c", 3, "PUT"), ("c", 2, "DELETE"), ("c", 1, "PUT")]
    async with db.reading() as tx:
        page = await history.versions(tx, SYSTEM, "Patient", "c")
    assert [stored.deleted for stored, _ in page.versions] == [False, True, False]
    assert page.versions[1][0].body == b""


@pytest.mark.parametrize("count", [1, 2, 3, 5])
async def test_pages_together_are_the_whole_history(db: Database, count: int) -> None:
    await several_versions(db)
    whole = await pages(db, None, 50)
    assert sorted(whole) == sorted([("a", n, "PUT") for n in range(1, 6)] + [("b", 1, "PUT")] + await pages(db, "c", 50))
    assert await pages(db, None, count) == whole
    assert await pages(db, "a", count) == await pages(db, "a", 50)


async def test_the_history_of_a_type_is_in_order_of_time(db: Database) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        page = await history.versions(tx, SYSTEM, "Patient")
    times = [stored.updated for stored, _ in page.versions]
    assert times == sorted(times, reverse=True)


async def test_since_leaves_out_what_is_older(db: Database) -> None:
    await several_versions(db)
    assert await pages(db, None, 2, START + timedelta(seconds=2)) == [version for version in await pages(db, None, 50) if version[:2] in {
        ("a", 5), ("a", 4), ("c", 3), ("c", 2), ("c", 1)
    }]  # fmt: skip
    async with db.reading() as tx:
        later = await history.versions(tx, SYSTEM, "Patient", "b", since=START + timedelta(days=1))
        assert (later.versions, later.next) == ([], None)


async def test_versions_that_come_between_two_pages_shift_nothing(db: Database) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        first = await history.versions(tx, SYSTEM, "Patient", "a", count=2)
    await put(db, patient("a", gender="other"))
    async with db.reading() as tx:
        second = await history.versions(tx, SYSTEM, "Patient", "a", count=2, cursor=first.next)
    assert [stored.version for stored, _ in second.versions] == [3, 2]


async def test_there_is_no_history_of_nothing(db: Database) -> None:
    async with db.reading() as tx:
        with pytest.raises(NotFound):
            await history.versions(tx, SYSTEM, "Patient", "nobody")
        assert (await history.versions(tx, SYSTEM, "Observation")).versions == []


@pytest.mark.parametrize("text", ["", "x", "!!!", "AAAA", cursor.pack(1), cursor.pack(2**61, 1, 1), "ñ", "kwECAw" * 500])
async def test_a_strange_cursor_is_refused(db: Database, text: str) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        if text == "":
            assert (await history.versions(tx, SYSTEM, "Patient", cursor=text)).versions
            return
        with pytest.raises(BadRequest):
            await history.versions(tx, SYSTEM, "Patient", cursor=text)
