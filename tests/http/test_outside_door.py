"""Who does not have link, code and number learns nothing; who has them reaches one referral and no other thing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.beyond import BEYOND, Beyond, named, took
from tests.http.house import running
from tests.referral.region import act_parameters, version_of
from yilian import app, config
from yilian.access.sessions import digest
from yilian.referral import alarms

Json = dict[str, Any]


@pytest.fixture
async def beyond(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[Beyond]:
    async with running(furnished_dsn, outbox_folder=str(tmp_path)) as server:
        made = Beyond(server, tmp_path)
        await made.furnish()
        await free_addresses(made)
        yield made


async def free_addresses(beyond: Beyond) -> None:
    """All tests come from one address: its limit is for another test."""
    await beyond.server.value(
        "insert into policy (name, value, valid_from, source, evidence)"
        " values ('access.address_failures', '0', '2020-01-01', 'test', 'house') returning true"
    )


async def tried(beyond: Beyond, link: str, code: str, number: str, name: str = "王敏") -> httpx.Response:
    return await beyond.browser().post("/outside/open", json={"link": link, "code": code, "number": number, "name": name})


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def said(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """What somebody outside can tell two answers apart by."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status_code, answer.json(), headers


async def test_whatever_is_wrong_the_answer_is_the_same(beyond: Beyond) -> None:
    task = await beyond.referred()
    link, (code, number) = await beyond.link(), await beyond.code(task)
    wrong = {
        "no such link": await tried(beyond, "0" * 64, code, number),
        "nothing": await tried(beyond, "", "", ""),
        "code": await tried(beyond, link, other(code), number),
        "number": await tried(beyond, link, code, other(number)[-4:]),
    }
    assert (await tried(beyond, link, code, number)).status_code == 204
    wrong["used"] = await tried(beyond, link, code, number)
    await beyond.server.value("update outside_link set code_used = null, expires = now() - interval '1 minute' returning true")
    wrong["expired"] = await tried(beyond, link, code, number)
    await beyond.server.value("update outside_link set expires = now() + interval '1 day' returning true")
    await (await beyond.server.as_("gp2")).post(f"/fhir/Task/{task['id']}/$outside-end", json=named())
    wrong["ended"] = await tried(beyond, link, code, number)
    answers = {name: said(answer) for name, answer in wrong.items()}
    assert {status for status, _, _ in answers.values()} == {401}
    assert len({str(one) for one in answers.values()}) == 1, answers
    noted = await beyond.server.value("select count(*) from audit_event where client = 'yilian-outside' and outcome = '4'")
    assert noted == len(wrong), "every wrong try stands in the trail"


async def test_after_the_last_try_the_right_code_opens_nothing_and_the_sender_is_told(beyond: Beyond) -> None:
    task = await beyond.referred()
    link, (code, number) = await beyond.link(), await beyond.code(task)
    for _ in range(5):
        assert (await tried(beyond, link, other(code), number)).status_code == 401
    assert (await tried(beyond, link, code, number)).status_code == 401
    assert (await beyond.told(task))["state"] == ["locked"]
    told = await beyond.server.value("select count(*) from message where event = 'referral.outside-locked'")
    assert told == 1


@pytest.mark.parametrize("right", [0, 1])
async def test_of_many_at_the_last_try_none_is_looked_at_too_much(beyond: Beyond, right: int) -> None:
    task = await beyond.referred()
    link, (code, number) = await beyond.link(), await beyond.code(task)
    for _ in range(4):
        await tried(beyond, link, other(code), number)
    codes = [code] * right + [other(code)] * 5
    answers = await asyncio.gather(*(tried(beyond, link, one, number) for one in codes))
    opened = sum(one.status_code == 204 for one in answers)
    sessions = await beyond.server.value("select count(*) from outside_session")
    assert sessions == opened <= right
    tries = await beyond.server.value("select tries from outside_link")
    assert tries <= 5
    if not opened:
        assert (await beyond.told(task))["state"] == ["locked"]


async def test_of_two_who_give_the_right_code_at_once_one_comes_in(beyond: Beyond) -> None:
    task = await beyond.referred()
    link, (code, number) = await beyond.link(), await beyond.code(task)
    answers = await asyncio.gather(*(tried(beyond, link, code, number) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [204, 401, 401, 401, 401, 401]


async def test_the_session_reaches_no_other_referral_and_no_other_thing(beyond: Beyond) -> None:
    mine = await beyond.referred()
    mate = await beyond.referred(specialty="02")
    browser = await beyond.inside(mine, many=2) if await is_of(beyond, mine) else await beyond.inside(mate, many=2)
    shown = (await browser.get("/outside/referral")).json()
    here, there = (mine, mate) if shown["slip"]["number"] == mine["groupIdentifier"]["value"] else (mate, mine)
    cookie = browser.cookies["yilian-outside"]
    for path in (
        f"/fhir/Task/{here['id']}",
        f"/fhir/Task/{there['id']}",
        "/fhir/Task",
        "/fhir/Patient/p3",
        "/fhir/Patient?name=单",
        "/fhir/Patient/p3/$everything",
        f"/fhir/Task/{there['id']}/$slip",
        f"/fhir/Task/{there['id']}/$handover",
        "/fhir/DocumentReference",
        "/oauth2/account",
    ):
        answer = await beyond.server.nobody().get(path, headers={"cookie": f"yilian-outside={cookie}; yilian-session={cookie}"})
        assert answer.status_code == 401, path
        as_token = await beyond.server.nobody().get(path, headers={"authorization": f"Bearer {cookie}"})
        assert as_token.status_code == 401, path
    for path in (f"/outside/referral?task={there['id']}", f"/outside/referral/{there['id']}"):
        answer = await browser.get(path)
        assert there["groupIdentifier"]["value"] not in answer.text
    assert (await browser.get(f"/outside/slip?task={there['id']}")).status_code == 400
    stored = (await (await beyond.server.as_("gp2")).get(f"/fhir/Task/{there['id']}")).json()
    extra = {"version": version_of(stored), "action": "receive", "given": {}, "task": there["id"]}
    assert (await browser.post("/outside/act", json=extra)).status_code == 400
    await took(browser, "receive")
    after = (await (await beyond.server.as_("gp2")).get(f"/fhir/Task/{there['id']}")).json()
    assert after["meta"] == stored["meta"]


async def is_of(beyond: Beyond, task: Json) -> bool:
    """Whether the newest link is that of this referral."""
    link = await beyond.link(2)
    return bool(
        await beyond.server.value(
            "select true from outside_link l join referral f using (task_rid) where l.digest = $1 and f.task_id = $2",
            digest(link),
            task["id"],
        )
    )


async def test_only_the_receivers_steps_are_taken_and_only_as_the_table_has_them(beyond: Beyond) -> None:
    task = await beyond.referred()
    browser = await beyond.inside(task)
    version = (await browser.get("/outside/referral")).json()["version"]

    async def act(action: str, version: int = version, **given: str) -> int:
        return (await browser.post("/outside/act", json={"version": version, "action": action, "given": given})).status_code

    assert await act("forward", to="Organization/first") == 400
    assert await act("cancel", reason="x") == 400
    assert await act("complete", diagnosis="x", treatment="x", advice="x") == 409
    assert await act("decline", reason="because") == 400
    assert await act("decline") == 400
    assert await act("accept", start="tomorrow") == 400
    assert await act("receive", to="Organization/first") == 400
    assert await act("receive", version=99) == 412
    assert await act("decline", reason="no-capacity") == 200
    assert (await browser.get("/outside/referral")).status_code == 401


async def test_a_page_of_another_site_can_do_nothing_with_the_cookie(beyond: Beyond) -> None:
    task = await beyond.referred()
    browser = await beyond.inside(task)
    step = {"version": version_of(task), "action": "receive", "given": {}}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        assert (await browser.post("/outside/act", json=step, headers=headers)).status_code == 403
    form = await browser.post("/outside/act", content="version=1", headers={"content-type": "application/x-www-form-urlencoded"})
    assert form.status_code == 415
    code, number = "000000", "0000"
    answer = await beyond.browser().post(
        "/outside/open", json={"link": await beyond.link(), "code": code, "number": number, "name": "王敏"}
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    opened = await beyond.browser().post(
        "/outside/open",
        json=dict(zip(("code", "number"), await code_now(beyond, task), strict=True)) | {"link": await beyond.link(), "name": "王敏"},
    )
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/outside" in cookie


async def code_now(beyond: Beyond, task: Json) -> tuple[str, str]:
    """A code that is good, after the first was used."""
    await beyond.browser().post("/outside/code", json={"link": await beyond.link()})
    return await beyond.code(task)


async def test_an_address_that_keeps_failing_has_to_wait(furnished_dsn: str, tmp_path: Path) -> None:
    async with running(furnished_dsn, outbox_folder=str(tmp_path), address_sign_ins_per_min=10) as server:
        beyond = Beyond(server, tmp_path)
        statuses = [(await tried(beyond, "0" * 64, "1", "1")).status_code for _ in range(12)]
        assert 429 in statuses
        assert statuses[0] == 401


async def test_everything_that_is_read_and_done_names_institution_code_and_person(beyond: Beyond) -> None:
    task = await beyond.referred()
    browser = await beyond.inside(task)
    await browser.get("/outside/referral")
    await took(browser, "receive")
    rows = await beyond.server.value(
        "select json_agg(json_build_array(subtype, operation, name, agent, patient is not null)) from audit_event"
        " where client = 'yilian-outside' and agent = $1",
        f"Organization/{BEYOND}",
    )
    noted = [tuple(one) for one in json.loads(rows)]
    assert ("110122", "", "王敏", f"Organization/{BEYOND}", False) in noted
    assert ("operation", "outside", "王敏·一次性验证码", f"Organization/{BEYOND}", True) in noted
    assert ("update", "", "王敏·一次性验证码", f"Organization/{BEYOND}", True) in noted
    told = await beyond.server.value("select count(*) from audit_event where operation = 'outside-code' and account = 'gp2'")
    assert told == 1


async def test_an_alarm_goes_to_the_window_and_to_the_sender(beyond: Beyond) -> None:
    task = await beyond.referred()
    await beyond.letters(1)
    database = app.database(config.Settings(), beyond.server.dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            row = await tx.fetchrow("select task_rid, due_at, submitted_at from referral where task_id = $1", task["id"])
            assert row is not None
            tx.now = row["due_at"] + timedelta(minutes=1)
            await alarms.ring_at(tx, row["task_rid"], row["due_at"], row["submitted_at"])
            tx.now = row["due_at"] + timedelta(days=2)
            await alarms.ring_at(tx, row["task_rid"], row["due_at"], row["submitted_at"])
            readers = await tx.fetch(
                "select m.event, coalesce(r.agent, r.channel, o.id || ' ' || r.role) as who from message m"
                " join message_reader r on r.message = m.id left join resource o on o.rid = r.institution"
                " where m.event in ('referral.overdue', 'referral.outside-due', 'referral.escalated') order by m.id, r.id"
            )
    finally:
        await database.close()
    told = [(one["event"], one["who"]) for one in readers]
    assert ("referral.overdue", "Practitioner/gp2") in told
    assert ("referral.outside-due", "email") in told
    assert ("referral.escalated", "liuhe head") in told
    assert not any(who.startswith(BEYOND) for _, who in told)


async def test_the_sender_may_go_elsewhere_and_the_link_ends(beyond: Beyond) -> None:
    task = await beyond.referred()
    browser = await beyond.inside(task)
    await beyond.server.value("update referral set due_at = now() - interval '1 hour' where task_id = $1 returning true", task["id"])
    gp = await beyond.server.as_("gp2")
    stored = (await gp.get(f"/fhir/Task/{task['id']}")).json()
    answer = await gp.post(
        f"/fhir/Task/{task['id']}/$act",
        json=act_parameters("redirect", to="Organization/first"),
        headers={"if-match": f'W/"{version_of(stored)}"'},
    )
    assert answer.status_code == 200, answer.text
    assert (await browser.get("/outside/referral")).status_code == 401
    assert (await beyond.told(task))["state"] == ["closed"]
