"""Booking within a referral: all places or none, from the right pools, and nothing is lost whatever becomes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.beds.places import bed, ward
from tests.directory.region import service
from tests.referral.region import Region, decline_reason, patient, state_of, up
from tests.scheduling.region import put, role, schedule, slot
from yilian import policy
from yilian.directory.offers import Settings
from yilian.errors import Conflict, InvalidResource, YilianError
from yilian.fhir import urls
from yilian.jobs import Job
from yilian.referral import NotLegalNow, following, marks, reservation
from yilian.scheduling import bookings

Resource = dict[str, Any]
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
"""By the database's clock: all of it is open to the public by then."""
FAR = SOON + timedelta(days=14)
"""Open to the grassroots' pool alone: the rest is released a week before."""


async def clinic(region: Region, *more: Resource, kind: str = "expert", where: str = "first") -> None:
    """A cardiologist with two hours of one place each, and an examination."""
    await put(region.db, role("cardio", where), role("echo", where))
    await put(region.db, schedule("s", "PractitionerRole/cardio", kind), schedule("e", "PractitionerRole/echo", "examination"))
    await put(region.db, slot("a", "s", SOON), slot("b", "s", SOON + timedelta(hours=1)), slot("echo", "e", SOON), *more)


async def accepted(region: Region, patient: str = "p3", **more: Any) -> Resource:
    who = "gp2" if patient == "p3" else "gp"
    _, task = await region.refer(who, up(patient, **more))
    if who == "gp":
        task = await region.act("head", task, "approve")
    return await region.act("coordinator", task, "accept")


async def taken(region: Region) -> list[str]:
    """The slots of which a place is held or taken."""
    async with region.db.reading() as tx:
        rows = await tx.fetch("select r.id from place p join resource r on r.rid = p.slot where p.appointment is not null order by r.id")
    return [row["id"] for row in rows]


async def fresh(region: Region, task: Resource) -> Resource:
    return await region.read("system", f"Task/{task['id']}")


async def follow(region: Region, task: Resource) -> None:
    """Carry out the job by which the referral follows its booking."""
    row = await region.row(task)
    async with region.db.transaction() as tx:
        await following.follow(tx, row["task_rid"])


async def patience(region: Region, *, minutes: int) -> None:
    """So long the first hospital waits for somebody who is late."""
    async with region.db.transaction() as tx:
        first, day = region.rids["Organization/first"], region.clock.now.date()
        await policy.put(tx, "referral.no_show_after_minutes", minutes, valid_from=day, source="test", institution=first)


async def missed(region: Region, task: Resource) -> Resource:
    """The time of the appointment came, and nobody with it."""
    region.clock.now = SOON + timedelta(minutes=30)
    return await region.act("coordinator", task, "no-show")


def booked_of(task: Resource) -> dict[str, Any]:
    found = next((e for e in task.get("extension", []) if e["url"].endswith("/referral-booked")), {})
    return {part["url"]: part for part in found.get("extension", [])}


async def test_expert_and_examination_are_booked_together_and_told_on_the_task(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot=["Slot/a", "Slot/echo"])
    assert state_of(task) == "booked"
    assert await taken(region) == ["a", "echo"]
    appointment = await region.read("gp2", booked_of(task)["appointment"]["valueReference"]["reference"])
    assert [one["reference"] for one in appointment["slot"]] == ["Slot/a", "Slot/echo"]
    assert appointment["basedOn"] == [{"reference": task["focus"]["reference"]}]
    assert datetime.fromisoformat(marks.arranged(task)[1]) == SOON
    assert "restriction" not in task  # the reception is arranged: its clock stands


async def test_where_one_is_gone_nothing_is_booked(region: Region) -> None:
    await clinic(region)
    first = await accepted(region, "p3")
    second = await accepted(region, "p2")
    await region.act("coordinator", first, "book", slot="Slot/echo")
    with pytest.raises(Conflict, match="no place left"):
        await region.act("coordinator", second, "book", slot=["Slot/a", "Slot/echo"])
    assert await taken(region) == ["echo"]
    assert state_of(await fresh(region, second)) == "accepted"


async def test_places_of_another_house_are_refused(region: Region) -> None:
    await clinic(region, where="second")
    task = await accepted(region)
    with pytest.raises(InvalidResource, match="not the receiver's"):
        await region.act("coordinator", task, "book", slot="Slot/a")


async def test_the_receiver_books_from_the_pool_of_the_grassroots_that_referred(region: Region) -> None:
    await clinic(region, slot("far", "s", FAR, places=4))
    from_grassroots = await accepted(region)
    await put(region.db, patient("p9", "赵九", "male", "1960-02-02", "second"))
    _, lateral = await region.refer("expert2", up("p9", direction="lateral"))
    lateral = await region.act("coordinator", lateral, "accept")
    with pytest.raises(Conflict, match="no place left"):
        await region.act("coordinator", lateral, "book", slot="Slot/far")
    task = await region.act("coordinator", from_grassroots, "book", slot="Slot/far")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select p.pool from place p where p.appointment is not null") == "grassroots"
        assert await tx.fetchval("select pool from appointment") == "grassroots"
    assert state_of(task) == "booked"


async def test_a_hold_becomes_a_booking_or_runs_out(region: Region) -> None:
    await clinic(region)
    held = await region.act("coordinator", await accepted(region, "p3"), "hold", slot=["Slot/a", "Slot/echo"])
    assert state_of(held) == "held"
    assert booked_of(held)["heldUntil"]
    other = await region.act("coordinator", await accepted(region, "p2"), "hold", slot="Slot/b")
    assert state_of(await region.act("coordinator", held, "book")) == "booked"
    await follow(region, other)
    assert state_of(await fresh(region, other)) == "held"  # its time is not over
    async with region.db.transaction() as tx:
        await tx.execute("update place set held_until = now() - interval '1 s' where held_until is not null")
        await tx.execute("update appointment set held_until = now() - interval '1 s' where state = 'held'")
    await follow(region, other)
    await follow(region, other)
    task = await fresh(region, other)
    assert state_of(task) == "accepted"
    assert task["restriction"]  # the clock goes on
    assert booked_of(task) == {}
    assert await taken(region) == ["a", "echo"]
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from job where kind = $1", reservation.FOLLOW) >= 2


@pytest.mark.parametrize("action", ["cancel", "cancel-booking"])
async def test_a_cancelled_one_gives_its_places_back_at_once(region: Region, action: str) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot=["Slot/a", "Slot/echo"])
    who, more = ("p3", {"reason": "不去了"}) if action == "cancel" else ("coordinator", {})
    task = await region.act(who, task, action, **more)
    assert state_of(task) == ("cancelled" if action == "cancel" else "accepted")
    assert await taken(region) == []
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from appointment") == "cancelled"


async def test_another_time_takes_the_place_of_the_first(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    task = await region.act("coordinator", task, "book", slot="Slot/b")
    assert await taken(region) == ["b"]
    assert datetime.fromisoformat(marks.arranged(task)[1]) == SOON + timedelta(hours=1)


async def test_who_does_not_come_may_be_booked_again(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    task = await missed(region, task)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from appointment") == "no-show"
    told = {one["url"] for one in task["extension"]}
    assert urls.REFERRAL_BOOKED not in told  # nothing is booked any more
    assert urls.ARRANGED in told  # but when it was to be is known, to those who ask the patient
    assert state_of(await region.act("coordinator", task, "book", slot="Slot/b")) == "booked"


async def test_nobody_is_missed_before_the_time_of_the_appointment(region: Region) -> None:
    await clinic(region)
    await patience(region, minutes=30)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    region.clock.now = SOON + timedelta(minutes=29)
    assert "no-show" not in await region.actions("coordinator", task)
    with pytest.raises(NotLegalNow):
        await region.act("coordinator", task, "no-show")
    region.clock.later(minutes=1)
    task = await region.act("coordinator", task, "no-show")
    later = await region.act("coordinator", task, "book", slot="Slot/b")  # another time: the old one is no measure any more
    assert "no-show" not in await region.actions("coordinator", later)


async def test_the_moment_is_told_at_which_a_no_show_may_be_said(region: Region) -> None:
    await clinic(region)
    await patience(region, minutes=45)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    told = await region.changes("coordinator", task)
    assert told is not None
    assert datetime.fromisoformat(told["time"]) == SOON + timedelta(minutes=45)
    assert datetime.fromisoformat(told["now"]) == region.clock.now
    assert await region.changes("gp2", task) is None  # it is not the sender's to say
    region.clock.now = datetime.fromisoformat(told["time"])
    assert "no-show" in await region.actions("coordinator", task)
    assert await region.changes("coordinator", task) is None


async def test_who_waits_for_a_place_after_being_missed_is_arranged_with_nobody(region: Region) -> None:
    await clinic(region)
    task = await missed(region, await region.act("coordinator", await accepted(region), "book", slot="Slot/a"))
    assert marks.arranged(task)[1]
    task = await region.act("coordinator", task, "defer")
    assert marks.arranged(task) == (None, "")
    assert "restriction" in task  # and the clock of the reception runs


async def test_an_agreed_time_is_over_when_the_referral_waits_for_a_place(region: Region) -> None:
    await clinic(region)
    _, task = await region.refer("gp2", up("p3"))
    task = await region.act("coordinator", task, "accept", start=SOON.isoformat())
    assert "restriction" not in task
    task = await region.act("coordinator", task, "defer")
    assert marks.arranged(task) == (None, "")
    assert "restriction" in task


async def test_the_referral_follows_what_a_desk_does_with_the_appointment(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    row = await region.row(task)
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, region.scope("p3"), row["appointment_id"], "临时有事")
    async with region.db.reading() as tx:
        job = await tx.fetchrow("select * from job where kind = $1 and state = 'waiting'", reservation.FOLLOW)
    assert job is not None
    await follow(region, task)
    task = await fresh(region, task)
    assert state_of(task) == "accepted"
    task = await region.act("coordinator", task, "book", slot="Slot/b")
    row = await region.row(task)
    async with region.db.transaction() as tx:
        await bookings.conclude(tx, region.scope("coordinator"), row["appointment_id"], "fulfilled")
    await follow(region, task)
    assert state_of(await fresh(region, task)) == "arrived"


async def test_the_handler_ends_its_job_with_what_it_wrote(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "hold", slot="Slot/a")
    row = await region.row(task)
    async with region.db.transaction() as tx:
        await tx.execute("update appointment set held_until = now() - interval '1 s'")
        id = await tx.fetchval(
            "update job set state = 'running', worker = 'w', lease = now() + interval '1 min' where kind = $1 returning id",
            reservation.FOLLOW,
        )
    await following.follow_booking(region.db, Job(id, reservation.FOLLOW, {"task": row["task_rid"]}, None, 1, {}, "w"))
    assert state_of(await fresh(region, task)) == "accepted"
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from job where id = $1", id) == "done"


async def directly(region: Region) -> None:
    """The city hospital's cardiology lets referrers book."""
    await put(region.db, service("heart", "first", "03.04", Settings(direct_booking=True)))


async def test_a_referrer_books_directly_where_the_receiver_lets_referrers(region: Region) -> None:
    await clinic(region)
    _, task = await region.refer("gp2", up("p3"), slot=["Slot/a", "Slot/echo"])
    assert state_of(task) == "submitted"  # a wish
    assert await taken(region) == []
    task = await region.act("coordinator", task, "accept")
    assert "book" not in await region.actions("gp2", task)
    await directly(region)
    assert "book" in await region.actions("gp2", task)
    await region.act("gp2", task, "cancel", reason="重新办理")
    _, task = await region.refer("gp2", up("p3"), slot=["Slot/a", "Slot/echo"])
    assert state_of(task) == "booked"
    assert await taken(region) == ["a", "echo"]
    await put(region.db, patient("p9", "赵九", "male", "1960-02-02", "liuhe"))
    with pytest.raises(Conflict, match="no place left"):
        await region.refer("gp2", up("p9"), slot="Slot/a")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral") == 2


async def test_a_place_that_is_gone_does_not_keep_an_approval_back(region: Region) -> None:
    await clinic(region)
    await directly(region)
    _, mine = await region.refer("gp", up("p1"), slot="Slot/a")
    assert state_of(mine) == "in-approval"
    await region.refer("gp2", up("p3"), slot="Slot/a")
    mine = await region.act("head", mine, "approve")
    assert state_of(mine) == "submitted"
    assert await taken(region) == ["a"]


async def test_accepting_may_book_at_once(region: Region) -> None:
    await clinic(region)
    _, task = await region.refer("gp2", up("p3"))
    task = await region.act("coordinator", task, "accept", slot="Slot/a", note="请空腹")
    assert state_of(task) == "booked"
    assert await taken(region) == ["a"]


async def test_of_two_who_act_at_once_one_wins_and_no_place_is_lost(region: Region) -> None:
    await clinic(region)
    for _ in range(8):
        task = await region.act("coordinator", await accepted(region), "hold", slot="Slot/a")
        steps = (
            region.act("coordinator", task, "book"),
            region.act("expert", task, "cancel-booking"),
            region.act("p3", task, "cancel", reason="x"),
        )
        done = await asyncio.gather(*steps, return_exceptions=True)
        assert sum(isinstance(one, dict) for one in done) == 1
        assert all(isinstance(one, dict | YilianError) for one in done)
        task = await fresh(region, task)
        assert await taken(region) == (["a"] if state_of(task) == "booked" else [])
        if state_of(task) != "cancelled":
            await region.act("gp2", task, "cancel", reason="x")
        assert await taken(region) == []


async def test_booking_against_a_desk_that_cancels_leaves_both_in_step(region: Region) -> None:
    await clinic(region)
    for _ in range(6):
        task = await region.act("coordinator", await accepted(region), "hold", slot="Slot/a")
        id = (await region.row(task))["appointment_id"]

        async def at_the_desk(id: str = id) -> None:
            async with region.db.transaction() as tx:
                await bookings.cancel(tx, region.scope("p3"), id, "x")

        done = await asyncio.gather(region.act("coordinator", task, "book"), at_the_desk(), return_exceptions=True)
        assert all(not isinstance(one, BaseException) or isinstance(one, YilianError) for one in done)
        await follow(region, task)
        task = await fresh(region, task)
        assert state_of(task) == "accepted"
        assert await taken(region) == []
        await region.act("gp2", task, "cancel", reason="x")


async def test_a_declined_one_is_asked_of_the_next_by_itself(region: Region) -> None:
    _, task = await region.refer(
        "gp2", up("p3"), alternatives=["Organization/first", "Organization/second", "Organization/county"], automatic=True
    )
    task = await region.act("coordinator", task, "decline", reason=decline_reason())
    assert state_of(task) == "declined"
    assert (await region.row(task))["acknowledged_at"] is not None
    async with region.db.reading() as tx:
        following_id = await tx.fetchval("select task_id from referral where replaces_task is not null")
    successor = await region.read("expert2", f"Task/{following_id}")
    assert state_of(successor) == "submitted"
    await region.act("expert2", successor, "decline", reason=decline_reason())
    last = await region.read("county", f"Task/{await the_open_one(region)}")
    await region.act("county", last, "decline", reason=decline_reason())
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral where closed_at is null") == 0  # nobody is left: the sender decides
        assert await tx.fetchval("select count(*) from referral where state = 'declined' and acknowledged_at is null") == 1


async def the_open_one(region: Region) -> str:
    async with region.db.reading() as tx:
        return str(await tx.fetchval("select task_id from referral where closed_at is null"))


async def test_an_overdue_one_is_offered_elsewhere_with_one_step(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"))
    assert "redirect" not in await region.actions("gp2", task)
    region.clock.later(hours=25)
    assert "redirect" in await region.actions("gp2", task)
    with pytest.raises(InvalidResource, match="has had this referral"):
        await region.act("gp2", task, "redirect", to="Organization/first")
    task = await region.act("gp2", task, "redirect", to="Organization/second")
    assert state_of(task) == "referred-onward"
    assert state_of(await region.read("expert2", f"Task/{await the_open_one(region)}")) == "submitted"


async def beds(region: Region) -> None:
    """A cardiology ward of the city hospital with two beds."""
    await put(region.db, ward("w"), bed("bed-1", "w"), bed("bed-2", "w"))


async def test_expert_and_bed_are_booked_together_or_not_at_all(region: Region) -> None:
    await clinic(region)
    await beds(region)
    task = await region.act("coordinator", await accepted(region, "p2"), "hold", slot="Slot/a", bed="Location/w")
    kept = booked_of(task)["bed"]["valueReference"]
    assert kept["reference"] in ("Location/bed-1", "Location/bed-2")
    assert kept["display"]
    task = await region.act("coordinator", task, "book")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from bed_hold") == "kept"
    other = await accepted(region, "p1")
    with pytest.raises(Conflict):
        await region.act("coordinator", other, "book", slot="Slot/b", bed=kept["reference"])
    assert await taken(region) == ["a"]
    task = await region.act("gp", task, "cancel", reason="x")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select state from bed_hold") == "released"
    assert await taken(region) == []


async def test_a_bed_alone_may_be_held_and_its_hold_runs_out(region: Region) -> None:
    await beds(region)
    task = await region.act("coordinator", await accepted(region, "p2"), "hold", bed="Location/w")
    assert state_of(task) == "held"
    await follow(region, task)
    assert state_of(await fresh(region, task)) == "held"
    async with region.db.transaction() as tx:
        await tx.execute("update bed_hold set until = now() - interval '1 s', created = now() - interval '2 s'")
        await tx.execute("update referral set held_until = now() - interval '1 s' where state = 'held'")
    await follow(region, task)
    assert state_of(await fresh(region, task)) == "accepted"


async def test_the_other_side_and_the_patient_are_told_and_whoever_acts_is_not(region: Region) -> None:
    await clinic(region)
    task = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")
    async with region.db.reading() as tx:
        rows = await tx.fetch("select event, agent, role, institution, patient from message_reader where about = $1", f"Task/{task['id']}")
    told = {(row["event"], row["agent"] or row["role"] or "patient") for row in rows}
    assert told == {
        ("referral.submit", "coordinator"),
        ("referral.submit", "patient"),
        ("referral.accept", "Practitioner/gp2"),
        ("referral.accept", "patient"),
        ("referral.book", "Practitioner/gp2"),
        ("referral.book", "patient"),
    }
