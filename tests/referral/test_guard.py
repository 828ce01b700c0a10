"""Nobody gets around the table: not by a plain write, not in a Bundle, not by SQL."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.referral.region import Region, state_of, up, version_of
from yilian.errors import Conflict, NotFound, YilianError
from yilian.fhir import urls
from yilian.fhir.json import parse
from yilian.referral.guard import RoomScope, permission
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

Resource = dict[str, Any]


async def put(region: Region, scope: Scope, *changes: Change) -> None:
    async with region.db.transaction() as tx:
        await write(tx, scope, changes)


@pytest.mark.parametrize("who", ["gp", "coordinator", "system"])
async def test_a_plain_write_to_a_referral_is_refused_whoever_writes(region: Region, who: str) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    scope = SYSTEM if who == "system" else region.scope(who)
    for resource in (request, task):
        kind, id = resource["resourceType"], resource["id"]
        for change in (
            Change("PUT", kind, id, {**resource, "status": "completed"}),
            Change(
                "PUT",
                kind,
                id,
                {"resourceType": kind, "id": id, "status": "draft", "intent": "order", "subject": {"reference": "Patient/p1"}},
            ),
            Change("PATCH", kind, id, None, patch=lambda body: {**body, "status": "completed"}),
            Change("DELETE", kind, id, None),
        ):
            with pytest.raises(YilianError) as caught:
                await put(region, scope, change)
            assert caught.value.status in (409, 422), (kind, change.method)
    for change in (
        Change("PATCH", "Task", task["id"], None, patch=lambda body: {**body, "status": "completed"}),
        Change("DELETE", "Task", task["id"], None),
    ):
        with pytest.raises(Conflict, match="act"):
            await put(region, scope, change)
    assert version_of(await region.read("gp", f"Task/{task['id']}")) == 1


async def test_a_referral_cannot_be_made_by_hand(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    copies: list[Resource] = [
        {**{k: v for k, v in task.items() if k not in ("meta", "id")}},
        {**{k: v for k, v in request.items() if k not in ("meta", "id")}},
    ]
    for copy in copies:
        with pytest.raises(Conflict, match=r"\$refer"):
            await put(region, SYSTEM, Change("POST", copy["resourceType"], None, copy))


async def test_an_ordinary_task_or_request_is_nobodys_business_here(region: Region) -> None:
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "心电图"},
    }
    todo = {"resourceType": "Task", "id": "todo", "status": "requested", "intent": "order", "for": {"reference": "Patient/p1"}}
    await put(region, region.scope("gp"), Change("POST", "ServiceRequest", None, order), Change("POST", "Task", "todo", todo))
    await put(region, region.scope("gp"), Change("PUT", "Task", "todo", {**todo, "status": "completed"}))
    await put(region, region.scope("gp"), Change("DELETE", "Task", "todo", None))
    marked = {**todo, "businessStatus": {"coding": [{"system": urls.REFERRAL_STATE, "code": "accepted"}]}}
    with pytest.raises(Conflict):
        await put(region, region.scope("gp"), Change("PUT", "Task", "todo", marked))


async def test_an_approval_that_is_over_is_still_guarded(region: Region) -> None:
    _, task = await region.refer("gp")
    await region.act("head", task, "approve")
    async with region.db.reading() as tx:
        body = await tx.fetchval('select body from resource where body like \'%/CodeSystem/referral-task","code":"approval"%\'')
    approval = parse(body.encode())
    with pytest.raises(Conflict):
        await put(region, region.scope("head"), Change("PUT", "Task", approval["id"], {**approval, "status": "rejected"}))


async def test_who_does_not_see_a_draft_does_not_learn_of_it_from_the_guard(region: Region) -> None:
    await region.refer("gp", up("p1", specialty="04.03", priority="stat"))  # the city hospital has a ground now
    _, task = await region.refer("gp", submit=False)
    with pytest.raises(NotFound):
        await put(region, region.scope("expert"), Change("DELETE", "Task", task["id"], None))


async def test_the_room_writes_as_the_person_who_acts(region: Region) -> None:
    lent = permission(region.scope("gp"))
    assert isinstance(lent, RoomScope)
    assert (lent.agent, lent.institution, lent.reach) == ("Practitioner/gp", "Organization/qingshi", "grounds")
    assert permission(region.scope("p1")).reach == "everything"


@pytest.mark.parametrize(
    "sql",
    [
        "update referral set state = 'completed', closed_at = now()",  # no road
        "update referral set state = 'received'",  # a road, but the Task says otherwise
        "update referral set task_ver = task_ver + 1 where false; update referral set state = 'accepted', task_ver = 2",
        "update referral set patient = from_org",
        "update referral set number = 'x'",
        "update referral set state = 'finished'",
        "update referral set to_org = from_org",
        "update resource set ver = ver + 1 where rid = (select task_rid from referral)",
        "update resource set ver = ver + 1 where rid = (select request_rid from referral)",
        "update resource set deleted = true, body = '' where rid = (select task_rid from referral)",
        """update resource set body = replace(body, '"code":"submitted"', '"code":"accepted"')
           where rid = (select task_rid from referral)""",
        "delete from referral",
        """insert into resource (rid, type, id, ver, updated, method, patient, body)
           select -1, type, 'copy', 1, now(), 'POST', patient, body from resource where rid = (select task_rid from referral)""",
        """insert into resource (rid, type, id, ver, updated, method, patient, body)
           select -2, type, 'copy', 1, now(), 'POST', patient, body from resource where rid = (select request_rid from referral)""",
        """insert into referral (task_rid, task_id, task_ver, request_rid, request_id, request_ver, number, patient, direction,
                                 specialty, priority, state, from_org, to_org, referrer, created_at, submitted_at)
           select patient, 'x', 1, to_org, 'y', 1, 'n', patient, 'up', '99', 'stat', 'accepted', from_org, to_org, referrer, now(), now()
           from referral""",
    ],
)
async def test_the_database_itself_refuses_what_does_not_agree(region: Region, sql: str) -> None:
    await region.refer("gp", up("p1", priority="stat"))
    connection = await asyncpg.connect(region.db.dsn)
    try:
        with pytest.raises((asyncpg.RaiseError, asyncpg.IntegrityConstraintViolationError)):
            await connection.execute(sql)
    finally:
        await connection.close()


async def test_two_doctors_who_refer_at_once_make_one_referral(region: Region) -> None:
    outcomes = await asyncio.gather(
        *(region.refer(who, up("p1", to, priority="stat")) for who, to in (("gp", "first"), ("gp-colleague", "second"))),
        return_exceptions=True,
    )
    won = [one for one in outcomes if not isinstance(one, BaseException)]
    lost = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(won) == len(lost) == 1
    assert isinstance(lost[0], Conflict)
    assert lost[0].task == f"Task/{won[0][1]['id']}"  # type: ignore[attr-defined]
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from referral") == 1
        assert await tx.fetchval("select count(*) from resource where type in (124, 140)") == 2


async def test_two_drafts_sent_at_once_make_one_referral(region: Region) -> None:
    drafts = [(await region.refer("gp", submit=False))[1] for _ in range(2)]
    outcomes = await asyncio.gather(*(region.act("gp", task, "submit") for task in drafts), return_exceptions=True)
    assert sorted(isinstance(one, Conflict) for one in outcomes) == [False, True]


async def test_of_two_who_accept_at_once_the_second_is_told_to_look_again(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    both = (("coordinator", "accept"), ("expert", "receive"))
    outcomes = await asyncio.gather(*(region.act(who, task, action) for who, action in both), return_exceptions=True)
    assert sorted(one.status if isinstance(one, YilianError) else 200 for one in outcomes) == [200, 412]
    assert state_of(await region.read("gp", f"Task/{task['id']}")) in ("accepted", "received")


async def test_a_failed_step_leaves_nothing_behind(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    async with region.db.reading() as tx:
        before = await tx.fetchval("select count(*) from resource"), await tx.fetchval("select count(*) from history")
    with pytest.raises(YilianError):
        await region.act("coordinator", task, "accept", practitioner="Practitioner/nobody")
    async with region.db.reading() as tx:
        assert (await tx.fetchval("select count(*) from resource"), await tx.fetchval("select count(*) from history")) == before
    assert (await region.row(task))["state"] == "submitted"
