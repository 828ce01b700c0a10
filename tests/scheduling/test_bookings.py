"""Booking: what is taken, by whom, and that the last place has one winner."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import REGION_ZONE
from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from yilian import app, config
from yilian.errors import Conflict, NotFound
from yilian.jobs import Job
from yilian.scheduling import bookings
from yilian.scheduling.bookings import Wish
from yilian.store.change import Written
from yilian.store.scope import SYSTEM

Json = dict[str, Any]
SOON = (datetime.now(ZoneInfo(REGION_ZONE)) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
"""Of the database's clock: a morning of the region, the day after tomorrow, so that all is open by the rules for the public after a
release of seven days, and some hours later is the same day."""


async def clinic(region: Region, *slots: Json, kind: str = "clinic") -> None:
    await put(region.db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio", kind), *slots)


async def book(region: Region, who: str, patient: str, *slots: str) -> Written:
    async with region.db.transaction() as tx:
        return await bookings.book(tx, region.scope(who), Wish(patient, slots, "web"))


async def free(region: Region, slot: str) -> int:
    async with region.db.reading() as tx:
        return int(
            await tx.fetchval(
                "select count(*) from place p join resource r on r.rid = p.slot where r.id = $1 and p.appointment is null", slot
            )
        )


async def test_a_place_is_booked_and_given_back(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON, places=2))
    written = await book(region, "p1", "p1", "a")
    assert written.resource is not None
    assert written.resource["status"] == "booked"
    assert written.resource["slot"] == [{"reference": "Slot/a"}]
    assert await free(region, "a") == 1
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, region.scope("p1"), written.id, "临时有事")
    assert await free(region, "a") == 2
    with pytest.raises(Conflict, match="is over"):
        async with region.db.transaction() as tx:
            await bookings.cancel(tx, region.scope("p1"), written.id, "再取消一次")


async def test_one_person_has_one_place_a_day_with_a_doctor(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON), slot("b", "s", SOON + timedelta(hours=1)))
    await book(region, "p1", "p1", "a")
    with pytest.raises(Conflict, match="on that day already"):
        await book(region, "p1", "p1", "b")
    assert await free(region, "b") == 1


async def test_all_slots_are_taken_or_none(region: Region) -> None:
    await put(region.db, role("echo", "first"), schedule("exam", "PractitionerRole/echo", "examination"))
    await clinic(region, slot("a", "s", SOON), slot("b", "exam", SOON + timedelta(hours=2)))
    await book(region, "p2", "p2", "b")
    with pytest.raises(Conflict, match="no place left"):
        await book(region, "p1", "p1", "a", "b")
    assert await free(region, "a") == 1
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from appointment") == 1


async def test_a_hold_that_is_over_is_anybodys_and_cannot_be_booked_any_more(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    async with region.db.transaction() as tx:
        held = await bookings.hold(tx, region.scope("p1"), Wish("p1", ("a",), "web"))
    with pytest.raises(Conflict, match="no place left"):
        await book(region, "p2", "p2", "a")
    async with region.db.transaction() as tx:
        await tx.execute("update place set held_until = now() - interval '1 second'")
        await tx.execute("update appointment set held_until = now() - interval '1 second'")
    await book(region, "p2", "p2", "a")
    with pytest.raises(Conflict, match="hold of this appointment is over"):
        async with region.db.transaction() as tx:
            await bookings.book_held(tx, region.scope("p1"), held.id)
    async with region.db.transaction() as tx:
        ended = await bookings.expire(tx, SYSTEM, held.id)
    assert ended is not None
    assert ended.resource is not None
    assert ended.resource["status"] == "cancelled"
    assert await free(region, "a") == 0, "whoever took it meanwhile keeps it"


async def test_a_hold_is_ended_by_the_job_it_was_made_with_and_not_before_its_time(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    async with region.db.transaction() as tx:
        held = await bookings.hold(tx, region.scope("p1"), Wish("p1", ("a",), "web"))
    async with region.db.reading() as tx:
        row = await tx.fetchrow("select id, payload, run_at - now() as wait from job where kind = $1", bookings.EXPIRE)
    assert row is not None
    assert timedelta(minutes=14) < row["wait"] <= timedelta(minutes=15)
    job = Job(row["id"], bookings.EXPIRE, json.loads(row["payload"]), None, 1, {}, "worker")
    end = app.job_kinds(config.Settings())[bookings.EXPIRE].handler
    await end(region.db, job)
    assert await free(region, "a") == 0, "it is not over yet"
    async with region.db.transaction() as tx:
        await tx.execute("update place set held_until = now() - interval '1 second'")
        await tx.execute("update appointment set held_until = now() - interval '1 second'")
    await end(region.db, job)
    assert await free(region, "a") == 1
    assert (await region.read("p1", f"Appointment/{held.id}"))["status"] == "cancelled"


async def test_what_was_held_becomes_a_booking(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    async with region.db.transaction() as tx:
        held = await bookings.hold(tx, region.scope("p1"), Wish("p1", ("a",), "web"))
        assert held.resource is not None
        assert held.resource["status"] == "pending"
    async with region.db.transaction() as tx:
        booked = await bookings.book_held(tx, region.scope("p1"), held.id)
    assert booked.resource is not None
    assert booked.resource["status"] == "booked"
    async with region.db.transaction() as tx:
        assert await bookings.expire(tx, SYSTEM, held.id) is None


async def test_places_kept_for_the_grassroots_are_theirs_until_they_fall_to_the_public(region: Region) -> None:
    """Fifty percent of an expert's places: the slot is eight days away, so the public's places are not open and the grassroots' are."""
    await clinic(region, slot("far", "s", SOON + timedelta(days=8), places=2), kind="expert")
    with pytest.raises(Conflict, match="open to you"):
        await book(region, "p1", "p1", "far")
    await book(region, "gp", "p1", "far")
    with pytest.raises(Conflict, match="open to you"):
        await book(region, "gp", "p2", "far")
    async with region.db.transaction() as tx:
        await tx.execute("update place set opens = now() - interval '3 days', public_from = now() - interval '1 second'")
    await book(region, "p2", "p2", "far")


async def test_a_booking_is_moved_or_stays_as_it_is(region: Region) -> None:
    later = SOON + timedelta(hours=3)
    await clinic(region, slot("a", "s", SOON), slot("b", "s", later))
    mine = await book(region, "p1", "p1", "a")
    async with region.db.transaction() as tx:
        moved = await bookings.move(tx, region.scope("p1"), mine.id, ("b",))
    assert moved.resource is not None
    assert moved.resource["slot"] == [{"reference": "Slot/b"}]
    assert datetime.fromisoformat(moved.resource["start"]) == later
    assert [one["actor"]["reference"] for one in moved.resource["participant"]] == ["Patient/p1", "PractitionerRole/cardio"]
    assert (await free(region, "a"), await free(region, "b")) == (1, 0)
    await book(region, "p2", "p2", "a")
    with pytest.raises(Conflict, match="no place left"):
        async with region.db.transaction() as tx:
            await bookings.move(tx, region.scope("p1"), mine.id, ("a",))
    assert await free(region, "b") == 0


async def test_nobody_writes_an_appointment_around_the_places(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    mine = await book(region, "p1", "p1", "a")
    plain = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": SOON.isoformat(),
        "end": (SOON + timedelta(hours=1)).isoformat(),
        "slot": [{"reference": "Slot/a"}],
        "participant": [{"actor": {"reference": "Patient/p2"}, "status": "accepted"}],
    }
    without = {key: value for key, value in plain.items() if key != "slot"}
    for one in ({**plain, "id": "new"}, {**without, "id": mine.id}):
        with pytest.raises(Conflict, match=r"\$book"):
            await put(region.db, one)
    await put(region.db, {**without, "id": "elsewhere"})


async def test_a_schedule_of_something_else_is_stored_and_not_bookable(region: Region) -> None:
    await put(region.db, {**schedule("odd", "Practitioner/gp"), "id": "odd"}, slot("odd-slot", "odd", SOON))
    with pytest.raises(NotFound, match="with places"):
        await book(region, "p1", "p1", "odd-slot")


async def test_a_slot_that_is_taken_keeps_its_time_and_its_places(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON, places=3))
    await book(region, "p1", "p1", "a")
    for changed in (slot("a", "s", SOON + timedelta(minutes=5), places=3),):
        with pytest.raises(Conflict, match="are taken"):
            await put(region.db, changed)
    await put(region.db, slot("a", "s", SOON, places=1))
    assert await free(region, "a") == 0
    await put(region.db, slot("a", "s", SOON, places=4))
    assert await free(region, "a") == 3
    await put(region.db, slot("a", "s", SOON, places=4, status="busy-unavailable"))
    with pytest.raises(Conflict, match="stopped"):
        await book(region, "p2", "p2", "a")


async def test_a_schedule_has_no_two_slots_at_one_time(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    with pytest.raises(Conflict, match="at this time already"):
        await put(region.db, slot("b", "s", SOON + timedelta(minutes=30)))


async def test_nobody_books_for_a_patient_one_does_not_see(region: Region) -> None:
    await clinic(region, slot("a", "s", SOON))
    with pytest.raises(NotFound):
        await book(region, "gp2", "p1", "a")
    with pytest.raises(NotFound):
        await book(region, "p2", "p1", "a")
