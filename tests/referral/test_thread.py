"""The whole thread of a referral: up from the township, treated in the city, down again with a plan."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.referral.region import OUTCOME, Region, a_plan, act_parameters, decline_reason, down, refer_parameters, state_of, up, version_of
from yilian import referral, validation
from yilian.errors import BadRequest, Forbidden, InvalidResource, NotFound, VersionStale
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.referral import marks, resources
from yilian.referral.commands import NotLegalNow
from yilian.referral.sending import OpenReferral


async def test_a_township_doctor_refers_up_and_the_patient_comes_home_with_a_plan(region: Region) -> None:
    request, task = await region.refer("gp", note="胸闷一周,心电图 ST 段压低。", consent="written")
    assert state_of(task) == "in-approval"
    assert (task["status"], request["status"]) == ("draft", "draft")
    assert request["identifier"][0]["value"] == task["identifier"][0]["value"] == "000000-20261123-00001"

    region.clock.later(hours=1)
    task = await region.act("head", task, "approve", note="同意转出")
    request = await region.read("coordinator", task["focus"]["reference"])
    assert (state_of(task), task["status"], request["status"]) == ("submitted", "requested", "active")
    assert task["owner"] == {"reference": "Organization/first", "display": "云溪市第一人民医院"}
    assert task["for"]["display"] == "李秀英"
    assert request["note"][0]["text"] == "胸闷一周,心电图 ST 段压低。"

    task = await region.act("coordinator", task, "receive")
    task = await region.act("coordinator", task, "ask", question="近期有无出血史?")
    assert (state_of(task), task["status"]) == ("need-info", "on-hold")
    task = await region.act("gp-colleague", task, "answer", answer="无。")
    assert [note["text"] for note in task["note"]] == ["近期有无出血史?", "无。"]
    assert [note["authorReference"]["display"] for note in task["note"]] == ["孙丽(云溪市第一人民医院)", "刘敏(青石镇卫生院)"]

    task = await region.act("coordinator", task, "accept", practitioner="Practitioner/expert", start="2026-11-24T08:30:00+08:00")
    assert marks.arranged(task) == ({"reference": "Practitioner/expert"}, "2026-11-24T08:30:00+08:00")
    assert "restriction" not in task  # reception is arranged, no clock runs

    region.clock.later(days=1)
    task = await region.act("expert", task, "arrive")
    task = await region.act("expert", task, "report", findings="前降支狭窄 90%。", note="明日行 PCI")
    region.clock.later(days=5)
    task = await region.act("expert", task, "complete", recordNumber="ZY20261124001", **OUTCOME)
    request = await region.read("gp", task["focus"]["reference"])
    assert (state_of(task), task["status"], request["status"]) == ("completed", "completed", "completed")
    seen_at_home = await region.read("gp", f"Task/{task['id']}")
    assert resources.outputs(seen_at_home, "diagnosis")[0]["valueCodeableConcept"]["text"] == "冠状动脉粥样硬化性心脏病"
    assert [one["valueString"] for one in resources.outputs(seen_at_home, "findings")] == ["前降支狭窄 90%。"]

    back, home = await region.refer("expert", down("p1", "qingshi", request))
    assert state_of(home) == "submitted"
    assert back["basedOn"] == [{"reference": f"ServiceRequest/{request['id']}"}]
    assert (await region.row(home))["basis_task"] == (await region.row(task))["task_rid"]
    home = await region.act("gp", home, "accept", plan=a_plan())
    plan = await region.read("expert", resources.outputs(home, "plan")[0]["valueReference"]["reference"])
    assert (plan["subject"]["reference"], plan["author"]["reference"]) == ("Patient/p1", "Practitioner/gp")
    home = await region.act("gp", home, "arrive")
    home = await region.act("gp", home, "complete", **OUTCOME)
    assert state_of(home) == "completed"


async def test_every_version_that_was_stored_on_the_way_is_valid_fhir(region: Region) -> None:
    _, task = await region.refer("gp", note="请会诊", consent="oral")
    task = await region.act("head", task, "approve")
    task = await region.act("coordinator", task, "accept", start="2026-11-24T08:30:00+08:00")
    task = await region.act("expert", task, "arrive")
    await region.act("expert", task, "complete", **OUTCOME)
    async with region.db.reading() as tx:
        bodies = await tx.fetch("select body from resource union all select body from history")
    faults = [issue for row in bodies for issue in validation.issues(json.loads(row["body"])) if issue.severity == "error"]
    assert len(bodies) > 30
    assert not faults


async def test_an_institution_without_an_approval_chain_sends_at_once(region: Region) -> None:
    _, task = await region.refer("gp2", up("p3", "county", specialty="07"))
    assert state_of(task) == "submitted"


async def test_an_emergency_skips_the_approval(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    assert state_of(task) == "submitted"
    assert task["restriction"]["period"]["end"] == resources.stamp(region.clock.now)


async def test_a_returned_referral_is_a_draft_again_and_can_be_changed_and_sent(region: Region) -> None:
    request, task = await region.refer("gp")
    task = await region.act("head", task, "return", reason={"text": "请补充既往史"})
    assert (state_of(task), task["statusReason"]["text"]) == ("draft", "请补充既往史")
    request["note"] = [{"text": "既往高血压十年。"}]
    task = await region.act("gp", task, "submit", request=request)
    assert state_of(task) == "in-approval"
    assert "statusReason" not in task
    again = await region.read("head", task["focus"]["reference"])
    assert again["note"] == [{"text": "既往高血压十年。"}]
    assert again["identifier"] == request["identifier"]


async def test_each_approval_is_a_task_of_its_own_that_ends_with_the_decision(region: Region) -> None:
    _, task = await region.refer("gp")
    await region.act("head", task, "approve")
    async with region.db.reading() as tx:
        rows = await tx.fetch("select body from resource where type = $1", type_id("Task"))
    (approval,) = [body for row in rows if "partOf" in (body := json.loads(row["body"]))]
    assert (approval["status"], approval["partOf"][0]["reference"]) == ("completed", f"Task/{task['id']}")
    assert approval["performerType"][0]["coding"][0]["code"] == "head"


async def test_the_writer_of_a_referral_does_not_approve_it(region: Region) -> None:
    _, task = await region.refer("gp")
    region.scopes["gp-and-head"] = replace(region.scope("gp"), roles=frozenset({"gp", "head"}))
    with pytest.raises(Forbidden):
        await region.act("gp-and-head", task, "approve")


async def test_a_forwarded_referral_has_a_successor_under_the_same_requisition(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"), note="急")
    old = await region.act("coordinator", task, "forward", to="Organization/second", note="我院导管室检修")
    assert (state_of(old), old["status"]) == ("referred-onward", "rejected")
    assert (await region.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "revoked"
    async with region.db.reading() as tx:
        row = await tx.fetchrow("select task_id, request_id, from_org, to_org, state from referral where replaces_task is not null")
    assert row is not None
    assert (row["from_org"], row["to_org"], row["state"]) == (
        region.rids["Organization/qingshi"],
        region.rids["Organization/second"],
        "submitted",
    )
    successor = await region.read("expert2", f"ServiceRequest/{row['request_id']}")
    assert successor["replaces"][0]["reference"] == f"ServiceRequest/{request['id']}"
    assert successor["requisition"] == request["requisition"]
    following = await region.read("expert2", f"Task/{row['task_id']}")
    assert following["note"][0]["text"] == "我院导管室检修"
    for passed in ("first", "qingshi"):
        with pytest.raises(InvalidResource):
            await region.act("expert2", following, "forward", to=f"Organization/{passed}")


async def test_a_declined_referral_can_be_sent_elsewhere_and_is_closed_by_that(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("coordinator", task, "decline", reason=decline_reason())
    assert (state_of(task), task["status"]) == ("declined", "rejected")
    assert (await region.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "active"
    assert await region.actions("gp", task) == ["redirect", "close"]
    anew, second = await region.refer(
        "gp", up("p1", "second", priority="stat", replaces=[{"reference": f"ServiceRequest/{request['id']}"}])
    )
    assert state_of(second) == "submitted"
    assert anew["requisition"] == request["requisition"]
    assert (await region.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "revoked"
    assert await region.actions("gp", task) == []


async def test_a_declined_referral_can_be_noted_and_closed(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("coordinator", task, "decline", reason=decline_reason("other"), note="请先到县医院")
    task = await region.act("gp", task, "close")
    assert state_of(task) == "declined"
    assert (await region.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "revoked"
    with pytest.raises(NotLegalNow):
        await region.act("gp", task, "close")


async def test_the_patient_cancels_a_referral_that_was_sent(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    assert await region.actions("p1", task) == ["cancel"]
    task = await region.act("p1", task, "cancel", reason="已自行就诊")
    assert (state_of(task), task["status"]) == ("cancelled", "cancelled")
    assert task["statusReason"] == {"text": "已自行就诊"}


async def test_the_patient_acts_on_a_referral_of_a_linked_record(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    assert "p2" in region.scopes
    with pytest.raises(NotFound):
        await region.actions("p2", task)
    one, other = (region.rids[f"Patient/{id}"] for id in ("p1", "p2"))
    async with region.db.transaction() as tx:  # a Person is the identity room's to write; what it comes to is this
        await tx.execute("insert into person_member (patient, person) values ($1, $1), ($2, $1)", one, other)
    assert await region.actions("p2", task) == ["cancel"]
    task = await region.act("p2", task, "cancel", reason="已自行就诊")
    assert state_of(task) == "cancelled"


async def test_a_down_referral_is_not_completed_without_a_plan_and_its_plan_has_a_time_limit(region: Region) -> None:
    _, task = await _down(region)
    region.clock.later(hours=2)
    task = await region.act("gp", task, "accept")
    assert task["restriction"]["period"]["end"] == resources.stamp(region.clock.now + timedelta(days=3))
    assert (await region.actions("gp", task))[:2] == ["plan", "arrive"]
    task = await region.act("gp", task, "arrive")
    with pytest.raises(InvalidResource, match="follow-up plan"):
        await region.act("gp", task, "complete", **OUTCOME)
    task = await region.act("gp", task, "plan", plan=a_plan())
    assert state_of(await region.act("gp", task, "complete", **OUTCOME)) == "completed"


async def _down(region: Region) -> tuple[dict[str, Any], dict[str, Any]]:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("expert", task, "accept")
    task = await region.act("expert", task, "arrive")
    await region.act("expert", task, "complete", **OUTCOME)
    return await region.refer("expert", down("p1", "qingshi", request))


async def test_the_patient_goes_down_only_after_the_first_referral_is_completed(region: Region) -> None:
    request, task = await region.refer("gp", up("p1", priority="stat"))
    task = await region.act("expert", task, "accept")
    await region.act("expert", task, "arrive")
    with pytest.raises(InvalidResource, match="Complete the first referral"):
        await region.refer("expert", down("p1", "qingshi", request, specialty="02"))


async def test_the_same_problem_is_not_referred_twice_and_the_open_referral_is_named(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    with pytest.raises(OpenReferral) as caught:
        await region.refer("gp-colleague", up("p1", "second"))
    assert caught.value.task == f"Task/{task['id']}"
    assert caught.value.status == 409
    assert caught.value.extension[0]["valueReference"]["reference"] == f"Task/{task['id']}"
    _, other = await region.refer("gp-colleague", up("p1", "second", specialty="04.03"))
    assert state_of(other) == "in-approval"


async def test_a_referral_another_institution_still_prepares_is_in_the_way_but_not_shown(region: Region) -> None:
    await region.refer("gp", up("p1", specialty="04.03", priority="stat"))  # gives the city hospital a ground
    await region.refer("gp", up("p1"))  # in approval, confined to the township
    with pytest.raises(OpenReferral) as caught:
        await region.refer("expert", up("p1", "second", direction="lateral", reason="needs-higher-test"))
    assert (caught.value.task, caught.value.extension) == ("", [])


async def test_a_stale_version_is_refused_and_a_missing_one_too(region: Region) -> None:
    _, task = await region.refer("gp")
    await region.act("head", task, "approve")
    with pytest.raises(VersionStale):
        await region.act("coordinator", task, "receive")
    async with region.db.transaction() as tx:
        with pytest.raises(BadRequest):
            await referral.act(tx, region.scope("gp"), task["id"], None, act_parameters("cancel", reason="x"))


async def test_what_is_not_legal_now_says_where_the_referral_stands_and_what_is(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    for booking in ("hold", "book", "defer", "cancel-booking", "no-show"):
        with pytest.raises(NotLegalNow) as caught:
            await region.act("coordinator", task, booking)
        assert caught.value.status == 409
        assert caught.value.state == "submitted"
        assert caught.value.actions == ("accept", "receive", "ask", "stay", "green", "forward", "decline", "leave")
    with pytest.raises(BadRequest):
        await region.act("coordinator", task, "fly")


async def test_who_does_not_see_the_patient_does_not_learn_of_the_referral(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    for who in ("gp2", "admin", "p3", "expert2"):
        with pytest.raises(NotFound):
            await region.act(who, task, "cancel", reason="x")
        with pytest.raises(NotFound):
            await region.actions(who, task)
    with pytest.raises(NotFound):
        await region.refer("gp2", up("p1"))


async def test_only_clinicians_and_referral_offices_refer(region: Region) -> None:
    await region.refer("gp", up("p1", specialty="04.03", priority="stat"))
    for who in ("pharmacist", "office", "head", "p1", "admin"):
        with pytest.raises(Forbidden):
            await region.refer(who, up("p1"))


async def test_faults_come_all_at_once_with_their_places(region: Region) -> None:
    with pytest.raises(InvalidResource) as caught:
        await region.refer("gp", up("dead", "liuhe", reason="elderly-nursing", specialty=""))
    places = {issue.expression for issue in caught.value.issues}
    assert places == {"ServiceRequest.subject", "ServiceRequest.locationCode", "ServiceRequest.reasonCode"}
    assert all(issue.zh for issue in caught.value.issues)


async def test_a_draft_may_be_incomplete_but_not_sent_so(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", "", specialty="", reason=""), submit=False)
    assert state_of(task) == "draft"
    with pytest.raises(InvalidResource):
        await region.act("gp", task, "submit")
    task = await region.act("gp", task, "revise", request=up("p1"))
    assert state_of(await region.act("gp", task, "submit")) == "in-approval"


async def test_evidence_of_another_patient_is_refused(region: Region) -> None:
    mine, other = (
        {
            "resourceType": "Observation",
            "id": f"o-{id}",
            "status": "final",
            "code": {"text": "肌钙蛋白"},
            "subject": {"reference": f"Patient/{id}"},
        }
        for id in ("p1", "p2")
    )
    await region.write(mine, other)
    with pytest.raises(InvalidResource) as caught:
        await region.refer("gp", up("p1", supportingInfo=[{"reference": "Observation/o-p1"}, {"reference": "Observation/o-p2"}]))
    assert [issue.expression for issue in caught.value.issues] == ["ServiceRequest.supportingInfo[1]"]
    _, task = await region.refer("gp", up("p1", priority="stat", supportingInfo=[{"reference": "Observation/o-p1"}]))
    task = await region.act("coordinator", task, "ask", question="请补充")
    with pytest.raises(InvalidResource):
        await region.act("gp", task, "answer", answer="见附件", attachment="Observation/o-p2")


async def test_a_patient_who_does_not_agree_is_not_referred(region: Region) -> None:
    with pytest.raises(InvalidResource, match="does not agree"):
        await region.refer("gp", consent=False)


async def test_consent_is_kept_with_the_request(region: Region) -> None:
    request, _ = await region.refer("gp", consent="guardian")
    (consent,) = [e for e in request["extension"] if e["url"] == urls.REFERRAL_CONSENT]
    parts = {part["url"]: part for part in consent["extension"]}
    assert parts["agreed"]["valueBoolean"] is True
    assert parts["way"]["valueCoding"]["display"] == "家属或监护人同意"


async def test_the_reception_clock_stops_while_an_answer_is_awaited(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="urgent"))
    task = await region.act("head", task, "approve")
    assert task["restriction"]["period"]["end"] == resources.stamp(region.clock.now + timedelta(hours=2))
    region.clock.later(minutes=30)
    task = await region.act("coordinator", task, "ask", question="?")
    assert "restriction" not in task
    region.clock.later(hours=9)
    task = await region.act("gp", task, "answer", answer="!")
    assert task["restriction"]["period"]["end"] == resources.stamp(region.clock.now + timedelta(minutes=90))


async def test_provenance_tells_every_step_who_took_it_and_why(region: Region) -> None:
    _, task = await region.refer("gp")
    task = await region.act("head", task, "approve")
    task = await region.act("coordinator", task, "decline", reason=decline_reason("incomplete"))
    async with region.db.reading() as tx:
        rows = await tx.fetch("select body from resource where type = $1 order by rid", type_id("Provenance"))
    bodies = [json.loads(row["body"]) for row in rows]
    assert [body["activity"]["coding"][0]["code"] for body in bodies] == ["submit", "approve", "decline"]
    assert [body["agent"][0]["who"]["reference"] for body in bodies] == ["Practitioner/gp", "Practitioner/head", "Practitioner/coordinator"]
    assert bodies[2]["agent"][0]["onBehalfOf"]["display"] == "云溪市第一人民医院"
    assert bodies[2]["reason"][0]["coding"][0]["code"] == "incomplete"
    assert bodies[2]["target"][0]["reference"] == f"Task/{task['id']}/_history/{version_of(task)}"


async def test_a_read_only_sign_in_moves_nothing(region: Region) -> None:
    _, task = await region.refer("gp", up("p1", priority="stat"))
    for narrowed in ({"may_write": False}, {"writes": frozenset({"Observation"})}):
        region.scopes["reader"] = replace(region.scope("coordinator"), **narrowed)
        assert await region.actions("reader", task) == []
        with pytest.raises(Forbidden):
            await region.act("reader", task, "accept")


async def test_numbers_count_on_and_start_anew_each_day_of_the_region(region: Region) -> None:
    first, _ = await region.refer("gp", up("p1"))
    second, _ = await region.refer("gp", up("p2"))
    region.clock.later(days=1)
    third, _ = await region.refer("gp2", up("p3", specialty="07"))
    assert [resources.number_of(one)[-14:] for one in (first, second, third)] == ["20261123-00001", "20261123-00002", "20261124-00001"]


async def test_parameters_nobody_knows_are_refused(region: Region) -> None:
    async with region.db.transaction() as tx:
        with pytest.raises(BadRequest, match="no parameter 'sumbit'"):
            await referral.refer(tx, region.scope("gp"), refer_parameters(up("p1"), sumbit=True))
    _, task = await region.refer("gp", up("p1", priority="stat"))
    with pytest.raises(InvalidResource, match="does not take 'diagnosis'"):
        await region.act("coordinator", task, "accept", diagnosis="x")
