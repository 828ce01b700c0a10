"""The other roads of a referral over HTTP: declined, sent on, cancelled, returned, an emergency, and what is seen when it is over."""

from __future__ import annotations

from typing import Any

from tests.journeys.steps import Journey, words
from tests.referral.region import OUTCOME, decline_reason, down, state_of, up

Json = dict[str, Any]


async def test_a_declined_referral_comes_back_with_its_reason_and_is_closed(journey: Journey) -> None:
    request, task = await journey.submitted()
    without = await journey.try_act("coordinator", task, "decline")
    assert without.status_code == 422
    task = await journey.act("coordinator", task, "decline", reason=decline_reason("no-capacity"), note="本周无床")
    assert (state_of(task), task["status"]) == ("declined", "rejected")
    assert await journey.actions("gp", task) == {"close", "redirect"}
    assert await journey.actions("coordinator", task) == set()
    assert await journey.lists("gp", task) == {"declined", "closed"}
    seen = await journey.read("gp", f"Task/{task['id']}")
    assert (seen["statusReason"]["coding"][0]["code"], seen["note"][-1]["text"]) == ("no-capacity", "本周无床")
    task = await journey.act("gp", task, "close")
    assert await journey.actions("gp", task) == set()
    assert await journey.lists("gp", task) == {"closed"}
    assert (await journey.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "revoked"


async def test_a_declined_referral_is_sent_elsewhere_under_the_same_requisition(journey: Journey) -> None:
    request, task = await journey.submitted()
    task = await journey.act("coordinator", task, "decline", reason=decline_reason())
    replaces = [{"reference": f"ServiceRequest/{request['id']}"}]
    anew, second = await journey.refer("gp", up("p1", "second", replaces=replaces))
    assert anew["requisition"] == request["requisition"]
    await journey.act("head", second, "approve")
    assert await journey.lists("gp", task) == {"closed"}
    assert (await journey.get("expert2", f"Task/{second['id']}")).status_code == 200
    assert (await journey.get("expert2", f"Task/{task['id']}")).status_code == 200  # the same patient's record


async def test_a_referral_that_is_sent_on_goes_along_a_chain(journey: Journey) -> None:
    request, task = await journey.submitted()
    old = await journey.act("coordinator", task, "forward", to="Organization/second", note="导管室检修")
    assert (state_of(old), old["status"]) == ("referred-onward", "rejected")
    for who in ("gp", "coordinator", "expert2"):
        chain = await journey.read(who, "ServiceRequest", requisition=request["requisition"]["value"], _sort="authored", _total="accurate")
        first, following = [one["resource"] for one in chain["entry"]]
        assert (first["id"], first["status"], following["status"]) == (request["id"], "revoked", "active")
        assert following["replaces"][0]["reference"] == f"ServiceRequest/{request['id']}"
        assert following["performer"][0]["display"] == "云溪市第二人民医院"
    (onward,) = [one for one in await journey.ids("expert2", "Task/$worklist", list="inbox") if one.startswith("Task/")]
    successor = await journey.read("gp", onward)
    assert await journey.lists("gp", successor) == {"sent"}
    assert await journey.lists("gp", old) == {"closed"}
    said = [one["resource"]["payload"][0]["contentString"] for one in (await journey.read("gp", "$messages"))["entry"]]
    assert any("已改转至云溪市第二人民医院" in text for text in said), said
    offered = {"receive", "accept", "ask", "forward", "decline", "stay", "leave", "green"}
    assert await journey.actions("expert2", successor) == offered
    for back in ("first", "qingshi", "second"):
        assert (await journey.try_act("expert2", successor, "forward", to=f"Organization/{back}")).status_code == 422, back
    assert (await journey.try_refer("gp")).status_code == 409  # the patient is on the way already
    assert (await journey.get("expert2", "Patient/p1")).status_code == 200
    assert (await journey.get("county", "Patient/p1")).status_code == 404
    await journey.act("expert2", successor, "accept")


async def test_the_patient_takes_it_back(journey: Journey) -> None:
    request, task = await journey.submitted()
    assert await journey.actions("resident", task) == {"cancel"}
    refused = await journey.try_act("resident", task, "cancel")
    assert refused.status_code == 422
    task = await journey.act("resident", task, "cancel", reason="已自行就诊")
    assert (state_of(task), task["status"], task["statusReason"]["text"]) == ("cancelled", "cancelled", "已自行就诊")
    assert (await journey.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "revoked"
    assert await journey.lists("coordinator", task) == {"closed"}
    provenance = await journey.read("gp", "Provenance", target=f"Task/{task['id']}", _sort="-recorded", _count="1")
    assert provenance["entry"][0]["resource"]["agent"][0]["who"]["reference"] == "Patient/p1"
    await journey.submitted()  # the way is free again


async def test_the_township_takes_it_back_before_it_was_approved_and_nobody_else_hears_of_it(journey: Journey) -> None:
    _, task = await journey.refer("gp")
    task = await journey.act("gp-colleague", task, "cancel", reason="家属要求再观察")
    assert state_of(task) == "cancelled"
    for who in ("coordinator", "resident"):
        assert await journey.actions(who, task) is None
        assert await journey.lists(who, task) == set()
        assert (await journey.read(who, "Task", _total="accurate"))["total"] == 0
    await journey.refer("gp")


async def test_an_emergency_goes_straight_to_the_hospital(journey: Journey) -> None:
    _, task = await journey.refer("gp", up("p1", priority="stat"))
    assert (state_of(task), task["status"]) == ("submitted", "requested")
    _, calm = await journey.refer("gp", up("p2"))
    await journey.act("head", calm, "approve")
    inbox = [one for one in await journey.ids("coordinator", "Task/$worklist", list="inbox") if one.startswith("Task/")]
    assert inbox == [f"Task/{task['id']}", f"Task/{calm['id']}"]  # the urgent one first
    only = await journey.read("coordinator", "Task/$worklist", list="inbox", priority="stat")
    assert only["total"] == 1


async def test_a_returned_referral_is_mended_and_sent_again(journey: Journey) -> None:
    request, task = await journey.refer("gp")
    task = await journey.act("head", task, "return", reason={"text": "请补充既往史"})
    assert (state_of(task), task["statusReason"]["text"]) == ("draft", "请补充既往史")
    assert await journey.lists("gp", task) == {"drafts"}
    assert await journey.actions("gp", task) == {"submit", "revise", "cancel"}
    mended = {key: value for key, value in request.items() if key != "meta"} | {"note": [{"text": "既往高血压十年。"}]}
    task = await journey.act("gp", task, "revise", request=mended)
    task = await journey.act("gp", task, "submit")
    task = await journey.act("head", task, "approve")
    assert (await journey.read("coordinator", f"ServiceRequest/{request['id']}"))["note"] == [{"text": "既往高血压十年。"}]
    versions = (await journey.read("coordinator", f"Task/{task['id']}/_history"))["entry"]
    assert [one["resource"]["meta"]["versionId"] for one in versions] == ["5"]


async def test_a_draft_waits_until_it_is_sent(journey: Journey) -> None:
    _, task = await journey.refer("gp", up("p1", "", specialty="", reason=""), submit=False)
    assert state_of(task) == "draft"
    assert await journey.lists("gp-colleague", task) == {"drafts"}
    refused = await journey.try_act("gp", task, "submit")
    assert refused.status_code == 422
    assert {issue["expression"][0] for issue in refused.json()["issue"]} >= {"ServiceRequest.performer", "ServiceRequest.locationCode"}
    task = await journey.act("gp", task, "submit", request=up("p1"))
    assert state_of(task) == "in-approval"


async def test_the_way_back_stands_on_the_paper_once_it_is_sent_and_not_before(journey: Journey) -> None:
    request, task = await journey.completed()
    back = down("p1", "qingshi", request)
    _, draft = await journey.refer("expert", back, submit=False)
    number = draft["identifier"][0]["value"]
    for sent in (False, True):
        paper = await journey.get("gp", f"Task/{task['id']}/$slip", kind="return")
        assert paper.status_code == 200
        assert (number in words(paper.content)) is sent
        if not sent:
            await journey.act("expert", draft, "submit")


async def test_what_the_referral_opened_ends_with_it_and_the_sender_keeps_the_outcome(journey: Journey) -> None:
    request, task = await journey.completed()
    assert (await journey.get("coordinator", "Patient/p1")).status_code == 200
    ended = "update access_ground set until = now() where kind = 'referral' and until is not null returning 1"
    assert await journey.server.value(ended) == 1
    for path in ("Patient/p1", f"Task/{task['id']}", f"ServiceRequest/{request['id']}", "Observation/troponin", f"Task/{task['id']}/$slip"):
        assert (await journey.get("coordinator", path)).status_code == 404, path
    for kind in ("Patient", "Task", "ServiceRequest", "Observation", "Provenance"):
        assert (await journey.read("coordinator", kind, _total="accurate"))["total"] == 0, kind
    assert await journey.lists("coordinator", task) == set()
    assert (await journey.read("gp", f"Task/{task['id']}"))["output"]
    assert (await journey.get("gp", f"Task/{task['id']}/$slip", kind="return")).status_code == 200


async def test_the_hospital_reports_and_completes_for_an_emergency_within_the_day(journey: Journey) -> None:
    _, task = await journey.refer("gp", up("p1", priority="stat"))
    task = await journey.act("expert", task, "accept")
    task = await journey.act("expert", task, "arrive")
    task = await journey.act("expert", task, "complete", **OUTCOME)
    assert [one["type"]["coding"][0]["code"] for one in task["output"]] == [
        "diagnosis", "treatment", "advice", "return-document",
    ]  # fmt: skip
