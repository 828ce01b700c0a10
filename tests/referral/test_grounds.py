"""Who may read what, because of a referral, and for how long."""

from __future__ import annotations

from datetime import date

import pytest

from tests.referral.region import OUTCOME, Region, decline_reason, up
from yilian import policy
from yilian.errors import NotFound
from yilian.fhir.definitions import type_id
from yilian.store import history, read


async def may_read(region: Region, who: str, reference: str = "Patient/p1") -> bool:
    try:
        await region.read(who, reference)
    except NotFound:
        return False
    return True


async def test_the_receiver_reads_the_record_from_submission_and_not_before(region: Region) -> None:
    _, task = await region.refer("gp", submit=False)
    assert not await may_read(region, "coordinator")
    task = await region.act("gp", task, "submit")
    assert not await may_read(region, "coordinator")
    await region.act("head", task, "approve")
    assert await may_read(region, "coordinator")
    assert not await may_read(region, "expert2")
    assert not await may_read(region, "gp2")


async def test_drafts_and_approvals_are_the_senders_own_also_in_the_history(region: Region) -> None:
    await region.refer("gp", up("p1", specialty="04.03", priority="stat"))  # the receiver may read the patient for another reason
    request, task = await region.refer("gp", submit=False)
    references = [f"Task/{task['id']}", f"ServiceRequest/{request['id']}"]
    assert [await may_read(region, "coordinator", one) for one in references] == [False, False]
    task = await region.act("gp", task, "submit")
    assert [await may_read(region, "coordinator", one) for one in references] == [False, False]
    task = await region.act("head", task, "approve", note="内部意见")
    assert [await may_read(region, "coordinator", one) for one in references] == [True, True]
    async with region.db.reading() as tx:
        for version, seen in ((1, False), (2, False), (3, True)):
            if seen:
                await read.version(tx, region.scope("coordinator"), "Task", task["id"], version)
            else:
                with pytest.raises(NotFound):
                    await read.version(tx, region.scope("coordinator"), "Task", task["id"], version)
            await read.version(tx, region.scope("gp"), "Task", task["id"], version)
        past = await history.versions(tx, region.scope("coordinator"), "Task", task["id"])
        assert [one.version for one, _ in past.versions] == [3]
        hidden = await tx.fetch(
            "select body from resource where confined is not null and type = any($1::smallint[])", [type_id("Task"), type_id("Provenance")]
        )
    assert len(hidden) == 3  # the approval, and the Provenance of draft and submission
    assert "内部意见" not in str(await region.read("coordinator", f"Task/{task['id']}"))


async def test_the_receiver_may_look_back_for_the_time_the_region_allows(region: Region) -> None:
    async with region.db.transaction() as tx:
        await policy.put(tx, "referral.access_after_closing_days", 30, valid_from=date(2020, 1, 1), source="测试")
    _, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("expert", task, "accept")
    task = await region.act("expert", task, "arrive")
    await region.act("expert", task, "complete", **OUTCOME)
    assert await days_left(region, "first") == 30
    assert await days_left(region, "qingshi") == 30
    assert await may_read(region, "coordinator")
    await expire(region)
    assert not await may_read(region, "coordinator")
    assert await may_read(region, "gp")  # the patient is registered there


async def test_who_sends_the_patient_away_loses_sight_sooner(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    await region.act("coordinator", task, "decline", reason=decline_reason())
    assert await days_left(region, "first") == 1
    assert await days_left(region, "qingshi") == 90


async def test_forwarding_opens_the_record_to_the_next_receiver(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    assert not await may_read(region, "expert2")
    await region.act("coordinator", task, "forward", to="Organization/second")
    assert await may_read(region, "expert2")
    assert await days_left(region, "first") == 1


async def test_a_cancelled_draft_opens_nothing(region: Region) -> None:
    _, task = await region.refer("gp", submit=False)
    await region.act("gp", task, "cancel", reason="x")
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from access_ground where kind = 'referral'") == 0
    assert not await may_read(region, "coordinator")


async def test_each_step_leaves_an_audit_event_of_the_person_and_the_ground(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    await region.act("coordinator", task, "receive")
    async with region.db.reading() as tx:
        rows = await tx.fetch(
            "select account, action, ground, institution from audit_event where patient = $1 and account <> 'yilian' order by seq",
            region.rids["Patient/p1"],
        )
    assert sorted({(row["account"], row["action"]) for row in rows}) == [("coordinator", "C"), ("coordinator", "U"), ("gp", "C")]
    assert {row["ground"] for row in rows if row["account"] == "coordinator"} == {"referral"}
    assert {row["institution"] for row in rows if row["account"] == "gp"} == {"Organization/qingshi"}


async def test_a_patients_own_step_is_audited_as_the_patients(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    await region.act("p1", task, "cancel", reason="x")
    async with region.db.reading() as tx:
        rows = await tx.fetch("select agent, ground from audit_event where account = 'p1'")
    assert {(row["agent"], row["ground"]) for row in rows} == {("Patient/p1", "self")}


async def days_left(region: Region, organization: str) -> object:
    """By the database's clock, which decides; the region's stands still."""
    async with region.db.reading() as tx:
        return await tx.fetchval(
            "select round((extract(epoch from until - now()) / 86400)::numeric, 2) from access_ground"
            " where kind = 'referral' and institution = $1",
            region.rids[f"Organization/{organization}"],
        )


async def expire(region: Region) -> None:
    """Let the time pass for the database, whose own clock decides."""
    async with region.db.transaction() as tx:
        await tx.execute("update access_ground set until = now() - interval '1 second' where kind = 'referral'")
