"""Patients nobody saw, and referrals that look wrong: found with reasons, for those who look after them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aftercare.threads import completed_up, sent_down
from tests.referral.region import OUTCOME, Region, up
from yilian.aftercare import lost, suspicions
from yilian.errors import Conflict, Forbidden, InvalidResource, NotFound
from yilian.store.change import Change
from yilian.store.write import write

Resource = dict[str, Any]


async def lost_of(region: Region, who: str) -> list[str]:
    async with region.db.reading() as tx:
        return [one.id for one in (await lost.lost(tx, region.scope(who))).matches]


def encounter(at: str, on: str, id: str, patient: str = "p3") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{at}"},
        "period": {"start": on, "end": on},
    }


async def test_who_was_referred_and_seen_nowhere_is_on_the_referrers_list_and_told_once(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3"))
    assert await lost_of(region, "gp2") == []
    region.clock.later(days=8)
    assert await lost_of(region, "gp2") == [task["id"]]
    assert await lost_of(region, "coordinator") == []
    for _ in range(2):
        async with region.db.transaction() as tx:
            await lost.tell(tx)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from message where event = 'referral.lost'") >= 1
        assert await tx.fetchval("select count(*) from referral_lost") == 1
    await region.write(encounter("liuhe", "2026-11-28", "later"))
    assert await lost_of(region, "gp2") == []


async def test_an_earlier_visit_finds_nobody_and_arriving_does(region: Region) -> None:
    await region.write(encounter("liuhe", "2026-11-01", "before"))
    _, task = await region.refer("gp2", up("p3"))
    region.clock.later(days=8)
    assert await lost_of(region, "gp2") == [task["id"]]
    task = await region.act("coordinator", task, "accept")
    await region.act("coordinator", task, "arrive")
    assert await lost_of(region, "gp2") == []


async def look(region: Region) -> dict[str, str]:
    async with region.db.transaction() as tx:
        await suspicions.look(tx, None)
    async with region.db.reading() as tx:
        rows = await tx.fetch("select rule, why from referral_suspicion")
    return {row["rule"]: row["why"] for row in rows}


async def test_a_referral_without_contact_and_one_that_is_repeated_are_found(region: Region) -> None:
    await region.write(encounter("qingshi", "2026-11-20", "seen", "p1"))
    _, good = await region.refer("gp", up("p1"))
    assert good
    _, bad = await region.refer("gp2", up("p3"))
    assert "没有该患者的就诊记录" in (await look(region))["no-contact"]
    async with region.db.reading() as tx:
        about = await tx.fetch("select r.id from referral_suspicion s join resource r on r.rid = s.task_rid")
    assert [row["id"] for row in about] == [bad["id"]]
    for who, action in (("coordinator", "accept"), ("coordinator", "arrive")):
        bad = await region.act(who, bad, action)
    await region.act("expert", bad, "complete", **OUTCOME)
    region.clock.later(days=2)
    await region.refer("gp2", up("p3"))
    why = (await look(region))["repeated"]
    assert "2 天内再次转诊" in why
    assert "000000-20261123-" in why


async def test_to_and_fro_is_found_and_a_down_referral_is_none(region: Region) -> None:
    await sent_down(region)
    assert "closed-loop" not in await look(region)
    task = await region.act("gp", (await region.read("gp", await last_task(region))), "arrive")
    await region.act("gp", task, "complete", **OUTCOME)
    region.clock.later(hours=1)
    await completed_up(region)
    assert "closed-loop" not in await look(region), "the way down answered the way up"
    async with region.db.transaction() as tx:
        await tx.execute("alter table referral disable trigger user")
        await tx.execute("update referral set basis_task = null")
    assert "往返转诊" in (await look(region))["closed-loop"]


async def last_task(region: Region) -> str:
    async with region.db.reading() as tx:
        return "Task/" + str(await tx.fetchval("select task_id from referral order by task_rid desc limit 1"))


async def test_many_at_the_end_of_a_month_are_one_finding(region: Region) -> None:
    region.clock.later(days=6)  # 29 November
    for number in range(10):
        await region.refer("gp2", up("p3", specialty=f"03.{number + 1:02d}"))
    assert "月末 3 天共 10 单" in (await look(region))["month-end"]
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral_suspicion where rule = 'month-end'") == 1


async def test_the_office_decides_once_and_with_a_reason(region: Region) -> None:
    await region.refer("gp2", up("p3"))
    await look(region)
    async with region.db.reading() as tx:
        [found], total = await suspicions.findings(tx, region.scope("office"))
        with pytest.raises(Forbidden):
            await suspicions.findings(tx, region.scope("coordinator"))
    assert (found.sender, found.receiver, found.state, total) == ("柳河镇卫生院", "云溪市第一人民医院", "open", 1)
    issue = found.issue.removeprefix("DetectedIssue/")
    for who, state, note, error in (
        ("gp2", "justified", "已经核查过", Forbidden),
        ("office", "justified", "好", InvalidResource),
    ):
        with pytest.raises(error):
            await decide(region, who, issue, state, note)
    with pytest.raises(NotFound):
        await decide(region, "office", "nothing", "justified", "已电话核实")
    await decide(region, "office", issue, "justified", "义诊中发现,已电话核实")
    with pytest.raises(Conflict):
        await decide(region, "office", issue, "not-justified", "改变主意了吧")
    said = await region.read("office", found.issue)
    assert said["status"] == "final"
    assert said["mitigation"][0]["action"]["text"] == "义诊中发现,已电话核实"
    with pytest.raises(NotFound):
        await region.read("gp2", found.issue)  # it is in nobody's record
    with pytest.raises(Conflict):
        async with region.db.transaction() as tx:
            await write(tx, region.scope("expert"), [Change("PUT", "DetectedIssue", issue, {**said, "detail": "无"})])
    assert await look(region), "and it is not found anew"
    async with region.db.reading() as tx:
        assert (await suspicions.findings(tx, region.scope("office")))[1] == 0


async def decide(region: Region, who: str, issue: str, state: str, note: str) -> None:
    async with region.db.transaction() as tx:
        await suspicions.decide(tx, region.scope(who), issue, state, note)
