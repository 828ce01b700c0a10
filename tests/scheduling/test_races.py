"""Two hundred at once for one last place: one has it, always; also when holds end in the middle and clocks jump.

A few rounds in the usual run; 1,000 with YILIAN_TEST_LONG=1.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from tests.scheduling.test_bookings import SOON
from yilian.errors import Conflict, Unavailable
from yilian.scheduling import bookings
from yilian.scheduling.bookings import Wish
from yilian.store.change import Written
from yilian.store.scope import SYSTEM

LONG = bool(os.environ.get("YILIAN_TEST_LONG"))
CLIENTS = 200
PEOPLE = [f"crowd-{n}" for n in range(CLIENTS)]


@pytest.fixture
async def crowd(region: Region) -> Region:
    """A doctor with one place left, and everybody who wants it."""
    await put(region.db, *({"resourceType": "Patient", "id": one, "name": [{"text": one}]} for one in PEOPLE))
    await put(region.db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio"), slot("a", "s", SOON))
    return region


async def state(region: Region) -> tuple[int, int, int]:
    """How many places there are, how many of them somebody has, and how many appointments believe to have one."""
    async with region.db.reading() as tx:
        row = await tx.fetchrow(
            """
            select (select count(*) from place) as places,
                (select count(*) from place where appointment is not null and (held_until is null or held_until > now())) as taken,
                (select count(*) from appointment where state = 'booked' or (state = 'held' and held_until > now())) as live
            """
        )
    assert row is not None
    return row["places"], row["taken"], row["live"]


async def book(region: Region, patient: str) -> Written:
    async with region.db.transaction() as tx:
        return await bookings.book(tx, SYSTEM, Wish(patient, ("a",), "web"))


async def hold(region: Region, patient: str) -> Written:
    async with region.db.transaction() as tx:
        return await bookings.hold(tx, SYSTEM, Wish(patient, ("a",), "web"))


async def book_held(region: Region, id: str) -> Written:
    async with region.db.transaction() as tx:
        return await bookings.book_held(tx, SYSTEM, id)


async def patiently(ask: Callable[[], Awaitable[Written]]) -> Written:
    """Who is told that the house is busy asks again, as clients do: nothing was stored."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(0.1)


async def test_of_two_hundred_one_has_the_last_place_every_time(crowd: Region) -> None:
    """They come at once; the winner gives it back and all come again."""

    async def one(patient: str) -> str | None:
        try:
            return (await patiently(lambda: book(crowd, patient))).id
        except Conflict:
            return None

    for _ in range(1000 if LONG else 4):
        won = [id for id in await asyncio.gather(*map(one, random.sample(PEOPLE, CLIENTS))) if id]
        assert len(won) == 1
        assert await state(crowd) == (1, 1, 1)
        async with crowd.db.transaction() as tx:
            await bookings.cancel(tx, SYSTEM, won[0], "下一轮")
        assert await state(crowd) == (1, 0, 0)


async def test_holds_end_in_the_middle_and_clocks_jump_and_the_place_has_one_owner(crowd: Region) -> None:
    """Some hold, some book what they hold, some book at once, holds run out and are swept, and the clocks of the servers are put forward
    and back meanwhile: the database's clock alone decides. At no time do two have the place, and none is lost."""
    chance = random.Random(5)
    told: Counter[str] = Counter()

    async def holder(patient: str, waits: float) -> None:
        try:
            held = await patiently(lambda: hold(crowd, patient))
            told["held"] += 1
            await asyncio.sleep(waits)
            await patiently(lambda: book_held(crowd, held.id))
            told["booked"] += 1
        except Conflict:
            told["refused"] += 1

    async def booker(patient: str) -> None:
        try:
            await patiently(lambda: book(crowd, patient))
            told["booked"] += 1
        except Conflict:
            told["refused"] += 1

    async def time_passes() -> None:
        """Every hold is over now, for the database; and the servers' clocks are wrong by hours."""
        for _ in range(6):
            await asyncio.sleep(chance.random() / 20)
            crowd.clock.later(hours=chance.choice((-30, 30, -2, 2)))
            async with crowd.db.transaction() as tx:  # in the order in which bookings lock them
                await tx.execute("update appointment set held_until = now() where state = 'held' and held_until > now()")
                await tx.execute("update place set held_until = now() where held_until > now()")
                rows = await tx.fetch("select r.id from appointment a join resource r using (rid) where a.state = 'held'")
            for row in rows:
                async with crowd.db.transaction() as tx:
                    await bookings.expire(tx, SYSTEM, row["id"])

    for _ in range(1000 if LONG else 4):
        told.clear()
        some = chance.sample(PEOPLE, CLIENTS if LONG else 60)
        tasks = [holder(one, chance.random() / 10) if chance.random() < 0.5 else booker(one) for one in some]
        await asyncio.gather(time_passes(), *tasks)
        assert told["booked"] <= 1
        places, taken, live = await state(crowd)
        assert (places, live) == (1, taken), "who believes to have a place has it"
        assert taken == told["booked"] or (taken <= 1 and told["booked"] == 0)
        async with crowd.db.transaction() as tx:
            await tx.execute("update appointment set held_until = now() where state = 'held'")
            await tx.execute("update place set held_until = now() where held_until is not null")
            rows = await tx.fetch("select r.id, a.state from appointment a join resource r using (rid) where a.state in ('held', 'booked')")
        for row in rows:
            async with crowd.db.transaction() as tx:
                if row["state"] == "held":
                    await bookings.expire(tx, SYSTEM, row["id"])
                else:
                    await bookings.cancel(tx, SYSTEM, row["id"], "下一轮")
        assert await state(crowd) == (1, 0, 0)


async def test_a_server_whose_clock_is_days_off_holds_no_longer_and_no_shorter(crowd: Region) -> None:
    for jump in (timedelta(days=3), timedelta(days=-6)):
        crowd.clock.now += jump
        async with crowd.db.transaction() as tx:
            held = await bookings.hold(tx, SYSTEM, Wish("crowd-0", ("a",), "web"))
            left = await tx.fetchval("select held_until - now() from appointment where rid = $1", held.rid)
        assert left == timedelta(minutes=15)
        async with crowd.db.transaction() as tx:
            await bookings.cancel(tx, SYSTEM, held.id, "下一轮")
