"""The lists each post works through: who sees what, in which order, how many, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.referral.region import OUTCOME, Region, a_plan, decline_reason, down, up
from yilian import referral
from yilian.errors import BadRequest
from yilian.fhir.json import parse
from yilian.referral import LISTS, worklists
from yilian.referral.states import LIVE, STATES
from yilian.referral.worklists import WAITING_FOR_A_PLACE
from yilian.store.page import Page

SPECIALTIES = [f"03.{n:02d}" for n in range(1, 12)] + [f"04.{n:02d}" for n in range(1, 10)]


async def listed(region: Region, who: str, name: str, **more: Any) -> Page:
    async with region.db.reading() as tx:
        return await referral.worklist(tx, region.scope(who), name, **more)


async def ids(region: Region, who: str, name: str, **more: Any) -> list[str]:
    return [one.id for one in (await listed(region, who, name, **more)).matches]


async def counts(region: Region, who: str) -> dict[str, int]:
    async with region.db.reading() as tx:
        found = await referral.worklist_counts(tx, region.scope(who))
    for name, many in found.items():
        page = await listed(region, who, name, count=200)
        assert (page.total, len(page.matches)) == (many, many), name
    found["closed"] = (await listed(region, who, "closed")).total or 0
    return {name: many for name, many in found.items() if many}


async def test_a_referral_is_in_the_right_lists_at_every_step(region: Region) -> None:
    _, task = await region.refer("gp", submit=False)
    assert await counts(region, "gp") == {"drafts": 1}
    assert await counts(region, "coordinator") == {}
    task = await region.act("gp", task, "submit")
    assert await counts(region, "gp") == {"sent": 1}
    assert await counts(region, "head") == {"approval": 1, "sent": 1}
    assert await counts(region, "coordinator") == {}
    task = await region.act("head", task, "approve")
    assert await counts(region, "head") == {"sent": 1}
    assert await counts(region, "coordinator") == {"inbox": 1}
    task = await region.act("coordinator", task, "ask", question="?")
    assert await counts(region, "coordinator") == {}
    assert await counts(region, "gp") == {"answer": 1, "sent": 1}
    task = await region.act("gp", task, "answer", answer="!")
    task = await region.act("coordinator", task, "accept")
    assert await counts(region, "expert") == {"expected": 1}
    task = await region.act("expert", task, "arrive")
    assert await counts(region, "expert") == {"here": 1}
    assert await counts(region, "p1") == {"sent": 1}
    task = await region.act("expert", task, "complete", **OUTCOME)
    assert await counts(region, "expert") == {"closed": 1}
    assert await counts(region, "gp") == {"closed": 1}
    assert await counts(region, "p1") == {"closed": 1}
    request = await region.read("expert", task["focus"]["reference"])
    _, home = await region.refer("expert", down("p1", "qingshi", request))
    assert await counts(region, "gp") == {"inbox": 1, "returned": 1, "closed": 1}
    await region.act("gp", home, "accept", plan=a_plan())
    assert await counts(region, "gp") == {"expected": 1, "returned": 1, "closed": 1}
    for stranger in ("gp2", "admin", "p2", "expert2"):
        assert await counts(region, stranger) == {}


async def test_a_declined_referral_waits_for_its_sender(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("coordinator", task, "decline", reason=decline_reason())
    assert await counts(region, "gp") == {"declined": 1, "closed": 1}
    await region.act("gp", task, "close")
    assert await counts(region, "gp") == {"closed": 1}


async def test_a_cancelled_draft_is_closed_for_its_sender_alone(region: Region) -> None:
    await region.refer("gp", up("p1", specialty="04.03", priority="stat"))
    _, task = await region.refer("gp", submit=False)
    await region.act("gp", task, "cancel", reason="x")
    assert await ids(region, "gp", "closed") == [task["id"]]
    assert await ids(region, "coordinator", "closed") == []


async def test_urgency_comes_first_and_then_the_clock(region: Region) -> None:
    order = []
    for priority, specialty in (("routine", "03.01"), ("stat", "03.02"), ("urgent", "03.03"), ("routine", "03.05"), ("asap", "03.06")):
        request = up("p3", "county", specialty=specialty, priority=priority)
        _, task = await region.refer("gp2", request)
        order.append(task["id"])
        region.clock.later(minutes=1)
    routine, stat, urgent, later, asap = order
    assert await ids(region, "county", "inbox") == [stat, asap, urgent, routine, later]


async def test_pages_follow_each_other_without_gaps_and_carry_patients_and_requests(region: Region) -> None:
    for number, specialty in enumerate(SPECIALTIES):
        _, task = await region.refer("gp2", up("p3", "county", specialty=specialty, priority=("stat", "routine")[number % 2]))
        if number % 3 == 0:
            await region.act("county", task, "accept", start="2026-11-24")
    for who, name in (("county", "inbox"), ("gp2", "sent"), ("county", "expected")):
        whole = await ids(region, who, name, count=200)
        walked: list[str] = []
        cursor: str | None = None
        while True:
            page = await listed(region, who, name, count=3, cursor=cursor)
            assert page.total == len(whole)
            assert {one.type for one in page.included} == {"Patient", "ServiceRequest"}
            requests = {one.id for one in page.included if one.type == "ServiceRequest"}
            assert requests == {parse(one.body)["focus"]["reference"].split("/")[1] for one in page.matches}
            walked += [one.id for one in page.matches]
            cursor = page.next
            if cursor is None:
                break
        assert walked == whole
        assert len(set(walked)) == len(walked)


async def test_the_closed_list_is_newest_first_over_both_sides_and_paged(region: Region) -> None:
    order = []
    for number, specialty in enumerate(SPECIALTIES[:7]):
        who, other = (("gp2", "county"), ("county", "gp2"))[number % 2]
        if who == "gp2":
            _, task = await region.refer("gp2", up("p3", "county", specialty=specialty))
        else:
            _, task = await region.refer("county", down("p3", "liuhe", specialty=specialty))
        region.clock.later(minutes=1)
        await region.act(other, task, "decline", reason=decline_reason())
        order.append(task["id"])
    assert await ids(region, "county", "closed") == order[::-1]
    first = await listed(region, "county", "closed", count=4)
    second = await listed(region, "county", "closed", count=4, cursor=first.next)
    assert [one.id for one in (*first.matches, *second.matches)] == order[::-1]
    assert (first.total, second.total, second.next) == (7, 7, None)


async def test_a_list_nobody_works_through_is_not_counted_to_its_end(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    for specialty in SPECIALTIES[:3]:
        await region.refer("gp2", up("p3", "county", specialty=specialty))
    monkeypatch.setattr(worklists, "COUNTED", 3)
    assert (await listed(region, "county", "inbox")).total == 3
    monkeypatch.setattr(worklists, "COUNTED", 2)
    page = await listed(region, "county", "inbox")
    assert (page.total, len(page.matches)) == (None, 3)


async def test_the_box_finds_by_name_pinyin_initials_number_identifier_and_telephone(region: Region) -> None:
    found = {}
    for who, to in (("p1", "first"), ("p2", "first")):
        request, task = await region.refer("gp", up(who, to, priority="stat"))
        found[who] = (task["id"], request["identifier"][0]["value"])
    one, two = found["p1"][0], found["p2"][0]
    for q in ("李秀英", "李", "lixiuying", "LiXiu", "lxy", found["p1"][1], "00001"):
        assert await ids(region, "coordinator", "inbox", q=q) == [one], q
    for q in ("欧阳", "ouyang", "oyjg", "00002", "51662110010100050"):
        assert await ids(region, "coordinator", "inbox", q=q) == [two], q
    assert len(await ids(region, "coordinator", "inbox", q="13900001234")) == 2
    assert (await listed(region, "coordinator", "inbox", q="王")).total == 0
    assert (await listed(region, "coordinator", "inbox", q="%")).total == 0


async def test_filters_narrow_and_strange_ones_are_refused(region: Region) -> None:
    _, one = await region.refer("gp2", up("p3", "county", specialty="03.01", priority="stat"))
    _, two = await region.refer("gp2", up("p3", "county", specialty="03.02"))
    two = await region.act("county", two, "receive")
    assert await ids(region, "county", "inbox", state="received") == [two["id"]]
    assert await ids(region, "county", "inbox", state="received,submitted") == [one["id"], two["id"]]
    assert await ids(region, "county", "inbox", priority="stat") == [one["id"]]
    assert await ids(region, "county", "inbox", direction="down") == []
    for wrong in ({"state": "lost"}, {"priority": "soon"}, {"direction": "sideways"}, {"cursor": "x"}, {"q": "x" * 101}):
        with pytest.raises(BadRequest):
            await listed(region, "county", "inbox", **wrong)
    with pytest.raises(BadRequest):
        await listed(region, "county", "everything")


async def test_an_open_referral_is_in_a_list_of_whoever_owes_the_next_step(region: Region) -> None:
    """No state is left out of the lists, also those that booking will bring."""
    covered = {"in-approval": "approval", "submitted": "inbox", "received": "inbox", "need-info": "answer", "arrived": "here"}
    covered |= dict.fromkeys(WAITING_FOR_A_PLACE, "expected") | {"in-place": "in-place"}
    assert set(covered) == set(LIVE)
    for code, name in covered.items():
        assert LISTS[name].sides[0].ours is (STATES[code].turn != "receiver")
        assert f"'{code}'" in LISTS[name].sides[0].which


async def test_a_list_ends_with_the_ground(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    await region.act("coordinator", task, "decline", reason=decline_reason())
    assert await ids(region, "coordinator", "closed") == [task["id"]]
    async with region.db.transaction() as tx:
        await tx.execute("update access_ground set until = now() - interval '1 second' where kind = 'referral'")
    assert (await listed(region, "coordinator", "closed")).total == 0
    assert (await counts(region, "gp"))["closed"] == 1
