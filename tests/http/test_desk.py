"""The desk over HTTP: who is registered, with what warning, and what a registrar sees and does not."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.http.desks import code_of, coding, open_desks, parameters, scan
from tests.http.house import Server
from tests.http.test_match import person
from tests.referral.region import refer_parameters, up
from yilian.fhir import urls

Json = dict[str, Any]


@pytest.fixture(autouse=True)
async def desks(server: Server) -> None:
    await open_desks(server)


async def post(server: Server, who: str, path: str, body: Json, **headers: str) -> httpx.Response:
    async with await server.as_(who) as client:
        return await client.post(f"/fhir/{path}", json=body, headers=headers)


async def register(server: Server, patient: Json, who: str = "desk", **more: str) -> httpx.Response:
    return await post(server, who, "Patient/$register", parameters(patient=patient, **more))


async def visit(server: Server, patient: str, who: str = "desk", **more: str) -> httpx.Response:
    return await post(server, who, f"Patient/{patient}/$register-visit", parameters(**{"kind": "outpatient", **more}))


# --- a new patient


async def test_somebody_new_is_registered_with_the_institution_of_the_desk(server: Server) -> None:
    answer = await register(server, person())
    assert answer.status_code == 201, answer.text
    assert answer.json()["managingOrganization"]["reference"] == "Organization/county"
    async with await server.as_("desk") as client:
        assert (await client.get(f"/fhir/Patient/{answer.json()['id']}")).status_code == 200


async def test_who_is_certainly_there_already_is_not_registered_again_without_a_reason(server: Server) -> None:
    assert (await register(server, person(), "desk-first")).status_code == 201
    before = await server.value("select count(*) from resource")
    refused = await register(server, person())
    assert (refused.status_code, coding(refused)) == (409, "patient-already-known")
    assert "理由" in refused.text
    assert await server.value("select count(*) from resource") == before
    again = await register(server, person(), reason="患者要求另建档案")
    assert again.status_code == 201
    async with await server.as_("desk") as client:
        kept = (await client.get(f"/fhir/Provenance?target=Patient/{again.json()['id']}")).json()["entry"]
    why = next(one["resource"] for one in kept if "reason" in one["resource"])
    assert why["reason"] == [{"text": "患者要求另建档案"}]
    assert why["agent"][0]["onBehalfOf"]["reference"] == "Organization/county"


async def test_a_likeness_that_is_not_certain_warns_and_does_not_refuse(server: Server) -> None:
    assert (await register(server, person(), "desk-first")).status_code == 201
    like = person(identifier=[], telecom=[], address=[])
    found = await post(server, "desk", "Patient/$match", parameters(resource=like))
    assert found.json()["total"] == 1
    assert found.json()["entry"][0]["search"]["extension"][0]["valueCode"] != "certain"
    assert (await register(server, like)).status_code == 201


@pytest.mark.parametrize(
    "patient",
    [
        {"resourceType": "Patient", "name": [{"text": "无名氏", "use": "anonymous"}], "gender": "male"},
        {
            "resourceType": "Patient",
            "name": [{"text": "王丽之女"}],
            "gender": "female",
            "birthDate": "2026-11-23",
            "contact": [{"relationship": [{"text": "母亲"}], "name": {"text": "王丽"}}],
        },
    ],
    ids=["unknown", "newborn"],
)
async def test_who_has_no_number_yet_is_registered_and_completed_later(server: Server, patient: Json) -> None:
    made = await register(server, patient)
    assert made.status_code == 201, made.text
    later = {**made.json(), "identifier": [{"system": urls.HEALTH_FILE, "value": "51662110010100001"}]}
    async with await server.as_("desk") as client:
        assert (await client.put(f"/fhir/Patient/{made.json()['id']}", json=later)).status_code == 200


async def test_a_patient_with_faults_is_refused_with_the_field(server: Server) -> None:
    answer = await register(server, person(gender="man"))
    assert answer.status_code == 422
    assert "Patient.gender" in answer.text


async def test_only_who_registers_patients_registers(server: Server) -> None:
    for who in ("county", "office", "admin", "resident"):
        assert (await register(server, person(), who)).status_code == 403, who


# --- a visit


async def test_a_visit_has_the_next_number_of_its_institution(server: Server) -> None:
    for who in ("desk", "desk-first"):
        await scan(server, await code_of(server), who)
    made = [await visit(server, "p1"), await visit(server, "p1", kind="emergency"), await visit(server, "p1", kind="inpatient")]
    made.append(await visit(server, "p1", "desk-first"))
    assert [one.status_code for one in made] == [201] * 4
    numbers = [one.json()["identifier"][0] for one in made]
    year = numbers[0]["value"][2:6]
    assert [one["value"] for one in numbers] == [f"MZ{year}000001", f"MZ{year}000002", f"ZY{year}000001", f"MZ{year}000001"]
    assert numbers[0]["assigner"]["reference"] == "Organization/county"
    assert numbers[2]["system"] == urls.INPATIENT_NO


async def test_visits_registered_at_the_same_moment_have_different_numbers_without_gaps(server: Server) -> None:
    await scan(server, await code_of(server))
    made = await asyncio.gather(*(visit(server, "p1") for _ in range(20)))
    numbers = sorted(one.json()["identifier"][0]["value"] for one in made)
    assert [int(one[6:]) for one in numbers] == list(range(1, 21))


async def test_the_ground_of_a_registered_visit_outlasts_the_card(server: Server) -> None:
    await scan(server, await code_of(server))
    assert (await visit(server, "p1", specialty="03.04")).status_code == 201
    assert await server.value("select until is null from access_ground where kind = 'encounter'")


async def test_who_is_expected_arrives_once(server: Server) -> None:
    await scan(server, await code_of(server))
    planned = (await visit(server, "p1", status="planned")).json()
    assert "period" not in planned
    answer = await post(server, "desk", f"Encounter/{planned['id']}/$arrive", parameters(), **{"if-match": 'W/"1"'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "arrived"
    assert answer.json()["statusHistory"][0]["status"] == "planned"
    assert (await post(server, "desk", f"Encounter/{planned['id']}/$arrive", parameters())).status_code == 409


async def test_nobody_registers_a_visit_of_who_did_not_show_the_card(server: Server) -> None:
    assert (await visit(server, "p1")).status_code == 404
    assert (await visit(server, "p-nobody")).status_code == 404
    assert (await visit(server, "p1", kind="other")).status_code == 400


# --- what the desk sees


async def test_the_desk_sees_the_visits_of_today_here_and_the_referrals_by_which_somebody_comes(server: Server) -> None:
    assert (await post(server, "gp2", "ServiceRequest/$refer", refer_parameters(up("p3", "first")))).status_code == 201
    await scan(server, await code_of(server))
    await visit(server, "p1")
    async with await server.as_("desk") as client:
        seen = (await client.get("/fhir/Patient/p1/$desk")).json()["parameter"]
    assert [one["name"] for one in seen] == ["patient", "visit"]
    async with await server.as_("desk-first") as client:
        coming = (await client.get("/fhir/Patient/p3/$desk")).json()["parameter"]
        assert (await client.get("/fhir/Patient/p1/$desk")).status_code == 404
    told = {one["name"]: one for one in next(part for part in coming if part["name"] == "referral")["part"]}
    assert told["from"]["valueString"] == "柳河镇卫生院"
    assert told["state"]["valueCoding"]["code"] == "submitted"
    assert not {"reason", "diagnosis"} & told.keys()


async def test_a_registrar_reads_nothing_clinical(server: Server) -> None:
    async with await server.as_("bench") as client:
        observation = {"resourceType": "Observation", "status": "final", "code": {"text": "血压"}, "subject": {"reference": "Patient/p1"}}
        stored = (await client.post("/fhir/Observation", json=observation)).json()["id"]
    await scan(server, await code_of(server))
    async with await server.as_("desk") as client:
        for path in (f"Observation/{stored}", "Observation?patient=p1", "ServiceRequest?patient=p1", "Task/$worklist?list=inbox"):
            assert (await client.get(f"/fhir/{path}")).status_code == 403, path
        everything = await client.get("/fhir/Patient/p1/$everything")
        assert "血压" not in everything.text
        included = await client.get("/fhir/Patient?_id=p1&_revinclude=Observation:subject")
        assert "血压" not in included.text
        assert (await client.get("/fhir/Encounter?patient=p1")).status_code == 200
