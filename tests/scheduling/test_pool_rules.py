"""号源池规则: an institution's office changes them from a day on; who has a place keeps it, what is left follows, and the region's stay a
floor."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import REGION_ZONE
from tests.referral.region import Region
from tests.scheduling.region import put, role, schedule, slot
from yilian.errors import BadRequest, Conflict, Forbidden
from yilian.http.operations import pool_rules as operations
from yilian.jobs import Job
from yilian.scheduling import bookings, dealing, pool_rules
from yilian.scheduling.bookings import Wish
from yilian.scheduling.pools import PUBLIC, Rule, at_least, dealt, turns

ZONE = ZoneInfo(REGION_ZONE)
RELEASE = {"days": 7, "at": "07:00"}
HALF = Rule("grassroots", 0.5, 14, "release", 48)
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "schedules.md").read_text(encoding="utf-8")


def rule(pool: str, share: float, opens_days: int = 14, anchor: str = "release", hours: float = 48) -> dict[str, Any]:
    return {"pool": pool, "share": share, "opens_days": opens_days, "anchor": anchor, "hours": hours}


def pools(clinic: float = 0.5, **more: Any) -> dict[str, Any]:
    shipped = {kind: [rule("grassroots", 0.5 if kind == "expert" else 0.3)] for kind in ("expert", "examination", "equipment")}
    return {**shipped, "clinic": [rule("grassroots", clinic)], **more}


def today() -> date:
    return datetime.now(UTC).astimezone(ZONE).date()


async def clinic(region: Region, *days: date, places: int = 10) -> None:
    region.clock.now = datetime.now(UTC)
    slots = [slot(f"d{n}", "s", datetime.combine(day, time(9), ZONE), places=places) for n, day in enumerate(days)]
    await put(region.db, role("cardio", "first"), schedule("s", "PractitionerRole/cardio"), *slots)


async def change(
    region: Region, who: str, since: date, proposed: dict[str, Any], release: Any = RELEASE, source: str = "院办发〔2026〕9 号"
) -> int:
    async with region.db.transaction() as tx:
        value, at = pool_rules.proposed(proposed, release)
        return await pool_rules.change(tx, region.scope(who), region.rids["Organization/first"], since, value, at, source)


async def carry_out(region: Region, since: date) -> dict[str, int]:
    payload = {"institution": region.rids["Organization/first"], "since": since.isoformat()}
    return await dealing.work(region.db, Job(1, pool_rules.DEAL, payload, None, 1, {}, "worker"))


async def kept(region: Region, id: str) -> int:
    async with region.db.reading() as tx:
        return int(
            await tx.fetchval(
                "select count(*) from place p join resource r on r.rid = p.slot where r.id = $1 and p.pool = 'grassroots'"
                " and p.public_from > now()",
                id,
            )
        )


@given(
    share=st.sampled_from([0.1, 0.25, 0.3, 0.5, 1.0]),
    stays=st.lists(st.sampled_from([None, PUBLIC, "grassroots", "emergency"]), min_size=1, max_size=40),
)
def test_what_stays_stays_and_the_rest_comes_as_near_to_the_share_as_it_can(share: float, stays: list[str | None]) -> None:
    rules = [Rule("grassroots", share, 14, "release", 48)]
    found = dealt([(pool or PUBLIC, pool is not None) for pool in stays], rules)
    assert [one == "stays" for one in found] == [pool is not None for pool in stays]
    wanted = sum(one is not None for one, _ in zip(turns(rules), stays, strict=False))
    have = stays.count("grassroots") + sum(isinstance(one, Rule) for one in found)
    free = stays.count(None)
    assert min(wanted, stays.count("grassroots") + free) <= have <= max(wanted, stays.count("grassroots"))


def test_a_schedules_own_share_is_no_less_than_rules_that_came_later() -> None:
    assert at_least([HALF], {"grassroots": 0.4}) == (HALF,)
    assert at_least([HALF], {"grassroots": 0.6})[0].share == 0.6
    assert at_least([HALF], {"grassroots": 0.5, "emergency": 0.9}) == (HALF,), "more than the whole: the rules alone"


async def test_the_office_changes_the_rules_from_a_day_on_and_made_places_follow(region: Region) -> None:
    before, after = today() + timedelta(days=19), today() + timedelta(days=20)
    await clinic(region, before, after)
    async with region.db.transaction() as tx:
        mine = await bookings.book(tx, region.scope("gp"), Wish("p1", ("d1",), "web"))
        pool = await tx.fetchval("select pool from place where appointment = $1", mine.rid)
    assert [await kept(region, one) for one in ("d0", "d1")] == [3, 3]
    assert await change(region, "office", after, pools(0.5)) == 1
    assert (await carry_out(region, after))["places"] > 0
    assert [await kept(region, one) for one in ("d0", "d1")] == [3, 5], "the day before goes by the old rules"
    async with region.db.transaction() as tx:
        assert await tx.fetchval("select pool from place where appointment = $1", mine.rid) == pool, "who has a place keeps it"
        assert (await carry_out(region, after))["places"] == 0, "again it changes nothing"
    await put(region.db, slot("later", "s", datetime.combine(after + timedelta(days=1), time(9), ZONE), places=10))
    assert await kept(region, "later") == 5, "what is made afterwards goes by the rules of its day"
    async with region.db.reading() as tx:
        [row] = await pool_rules.history(tx, region.rids["Organization/first"])
    assert (row["name"], row["valid_from"], row["agent_name"], row["own"]) == ("booking.pools", after, "冯涛", True)


async def test_a_preview_changes_nothing_and_says_what_would(region: Region) -> None:
    day = today() + timedelta(days=12)
    await clinic(region, day)
    async with region.db.reading() as tx:
        there = await pool_rules.dated(tx, region.rids["Organization/first"])
        value, release = pool_rules.proposed(pools(0.5), RELEASE)
        [found] = await dealing.outlook(tx, region.rids["Organization/first"], there.with_change(today(), value, release), today())
    assert (found.day, found.kind, found.places, found.now["grassroots"], found.then["grassroots"]) == (day, "clinic", 10, 3, 5)
    assert await kept(region, "d0") == 3


async def test_what_everybody_may_take_already_is_not_taken_back(region: Region) -> None:
    """In three days: released, and fallen to the public long since."""
    day = today() + timedelta(days=3)
    await clinic(region, day)
    await change(region, "office", today(), pools(1.0))
    assert (await carry_out(region, today()))["places"] == 0
    assert await kept(region, "d0") == 0


async def test_only_the_office_changes_the_rules_and_to_no_less_than_the_region_asks_for(region: Region) -> None:
    region.clock.now = datetime.now(UTC)
    for who in ("coordinator", "expert", "gp", "pharmacist"):
        with pytest.raises(Forbidden):
            await change(region, who, today(), pools())
    for less in ([], [rule("grassroots", 0.2)], [rule("grassroots", 0.3, opens_days=3)], [rule("grassroots", 0.3, hours=24)]):
        with pytest.raises(Conflict, match="more, not less"):
            await change(region, "office", today(), {**pools(), "clinic": less})
    for wrong in ({"clinic": [rule("grassroots", 1.2)]}, {"clinic": [rule("public", 0.3)]}, {"tea": []}, {"clinic": [rule("a", 0.1)]}):
        with pytest.raises(BadRequest):
            await change(region, "office", today(), {**pools(), **wrong})
    with pytest.raises(BadRequest, match="from today"):
        await change(region, "office", today() - timedelta(days=1), pools())
    with pytest.raises(Conflict, match="already"):
        await change(region, "office", today(), {**pools(0.3), "day-surgery": [], "bed": []})


async def test_the_rules_of_the_region_hold_wherever_an_institution_has_none_of_its_own(region: Region) -> None:
    """Two hospitals, one with more of its own: the region's change moves the other alone, and says whose own would be less."""
    day = today() + timedelta(days=12)
    await clinic(region, day)
    at = [slot("c0", "c", datetime.combine(day, time(9), ZONE), places=10)]
    await put(region.db, role("theirs", "county"), schedule("c", "PractitionerRole/theirs"), *at)
    await change(region, "office", today(), pools(0.4))
    await carry_out(region, today())
    value, release = pool_rules.proposed(pools(0.5), RELEASE)
    async with region.db.reading() as tx:
        [found] = await dealing.region_outlook(tx, today(), lambda there: there.with_change(today(), value, release, own=False))
        [own] = await pool_rules.with_own(tx)
        assert (own.id, own.there.is_less(day)) == ("first", False)
        assert own.there.with_change(today(), value, release, own=False).is_less(day)
        mine = own.there.own_rules(day)
        there = own.there.with_change(today(), value, release, own=False)
        [alone] = await dealing.outlook(tx, region.rids["Organization/first"], there, today())
    assert (found.places, found.now["grassroots"], found.then["grassroots"]) == (20, 7, 9)
    assert (alone.now, alone.changed) == (alone.then, 0)
    assert found.changed > 0
    assert {kind for kind, rules in mine.items() if rules} == {"clinic"}, "the rest is the region's"
    scope = replace(region.scope("coordinator"), roles=frozenset({"admin"}), institution="", institution_rid=0)
    for who in (region.scope("office"), region.scope("coordinator")):
        with pytest.raises(Forbidden, match="administrators"):
            async with region.db.transaction() as tx:
                await pool_rules.change(tx, who, None, today(), value, release, "卫健委通知")
    with pytest.raises(Forbidden):
        async with region.db.transaction() as tx:
            await pool_rules.change(tx, scope, region.rids["Organization/first"], today(), value, release, "卫健委通知")
    async with region.db.transaction() as tx:
        assert await pool_rules.change(tx, scope, None, today(), value, release, "卫健委通知") == 1
    await dealing.work(region.db, Job(1, pool_rules.DEAL, {"institution": None, "since": today().isoformat()}, None, 1, {}, "worker"))
    assert [await kept(region, one) for one in ("d0", "c0")] == [4, 5]
    async with region.db.reading() as tx:
        [row] = await pool_rules.history(tx, None)
    assert (row["name"], row["own"], row["source"]) == ("booking.pools", False, "卫健委通知")


async def test_a_release_that_goes_by_midnight_opens_with_the_day_of_the_region(region: Region) -> None:
    day = today() + timedelta(days=25)
    await clinic(region, day)
    await change(region, "office", day, pools(0.3), {"days": 10, "at": "00:00"})
    await carry_out(region, day)
    async with region.db.reading() as tx:
        opens = await tx.fetchval("select min(opens) from place p join resource r on r.rid = p.slot where r.id = 'd0' and pool = 'public'")
    assert opens.astimezone(ZONE) == datetime.combine(day - timedelta(days=10), time(), ZONE)


def test_the_reference_page_names_the_operations_and_parameters() -> None:
    named = set(re.findall(r"\$([a-z-]+)", PAGE))
    assert {one.name for one in operations.OPERATIONS} <= named
    assert all(f"`{one.name}`" in PAGE for one in operations.CHANGE)
