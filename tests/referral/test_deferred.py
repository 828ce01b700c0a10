"""Who waits for a place is told of places as they come, and the lists of what is to be seen to."""

from __future__ import annotations

from datetime import timedelta

from tests.referral.region import Region, up
from tests.referral.test_booking import FAR, SOON, accepted, clinic, follow, missed
from tests.scheduling.region import put, slot
from yilian.referral import deferred, worklist


async def told(region: Region) -> int:
    async with region.db.reading() as tx:
        return int(await tx.fetchval("select count(*) from message where event = 'referral.place-free'"))


async def sweep(region: Region) -> int:
    async with region.db.reading() as tx:
        rows = await tx.fetch(deferred.WAITING, tx.now - timedelta(hours=4), 10)
    done = 0
    for row in rows:
        async with region.db.transaction() as tx:
            done += await deferred.offer(tx, row["task_rid"])
    return done


async def test_the_receiver_is_told_of_a_place_once_and_again_after_hours(region: Region) -> None:
    task = await region.act("coordinator", await accepted(region), "defer")
    assert await sweep(region) == 0  # there are no places at all
    await clinic(region)
    assert await sweep(region) == 1
    assert await sweep(region) == 0
    region.clock.later(hours=5)
    assert await sweep(region) == 1
    assert await told(region) == 2
    await region.act("coordinator", task, "book", slot="Slot/a")
    region.clock.later(hours=5)
    assert await sweep(region) == 0


async def test_a_place_of_the_grassroots_pool_is_told_only_to_who_may_have_it(region: Region) -> None:
    task = await region.act("coordinator", await accepted(region), "defer")
    await clinic(region, slot("far", "s", FAR, places=2))
    for id in ("a", "b", "echo"):
        async with region.db.transaction() as tx:
            await tx.execute("delete from place p using resource r where r.rid = p.slot and r.id = $1", id)
    assert await sweep(region) == 1
    assert (await region.row(task))["offered_at"] == region.clock.now


async def test_the_lists_hold_what_is_to_be_seen_to(region: Region) -> None:
    await clinic(region, slot("today", "s", SOON.replace(hour=0) + timedelta(days=40)))
    one = await region.act("coordinator", await accepted(region), "book", slot="Slot/a")

    async def listed(who: str, name: str) -> list[str]:
        async with region.db.reading() as tx:
            return [found.id for found in (await worklist(tx, region.scope(who), name)).matches]

    assert await listed("coordinator", "today") == []
    async with region.db.transaction() as tx:
        await tx.execute("update appointment set day = $1", region.clock.now.date())
    assert await listed("coordinator", "today") == [one["id"]]
    assert await listed("gp2", "away") == [one["id"]]
    assert await listed("coordinator", "trouble") == []
    one = await missed(region, one)
    assert await listed("coordinator", "trouble") == [one["id"]]
    await follow(region, one)
    await put(region.db)
    _, two = await region.refer("gp2", up("p3", "county", specialty="07"))
    assert await listed("county", "overdue") == []
    region.clock.later(hours=25)
    assert await listed("county", "overdue") == [two["id"]]
    assert await listed("gp2", "overdue") == [two["id"]]
