"""床位使用率: what was open is written down when the day is over, what was occupied is counted as it is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.beds.places import bed, encounter, stay, ward
from tests.referral.region import Region
from yilian.beds import board, days
from yilian.errors import BadRequest

FIRST = datetime(2026, 11, 20, 18, 14, tzinfo=UTC)
"""23:59 in Kathmandu."""


async def close(region: Region) -> int:
    async with region.db.transaction() as tx:
        return await days.close(tx, tx.now)


async def used(region: Region, start: date, end: date) -> list[tuple[int, int, int, float | None]]:
    async with region.db.reading() as tx:
        found = await days.used(tx, [region.rids["Organization/first"]], start, end)
    return [(one.beds, one.occupied, one.days, one.rate) for one in found]


async def test_bed_days_are_counted_at_the_end_of_each_day_of_the_region(region: Region) -> None:
    region.clock.now = FIRST + timedelta(hours=1)
    await region.write(ward(), bed("b1"), bed("b2"), bed("b3", status="suspended"), ward("d", kind="day"), bed("chair", "d"))
    await region.write(encounter("e1", "p1", stay("b1", FIRST)), encounter("e2", "p2", stay("chair", FIRST)))
    assert await close(region) == 1
    assert await used(region, date(2026, 11, 20), date(2026, 11, 21)) == [(2, 1, 1, 0.5)], "in it at 24:00; a chair is no open bed"
    assert await close(region) == 1, "counting again changes nothing that is not so"
    region.clock.now = FIRST + timedelta(days=3)
    await region.write(
        encounter("e1", "p1", stay("b1", FIRST, FIRST + timedelta(hours=30), "completed"), status="finished"), bed("b2", status="suspended")
    )
    assert await close(region) >= 2, "days on which nothing ran are made up for"
    assert await used(region, date(2026, 11, 20), date(2026, 11, 23)) == [(4, 2, 3, 0.5)]
    await region.write(encounter("e3", "p3", stay("b1", FIRST + timedelta(hours=31))))
    await close(region)
    assert await used(region, date(2026, 11, 22), date(2026, 11, 23)) == [(1, 1, 1, 1.0)], "what is told late is counted"
    with pytest.raises(BadRequest):
        await used(region, date(2026, 11, 22), date(2026, 11, 22))


async def test_use_and_turnover_are_told_by_day_and_ward_and_a_transfer_is_no_discharge(region: Region) -> None:
    hour = timedelta(hours=1)
    region.clock.now = FIRST + 50 * hour
    await region.write(ward(), ward("w2"), bed("b1"), bed("b2"), bed("c1", "w2"))
    moved = [stay("b1", FIRST, FIRST + 10 * hour, "completed"), stay("c1", FIRST + 10 * hour, FIRST + 30 * hour, "completed")]
    await region.write(encounter("e1", "p1", *moved, status="finished"), encounter("e2", "p2", stay("b2", FIRST)))
    async with region.db.transaction() as tx:
        assert await days.close(tx, tx.now, since=date(2026, 11, 20)) == 3
    first = region.rids["Organization/first"]
    async with region.db.reading() as tx:
        by_day = await days.used(tx, [first], date(2026, 11, 20), date(2026, 11, 23), by="day")
        by_ward = await days.used(tx, [first], date(2026, 11, 20), date(2026, 11, 23), by="ward")
        [whole] = await days.used(tx, [first], date(2026, 11, 20), date(2026, 11, 23))
        with pytest.raises(BadRequest):
            await days.used(tx, [first], date(2026, 11, 20), date(2026, 11, 23), by="bed")
    assert [(one.day.day if one.day else 0, one.beds, one.occupied) for one in by_day] == [(20, 3, 2), (21, 3, 2), (22, 3, 1)]
    assert [one.discharged for one in by_day] == [0, 0, 1], "on the day of the region"
    assert sorted((one.beds, one.occupied, one.discharged) for one in by_ward) == [(3, 1, 1), (6, 4, 0)]
    assert (whole.beds, whole.occupied, whole.discharged, whole.turnover) == (9, 5, 1, 1 * 3 / 9)


async def test_numbers_of_many_beds_are_read_in_one_look(region: Region) -> None:
    await region.write(*(ward(f"w{n}", specialty="03") for n in range(3)), *(bed(f"b{n}", f"w{n % 3}") for n in range(30)))
    await region.write(*(encounter(f"e{n}", "p1" if n % 2 else "p2", stay(f"b{n}")) for n in range(10)))
    async with region.db.reading() as tx:
        [one] = await board.count(tx)
        assert (one.total, one.free, one.occupied) == (30, 20, 10)
        assert sum(each.free for each in await board.count(tx, by="ward", institutions=[region.rids["Organization/first"]])) == 20
