"""The first journey over HTTP: a township doctor refers a patient up, the hospital takes over, the patient comes home with a plan."""

from __future__ import annotations

import asyncio
import io
from base64 import b64encode
from typing import Any

import pypdf
import pytest

from tests.access.journey import tokens_of
from tests.journeys.steps import EVERYBODY, Journey, words
from tests.referral.region import OUTCOME, a_plan, down, state_of, up
from yilian.fhir import urls
from yilian.referral import marks, resources

Json = dict[str, Any]

SENT_OUT = ["双向转诊(转出)单", "李秀英", "女", "青石镇卫生院", "云溪市第一人民医院", "张伟", "心血管内科", "肌钙蛋白I", "胸闷一周"]
SENT_BACK = [
    "双向转诊(回转)单",
    "李秀英",
    "云溪市第一人民医院",
    "青石镇卫生院",
    "周明",
    "冠状动脉粥样硬化性心脏病",
    "双抗一年",
    "支架一枚",
    "ZY20261124001",
]
EVIDENCE = [{"reference": "Observation/troponin"}, {"reference": "Condition/hypertension"}]


async def test_a_doctor_signs_in_finds_a_patient_by_pinyin_and_reads_the_record(journey: Journey) -> None:
    browser = journey.server.nobody()
    tokens = await tokens_of(browser, "gp")
    assert tokens["token_type"] == "Bearer"
    browser.headers["authorization"] = f"Bearer {tokens['access_token']}"
    me = (await browser.get("/oauth2/userinfo")).json()
    assert (me["name"], me["roles"], me["institution"]["name"]) == ("张伟", ["gp"], "青石镇卫生院")
    for typed in ("lixiuying", "lxy", "李秀英", "13900001234"):
        asked = {"phone": typed} if typed.isdigit() else {"name": typed}
        found = (await browser.get("/fhir/Patient", params={**asked, "_total": "accurate"})).json()
        assert "p1" in [one["resource"]["id"] for one in found["entry"]], typed
        assert {one["resource"]["managingOrganization"]["reference"] for one in found["entry"]} == {"Organization/qingshi"}
    assert await journey.ids("gp", "Patient/p1/$timeline") == ["Observation/troponin", "Observation/pressure", "Condition/hypertension"]
    found = await journey.read("gp", "Observation", patient="p1", code="10839-9", _sort="-date", _total="accurate")
    assert (found["total"], found["entry"][0]["resource"]["valueQuantity"]["value"]) == (1, 0.08)


async def test_a_referral_carries_its_evidence_and_waits_for_the_head(journey: Journey) -> None:
    request, task = await journey.refer("gp", up("p1", supportingInfo=EVIDENCE), note="胸闷一周。", consent="written")
    assert (state_of(task), task["status"], request["status"]) == ("in-approval", "draft", "draft")
    assert [one["reference"] for one in request["supportingInfo"]] == ["Observation/troponin", "Condition/hypertension"]
    assert request["identifier"][0]["value"] == task["identifier"][0]["value"]
    assert task["owner"]["display"] == "云溪市第一人民医院"
    assert "restriction" in task  # the clock of the approval
    for seen_by in ("gp", "gp-colleague", "head"):
        assert await journey.read(seen_by, f"Task/{task['id']}") == task
        assert await journey.read(seen_by, f"ServiceRequest/{request['id']}") == request


async def test_a_second_referral_for_the_same_specialty_names_the_open_one(journey: Journey) -> None:
    _, task = await journey.refer("gp")
    for who, to in (("gp", "first"), ("gp-colleague", "second")):
        refused = await journey.try_refer(who, up("p1", to))
        assert refused.status_code == 409, refused.text
        (issue,) = refused.json()["issue"]
        assert f"Task/{task['id']}" in issue["diagnostics"]
        assert issue["code"] == "duplicate"
        assert issue["details"]["text"]
    _, other = await journey.refer("gp", up("p1", specialty="04.03"))
    assert other["id"] != task["id"]


async def test_of_two_referrals_at_the_same_moment_one_is_taken(journey: Journey) -> None:
    await journey.as_("gp-colleague")
    await journey.as_("gp")
    answers = await asyncio.gather(journey.try_refer("gp", up("p2")), journey.try_refer("gp-colleague", up("p2")))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await journey.server.value("select count(*) from referral") == 1


@pytest.mark.parametrize("who", ["coordinator", "expert", "county", "gp2", "resident", "admin"])
async def test_before_the_approval_nobody_outside_the_township_knows_of_it(journey: Journey, who: str) -> None:
    request, task = await journey.refer("gp", up("p1", supportingInfo=EVIDENCE))
    for path in (
        f"Task/{task['id']}",
        f"Task/{task['id']}/_history",
        f"Task/{task['id']}/_history/1",
        f"Task/{task['id']}/$actions",
        f"Task/{task['id']}/$slip",
        f"ServiceRequest/{request['id']}",
    ):
        assert (await journey.get(who, path)).status_code == 404, path
    assert (await journey.try_act(who, task, "accept")).status_code in ((403,) if who == "admin" else (404,))
    assert await journey.lists(who, task) == set()
    for kind in ("Task", "ServiceRequest", "Provenance"):
        found = await journey.read(who, kind, _total="accurate")
        assert (found["total"], found.get("entry")) == (0, None), kind
        assert (await journey.read(who, f"{kind}/_history")).get("entry") is None
    if who != "resident":
        assert (await journey.get(who, "Patient/p1")).status_code == 404
        assert (await journey.read(who, "Patient", name="lixiuying", _total="accurate"))["total"] == 0


async def test_from_submission_the_hospital_reads_that_patient_and_no_other(journey: Journey) -> None:
    request, task = await journey.submitted()
    assert (await journey.read("coordinator", f"Task/{task['id']}"))["for"]["display"] == "李秀英"
    assert (await journey.read("coordinator", f"ServiceRequest/{request['id']}"))["status"] == "active"
    assert await journey.ids("coordinator", "Patient", _total="accurate") == ["Patient/p1"]
    assert (await journey.read("coordinator", "Patient", _summary="count"))["total"] == 1
    timeline = await journey.ids("coordinator", "Patient/p1/$timeline", _type="Observation,Condition")
    assert timeline == ["Observation/troponin", "Observation/pressure", "Condition/hypertension"]
    assert "Observation/troponin" in await journey.ids("coordinator", "Patient/p1/$everything")
    assert await journey.ids("coordinator", "Observation", _sort="date") == ["Observation/pressure", "Observation/troponin"]
    for path in ("Patient/p2", "Patient/p2/$timeline", "Patient/p2/$everything", "Observation/sugar", "Patient/p3", "Observation/warmth"):
        assert (await journey.get("coordinator", path)).status_code == 404, path
    for who in ("county", "expert2", "gp2"):
        assert (await journey.get(who, "Patient/p1")).status_code == 404
        assert (await journey.read(who, "Task", _total="accurate"))["total"] == 0


async def test_versions_of_the_draft_stay_with_the_township(journey: Journey) -> None:
    _, task = await journey.submitted()
    assert (await journey.get("coordinator", f"Task/{task['id']}/_history/1")).status_code == 404
    versions = (await journey.read("coordinator", f"Task/{task['id']}/_history"))["entry"]
    assert [one["resource"]["meta"]["versionId"] for one in versions] == ["2"]
    assert len((await journey.read("gp", f"Task/{task['id']}/_history"))["entry"]) == 2


LEFT = {"leave"}
ASKED = LEFT | {"green"}
BESIDE = ASKED | {"stay"}
"""What both sides may say of a patient who is still with the sender, beside the road."""

MAIN_ROAD: list[tuple[str, dict[str, set[str]], dict[str, set[str]]]] = [
    # state        who may do what                                                    on whose worklists
    (
        "in-approval",
        {"gp": {"cancel"}, "gp-colleague": {"cancel"}, "head": {"approve", "return"}},
        {"gp": {"sent"}, "head": {"approval", "sent"}},
    ),
    (
        "submitted",
        {
            "gp": {"cancel"} | BESIDE, "gp-colleague": {"cancel"} | BESIDE,
            "head": set(), "coordinator": {"receive", "accept", "ask", "forward", "decline"} | BESIDE,
            "expert": {"receive", "accept", "ask", "forward", "decline"} | BESIDE,
            "pharmacist": set(), "office": set(), "resident": {"cancel"},
        },
        {"gp": {"sent"}, "head": {"sent"}, "coordinator": {"inbox"}, "resident": {"sent"}},
    ),
    (
        "received",
        {
            "gp": {"cancel"} | BESIDE, "gp-colleague": {"cancel"} | BESIDE,
            "head": set(), "coordinator": {"accept", "ask", "forward", "decline"} | BESIDE,
            "expert": {"accept", "ask", "forward", "decline"} | BESIDE, "pharmacist": set(), "office": set(), "resident": {"cancel"},
        },
        {"gp": {"sent"}, "head": {"sent"}, "coordinator": {"inbox"}, "resident": {"sent"}},
    ),
    (
        "need-info",
        {
            "gp": {"answer", "cancel"} | ASKED, "gp-colleague": {"answer", "cancel"} | ASKED,
            "head": set(), "coordinator": ASKED, "expert": ASKED,
            "pharmacist": set(), "office": set(), "resident": {"cancel"},
        },
        {"gp": {"sent", "answer"}, "head": {"sent", "answer"}, "coordinator": set(), "resident": {"sent"}},
    ),
    (
        "accepted",
        {
            "gp": {"cancel"} | BESIDE, "gp-colleague": {"cancel"} | BESIDE,
            "head": set(), "coordinator": {"arrive", "hold", "book", "defer"} | BESIDE,
            "expert": {"arrive", "hold", "book", "defer"} | BESIDE,
            "pharmacist": set(), "office": set(), "resident": {"cancel"},
        },
        {"gp": {"sent"}, "head": {"sent"}, "coordinator": {"expected"}, "resident": {"sent"}},
    ),
    (
        "arrived",
        {
            "gp": {"cancel"} | LEFT, "gp-colleague": {"cancel"} | LEFT, "head": set(), "coordinator": {"report", "complete"} | LEFT,
            "expert": {"report", "complete"} | LEFT, "pharmacist": set(), "office": set(), "resident": {"cancel"},
        },
        {"gp": {"sent"}, "head": {"sent"}, "coordinator": {"here"}, "resident": {"sent"}},
    ),
    (
        "completed",
        {
            "gp": set(), "gp-colleague": set(), "head": set(), "coordinator": set(), "expert": set(), "pharmacist": set(), "office": set(),
            "resident": set(),
        },
        {"gp": {"closed"}, "head": {"closed"}, "coordinator": {"closed"}, "resident": {"closed"}},
    ),
]  # fmt: skip
"""The state table of the outside contract, read for the people of the region. Who is not named does not see the referral."""


async def test_at_each_point_everybody_may_do_what_the_table_says(journey: Journey) -> None:
    _, task = await journey.refer("gp")
    steps: list[tuple[str, str, Json]] = [
        ("head", "approve", {}),
        ("coordinator", "receive", {}),
        ("coordinator", "ask", {"question": "近期有无出血史?"}),
        ("gp-colleague", "answer", {"answer": "无。"}),
        ("coordinator", "accept", {}),
        ("expert", "arrive", {}),
        ("expert", "complete", OUTCOME),
    ]
    passed = 0
    for state, may, lists in MAIN_ROAD:
        while state_of(task) != state:
            who, action, more = steps[passed]
            task = await journey.act(who, task, action, **more)
            passed += 1
        for who in [one for one in EVERYBODY if one != "bench"]:
            assert await journey.actions(who, task) == may.get(who), (state, who)
        for who in ("gp", "head", "coordinator", "resident", "gp2", "county", "admin"):
            assert await journey.lists(who, task) == lists.get(who, set()), (state, who)
    assert passed == len(steps)


async def test_the_hospital_asks_and_the_doctor_answers_with_a_paper(journey: Journey) -> None:
    request, task = await journey.submitted()
    task = await journey.act("coordinator", task, "receive")
    task = await journey.act("coordinator", task, "ask", question="有无既往血压记录?")
    assert (state_of(task), task["status"]) == ("need-info", "on-hold")
    assert "restriction" not in task  # the clock of the hospital stands while the township is asked
    task = await journey.act("gp", task, "answer", answer="见附件。", attachment="Observation/pressure")
    assert state_of(task) == "received"
    assert "restriction" in task
    seen = await journey.read("coordinator", f"Task/{task['id']}")
    assert [(one["text"], one["authorReference"]["display"]) for one in seen["note"]] == [
        ("有无既往血压记录?", "孙丽(云溪市第一人民医院)"),
        ("见附件。", "张伟(青石镇卫生院)"),
    ]
    evidence = (await journey.read("coordinator", f"ServiceRequest/{request['id']}"))["supportingInfo"]
    assert [one["reference"] for one in evidence] == ["Observation/pressure"]


async def test_the_township_knows_who_will_see_the_patient_and_when(journey: Journey) -> None:
    _, task = await journey.submitted()
    await journey.act("coordinator", task, "accept", practitioner="Practitioner/expert", start="2026-12-01T08:30:00+08:00")
    for who in ("gp", "resident"):
        seen = await journey.read(who, f"Task/{task['id']}")
        doctor, when = marks.arranged(seen)
        assert doctor is not None
        assert (doctor["reference"], when) == ("Practitioner/expert", "2026-12-01T08:30:00+08:00")
        assert "restriction" not in seen


async def test_the_outcome_comes_home(journey: Journey) -> None:
    request, task = await journey.arrived()
    task = await journey.act("expert", task, "report", findings="前降支狭窄 90%。", note="明日行 PCI")
    assert resources.outputs(await journey.read("gp", f"Task/{task['id']}"), "findings")[0]["valueString"] == "前降支狭窄 90%。"
    await journey.act("expert", task, "complete", recordNumber="ZY20261124001", **OUTCOME)
    seen = await journey.read("gp", f"Task/{task['id']}")
    assert (state_of(seen), seen["status"]) == ("completed", "completed")
    assert resources.outputs(seen, "diagnosis")[0]["valueCodeableConcept"]["text"] == OUTCOME["diagnosis"]["text"]  # type: ignore[index]
    assert resources.outputs(seen, "treatment")[0]["valueString"] == OUTCOME["treatment"]
    assert resources.outputs(seen, "advice")[0]["valueString"] == OUTCOME["advice"]
    assert seen["executionPeriod"].keys() == {"start", "end"}
    assert (await journey.read("gp", f"ServiceRequest/{request['id']}"))["status"] == "completed"


async def test_the_patient_goes_home_with_a_plan(journey: Journey) -> None:
    first, _ = await journey.completed()
    request, task = await journey.refer("expert", down("p1", "qingshi", first))
    assert state_of(task) == "submitted"
    assert request["basedOn"][0]["reference"] == f"ServiceRequest/{first['id']}"
    assert await journey.lists("gp", task) == {"inbox", "returned"}
    assert await journey.lists("coordinator", task) == {"sent"}
    assert await journey.actions("gp", task) == {"receive", "accept", "ask", "forward", "decline", "stay", "leave"}
    assert await journey.actions("expert", task) == {"cancel"} | BESIDE
    task = await journey.act("gp", task, "accept", plan=a_plan())
    assert await journey.actions("gp", task) == {"arrive", "plan", "hold", "book", "defer", "stay", "leave"}
    plan = await journey.read("expert", resources.outputs(task, "plan")[0]["valueReference"]["reference"])
    assert (plan["subject"]["reference"], plan["author"]["display"], plan["title"]) == ("Patient/p1", "张伟", "PCI 术后随访")
    assert (await journey.read("gp", "CarePlan", patient="p1", _total="accurate"))["total"] == 1
    task = await journey.act("gp", task, "arrive")
    task = await journey.act("gp", task, "complete", **OUTCOME)
    assert state_of(await journey.read("expert", f"Task/{task['id']}")) == "completed"


async def test_a_down_referral_is_not_completed_without_its_plan(journey: Journey) -> None:
    first, _ = await journey.completed()
    _, task = await journey.refer("expert", down("p1", "qingshi", first))
    task = await journey.act("gp", task, "accept")
    assert "restriction" in task  # the clock of the plan
    task = await journey.act("gp", task, "arrive")
    refused = await journey.try_act("gp", task, "complete", **OUTCOME)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Parameters.parameter.where(name='plan')"]
    task = await journey.act("gp", task, "plan", plan=a_plan())
    await journey.act("gp", task, "complete", **OUTCOME)


async def test_who_read_the_patient_is_told_to_the_patient(journey: Journey) -> None:
    request, task = await journey.submitted()
    await journey.read("coordinator", "Patient/p1")
    await journey.read("expert", "Patient/p1/$timeline")
    await journey.read("expert", "Observation", patient="p1", code="10839-9")
    await journey.read("coordinator", f"ServiceRequest/{request['id']}")
    await journey.get("coordinator", f"Task/{task['id']}/$slip")
    await journey.get("gp2", "Patient/p1")
    seen: dict[str, list[tuple[str, str, str]]] = {}
    for asker in ("bench", "resident"):
        found = await journey.read(asker, "AuditEvent", patient="Patient/p1", _sort="date", _count="200")
        events = [one["resource"] for one in found["entry"]]
        assert {one["entity"][0]["what"]["reference"] for one in events} == {"Patient/p1"}
        seen[asker] = [
            (
                next(a["who"]["reference"] for a in one["agent"] if a["requestor"] and "reference" in a["who"]),
                one["subtype"][-1]["code"],
                next((e["valueCode"] for x in one.get("extension", []) for e in x["extension"] if e["url"] == "kind"), ""),
            )
            for one in events
        ]
    for asker, events_seen in seen.items():
        assert ("Practitioner/coordinator", "read", "referral") in events_seen, asker
        assert ("Practitioner/expert", "timeline", "referral") in events_seen, asker
        assert ("Practitioner/expert", "search-type", "referral") in events_seen, asker
        assert ("Practitioner/coordinator", "slip", "referral") in events_seen, asker
        assert ("Practitioner/gp", "create", "registered") in events_seen, asker
        assert ("Practitioner/head", "update", "registered") in events_seen, asker
        assert not [one for one in events_seen if one[0] == "Practitioner/gp2"]  # who saw nothing left nothing
    assert seen["resident"] == [*seen["bench"], ("Device/bench", "search-type", "region")]  # also who looked at the trail
    theirs = await journey.get("resident", "AuditEvent", patient="p1")
    assert b64encode(b"Observation").decode().rstrip("=") in theirs.text  # what was asked for, without the words of the question
    assert "gp-colleague" not in theirs.text
    assert "10.0.0.7" not in theirs.text


async def test_every_step_is_told_by_a_provenance(journey: Journey) -> None:
    _, task = await journey.submitted()
    task = await journey.act("coordinator", task, "receive")
    task = await journey.act("coordinator", task, "ask", question="?")
    task = await journey.act("gp", task, "answer", answer="。")
    task = await journey.act("coordinator", task, "accept", note="请周明主任接诊")
    task = await journey.act("expert", task, "arrive")
    task = await journey.act("expert", task, "report", note="造影后再定")
    await journey.act("expert", task, "complete", **OUTCOME)
    told = {}
    for who in ("bench", "gp", "coordinator"):
        found = await journey.read(who, "Provenance", target=f"Task/{task['id']}", _sort="recorded", _count="100")
        told[who] = [
            (
                one["resource"]["activity"]["coding"][0]["code"],
                one["resource"]["agent"][0]["who"]["reference"],
                one["resource"]["agent"][0]["onBehalfOf"]["reference"],
                one["resource"]["target"][0]["reference"],
            )
            for one in found["entry"]
        ]
    here, there = "Organization/qingshi", "Organization/first"
    version = f"Task/{task['id']}/_history/"
    steps = [
        ("submit", "Practitioner/gp", here, f"{version}1"),
        ("approve", "Practitioner/head", here, f"{version}2"),
        ("receive", "Practitioner/coordinator", there, f"{version}3"),
        ("ask", "Practitioner/coordinator", there, f"{version}4"),
        ("answer", "Practitioner/gp", here, f"{version}5"),
        ("accept", "Practitioner/coordinator", there, f"{version}6"),
        ("arrive", "Practitioner/expert", there, f"{version}7"),
        ("report", "Practitioner/expert", there, f"{version}8"),
        ("complete", "Practitioner/expert", there, f"{version}9"),
    ]
    assert told["bench"] == told["gp"] == steps
    assert told["coordinator"] == steps[1:]  # the draft is the township's own business


async def test_the_slips_are_papers_with_the_words_of_the_referral(journey: Journey) -> None:
    request, task = await journey.refer("gp", up("p1", supportingInfo=EVIDENCE), note="胸闷一周,心电图 ST 段压低。")
    number = request["identifier"][0]["value"]
    assert (await journey.get("gp", f"Task/{task['id']}/$slip")).status_code == 409  # not sent yet
    task = await journey.act("head", task, "approve")
    assert (await journey.get("gp", f"Task/{task['id']}/$slip", kind="return")).status_code == 409
    for size, width in (("A4", 595), ("A5", 420)):
        answer = await journey.get("gp", f"Task/{task['id']}/$slip", kind="referral", size=size)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.headers["cache-control"] == "private, no-store"
        assert round(float(pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].mediabox.width)) == width
        said = words(answer.content)
        for word in (*SENT_OUT, number):
            assert word in said, word
    task = await journey.act("coordinator", task, "accept")
    task = await journey.act("expert", task, "arrive")
    await journey.act("expert", task, "complete", recordNumber="ZY20261124001", **OUTCOME)
    said = words((await journey.get("gp", f"Task/{task['id']}/$slip", kind="return")).content)
    for word in SENT_BACK:
        assert word in said, word
    assert (await journey.get("gp2", f"Task/{task['id']}/$slip", kind="return")).status_code == 404
    assert (await journey.get("gp", f"Task/{task['id']}/$slip", kind="letter")).status_code == 400


async def test_a_referral_goes_back_and_forth_under_one_number(journey: Journey) -> None:
    request, task = await journey.submitted()
    number = request["identifier"][0]["value"]
    for who in ("gp", "coordinator", "resident"):
        for kind in ("Task", "ServiceRequest"):
            found = await journey.read(who, kind, identifier=f"{urls.REFERRAL_NO}|{number}", _total="accurate")
            assert found["total"] == 1, (who, kind)
    assert await journey.ids("coordinator", "Task/$worklist", list="inbox", q="lixiuying") == [
        f"Task/{task['id']}",
        "Patient/p1",
        f"ServiceRequest/{request['id']}",
    ]
    assert (await journey.read("coordinator", "Task/$worklist", list="inbox", q=number[-8:]))["total"] == 1
    assert (await journey.read("coordinator", "Task/$worklist", list="inbox", q="zhangsan"))["total"] == 0
