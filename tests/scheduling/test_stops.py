"""停诊: who had a place is told, listed with where they could go, moved or cancelled, and nothing counts against them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from tests.scheduling.test_bookings import SOON, book, clinic, free
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.scheduling import absences, bookings, stops
from yilian.scheduling.bookings import Wish
from yilian.scheduling.stops import Concerned, Moved, Stop
from yilian.store.scope import SYSTEM

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def stop(region: Region, begin: datetime = SOON, length: timedelta = HOUR, who: str = "coordinator") -> Stop:
    async with region.db.transaction() as tx:
        return await stops.stop(tx, region.scope(who), "s", begin, begin + length, "医师外出进修")


async def waiting(region: Region) -> list[Concerned]:
    async with region.db.reading() as tx:
        return (await stops.waiting(tx, region.scope("coordinator")))[0]


async def move_all(region: Region, *only: str) -> Moved:
    async with region.db.transaction() as tx:
        return await stops.move_all(tx, region.scope("coordinator"), only=only)


async def told(region: Region, event: str) -> int:
    async with region.db.reading() as tx:
        return int(await tx.fetchval("select count(*) from message where event = $1", event))


async def test_a_stop_closes_what_is_free_and_tells_who_booked(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON, places=3), slot("b", "s", SOON + HOUR))
    mine = await book(region, "p1", "p1", "a")
    async with region.db.transaction() as tx:
        held = await bookings.hold(tx, region.scope("p2"), Wish("p2", ("a",), "web"))
    assert await stop(region) == Stop(slots=1, holds=1, told=1)
    assert await told(region, "booking.stopped") == 1
    with pytest.raises(Conflict, match="stopped"):
        await book(region, "p2", "p2", "a")
    with pytest.raises(Conflict):
        async with region.db.transaction() as tx:
            await bookings.book_held(tx, region.scope("p2"), held.id)
    assert (await region.read("p1", f"Appointment/{mine.id}"))["status"] == "booked"
    assert (await region.read("system", "Slot/a"))["comment"] == "医师外出进修"
    assert await free(region, "b") == 1
    assert await stop(region) == Stop(0, 0, 0), "a stop twice is no second message"


async def test_all_who_fit_are_moved_in_one_act_and_the_others_stay_on_the_list(region: Region) -> None:
    """Two have a place; one equal place is free later that day, and none after it."""
    await clinic(region, slot("a", "s", SOON, places=2), slot("b", "s", SOON + HOUR))
    first, second = await book(region, "p1", "p1", "a"), await book(region, "p2", "p2", "a")
    await stop(region)
    listed = await waiting(region)
    assert [one.id for one in listed] == [first.id, second.id]
    assert [one.proposal.slots if one.proposal else None for one in listed] == [("b",), ("b",)]
    assert await move_all(region) == Moved((first.id,), (second.id,))
    moved = await region.read("p1", f"Appointment/{first.id}")
    assert (moved["slot"], datetime.fromisoformat(moved["start"])) == ([{"reference": "Slot/b"}], SOON + HOUR)
    assert await told(region, "booking.moved") == 1
    [left] = await waiting(region)
    assert (left.id, left.proposal) == (second.id, None)


async def test_rather_the_same_doctor_within_three_days_than_another_at_once(region: Region) -> None:
    await put(region.db, role("other", "first"), schedule("t", "PractitionerRole/other"), slot("soon", "t", SOON + HOUR))
    await clinic(region, slot("a", "s", SOON), slot("later", "s", SOON + 2 * DAY))
    await book(region, "p1", "p1", "a")
    await stop(region)
    [one] = await waiting(region)
    assert one.proposal is not None
    assert (one.proposal.slots, one.proposal.same) == (("later",), True)
    await stop(region, SOON + 2 * DAY)
    [one] = await waiting(region)
    assert one.proposal is not None
    assert (one.proposal.slots, one.proposal.same) == (("soon",), False)


async def test_nobody_is_moved_to_an_earlier_time_to_another_kind_or_to_a_day_they_have_already(region: Region) -> None:
    await put(region.db, role("echo", "first"), schedule("x", "PractitionerRole/echo", "examination"), slot("exam", "x", SOON + DAY))
    await clinic(region, slot("early", "s", SOON - HOUR), slot("a", "s", SOON), slot("again", "s", SOON + 3 * DAY))
    await book(region, "p1", "p1", "a")
    async with region.db.transaction() as tx:
        await tx.execute("update place set opens = now() - interval '1 hour', public_from = now() - interval '1 hour'")
    await book(region, "p1", "p1", "again")
    await stop(region)
    [one] = await waiting(region)
    assert one.proposal is None


async def test_of_a_visit_with_an_examination_only_the_part_that_was_stopped_is_moved(region: Region) -> None:
    await put(region.db, role("echo", "first"), schedule("x", "PractitionerRole/echo", "examination"), slot("exam", "x", SOON + 2 * HOUR))
    await clinic(region, slot("a", "s", SOON), slot("b", "s", SOON + HOUR))
    mine = await book(region, "p1", "p1", "a", "exam")
    await stop(region)
    assert (await move_all(region)).moved == (mine.id,)
    moved = await region.read("p1", f"Appointment/{mine.id}")
    assert {one["reference"] for one in moved["slot"]} == {"Slot/b", "Slot/exam"}
    assert (await free(region, "exam"), await free(region, "a"), await free(region, "b")) == (0, 1, 0)


async def test_what_was_stopped_counts_against_nobody(region: Region) -> None:
    """Cancelled by the patient, late; or never dealt with until its time was over."""
    await clinic(region, slot("a", "s", SOON), slot("b", "s", SOON + HOUR))
    mine, other = await book(region, "p1", "p1", "a"), await book(region, "p2", "p2", "b")
    await stop(region, length=2 * HOUR)
    async with region.db.transaction() as tx:
        await tx.execute("update appointment set starts = now() + interval '1 minute' where rid = $1", mine.rid)
        await bookings.cancel(tx, region.scope("p1"), mine.id, "停诊")
        await tx.execute(
            "update appointment set starts = now() - interval '9 days', ends = now() - interval '8 days' where rid = $1", other.rid
        )
    from yilian.jobs import Job

    assert await absences.sweep(region.db, Job(1, absences.SWEEP, {}, None, 1, {}, "worker")) == {"missed": 0}
    assert (await region.read("p2", f"Appointment/{other.id}"))["status"] == "cancelled"
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from absence") == 0


async def test_what_was_stopped_by_mistake_is_opened_again(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p1", "p1", "a")
    await stop(region)
    async with region.db.transaction() as tx:
        assert await stops.resume(tx, region.scope("coordinator"), "s", SOON, SOON + HOUR) == 1
    assert await waiting(region) == []
    assert "comment" not in await region.read("system", "Slot/a")
    assert (await region.read("p1", f"Appointment/{mine.id}"))["status"] == "booked"


async def test_stops_are_the_own_institutions_and_have_a_reason(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    with pytest.raises(Forbidden):
        await stop(region, who="expert2")
    async with region.db.transaction() as tx:
        with pytest.raises(BadRequest, match="reason"):
            await stops.stop(tx, region.scope("coordinator"), "s", SOON, SOON + HOUR, " ")
        with pytest.raises(BadRequest, match="after start"):
            await stops.stop(tx, region.scope("coordinator"), "s", SOON, SOON, "停诊")
        with pytest.raises(NotFound):
            await stops.stop(tx, region.scope("coordinator"), "none", SOON, SOON + HOUR, "停诊")
        with pytest.raises(Forbidden):
            await stops.waiting(tx, SYSTEM)


async def test_the_list_goes_on_page_by_page(region: Region) -> None:
    await clinic(region, *(slot(f"a{n}", "s", SOON + n * HOUR, places=2) for n in range(2)))
    await book(region, "p1", "p1", "a0")
    await book(region, "p2", "p2", "a1")
    await stop(region, length=2 * HOUR)
    async with region.db.reading() as tx:
        one, more = await stops.waiting(tx, region.scope("coordinator"), count=1)
        two, end = await stops.waiting(tx, region.scope("coordinator"), count=1, after=more)
    assert (len(one), len(two), end) == (1, 1, None)
    assert one[0].id != two[0].id
