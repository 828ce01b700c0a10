"""A referral to an institution outside the platform: sent by a link, answered by its page, seen by the sender."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.http.beyond import BEYOND, MAIL, MOBILE, NAME, Beyond, act_parameters, named, took
from tests.http.house import running
from tests.referral.region import refer_parameters, state_of, up, version_of
from tests.sealing.dump import found
from yilian.fhir import urls
from yilian.fhir.dates import region_zone


@pytest.fixture
async def beyond(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[Beyond]:
    async with running(furnished_dsn, outbox_folder=str(tmp_path)) as server:
        made = Beyond(server, tmp_path)
        await made.furnish()
        yield made


async def test_it_is_answered_by_a_link_from_the_first_look_to_the_last_word(beyond: Beyond) -> None:
    task = await beyond.referred()
    letter = (await beyond.letters(1))[0]
    assert letter["to"] == MAIL
    assert "单雄" not in json.dumps(letter, ensure_ascii=False), "no letter names the patient"
    assert task["groupIdentifier"]["value"] not in letter["text"]

    browser = await beyond.inside(task)
    shown = (await browser.get("/outside/referral")).json()
    assert shown["state"] == "submitted"
    assert shown["slip"]["name"] == "单雄"
    assert shown["slip"]["institution"] == "柳河镇卫生院"
    assert [one["code"] for one in shown["steps"]] == ["accept", "receive", "ask", "decline"]

    assert (await took(browser, "receive"))["state"] == "received"
    assert (await took(browser, "ask", question="有无药物过敏?"))["state"] == "need-info"
    gp = await beyond.server.as_("gp2")
    stored = (await gp.get(f"/fhir/Task/{task['id']}")).json()
    answer = await gp.post(
        f"/fhir/Task/{task['id']}/$act",
        json=act_parameters("answer", answer="无过敏史。"),
        headers={"if-match": f'W/"{version_of(stored)}"'},
    )
    assert answer.status_code == 200, answer.text
    assert "新进展" in (await beyond.letters(2))[1]["text"], "the other side is told that there is an answer, and not which"
    assert [line["text"] for line in (await browser.get("/outside/referral")).json()["talk"]] == ["有无药物过敏?", "无过敏史。"]

    assert (await browser.post("/outside/say", json={"text": "请带既往片子。"})).status_code == 204
    accepted = await took(browser, "accept", start="2026-11-30T09:30", place="门诊楼 3 层", doctor="何医生")
    assert accepted == {"state": "accepted", "stateName": "同意接诊", "open": True}
    assert (await took(browser, "arrive"))["state"] == "arrived"
    assert (await took(browser, "report", note="已入院"))["state"] == "arrived"
    paper = await browser.get("/outside/slip?kind=referral")
    assert paper.content.startswith(b"%PDF")
    done = await took(browser, "complete", diagnosis="肺炎", treatment="抗感染治疗", advice="一周后复查")
    assert done["open"] is False

    final = (await gp.get(f"/fhir/Task/{task['id']}")).json()
    assert state_of(final) == "completed"
    notes = [note["text"] for note in final["note"]]
    assert "接诊地点:门诊楼 3 层;接诊医生:何医生" in notes
    assert final["note"][-1]["authorReference"]["reference"] == f"Organization/{BEYOND}"
    assert "王敏·一次性验证码" in final["note"][-1]["authorReference"]["display"]
    start = next(e for e in final["extension"] if e["url"] == urls.ARRANGED)["extension"][0]["valueDateTime"]
    assert datetime.fromisoformat(start).utcoffset() is not None
    assert (await browser.get("/outside/referral")).status_code == 401, "the link ends with the referral"
    assert (await beyond.told(task))["state"] == ["closed"]


async def test_at_night_a_link_by_mail_leaves_at_once_and_a_code_by_telephone_waits(beyond: Beyond) -> None:
    """The receiver's time runs from now on; a mail to an office wakes nobody."""
    office = await beyond.server.as_("office")
    kept = await office.post(f"/fhir/Organization/{BEYOND}/$keep-referral-window", json=named(email=MAIL, sms=MOBILE))
    assert kept.status_code == 200, kept.text
    now = datetime.now(UTC).astimezone(region_zone())
    await beyond.quiet(f"{now - timedelta(hours=1):%H:%M}", f"{now + timedelta(hours=9):%H:%M}")
    await beyond.referred()
    assert await beyond.link()
    waiting = """select count(*) from message_delivery d join job j on j.payload ->> 'delivery' = d.id::text
        join message_reader r on r.id = d.reader where r.channel = 'sms' and d.state = 'waiting' and j.run_at > now()"""
    for _ in range(200):
        if await beyond.server.value(waiting):
            break
        await asyncio.sleep(0.05)
    assert await beyond.server.value(waiting) == 1


async def test_the_sender_and_the_office_see_how_it_stands_and_nobody_else_does(beyond: Beyond) -> None:
    task = await beyond.referred()
    await beyond.letters(1)
    told = await beyond.told(task)
    assert told["state"] == ["alive"]
    assert told["institution"][0]["display"] == NAME
    assert told["may-send"] == told["may-end"] == told["may-tell"] == [True]
    assert "opened" not in told
    await beyond.inside(task)
    told = await beyond.told(task)
    assert told["opened-by"] == ["王敏"]
    assert told["code-used"] == [True]
    letters = [{part["name"]: part.get("valueCode", part.get("valueString")) for part in one} for one in told["letter"]]
    assert letters == [{"what": "link", "channel": "email", "to": "z***@linjiang.example", "state": "sent"}]
    for other, status in (("gp", 404), ("expert", 404), ("admin", 404)):
        assert (await (await beyond.server.as_(other)).get(f"/fhir/Task/{task['id']}/$outside")).status_code == status, other
    inside = await (await beyond.server.as_("gp2")).post(
        "/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3", "first", specialty="02"))
    )
    assert inside.status_code == 201, inside.text
    here = next(one["resource"] for one in inside.json()["parameter"] if one["name"] == "task")
    assert (await (await beyond.server.as_("gp2")).get(f"/fhir/Task/{here['id']}/$outside")).status_code == 404


async def test_sent_anew_the_old_link_and_who_came_by_it_are_out(beyond: Beyond) -> None:
    task = await beyond.referred()
    old = await beyond.link()
    browser = await beyond.inside(task)
    gp = await beyond.server.as_("gp2")
    assert (await gp.post(f"/fhir/Task/{task['id']}/$outside-send", json=named())).status_code == 200
    assert (await browser.get("/outside/referral")).status_code == 401
    new = await beyond.link(2)
    assert new != old
    code, number = await beyond.code(task)
    opening = {"code": code, "number": number, "name": "王敏"}
    assert (await beyond.browser().post("/outside/open", json={"link": old, **opening})).status_code == 401
    assert (await beyond.browser().post("/outside/open", json={"link": new, **opening})).status_code == 204
    assert (await gp.post(f"/fhir/Task/{task['id']}/$outside-end", json=named())).status_code == 200
    assert (await beyond.told(task))["state"] == ["taken-back"]
    assert (await gp.post(f"/fhir/Task/{task['id']}/$outside-end", json=named())).status_code == 409


async def test_a_second_way_carries_the_code_and_another_one_is_asked_for_by_the_page(furnished_dsn: str, tmp_path: Path) -> None:
    async with running(furnished_dsn, outbox_folder=str(tmp_path)) as server:
        beyond = Beyond(server, tmp_path)
        await beyond.furnish(sms=MOBILE)
        task = await beyond.referred()
        (sms,) = await beyond.letters(1, "sms")
        assert sms["to"] == MOBILE
        code, _ = await beyond.code(task)
        assert code in sms["text"]
        link = await beyond.link()
        browser = await beyond.inside(task)
        assert (await beyond.browser().post("/outside/code", json={"link": link})).status_code == 204
        assert (await beyond.browser().post("/outside/code", json={"link": link})).status_code == 204, "the answer tells nothing"
        second = (await beyond.letters(2, "sms"))[-1]
        assert code not in second["text"]
        assert (await browser.get("/outside/referral")).status_code == 200, "who is in stays in"
        assert (await beyond.code(task))[0] in second["text"]


async def test_no_link_and_no_code_stands_in_any_table(beyond: Beyond) -> None:
    task = await beyond.referred()
    link, (code, _) = await beyond.link(), await beyond.code(task)
    browser = await beyond.inside(task)
    cookie = browser.cookies["yilian-outside"]
    await took(browser, "receive")
    await asyncio.sleep(0.4)  # the trail is written
    secrets = {"link": link, "cookie": cookie, "mail": MAIL, "code": f"码:{code}", "code in a cell": f",{code},", "code alone": f"({code},"}
    assert await found(beyond.server.dsn, secrets) == {}
    assert await found(beyond.server.dsn, {"the looking itself": "王敏"}) != {}


async def test_a_letter_that_is_sent_again_says_the_same_and_one_whose_link_ended_does_not_leave(beyond: Beyond) -> None:
    task = await beyond.referred()
    link = await beyond.link()
    coordinator = await beyond.server.as_("admin")
    listed = (await coordinator.get("/fhir/$deliveries")).json()
    text = json.dumps(listed, ensure_ascii=False)
    assert link not in text
    assert "••••••" in text
    delivery = await beyond.server.value(
        "select d.id::text from message_delivery d join message m on m.id = d.message where m.event = $1", "referral.outside-link"
    )
    before = (await beyond.letters(1))[0]
    (beyond.folder / f"email-{delivery}.json").unlink()
    assert (await coordinator.post("/fhir/$resend-delivery", json=named(delivery=delivery))).status_code == 200
    assert (await beyond.letters(1))[0]["text"] == before["text"]
    gp = await beyond.server.as_("gp2")
    assert (await gp.post(f"/fhir/Task/{task['id']}/$outside-end", json=named())).status_code == 200
    assert (await coordinator.post("/fhir/$resend-delivery", json=named(delivery=delivery))).status_code == 200
    for _ in range(100):
        if await beyond.server.value("select state from message_delivery where id::text = $1", delivery) == "failed":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a letter left whose link had ended")


async def test_the_office_keeps_windows_that_can_be_reached_of_who_is_not_here(beyond: Beyond) -> None:
    office, gp = await beyond.server.as_("office"), await beyond.server.as_("gp2")
    at = f"/fhir/Organization/{BEYOND}/$keep-referral-window"
    for wrong in (named(), named(email="nobody"), named(sms="0516-88000000"), named(email="a@b c")):
        assert (await office.post(at, json=wrong)).status_code == 422, wrong
    assert (await office.post("/fhir/Organization/first/$keep-referral-window", json=named(email=MAIL))).status_code == 409
    assert (await gp.post(at, json=named(email=MAIL))).status_code == 403
    assert (await gp.get(f"/fhir/Organization/{BEYOND}/$referral-window")).status_code == 403
    kept = (await office.get(f"/fhir/Organization/{BEYOND}/$referral-window")).json()["parameter"]
    assert {"name": "email", "valueString": MAIL} in kept
    assert MAIL not in (await gp.get(f"/fhir/Organization/{BEYOND}")).text

    task = await beyond.referred()
    await beyond.letters(1)
    assert (await office.post(at, json=named(outside=False))).status_code == 409, "it answers a referral by a link"
    stored = (await gp.get(f"/fhir/Task/{task['id']}")).json()
    cancel = act_parameters("cancel", reason="家属放弃")
    assert (
        await gp.post(f"/fhir/Task/{task['id']}/$act", json=cancel, headers={"if-match": f'W/"{version_of(stored)}"'})
    ).status_code == 200
    assert "撤回" in (await beyond.letters(2))[-1]["text"]
    assert (await office.post(at, json=named(outside=False))).status_code == 200
    marked = {**(await gp.get(f"/fhir/Organization/{BEYOND}")).json()}
    assert urls.OUTSIDE not in json.dumps(marked)
    marked["extension"] = [*marked["extension"], {"url": urls.OUTSIDE, "valueBoolean": True}]
    bench = await beyond.server.as_("bench")
    assert (await bench.put(f"/fhir/Organization/{BEYOND}", json=marked)).status_code == 200
    refused = await gp.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3", BEYOND)))
    assert refused.status_code == 422
    assert "转诊窗口" in refused.text
