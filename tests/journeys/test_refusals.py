"""What is refused on the way, with words that say what to do instead, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.journeys.steps import Journey
from tests.referral.region import OUTCOME, act_parameters, decline_reason, state_of, up, version_of
from yilian.fhir import urls

Json = dict[str, Any]


async def test_who_has_seen_an_older_version_is_told_to_look_again(journey: Journey) -> None:
    _, task = await journey.submitted()
    await journey.act("coordinator", task, "receive")
    refused = await journey.try_act("coordinator", task, "accept")
    assert refused.status_code == 412
    assert f"version {version_of(task) + 1} now" in refused.json()["issue"][0]["diagnostics"]
    assert "刷新" in refused.json()["issue"][0]["details"]["text"]
    assert state_of(await journey.read("gp", f"Task/{task['id']}")) == "received"


async def test_of_two_who_act_at_once_one_has_to_look_again(journey: Journey) -> None:
    _, task = await journey.submitted()
    await journey.as_("expert")
    answers = await asyncio.gather(
        journey.try_act("coordinator", task, "decline", reason=decline_reason()), journey.try_act("expert", task, "accept")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    done = next(answer.json() for answer in answers if answer.status_code == 200)
    assert await journey.read("gp", f"Task/{task['id']}") == done


async def test_a_step_says_which_version_was_seen(journey: Journey) -> None:
    _, task = await journey.submitted()
    client = await journey.as_("coordinator")
    refused = await client.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters("receive"))
    assert refused.status_code == 400
    assert "If-Match" in refused.json()["issue"][0]["diagnostics"]
    strange = await client.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters("receive"), headers={"if-match": "the newest"})
    assert strange.status_code == 400


async def test_what_is_not_legal_now_is_refused_with_what_is(journey: Journey) -> None:
    _, task = await journey.submitted()
    receiver = ["accept", "receive", "ask", "stay", "green", "forward", "decline", "leave"]
    cases: list[tuple[str, str, Json, list[str]]] = [
        ("coordinator", "complete", OUTCOME, receiver),
        ("coordinator", "book", {}, receiver),
        ("gp", "answer", {"answer": "?"}, ["stay", "green", "leave", "cancel"]),
        ("head", "approve", {}, []),
        ("resident", "arrive", {}, ["cancel"]),
    ]
    for who, action, more, legal in cases:
        refused = await journey.try_act(who, task, action, **more)
        assert refused.status_code == 409, (who, action, refused.text)
        (issue,) = refused.json()["issue"]
        assert issue["code"] == "business-rule"
        assert "'submitted'" in issue["diagnostics"]
        assert issue["diagnostics"].endswith(f"You may: {', '.join(legal) or 'nothing'}.")
        assert "待接收" in issue["details"]["text"]
    assert await journey.read("gp", f"Task/{task['id']}") == task


async def test_a_step_that_is_somebody_elses_is_forbidden(journey: Journey) -> None:
    _, task = await journey.refer("gp")
    for who in ("gp", "gp-colleague"):
        assert (await journey.try_act(who, task, "approve")).status_code == 403
    task = await journey.act("head", task, "approve")
    cases: list[tuple[str, str, Json]] = [
        ("gp", "accept", {}),
        ("head", "accept", {}),
        ("head", "cancel", {"reason": "x"}),
        ("coordinator", "cancel", {"reason": "x"}),
        ("resident", "accept", {}),
        ("pharmacist", "accept", {}),
        ("office", "accept", {}),
        ("bench", "accept", {}),
    ]
    for who, action, more in cases:
        refused = await journey.try_act(who, task, action, **more)
        assert refused.status_code == 403, (who, action, refused.text)
        assert refused.json()["issue"][0]["details"]["text"]
    assert (await journey.try_act("county", task, "accept")).status_code == 404
    assert await journey.read("gp", f"Task/{task['id']}") == task


async def test_a_step_without_what_it_needs_names_all_of_it(journey: Journey) -> None:
    _, task = await journey.arrived()
    refused = await journey.try_act("expert", task, "complete", diagnosis="冠心病")
    assert refused.status_code == 422
    assert [issue["expression"] for issue in refused.json()["issue"]] == [
        ["Parameters.parameter.where(name='treatment')"],
        ["Parameters.parameter.where(name='advice')"],
    ]
    assert "治疗经过" in refused.json()["issue"][0]["details"]["text"]
    other = await journey.try_act("expert", task, "report", attachment="Observation/sugar")  # of a patient the hospital does not know
    unknown = await journey.try_act("expert", task, "report", attachment="Observation/nobody")
    assert other.status_code == 422
    assert other.text.replace("sugar", "nobody") == unknown.text


async def test_who_may_not_refer_refers_nobody(journey: Journey) -> None:
    for who in ("head", "office", "pharmacist", "admin", "resident", "bench"):
        assert (await journey.try_refer(who)).status_code == 403, who
    for who in ("gp2", "county", "coordinator"):
        refused = await journey.try_refer(who)
        unknown = await journey.try_refer(who, up("nobody"))
        assert refused.status_code == 404
        assert refused.text.replace("p1", "nobody") == unknown.text
    assert await journey.server.value("select count(*) from referral") == 0


async def test_a_referral_with_faults_is_refused_with_all_of_them(journey: Journey) -> None:
    faulty = up("p1", "liuhe", specialty="", reason="stable-after-acute")
    refused = await journey.try_refer("gp", faulty)
    assert refused.status_code == 422
    places = {issue["expression"][0] for issue in refused.json()["issue"]}
    assert {"ServiceRequest.locationCode", "ServiceRequest.reasonCode"} <= places
    assert (await journey.try_refer("gp", up("dead"))).status_code == 422
    assert (await journey.try_refer("gp", up("p1", "qingshi", direction="lateral"))).status_code == 422
    foreign = await journey.try_refer("gp", up("p1", supportingInfo=[{"reference": "Observation/sugar"}]))
    assert foreign.status_code == 422
    assert foreign.json()["issue"][0]["expression"] == ["ServiceRequest.supportingInfo[0]"]
    assert await journey.server.value("select count(*) from referral") == 0


@pytest.mark.parametrize("who", ["gp", "coordinator", "bench"])
async def test_nobody_writes_around_the_table_of_states(journey: Journey, who: str) -> None:
    request, task = await journey.submitted()
    client = await journey.as_(who)
    over = {**task, "status": "completed", "businessStatus": {"coding": [{"system": urls.REFERRAL_STATE, "code": "completed"}]}}
    plain = {key: value for key, value in task.items() if key not in ("businessStatus", "identifier", "code")}
    for kind, bodies in (("Task", [over, plain]), ("ServiceRequest", [{**request, "status": "revoked"}])):
        where = f"{kind}/{bodies[0]['id']}"
        version = version_of(await journey.read("gp", where))
        for body in bodies:
            answer = await client.put(f"/fhir/{where}", json=body, headers={"if-match": f'W/"{version}"'})
            assert answer.status_code == 409, answer.text
            assert "$act" in answer.json()["issue"][0]["diagnostics"]
            entry = {"resource": body, "request": {"method": "PUT", "url": where}}
            whole = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
            assert whole.status_code == 409
            alone = await client.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
            assert alone.json()["entry"][0]["response"]["status"] == "409"
        assert (await client.delete(f"/fhir/{where}")).status_code == 409
        patch = [{"op": "replace", "path": "/status", "value": bodies[-1]["status"] if kind == "ServiceRequest" else "completed"}]
        patched = await client.patch(f"/fhir/{where}", json=patch, headers={"content-type": "application/json-patch+json"})
        assert patched.status_code == 409, patched.text
        copy = {key: value for key, value in bodies[0].items() if key not in ("id", "meta")}
        assert (await client.post(f"/fhir/{kind}", json=copy)).status_code == 409
    assert await journey.read("gp", f"Task/{task['id']}") == task
    assert await journey.server.value("select count(*) from referral") == 1


async def test_what_a_referral_rests_on_is_not_deleted_under_it(journey: Journey) -> None:
    await journey.submitted(request=up("p1", supportingInfo=[{"reference": "Observation/troponin"}]))
    bench, gp = await journey.as_("bench"), await journey.as_("gp")
    refused = await bench.delete("/fhir/Observation/troponin")  # as who wrote it
    assert refused.status_code == 409
    assert "ServiceRequest/" in refused.json()["issue"][0]["diagnostics"]
    assert (await gp.delete("/fhir/Patient/p1")).status_code == 409
