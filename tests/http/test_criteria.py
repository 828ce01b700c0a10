"""$criteria, $apply, $adjust, $in-force and $answers over HTTP."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.criteria import record
from tests.criteria.region import asked, of_now, state, store, tomorrow
from tests.http.house import Server
from tests.referral.region import up
from yilian.criteria import shipped
from yilian.fhir import urls

Json = dict[str, Any]
SEVERE = "criterion-hypertension-severe"


async def adjust(server: Server, who: str, plan: str = SEVERE, **said: Any) -> Any:
    given = {"since": tomorrow(0), "reason": "本地区专家组意见", **said}
    keys = {"active": "valueBoolean", "since": "valueDate"}
    listed = [
        {"name": name, keys.get(name, "valueString"): one}
        for name, value in given.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    client = await server.as_(who)
    return await client.post(f"/fhir/PlanDefinition/{plan}/$adjust", json={"resourceType": "Parameters", "parameter": listed})


def issues(answer: Any) -> str:
    return str(answer.json()["issue"][0]["diagnostics"])


async def test_a_doctor_is_told_which_value_met_which_rule(server: Server) -> None:
    [high] = await store(server, of_now(record.pressure(186, 96, days=1)))
    told = await asked(server, "gp", direction="up", state="met")
    assert list(told) == ["hypertension-severe"]
    verdict = told["hypertension-severe"]
    found = [one for one in verdict["findings"] if one["state"] == "found"]
    assert [(one["text"], one["compare"], one["limit"]["value"], one["limit"]["unit"]) for one in found] == [
        ("收缩压 ≥180 mmHg", ">=", 180, "mmHg")
    ]
    [value] = found[0]["values"]
    assert (value["text"], value["reference"], value["amount"]["value"]) == ("186 mmHg", {"reference": high}, 186)
    assert value["at"]
    assert verdict["source"]
    assert verdict["rule"]
    assert verdict["evidence"] == "S2"
    assert verdict["issue"]["evidence"][0]["detail"] == [{"reference": high}]
    assert verdict["guidance"]["moduleCanonical"].startswith(f"{urls.BASE}PlanDefinition/{SEVERE}|")
    assert "186 mmHg" in verdict["guidance"]["note"][0]["text"]
    lacking = (await asked(server, "gp", state="lacking"))["diabetes-glucose-emergency"]
    assert lacking["guidance"]["status"] == "data-required"
    assert lacking["guidance"]["dataRequirement"][0]["type"] == "Observation"


async def test_the_answers_are_sound_fhir(server: Server) -> None:
    await store(server, of_now(record.pressure(186, 96, days=1)), of_now(record.condition("I10")))
    for verdict in (await asked(server, "gp")).values():
        for resource in (verdict["guidance"], verdict.get("issue")):
            if resource is None:
                continue
            answer = await (await server.as_("bench")).post(f"/fhir/{resource['resourceType']}/$validate", json=resource)
            assert not [one for one in answer.json()["issue"] if one["severity"] in ("error", "fatal")], answer.text
            if verdict["state"]["code"] != "met":
                break  # one of each kind will do
        else:
            continue
        break


async def test_a_value_the_asker_may_not_see_shows_in_no_verdict(server: Server) -> None:
    """A sensitive value of another institution: neither met by it, nor near, nor pushing a visible one out."""
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
    mark = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}, *label["security"]]}
    hidden = of_now(record.pressure(196, 126, days=1))
    await store(server, of_now(record.pressure(150, 80, days=3)), {**hidden, "meta": mark})
    whole = await asked(server, "bench")
    assert state(whole["hypertension-severe"]) == "met", "who sees it is told"
    seen = await (await server.as_("gp")).get(f"/fhir/Observation/{hidden['id']}")
    assert seen.status_code == 404, "the test needs a value the doctor may not read"
    mine = await asked(server, "gp")
    assert state(mine["hypertension-severe"]) == "not-met"
    assert "196" not in str(mine)
    assert hidden["id"] not in str(mine)


async def test_nobody_learns_of_a_patient_without_a_ground(server: Server) -> None:
    await store(server, of_now(record.pressure(186, 96, days=1)))
    stranger = await server.as_("gp2")
    answers = [await stranger.get(f"/fhir/Patient/{id}/$criteria") for id in ("p1", "nobody")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].json()["issue"][0]["diagnostics"].replace("p1", "nobody") == answers[1].json()["issue"][0]["diagnostics"]
    applied = await stranger.get(f"/fhir/PlanDefinition/{SEVERE}/$apply", params={"subject": "Patient/p1"})
    assert applied.status_code == 404
    assert (await (await server.as_("admin")).get("/fhir/Patient/p1/$criteria")).status_code == 404


async def test_looking_is_on_the_trail(server: Server) -> None:
    [high] = await store(server, of_now(record.pressure(186, 96, days=1)))
    await asked(server, "gp")
    await server.application.fhir.house.reads.flush()
    told = await (await server.as_("resident")).get("/fhir/AuditEvent", params={"subtype": "operation", "agent": "Practitioner/gp"})
    [event] = [entry["resource"] for entry in told.json()["entry"]]
    assert any(high in str(entity) for entity in event["entity"])


@pytest.mark.parametrize(("query", "status"), [
    ({"direction": "sideways"}, 400), ({"state": "perhaps"}, 400), ({"unknown": "x"}, 400), ({"confirmed": "nothing.such"}, 200),
])  # fmt: skip
async def test_what_is_not_known_is_refused(server: Server, query: dict[str, str], status: int) -> None:
    answer = await (await server.as_("gp")).get("/fhir/Patient/p1/$criteria", params=query)
    assert answer.status_code == status


async def test_apply_proposes_the_referral_of_a_met_criterion_and_nothing_otherwise(server: Server) -> None:
    gp = await server.as_("gp")
    none = await gp.get(f"/fhir/PlanDefinition/{SEVERE}/$apply", params={"subject": "Patient/p1"})
    assert none.status_code == 200
    assert "activity" not in none.json()
    await store(server, of_now(record.pressure(186, 96, days=1)))
    plan = (await gp.get(f"/fhir/PlanDefinition/{SEVERE}/$apply", params={"subject": "Patient/p1"})).json()
    [request] = plan["contained"]
    assert (plan["status"], plan["intent"], request["intent"], request["priority"]) == ("draft", "proposal", "proposal", "urgent")
    assert plan["instantiatesCanonical"] == request["instantiatesCanonical"]
    assert (await gp.post("/fhir/CarePlan/$validate", json=plan)).json()["issue"][0]["severity"] in ("information", "warning")


async def test_the_office_sets_another_limit_from_a_day_on(server: Server) -> None:
    await store(server, of_now(record.pressure(172, 96, days=1)))
    assert state((await asked(server, "gp"))["hypertension-severe"]) == "nearly"
    later = await adjust(server, "office", since=tomorrow(3), limit="high=160")
    assert later.status_code == 201, later.text
    assert state((await asked(server, "gp"))["hypertension-severe"]) == "nearly", "not yet"
    made = (await adjust(server, "office", limit=["high=170"])).json()
    assert "≥170" in made["description"]
    assert made["url"].endswith(SEVERE)
    assert made["id"] != SEVERE
    now = (await asked(server, "gp"))["hypertension-severe"]
    assert state(now) == "met"
    assert now["findings"][0]["text"] == "收缩压 ≥170 mmHg"
    assert now["criterion"].endswith(made["version"])
    again = await adjust(server, "office", limit="high=165")
    assert again.status_code == 409
    listed = (await (await server.as_("gp")).get("/fhir/PlanDefinition/$in-force", params={"day": tomorrow(3)})).json()
    assert [p for one in listed["parameter"] for p in one["part"] if p.get("valueString") == f"2026.1-{tomorrow(3).replace('-', '')}"]


async def test_the_office_switches_a_criterion_off(server: Server) -> None:
    await store(server, of_now(record.pressure(186, 96, days=1)))
    assert (await adjust(server, "office", active=False)).status_code == 201
    assert "hypertension-severe" not in await asked(server, "gp")


@pytest.mark.parametrize(("who", "said", "status"), [
    ("gp", {}, 403),
    ("office", {"since": "2020-01-01"}, 400),
    ("office", {"limit": "nothing=5"}, 400),
    ("office", {"limit": "high=many"}, 400),
    ("office", {"limit": "high=NaN"}, 400),
    ("office", {"reason": "因" * 501}, 400),
])  # fmt: skip
async def test_a_change_that_cannot_be_is_refused(server: Server, who: str, said: Json, status: int) -> None:
    assert (await adjust(server, who, **said)).status_code == status


def own(**more: Any) -> Json:
    plan = deepcopy(next(one for one in shipped.plans() if one["id"] == SEVERE))
    return {**plan, "id": "ours", "url": f"{urls.BASE}PlanDefinition/ours", **more}


async def test_an_expression_that_cannot_be_understood_is_refused_when_written(server: Server) -> None:
    office = await server.as_("office")
    for place, expression, part in (
        ("condition", "%high.exists( or", "cannot be understood"),
        ("condition", "%blood.exists()", "no variable %blood"),
        ("finding", "%systolic.where(value >= %other)", "no variable %other"),
    ):
        plan = own()
        action = plan["action"][0]
        if place == "condition":
            action["condition"][-1]["expression"]["expression"] = expression
        else:
            action["extension"][0]["extension"][0]["valueExpression"]["expression"] = expression
        answer = await office.put("/fhir/PlanDefinition/ours", json=plan)
        assert (answer.status_code, part in issues(answer)) == (422, True), answer.text
    wrong = own()
    next(p for p in wrong["action"][0]["extension"][0]["extension"] if p["url"] == "limit")["valueQuantity"]["code"] = "kPa"
    assert (await office.put("/fhir/PlanDefinition/ours", json=wrong)).status_code == 422
    assert (await office.put("/fhir/PlanDefinition/ours", json=own())).status_code == 201
    assert (await office.put(f"/fhir/PlanDefinition/{SEVERE}", json={**own(), "id": SEVERE})).status_code == 409
    assert (await (await server.as_("admin")).delete(f"/fhir/PlanDefinition/{SEVERE}")).status_code == 409


async def test_an_expression_that_fails_on_a_record_stops_no_other(server: Server) -> None:
    plan = own()
    plan["action"][0]["condition"][-1]["expression"]["expression"] = "%conditions.single().exists()"
    assert (await (await server.as_("office")).put("/fhir/PlanDefinition/ours", json=plan)).status_code == 201
    await store(server, *(of_now(record.condition(code)) for code in ("I10", "E11.9")), of_now(record.pressure(186, 96, days=1)))
    client = await server.as_("gp")
    states = [next(p["valueCoding"]["code"] for p in one["part"] if p["name"] == "state")
              for one in (await client.get("/fhir/Patient/p1/$criteria")).json()["parameter"]]  # fmt: skip
    assert "failed" in states
    assert "met" in states


def referral_with(answer: str, state: str = "met") -> Json:
    told = [
        {"url": "criterion", "valueCanonical": f"{urls.BASE}PlanDefinition/{SEVERE}|2026.1"},
        {"url": "state", "valueCode": state},
        {"url": "answer", "valueCode": answer},
    ]
    return up("p1", extension=[{"url": urls.REFERRAL_CRITERIA, "extension": told}])


async def test_what_was_made_of_a_criterion_is_kept_with_the_referral_and_counted(server: Server) -> None:
    gp = await server.as_("gp")
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": referral_with("followed")},
                  {"name": "consent", "valueBoolean": True}]}  # fmt: skip
    sent = await gp.post("/fhir/ServiceRequest/$refer", json=parameters)
    assert sent.status_code == 201, sent.text
    request = next(p["resource"] for p in sent.json()["parameter"] if p["name"] == "request")
    assert [e for e in request["extension"] if e["url"] == urls.REFERRAL_CRITERIA]
    span = {"start": tomorrow(-1), "end": tomorrow(1)}
    head = (await (await server.as_("head")).get("/fhir/PlanDefinition/$answers", params=span)).json()
    [counted] = head["parameter"]
    assert {p["name"]: p.get("valueInteger") for p in counted["part"]} == {"url": None, "followed": 1, "overridden": 0, "shown": 0}
    elsewhere = (await (await server.as_("coordinator")).get("/fhir/PlanDefinition/$answers", params=span)).json()
    assert "parameter" not in elsewhere, "another institution's are not told"
    assert (await gp.get("/fhir/PlanDefinition/$answers", params=span)).status_code == 403


async def test_an_answer_that_is_none_is_refused_with_the_referral(server: Server) -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": referral_with("perhaps")},
                  {"name": "consent", "valueBoolean": True}]}  # fmt: skip
    sent = await (await server.as_("gp")).post("/fhir/ServiceRequest/$refer", json=parameters)
    assert sent.status_code == 422


def inpatient(id: str, patient: str, at: str = "county", **more: Any) -> Json:
    department = {"coding": [{"system": urls.SPECIALTY, "code": "03.03"}], "text": "神经内科"}
    stay = of_now(record.stay(9), patient, id=id, serviceProvider={"reference": f"Organization/{at}"}, serviceType=department)
    return {**stay, **more}


def recovering(patient: str) -> list[Json]:
    """A stroke of nine days ago, calm for three days."""
    values = (record.value("systolic", 128), record.value("oxygen", 97), record.value("temperature", 36.6))
    floats = [{**one, "valueQuantity": {**one["valueQuantity"], "value": float(one["valueQuantity"]["value"])}} for one in values]
    return [of_now(one, patient) for one in (record.condition("I63.9", days=9), *floats)]


def service(id: str, at: str) -> Json:
    specialty = {"coding": [{"system": urls.SPECIALTY, "code": "02"}]}
    return {
        "resourceType": "HealthcareService",
        "id": id,
        "active": True,
        "providedBy": {"reference": f"Organization/{at}"},
        "specialty": [specialty],
    }


async def ward(server: Server, who: str = "county", **query: str) -> Any:
    return await (await server.as_(who)).get("/fhir/Encounter/$can-go-down", params=query)


async def test_the_ward_sees_who_can_go_down_and_to_whom(server: Server) -> None:
    await store(server, service("general-liuhe", "liuhe"), service("general-qingshi", "qingshi"), service("general-first", "first"))
    await store(server, inpatient("e1", "p1"), *recovering("p1"), inpatient("e2", "p2"), *recovering("p2"))
    await store(server, of_now(record.pressure(190, 120), "p2"))
    told = (await ward(server)).json()["parameter"]
    assert next(one["valueInteger"] for one in told if one["name"] == "looked") == 2
    [one] = [parameter for parameter in told if parameter["name"] == "stable"]
    by_name = {part["name"]: part for part in one["part"]}
    assert by_name["patient"]["resource"]["id"] == "p1", "p2's pressure speaks against it"
    assert by_name["encounter"]["resource"]["id"] == "e1"
    titles = [p["part"][1]["valueString"] for p in one["part"] if p["name"] == "criterion"]
    assert "卒中急性期后稳定,可下转康复" in titles
    places = [p["part"] for p in one["part"] if p["name"] == "place"]
    assert [p[0]["valueReference"]["reference"] for p in places] == ["Organization/qingshi", "Organization/liuhe"], "home first, none above"
    assert [next(x["valueBoolean"] for x in p if x["name"] == "home") for p in places] == [True, False]


async def test_the_ward_is_ones_own_and_only_of_whom_one_may_see(server: Server) -> None:
    await store(server, inpatient("e1", "p1"), *recovering("p1"))
    elsewhere = (await ward(server, "expert")).json()["parameter"]
    assert [one["name"] for one in elsewhere] == ["looked"]
    assert elsewhere[0]["valueInteger"] == 0
    assert (await ward(server, "admin")).status_code == 403
    assert (await ward(server, department="03.03")).json()["parameter"][0]["valueInteger"] == 1
    assert (await ward(server, department="04.03")).json()["parameter"][0]["valueInteger"] == 0
    assert (await ward(server, _count="5000")).status_code == 400
