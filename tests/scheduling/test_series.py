"""疗程: several visits, all of them or none."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.referral.region import Region
from tests.scheduling.region import slot
from tests.scheduling.test_bookings import SOON, book, clinic
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.scheduling import series
from yilian.scheduling.bookings import Wish
from yilian.scheduling.series import Course
from yilian.store.change import Written

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def days(region: Region, *numbers: int) -> None:
    """Slots at the first hour and the one after it, on these days from `SOON` on, open to everybody."""
    await clinic(region, *(slot(f"d{n}h{h}", "s", SOON + n * DAY + h * HOUR) for n in numbers for h in range(2)))
    async with region.db.transaction() as tx:
        await tx.execute("update place set opens = now() - interval '1 hour', public_from = now() - interval '1 hour'")


async def course(region: Region, visits: int, every: int, first: str = "d0h0") -> list[Written]:
    async with region.db.transaction() as tx:
        return await series.book(tx, region.scope("p1"), Course(Wish("p1", (first,), "on-site"), visits, every))


def slots(made: list[Written]) -> list[str]:
    return [str((one.resource or {})["slot"][0]["reference"]).removeprefix("Slot/") for one in made]


async def test_visits_at_an_interval_are_appointments_of_one_series(region: Region) -> None:
    await days(region, 0, 2, 4, 6)
    made = await course(region, 4, 2)
    assert slots(made) == ["d0h0", "d2h0", "d4h0", "d6h0"]
    parts = [next(e["extension"] for e in (one.resource or {})["extension"] if e["url"] == urls.APPOINTMENT_SERIES) for one in made]
    assert {part[0]["valueUri"] for part in parts} == {parts[0][0]["valueUri"]}
    assert [(part[1]["valuePositiveInt"], part[2]["valuePositiveInt"]) for part in parts] == [(n, 4) for n in range(1, 5)]
    async with region.db.reading() as tx:
        [known] = await tx.fetch("select series, count(*) as n from appointment group by 1")
    assert (known["series"], known["n"]) == (UUID(parts[0][0]["valueUri"].removeprefix("urn:uuid:")), 4)


async def test_a_visit_whose_hour_is_taken_is_at_the_nearest_of_its_day_and_on_a_day_off_it_is_on_the_next(region: Region) -> None:
    await days(region, 0, 2, 5)
    await book(region, "p2", "p2", "d2h0")
    assert slots(await course(region, 3, 2)) == ["d0h0", "d2h1", "d5h0"]


async def test_all_visits_are_booked_or_none(region: Region) -> None:
    await days(region, 0, 2)
    with pytest.raises(Conflict, match="visit 3 of 3"):
        await course(region, 3, 2)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from appointment") == 0
        assert await tx.fetchval("select count(*) from place where appointment is not null") == 0


async def test_two_who_want_the_last_places_do_not_get_half_of_a_course(region: Region) -> None:
    await days(region, 0, 1, 2)
    await course(region, 3, 1)
    await book(region, "p2", "p2", "d1h1")
    async with region.db.transaction() as tx:
        with pytest.raises(Conflict):
            async with tx.savepoint():
                await series.book(tx, region.scope("p2"), Course(Wish("p2", ("d0h1",), "on-site"), 3, 1))
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from appointment where state = 'booked'") == 4


async def test_the_rest_of_a_series_is_cancelled_and_what_was_before_stays(region: Region) -> None:
    await days(region, 0, 1, 2)
    made = await course(region, 3, 1)
    async with region.db.transaction() as tx:
        gone = await series.cancel_rest(tx, region.scope("p1"), made[1].id, "疗程结束")
    assert [one.id for one in gone] == [made[1].id, made[2].id]
    assert (await region.read("p1", f"Appointment/{made[0].id}"))["status"] == "booked"
    async with region.db.transaction() as tx:
        with pytest.raises(Conflict, match="no series"):
            await series.cancel_rest(tx, region.scope("p1"), made[1].id, "再一次")


@pytest.mark.parametrize(("visits", "every"), [(1, 1), (41, 1), (3, 0), (3, 91)])
async def test_a_course_that_makes_no_sense_is_refused(region: Region, visits: int, every: int) -> None:
    await days(region, 0)
    with pytest.raises(BadRequest):
        await course(region, visits, every)
