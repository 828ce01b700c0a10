"""What both sides of a referral say to each other."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.http.house import Server
from tests.referral.region import refer_parameters, up

Json = dict[str, Any]


async def sent(server: Server) -> str:
    """A referral of p3 by 柳河镇卫生院 to 云溪市第一人民医院: the id of its Task."""
    gp2 = await server.as_("gp2")
    answer = await gp2.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3")))
    assert answer.status_code == 201, answer.text
    return str(next(part["resource"]["id"] for part in answer.json()["parameter"] if part["name"] == "task"))


async def say(server: Server, who: str, task: str, text: str = "", **more: Any) -> httpx.Response:
    parts = [{"name": "text", "valueString": text}] if text else []
    parts += [{"name": name, "valueString": one} for name, value in more.items() for one in (value if isinstance(value, list) else [value])]
    client = await server.as_(who)
    return await client.post(f"/fhir/Task/{task}/$say", json={"resourceType": "Parameters", "parameter": parts})


async def talk(server: Server, who: str, task: str) -> tuple[int, bool, list[Json]]:
    answer = await (await server.as_(who)).get(f"/fhir/Task/{task}/$conversation")
    assert answer.status_code == 200, answer.text
    parts = answer.json()["parameter"]
    return parts[0]["valueInteger"], parts[1]["valueBoolean"], [part["resource"] for part in parts[2:]]


async def inbox(server: Server, who: str) -> list[Json]:
    bundle = (await (await server.as_(who)).get("/fhir/$messages?kind=conversation")).json()
    return [entry["resource"] for entry in bundle["entry"]]


async def unread(server: Server, who: str, *tasks: str) -> dict[str, int]:
    answer = await (await server.as_(who)).get("/fhir/Task/$unread", params={"task": ",".join(tasks)})
    assert answer.status_code == 200, answer.text
    rows = [{part["name"]: part for part in one["part"]} for one in answer.json().get("parameter", [])]
    return {row["task"]["valueId"]: row["lines"]["valueInteger"] for row in rows}


async def test_the_rows_of_a_list_say_how_much_is_unread_to_who_sees_them(server: Server) -> None:
    first = await sent(server)
    gp2 = await server.as_("gp2")
    await gp2.post(f"/fhir/Task/{first}/$heard", json={"resourceType": "Parameters"})
    for text in ("心电图?", "血压?"):
        await say(server, "coordinator", first, text, kind="question")
    assert await unread(server, "gp2", first, "nothing") == {first: 2}
    assert await unread(server, "coordinator", first) == {}
    assert await unread(server, "expert2", first) == {}, "who does not see the referral learns nothing of it"
    await gp2.post(f"/fhir/Task/{first}/$heard", json={"resourceType": "Parameters"})
    assert await unread(server, "gp2", first) == {}
    assert (await gp2.get("/fhir/Task/$unread", params={"task": ",".join(["x"] * 201)})).status_code == 400


async def test_a_question_is_asked_and_answered_and_each_side_is_told_and_counts_what_it_has_not_read(server: Server) -> None:
    task = await sent(server)
    asked = await say(server, "coordinator", task, "心电图是今天做的吗?", kind="question")
    assert asked.status_code == 201, asked.text
    question = asked.json()
    assert question["basedOn"][0]["reference"].startswith("ServiceRequest/")
    assert question["sender"]["display"] == "孙丽(云溪市第一人民医院)"
    (told,) = await inbox(server, "gp2")
    assert told["payload"][0]["contentString"].startswith("孙丽(云溪市第一人民医院) 就 单雄 的转诊")
    assert told["about"] == [{"reference": f"Task/{task}"}]
    assert (await talk(server, "gp2", task))[:2] == (1, True)
    assert (await talk(server, "coordinator", task))[0] == 0

    answered = await say(server, "gp2", task, "是,今晨八点。", kind="answer", answers=question["id"])
    assert answered.json()["inResponseTo"] == [{"reference": f"Communication/{question['id']}"}]
    assert (await talk(server, "gp2", task))[0] == 0
    unread, _, lines = await talk(server, "coordinator", task)
    assert (unread, [line["payload"][0]["contentString"] for line in lines]) == (1, ["心电图是今天做的吗?", "是,今晨八点。"])
    assert len(await inbox(server, "coordinator")) == 1  # who has spoken is told, and not the whole desk
    await (await server.as_("coordinator")).post(f"/fhir/Task/{task}/$heard", json={"resourceType": "Parameters"})
    assert (await talk(server, "coordinator", task))[0] == 0


async def test_nobody_else_takes_part_or_knows_of_it(server: Server) -> None:
    task = await sent(server)
    assert (await say(server, "coordinator", task, "您好")).status_code == 201
    for stranger in ("gp", "county", "admin", "resident"):
        client = await server.as_(stranger)
        assert (await client.get(f"/fhir/Task/{task}/$conversation")).status_code in (403, 404)
        assert (await say(server, stranger, task, "我也说一句")).status_code in (403, 404)
    assert (await say(server, "pharmacist", task, "我也说一句")).status_code == 403  # of the house, and of neither side
    assert (await talk(server, "pharmacist", task))[1] is False


async def test_nothing_is_said_on_a_draft(server: Server) -> None:
    gp2 = await server.as_("gp2")
    answer = await gp2.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3"), submit=False))
    task = next(part["resource"]["id"] for part in answer.json()["parameter"] if part["name"] == "task")
    assert (await say(server, "gp2", task, "自言自语")).status_code == 409


async def test_a_file_is_of_this_patient_and_within_the_scope(server: Server) -> None:
    task = await sent(server)
    gp2 = await server.as_("gp2")
    ids = {}
    for patient, client in (("p3", gp2), ("p1", await server.as_("gp"))):
        document = {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": {"reference": f"Patient/{patient}"},
            "content": [{"attachment": {"contentType": "text/plain", "data": "5b+D55S15Zu+", "title": "心电图"}}],
        }
        made = await client.post("/fhir/DocumentReference", json=document)
        assert made.status_code == 201, made.text
        ids[patient] = made.json()["id"]
    fine = await say(server, "gp2", task, kind="file", file=[f"DocumentReference/{ids['p3']}"])
    assert fine.json()["payload"] == [{"contentReference": {"reference": f"DocumentReference/{ids['p3']}"}}]
    assert (await say(server, "gp2", task, kind="file", file=[f"DocumentReference/{ids['p1']}"])).status_code == 422
    assert (await say(server, "gp2", task, kind="file", file=["https://elsewhere.example/1"])).status_code == 422


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({}, 400),
        ({"text": "x" * 2001}, 400),
        ({"text": "?", "kind": "shout"}, 400),
        ({"kind": "file"}, 400),
        ({"text": "x", "answers": "no"}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused(server: Server, what: dict[str, str], status: int) -> None:
    task = await sent(server)
    assert (await say(server, "gp2", task, **what)).status_code == status
    assert (await talk(server, "gp2", task))[2] == []


async def test_what_was_said_stays_as_it_was_said(server: Server) -> None:
    task = await sent(server)
    said = (await say(server, "gp2", task, "原话")).json()
    for who in ("gp2", "bench"):
        client = await server.as_(who)
        other = {**said, "payload": [{"contentString": "改口"}]}
        assert (await client.put(f"/fhir/Communication/{said['id']}", json=other)).status_code == 409
        assert (await client.delete(f"/fhir/Communication/{said['id']}")).status_code == 409
        assert (
            await client.post("/fhir/Communication", json={k: v for k, v in said.items() if k not in ("id", "meta")})
        ).status_code == 409
    assert (await talk(server, "gp2", task))[2][0]["payload"] == [{"contentString": "原话"}]
