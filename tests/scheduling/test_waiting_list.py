"""候补: a place that comes free goes to whoever is first, once, and to the next when it is let go."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from yilian import policy
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.dates import region_zone
from yilian.jobs import Job
from yilian.scheduling import bookings, waiting_list
from yilian.scheduling.bookings import Wish
from yilian.scheduling.waiting_list import Want
from yilian.store.scope import SYSTEM

SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=40)
TODAY = datetime.now(region_zone()).date()
JOB = Job(1, "x", {}, None, 1, {}, "worker")


@pytest.fixture
async def full(region: Region) -> Region:
    """A clinic of one place, which somebody has."""
    await put(
        region.db,
        role("cardio", "first"),
        schedule("s", "PractitionerRole/cardio"),
        slot("a", "s", SOON),
        {"resourceType": "Patient", "id": "owner", "name": [{"text": "已约"}]},
    )
    region.made["owner"] = {"id": await book(region, "owner")}
    return region


async def book(region: Region, patient: str, slot: str = "a") -> str:
    async with region.db.transaction() as tx:
        return (await bookings.book(tx, SYSTEM, Wish(patient, (slot,), "phone"))).id


async def wait(region: Region, who: str, patient: str = "", **more: Any) -> str:
    want = {"institution": "first", "specialty": "", "schedule": "s", "first": TODAY, "last": TODAY + timedelta(days=10), "channel": "web"}
    async with region.db.transaction() as tx:
        scope = SYSTEM if who == "system" else region.scope(who)
        return (await waiting_list.join(tx, scope, Want(patient or who, **{**want, **more}))).id


async def cancel(region: Region, id: str) -> None:
    async with region.db.transaction() as tx:
        await bookings.cancel(tx, SYSTEM, id, "有事")


async def states(region: Region) -> dict[str, str]:
    async with region.db.reading() as tx:
        return {row["id"]: row["state"] for row in await tx.fetch("select r.id, w.state from waiting w join resource r using (rid)")}


async def offer_of(region: Region, wait: str) -> str:
    async with region.db.reading() as tx:
        sql = "select o.id from waiting w join resource r using (rid) join resource o on o.rid = w.offer where r.id = $1"
        return str(await tx.fetchval(sql, wait))


async def lapse(region: Region, offer: str) -> None:
    async with region.db.transaction() as tx:
        await tx.execute("update place set held_until = now() - interval '1 second' where held_until is not null")
        await tx.execute("update appointment set held_until = now() - interval '1 second' where held_until is not null")
        await bookings.expire(tx, SYSTEM, offer)


async def test_what_is_given_back_is_held_for_the_first_in_line_at_once(full: Region) -> None:
    first, second = await wait(full, "p1"), await wait(full, "p2")
    assert (await full.read("p1", f"Appointment/{first}"))["status"] == "waitlist"
    await cancel(full, full.made["owner"]["id"])
    assert await states(full) == {first: "offered", second: "waiting"}
    with pytest.raises(Conflict, match="no place left"):
        await book(full, "p3")
    async with full.db.transaction() as tx:
        assert await tx.fetchval("select count(*) from message where event = 'waitlist.offer'") == 1
        booked = await bookings.book_held(tx, full.scope("p1"), await offer_of(full, first))
    assert booked.resource is not None
    assert booked.resource["status"] == "booked"
    assert await states(full) == {first: "booked", second: "waiting"}
    assert (await full.read("p1", f"Appointment/{first}"))["cancelationReason"] == {"text": "候补成功,已预约"}


async def test_an_offer_that_is_let_go_by_goes_to_the_next_and_who_lets_all_go_waits_no_more(full: Region) -> None:
    async with full.db.transaction() as tx:
        await policy.put(tx, "booking.wait_offers", 2, valid_from=date(2020, 1, 1), source="测试")
    first, second = await wait(full, "p1"), await wait(full, "p2")
    await cancel(full, full.made["owner"]["id"])
    await lapse(full, await offer_of(full, first))
    assert await states(full) == {first: "waiting", second: "offered"}
    await lapse(full, await offer_of(full, second))
    assert await states(full) == {first: "offered", second: "waiting"}
    await lapse(full, await offer_of(full, first))
    assert await states(full) == {first: "over", second: "offered"}


async def test_two_places_that_come_free_at_once_go_to_two_people(full: Region) -> None:
    await put(full.db, slot("b", "s", SOON + timedelta(days=1)), {"resourceType": "Patient", "id": "other", "name": [{"text": "另约"}]})
    other = await book(full, "other", "b")
    waits = [await wait(full, who) for who in ("p1", "p2", "p3")]
    await asyncio.gather(cancel(full, other), cancel(full, full.made["owner"]["id"]))
    found = await states(full)
    assert [found[one] for one in waits] == ["offered", "offered", "waiting"]
    async with full.db.reading() as tx:
        assert await tx.fetchval("select count(distinct appointment) from place where held_until > now()") == 2


async def test_who_booked_otherwise_left_or_cannot_have_it_is_not_offered(full: Region) -> None:
    await put(full.db, slot("b", "s", SOON + timedelta(hours=2)))
    async with full.db.transaction() as tx:
        await tx.execute("update slot set stopped = true where day >= $1 and starts > $2", TODAY, SOON)
    first, second, third = [await wait(full, who) for who in ("p1", "p2", "p3")]
    async with full.db.transaction() as tx:
        await waiting_list.leave(tx, full.scope("p1"), first)
        await tx.execute("update slot set stopped = false")
    await book(full, "p2", "b")
    assert await states(full) == {first: "left", second: "booked", third: "waiting"}
    await cancel(full, full.made["owner"]["id"])
    assert (await states(full))[third] == "offered"


async def test_new_slots_are_offered_by_the_sweep_and_days_that_passed_end_a_wait(full: Region) -> None:
    mine = await wait(full, "p1", schedule="", specialty="03.04")
    over = await wait(full, "p2")
    await put(full.db, role("new", "first"), schedule("t", "PractitionerRole/new"), slot("c", "t", SOON))
    async with full.db.transaction() as tx:
        await tx.execute(
            "update waiting w set first_day = '2020-01-01', last_day = '2020-01-02' from resource r where r.rid = w.rid and r.id = $1", over
        )
    assert await waiting_list.sweep(full.db, JOB) == {"offered": 1, "ended": 1}
    assert await states(full) == {mine: "offered", over: "over"}


async def test_nobody_waits_twice_in_one_line_for_strangers_or_for_nothing(full: Region) -> None:
    await wait(full, "p1")
    with pytest.raises(Conflict, match="already"):
        await wait(full, "p1")
    with pytest.raises(NotFound):
        await wait(full, "p1", "p2")
    with pytest.raises(NotFound):
        await wait(full, "p1", schedule="none")
    with pytest.raises(BadRequest):
        await wait(full, "p1", schedule="", specialty="")
    with pytest.raises(BadRequest):
        await wait(full, "p1", last=TODAY - timedelta(days=1))


async def test_nobody_writes_a_wait_plainly(full: Region) -> None:
    mine = await wait(full, "p1")
    resource = {key: value for key, value in (await full.read("p1", f"Appointment/{mine}")).items() if key != "meta"}
    with pytest.raises(Conflict, match=r"\$book"):
        await put(full.db, {**resource, "status": "cancelled"})


async def test_a_township_that_waits_takes_what_is_kept_for_the_grassroots(full: Region) -> None:
    mine = await wait(full, "gp", "p1", channel="phone")
    async with full.db.transaction() as tx:
        await tx.execute("update place set pool = 'grassroots', public_from = now() + interval '1 day'")
    theirs = await wait(full, "p3")
    await cancel(full, full.made["owner"]["id"])
    assert await states(full) == {mine: "offered", theirs: "waiting"}
