"""Versions, newest first, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, NotFound
from yilian.store import cursor, history
from yilian.store.history import Asked
from yilian.store.scope import SYSTEM, Scope

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
            page = await history.versions(tx, SYSTEM, "Patient", id, Asked(since=since, count=count, cursor=following))
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
        later = await history.versions(tx, SYSTEM, "Patient", "b", Asked(since=START + timedelta(days=1)))
        assert (later.versions, later.next) == ([], None)


async def test_versions_that_come_between_two_pages_shift_nothing(db: Database) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        first = await history.versions(tx, SYSTEM, "Patient", "a", Asked(count=2))
    await put(db, patient("a", gender="other"))
    async with db.reading() as tx:
        second = await history.versions(tx, SYSTEM, "Patient", "a", Asked(count=2, cursor=first.next))
    assert [stored.version for stored, _ in second.versions] == [3, 2]


async def test_there_is_no_history_of_nothing(db: Database) -> None:
    async with db.reading() as tx:
        with pytest.raises(NotFound):
            await history.versions(tx, SYSTEM, "Patient", "nobody")
        assert (await history.versions(tx, SYSTEM, "Observation")).versions == []


@pytest.mark.parametrize(
    "text", ["", "x", "!!!", "AAAA", cursor.pack(1), cursor.pack(1, 1, 1), cursor.pack(2**61, 1, 1, 1), "ñ", "kwECAw" * 500]
)
async def test_a_strange_cursor_is_refused(db: Database, text: str) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        with pytest.raises(BadRequest):
            await history.versions(tx, SYSTEM, "Patient", asked=Asked(cursor=text))


async def seen(db: Database, scope: Scope, type: str | None, asked: Asked) -> list[tuple[str, str, int]]:
    """Every version of all pages, in order; each page says the same total, if any."""
    found: list[tuple[str, str, int]] = []
    totals = set()
    async with db.reading() as tx:
        while True:
            page = await history.versions(tx, scope, type, asked=asked)
            found += [(one.type, one.id, one.version) for one, _ in page.versions]
            totals.add(page.total)
            if page.next is None:
                assert totals <= {None, len(found)}
                return found
            asked = replace(asked, cursor=page.next)


@pytest.mark.parametrize("count", [1, 2, 50])
async def test_everything_and_oldest_first_are_the_same_versions_in_another_order(db: Database, count: int) -> None:
    await several_versions(db)
    await put(db, observation("a", "o"))
    newest = await seen(db, SYSTEM, None, Asked(count=count, total=True))
    assert len(newest) == 10
    assert newest[0] == ("Observation", "o", 1)
    assert await seen(db, SYSTEM, None, Asked(count=count, oldest_first=True)) == newest[::-1]
    of_type = await seen(db, SYSTEM, "Patient", Asked(count=count, oldest_first=True, total=True))
    assert of_type == [one for one in newest[::-1] if one[0] == "Patient"]


async def test_oldest_first_ends_with_what_there_was_when_it_was_asked_for(db: Database) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        first = await history.versions(tx, SYSTEM, "Patient", asked=Asked(count=4, oldest_first=True, total=True))
    db.clock = lambda: START + timedelta(days=1)
    await put(db, patient("later"))
    rest = await seen(db, SYSTEM, "Patient", Asked(count=4, oldest_first=True, cursor=first.next))
    assert first.total == len(first.versions) + len(rest) == 9
    assert ("Patient", "later", 1) not in rest


async def test_what_was_current_at_a_time_is_what_had_been_written_and_not_yet_replaced(db: Database) -> None:
    for minute in (0, 5, 10, 15, 20):
        db.clock = lambda minute=minute: START + timedelta(minutes=minute)
        if minute % 10 == 0:
            await put(db, patient("a", name=[{"text": str(minute)}]))
        elif minute == 5:
            await put(db, patient("b"))
        else:
            await delete(db, "Patient", "b")

    async def at(lo: float, hi: float) -> set[tuple[str, int]]:
        interval = (START + timedelta(minutes=lo), START + timedelta(minutes=hi))
        found = await seen(db, SYSTEM, "Patient", Asked(at=interval, count=1, total=True))
        async with db.reading() as tx:
            alone = await history.versions(tx, SYSTEM, "Patient", "a", Asked(at=interval))
        assert {one.version for one, _ in alone.versions} == {version for _, id, version in found if id == "a"}
        return {(id, version) for _, id, version in found}

    assert await at(-5, 0) == set()
    assert await at(0, 1) == {("a", 1)}
    assert await at(6, 7) == {("a", 1), ("b", 1)}
    assert await at(9, 16) == {("a", 1), ("a", 2), ("b", 1), ("b", 2)}
    assert await at(30, 31) == {("a", 3), ("b", 2)}
    assert await at(10, 10.5) == {("a", 2), ("b", 1)}


async def test_a_count_of_none_tells_the_total_alone(db: Database) -> None:
    await several_versions(db)
    async with db.reading() as tx:
        for type, id, total in ((None, None, 9), ("Patient", None, 9), ("Patient", "a", 5), ("Observation", None, 0)):
            page = await history.versions(tx, SYSTEM, type, id, Asked(count=0))
            assert (page.versions, page.next, page.total) == ([], None, total)
        page = await history.versions(tx, SYSTEM, "Patient", "a", Asked(count=2))
        assert page.total == 5, "of one resource it is always told"


@pytest.mark.parametrize("few", [0, 200])
async def test_however_they_are_looked_for_narrow_scopes_see_the_same(
    db: Database, region: Region, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gathered by patient, or found among everybody's by time."""
    monkeypatch.setattr(history, "FEW_PATIENTS", few)
    both = await put(db, patient("both", managingOrganization={"reference": "Organization/liuhe"}))
    await region.ground(region.qingshi, both)
    await region.ground(region.liuhe, both)
    for scope, of in ((region.qingshi, "here"), (region.liuhe, "there"), (region.liuhe, "both")):
        await put(db, observation(of, f"o-{of}"), scope)
        await put(db, observation(of, f"o-{of}", status="amended"), scope)
    await put(db, observation("there", "moved"), region.liuhe)
    await put(db, observation("here", "moved"))
    await put(db, {"resourceType": "Basic", "id": "own", "code": {"text": "x"}}, region.qingshi)
    await put(db, {"resourceType": "Basic", "id": "own", "code": {"text": "y"}}, region.qingshi)
    await delete(db, "Observation", "o-here", region.qingshi)
    expected = {
        *(("Observation", "o-here", n) for n in (1, 2, 3)), *(("Observation", "o-both", n) for n in (1, 2)),
        ("Observation", "moved", 2), ("Basic", "own", 1), ("Basic", "own", 2), ("Patient", "here", 1), ("Patient", "both", 1),
        ("Organization", "qingshi", 1), ("Organization", "liuhe", 1),
    }  # fmt: skip
    for asked in (Asked(count=2, total=True), Asked(count=3, oldest_first=True), Asked(at=(START, datetime(2200, 1, 1, tzinfo=UTC)))):
        found = await seen(db, region.qingshi, None, asked)
        assert (len(found), set(found)) == (len(expected), expected)
        of_type = await seen(db, region.qingshi, "Observation", asked)
        assert set(of_type) == {one for one in expected if one[0] == "Observation"}
    narrow = replace(region.qingshi, reads=frozenset({"Observation", "Organization"}))
    assert {one[0] for one in await seen(db, narrow, None, Asked())} == {"Observation", "Organization"}
    resident = Scope("self", user="r", agent="Patient/both", name="r", patient_rid=both.rid)
    assert set(await seen(db, resident, None, Asked())) == {
        ("Observation", "o-both", 1), ("Observation", "o-both", 2), ("Patient", "both", 1),
        ("Organization", "qingshi", 1), ("Organization", "liuhe", 1),
    }  # fmt: skip
