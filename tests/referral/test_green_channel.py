"""绿色通道: asked for by the sender, opened by the receiver; it lends the emergency pool and stands in lists, and skips no approval."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import REGION_ZONE
from tests.directory.region import service
from tests.referral.region import Region, decline_reason, state_of, up
from tests.referral.test_booking import clinic, fresh
from tests.scheduling.region import put
from yilian import policy
from yilian.analytics.referrals.asked import read
from yilian.analytics.referrals.figures import table
from yilian.directory.offers import Settings
from yilian.errors import BadRequest, Conflict, Forbidden
from yilian.fhir.dates import zone_named
from yilian.referral import marks, worklist
from yilian.referral.commands import NotLegalNow

Resource = dict[str, Any]
WHY = "急性心肌梗死,需急诊介入"


async def green_of(region: Region, task: Resource) -> tuple[str, str]:
    """Its state and reason on the request, which the row agrees with; ("", "") for none."""
    found = marks.green_channel(await region.read("system", task["focus"]["reference"]))
    assert (await region.row(task))["green"] == (found or {}).get("state")
    return (found["state"], found["reason"]) if found else ("", "")


async def listed(region: Region, who: str, **filters: str) -> list[str]:
    async with region.db.reading() as tx:
        return [one.id for one in (await worklist(tx, region.scope(who), "inbox", **filters)).matches]


async def test_the_sender_asks_and_the_receiver_opens(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"), greenChannel=WHY)
    assert await green_of(region, task) == ("asked", WHY)
    assert "green" not in await region.actions("gp2", task)  # it was asked for
    due = task["restriction"]
    region.clock.later(minutes=10)
    task = await region.act("coordinator", task, "green", reason="同意,导管室已通知")
    assert await green_of(region, task) == ("open", "同意,导管室已通知")
    assert (state_of(task), task["restriction"]) == ("submitted", due)
    with pytest.raises(NotLegalNow):
        await region.act("coordinator", task, "green", reason="x")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from message where event = 'referral.green'") >= 1


async def test_who_may_open_it_is_policy(region: Region) -> None:
    first = region.rids["Organization/first"]
    value = {"sender": ["gp"], "receiver": ["coordinator"]}
    async with region.db.transaction() as tx:
        await policy.put(
            tx, "referral.green_channel_opened_by", value, valid_from=region.clock.now.date(), source="test", institution=first
        )
    _, task = await region.refer("gp2", up("p3"))
    assert "green" not in await region.actions("expert", task)
    with pytest.raises(Forbidden):
        await region.act("expert", task, "green", reason="x")
    assert "green" in await region.actions("coordinator", task)
    async with region.db.transaction() as tx:
        await policy.put(tx, "referral.green_channel_opened_by", value, valid_from=region.clock.now.date(), source="test")
    task = await region.act("gp2", task, "green", reason=WHY)
    assert await green_of(region, task) == ("open", WHY)


async def test_it_opens_the_emergency_pool(region: Region) -> None:
    await clinic(region)
    await put(region.db, service("heart", "first", "03.04", Settings(direct_booking=True)))
    async with region.db.transaction() as tx:
        await tx.execute("update place set pool = 'emergency', public_from = now() + interval '9 days'")
    _, task = await region.refer("gp2", up("p3"))
    task = await region.act("coordinator", task, "accept")
    with pytest.raises(Conflict):
        await region.act("gp2", task, "book", slot="Slot/a")  # an emergency pool is the house's own
    task = await region.act("coordinator", await fresh(region, task), "green", reason=WHY)
    assert state_of(await region.act("gp2", task, "book", slot="Slot/a")) == "booked"


async def test_it_skips_no_approval(region: Region) -> None:
    _, task = await region.refer("gp", up("p1"), greenChannel=WHY)
    assert state_of(task) == "in-approval"
    assert await green_of(region, task) == ("asked", WHY)


async def test_a_draft_keeps_it_and_nobody_writes_it_by_hand(region: Region) -> None:
    forged = up("p3")
    marks.set_green_channel(forged, "open", "x", "2026-11-23T09:00:00+08:00", {"display": "x"})
    _, task = await region.refer("gp2", forged)
    assert await green_of(region, task) == ("", "")
    _, task = await region.refer("gp2", up("p3", specialty="04.03"), greenChannel=WHY, submit=False)
    task = await region.act("gp2", task, "submit", request=up("p3", specialty="04.03"))
    assert await green_of(region, task) == ("asked", WHY)


async def test_another_receiver_is_asked_for_it_anew(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"), alternatives=["Organization/second"], automatic=True)
    task = await region.act("coordinator", task, "green", reason=WHY)
    await region.act("coordinator", task, "decline", reason=decline_reason())
    async with region.db.reading() as tx:
        id = await tx.fetchval("select task_id from referral where closed_at is null")
    assert await green_of(region, await region.read("system", f"Task/{id}")) == ("asked", WHY)


async def test_lists_and_statistics_are_narrowed_to_it(region: Region) -> None:
    _, one = await region.refer("gp2", up("p3"), greenChannel=WHY)
    await region.refer("gp2", up("p3", specialty="04.03"))
    assert len(await listed(region, "coordinator")) == 2
    assert await listed(region, "coordinator", green="asked") == [one["id"]]
    assert await listed(region, "coordinator", green="open") == []
    with pytest.raises(BadRequest):
        await listed(region, "coordinator", green="yes")
    asked = read({"green": "asked"}, zone_named(REGION_ZONE), region.clock.now.date() + timedelta(days=1))
    async with region.db.reading() as tx:
        assert (await table(tx, region.scope("gp2"), asked)).whole.numbers["sent"] == 1
