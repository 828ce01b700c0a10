"""Slots made ahead of time: again and again, after a crash, by two at once, and what becomes of those that somebody has a place of."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.referral.region import Region
from tests.scheduling.region import Json, exception, put, role, row, schedule
from yilian import policy
from yilian.errors import Forbidden, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.scheduling import bookings, making
from yilian.scheduling.bookings import Wish
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROW = row(EVERY_DAY, "08:00:00", "12:00:00", 60, 4, holidays=True)


def today(region: Region) -> date:
    return region.clock.now.astimezone(region_zone()).date()


async def keep(region: Region, *extensions: Json, kind: str = "clinic", id: str = "s") -> None:
    """The schedule of the first hospital's cardiologist with this template."""
    await put(region.db, role("cardio", "first"))
    async with region.db.transaction() as tx:
        made = schedule(id, "PractitionerRole/cardio", kind) | ({"extension": list(extensions)} if extensions else {})
        await write(tx, SYSTEM, [Change("PUT", "Schedule", id, made, confined=region.rids["Organization/first"])])


async def apply(region: Region, who: str = "coordinator") -> making.Difference:
    async with region.db.transaction() as tx:
        return await making.apply(tx, region.scope(who), "s")


async def slots(region: Region, more: str = "true") -> list[Any]:
    async with region.db.reading() as tx:
        return list(await tx.fetch(f"select s.*, r.id from slot s join resource r using (rid) where {more} order by starts"))


async def book(region: Region, slot: str, patient: str = "p1") -> str:
    async with region.db.transaction() as tx:
        await tx.execute("update place set opens = now() - interval '1 hour', public_from = now() - interval '1 hour'")
        return (await bookings.book(tx, SYSTEM, Wish(patient, (slot,), "web"))).id


async def test_slots_are_made_as_far_as_the_policy_says_and_not_twice(region: Region) -> None:
    await keep(region, ROW)
    first = await apply(region)
    made = await slots(region)
    assert len(first.make) == len(made)
    days = {one["day"] for one in made}
    assert days <= {today(region) + timedelta(days=n) for n in range(29)}
    assert len(days) in (28, 29), "today too, if some of it is to come"
    assert {one["capacity"] for one in made} == {4}
    assert all(one["planned"] for one in made)
    again = await apply(region)
    assert (again.make, again.remove, again.same) == ((), (), len(made))


async def test_a_night_makes_the_day_that_came_into_reach_and_goes_on_after_a_while_away(region: Region) -> None:
    await keep(region, ROW)
    assert await making.ahead(region.db) > 0
    before = len(await slots(region))
    assert await making.ahead(region.db) == 0
    region.clock.later(days=1)
    assert await making.ahead(region.db) == 4
    region.clock.later(days=5)
    assert await making.ahead(region.db) == 20
    assert len(await slots(region)) == before + 24
    region.clock.later(days=-3)
    assert await making.ahead(region.db) == 0, "a clock that was put back makes nothing twice"


async def test_two_servers_make_them_once(region: Region) -> None:
    await keep(region, ROW)
    made = await asyncio.gather(*(making.ahead(region.db) for _ in range(4)))
    assert sum(made) == len(await slots(region))


async def test_what_was_removed_by_hand_does_not_come_back_at_night(region: Region) -> None:
    await keep(region, ROW)
    await apply(region)
    [first, *_] = await slots(region)
    async with region.db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Slot", first["id"], None)])
    region.clock.later(days=1)
    await making.ahead(region.db)
    assert first["id"] not in {one["id"] for one in await slots(region)}


async def test_a_changed_template_moves_what_is_free_and_leaves_what_is_taken(region: Region) -> None:
    await keep(region, ROW)
    await apply(region)
    taken = (await slots(region))[8]
    await book(region, taken["id"])
    await keep(region, row(EVERY_DAY, "14:00:00", "16:00:00", 30, 2, holidays=True))
    async with region.db.transaction() as tx:
        seen = await making.outlook(tx, region.scope("coordinator"), (await tx_schedule(tx)), None)
    assert [one.id for one in seen.difference.stay] == [taken["id"]]
    done = await apply(region)
    assert done == seen.difference
    left = await slots(region)
    assert [one["id"] for one in left if one["capacity"] == 4] == [taken["id"]]
    assert {one["ends"] - one["starts"] for one in left} == {timedelta(minutes=30), timedelta(hours=1)}


async def tx_schedule(tx: Any) -> Json:
    from yilian.fhir.json import parse
    from yilian.store import read

    return dict(parse((await read.by_id(tx, SYSTEM, "Schedule", "s")).body))


async def test_leave_takes_back_what_is_free_and_stops_what_is_taken(region: Region) -> None:
    await keep(region, ROW)
    await apply(region)
    taken = (await slots(region))[8]
    mine = await book(region, taken["id"])
    day = taken["day"].isoformat()
    await keep(region, ROW, exception("leave", day, day, reason="外出进修"))
    done = await apply(region)
    assert [one.id for one in done.stop] == [taken["id"]]
    assert len(done.remove) == 3
    [stopped] = await slots(region, "stopped")
    assert stopped["id"] == taken["id"]
    assert (await region.read("system", f"Slot/{taken['id']}"))["comment"] == "外出进修"
    assert (await region.read("system", f"Appointment/{mine}"))["status"] == "booked", "who had a place is to be moved, not forgotten"
    assert (await apply(region)).stop == ()


async def test_more_places_are_added_and_none_is_taken_from_anybody(region: Region) -> None:
    await keep(region, ROW)
    await apply(region)
    first = (await slots(region))[8]
    await book(region, first["id"], "p1")
    await book(region, first["id"], "p2")
    await keep(region, row(EVERY_DAY, "08:00:00", "12:00:00", 60, 1, holidays=True))
    await apply(region)
    assert {one["capacity"] for one in await slots(region)} == {1, 2}
    await keep(region, row(EVERY_DAY, "08:00:00", "12:00:00", 60, 9, holidays=True))
    await apply(region)
    assert {one["capacity"] for one in await slots(region)} == {9}
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from place where appointment is not null") == 2
        assert await tx.fetchval("select bool_and(n = 9) from (select count(*) as n from place group by slot) c")


async def test_a_schedule_that_is_closed_takes_its_free_slots_back(region: Region) -> None:
    await keep(region, ROW)
    await apply(region)
    await keep(region)
    done = await apply(region)
    assert await slots(region) == []
    assert done.make == ()


async def test_only_the_own_institution_keeps_a_schedule(region: Region) -> None:
    await keep(region, ROW)
    with pytest.raises((Forbidden, NotFound)):
        await apply(region, "expert2")
    async with region.db.transaction() as tx:
        own = schedule("", "PractitionerRole/cardio") | {"extension": [ROW]}
        del own["id"]
        [made] = await write(tx, region.scope("coordinator"), [Change("POST", "Schedule", None, own)])
        assert len((await making.apply(tx, region.scope("coordinator"), made.id)).make) > 100


async def test_a_city_hospital_divides_its_day_into_hours(region: Region) -> None:
    """三级医院精确到 1 小时 (APT-2)."""
    with pytest.raises(InvalidResource, match="at most 60 minutes"):
        await keep(region, row(("mon",), "08:00:00", "12:00:00", 120, 4))
    await keep(region, row(("mon",), "08:00:00", "12:00:00", 120, 4), kind="examination")


def share(pool: str, of: float) -> Json:
    return {"url": urls.SCHEDULE_SHARE, "extension": [{"url": "pool", "valueCode": pool}, {"url": "share", "valueDecimal": of}]}


async def test_a_schedule_may_keep_more_for_a_pool_and_never_less(region: Region) -> None:
    with pytest.raises(InvalidResource, match="the rule keeps 30%"):
        await keep(region, ROW, share("grassroots", 0.2))
    with pytest.raises(InvalidResource, match="more than the whole"):
        await keep(region, ROW, share("follow-up", 0.8))
    await keep(region, ROW, share("grassroots", 0.5), share("follow-up", 0.25))
    await apply(region)
    async with region.db.reading() as tx:
        rows = await tx.fetch(
            "select s.day, p.pool, count(*) as n from place p join slot s on s.rid = p.slot where s.day > $1 group by 1, 2", today(region)
        )
    whole = {(one["day"], one["pool"]): one["n"] for one in rows}
    assert {n for (_, pool), n in whole.items() if pool == "grassroots"} == {8}, "half of 16"
    assert {n for (_, pool), n in whole.items() if pool == "follow-up"} == {4}


async def test_how_far_slots_are_made_is_the_institutions_own(region: Region) -> None:
    await keep(region, ROW)
    async with region.db.transaction() as tx:
        await policy.put(
            tx,
            "booking.days_ahead",
            3,
            valid_from=date(2020, 1, 1),
            source="本院",
            institution=region.rids["Organization/first"],
        )
    await apply(region)
    assert {one["day"] for one in await slots(region)} <= {today(region) + timedelta(days=n) for n in range(4)}


async def test_who_takes_a_place_while_the_slot_is_taken_back_has_it_or_is_told_no(region: Region) -> None:
    """Booking against removal, over and over: no appointment without its place."""
    await keep(region, ROW)
    for turn in range(6):
        await keep(region, ROW)
        await apply(region)
        target = (await slots(region))[10 + turn]["id"]
        await keep(region, row(EVERY_DAY, "20:00:00", "21:00:00", 60, 1, holidays=True))

        async def take(target: str = target) -> None:
            await book(region, target)

        await asyncio.gather(take(), apply(region), return_exceptions=True)
        async with region.db.transaction() as tx:
            lost = await tx.fetchval(
                "select count(*) from appointment a where state = 'booked' and not exists (select from place p where p.appointment = a.rid)"
            )
            assert lost == 0
            for one in await tx.fetch("select r.id from appointment a join resource r using (rid) where state = 'booked'"):
                await bookings.cancel(tx, SYSTEM, one["id"], "下一轮")
