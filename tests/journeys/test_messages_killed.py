"""A server that is killed while clocks ring and letters are on their way: started again, each alarm is told once, none is lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from tests.http.house import Server, running
from tests.http.receiver import Got, receiving
from tests.journeys.serving import Killable
from tests.referral.region import act_parameters, organization, patient, refer_parameters, up
from tests.scheduling.region import role, schedule, slot
from yilian import policy

Json = dict[str, Any]

COUNT = 6
TELEPHONES = {"county": "13800000001", "office": "13800000002"}
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)

SLOWLY = """
import asyncio
from yilian.referral import alarms

# In the middle of the transaction, so that the test can strike there.
tell = alarms._tell
async def slowly(*args):
    await asyncio.sleep(0.1)
    return await tell(*args)
alarms._tell = slowly
"""

PASS = """
with clock as (
    update job set run_at = now(), state = 'waiting', payload = payload || jsonb_build_object(
            'due', to_jsonb((payload ->> 'due')::timestamptz - interval '3 days'),
            'since', to_jsonb((payload ->> 'since')::timestamptz - interval '3 days'))
    where kind = 'referral.clock' and (payload ->> 'task')::bigint in (select task_rid from referral where state <> 'held') returning 1),
due as (update referral set due_at = due_at - interval '3 days' where due_at is not null and state <> 'held' returning 1),
place as (update place set held_until = now() - interval '1 s' where held_until is not null returning 1),
held as (update appointment set held_until = now() - interval '1 s' where state = 'held' returning 1),
holding as (update referral set held_until = now() - interval '1 s' where held_until is not null and state = 'held' returning 1),
ends as (update job set run_at = now(), state = 'waiting' where kind in ('scheduling.expire', 'referral.follow-booking') and state = 'later'
         returning 1)
select (select count(*) from clock) as clocks, (select count(*) from place) as places, (select count(*) from ends) as ends
"""
"""Three days go by while no server runs: every clock and hold is over."""

ALARMS = "select count(*) from referral_alarm"
TOLD_OUTSIDE = ("referral.overdue", "referral.escalated")
"""Of the alarms: to the desk of the receiver, and to the office."""
UNDONE = """
select count(*) from job where kind in ('referral.clock', 'scheduling.expire', 'referral.follow-booking', 'notifications.send',
    'notifications.deliver') and state not in ('done', 'later')
"""


@pytest.fixture
def dsn(dsn_of_journey: str) -> str:
    """The small region, with its people."""
    return dsn_of_journey


@pytest.fixture
async def waiting(dsn: str, quick_passwords: None) -> int:
    """`COUNT` emergencies nobody has answered, one referral whose place is held and whose clock runs; how many clocks there are."""
    async with running(dsn, jobs_at_once=0) as server:
        async with server.application.fhir.house.db.transaction() as tx:  # nobody sleeps, whatever the hour of the test
            never = {"from": "", "to": ""}
            await policy.put(tx, "notifications.quiet_hours", never, valid_from=date(2020, 1, 1), source="测试")
        bench = await server.as_("bench")
        for name, number in TELEPHONES.items():
            found = (await bench.get(f"/fhir/Practitioner/{name}")).json()
            await put(server, {**found, "telecom": [{"system": "phone", "value": number}]})
        await put(server, organization("county", "云溪县人民医院", "county", False), role("clinic", "county"))
        await put(server, schedule("s", "PractitionerRole/clinic"), slot("a", "s", SOON))
        for nth in range(COUNT + 1):
            await put(server, patient(f"k{nth}", f"王{'一二三四五六七'[nth]}", "male", f"1950-02-0{nth + 1}", "liuhe"))
        tasks = [await refer(server, f"k{nth}", "stat") for nth in range(COUNT)]
        held = await act(server, await refer(server, f"k{COUNT}", "routine"), "accept")
        held = await act(server, held, "hold", slot="Slot/a")
        assert held["businessStatus"]["coding"][0]["code"] == "held"
    return len(tasks)


async def put(server: Server, *resources: Json) -> None:
    client = await server.as_("bench")
    for one in resources:
        answer = await client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in (200, 201), answer.text


async def refer(server: Server, who: str, priority: str) -> Json:
    gp = await server.as_("gp2")
    answer = await gp.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up(who, "county", priority=priority)))
    assert answer.status_code == 201, answer.text
    found: Json = next(one["resource"] for one in answer.json()["parameter"] if one["name"] == "task")
    return found


async def act(server: Server, task: Json, action: str, **more: Any) -> Json:
    county = await server.as_("county")
    answer = await county.post(
        f"/fhir/Task/{task['id']}/$act", json=act_parameters(action, **more), headers={"if-match": f'W/"{task["meta"]["versionId"]}"'}
    )
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_alarms_holds_and_letters_outlive_a_server_that_is_killed_again_and_again(house: Killable, waiting: int) -> None:
    passed = (await house.rows(PASS))[0]
    assert (passed["clocks"], passed["places"], passed["ends"] > 0) == (waiting, 1, True)
    async with receiving() as gateway:
        settings = {"YILIAN_SMS_GATEWAY": gateway.url, "YILIAN_PERSON_REQUESTS_PER_MIN": "0"}
        async with house.serving(program=SLOWLY, **settings) as server:
            await server.struck(ALARMS, 4)  # the four stages of one clock are one transaction
        rung = await house.number(ALARMS)
        assert 4 <= rung < 4 * waiting
        assert rung % 4 == 0, "a clock was told in part"

        taken: list[str] = []

        def kill_at_the_third(got: Got) -> web.Response:
            taken.append(key_of(got))
            if len(taken) == 3:
                server.process.kill()  # it was sent, and the server will never know that it was taken
            return web.json_response({"id": f"taken-{len(taken)}"})

        gateway.answer = kill_at_the_third
        async with house.serving(**settings) as server:
            await server.process.wait()
        lost = taken[2]

        gateway.answer = lambda got: web.json_response({"id": "taken"})
        async with house.serving(**settings):
            await house.until(f"select ({ALARMS}) - ({UNDONE})", 4 * waiting)

    # every clock has told every stage, once
    assert await house.number(ALARMS) == 4 * waiting
    told = await house.rows("select event, about, role, agent, sum(times) as times from message_reader group by 1, 2, 3, 4")
    alarms = [row for row in told if row["event"] in ("referral.overdue", "referral.offer-elsewhere", "referral.escalated")]
    assert Counter(row["event"] for row in alarms) == {
        "referral.overdue": waiting, "referral.offer-elsewhere": waiting, "referral.escalated": 2 * waiting,
    }  # fmt: skip
    assert {row["times"] for row in alarms} == {1}
    # every letter was taken, at least once, under one key; the one whose taking was not noted came again
    letters = await house.rows("select d.id::text as id, d.state, m.event from message_delivery d join message m on m.id = d.message")
    assert {row["state"] for row in letters} == {"sent"}
    times = Counter(key_of(got) for got in gateway.got)
    assert set(times) == {row["id"] for row in letters}
    assert Counter(row["event"] for row in letters if row["event"] in TOLD_OUTSIDE) == dict.fromkeys(TOLD_OUTSIDE, waiting)
    assert times[lost] >= 2
    assert all(got.headers["idempotency-key"] == got.bundle["id"] for got in gateway.got)
    # what was held is free again, and its referral goes on; the clock that is not due goes on too
    assert await house.number("select count(*) from place where appointment is not null") == 0
    assert [row["state"] for row in await house.rows("select state from referral where held_until is not null or state = 'accepted'")] == [
        "accepted"
    ]
    assert await house.number(UNDONE) == 0


def key_of(got: Got) -> str:
    return str(got.bundle["id"])
