"""What one house wrote is changed by that house: whoever else sees the record, by whatever road it is tried (store/permission.py, 9)."""

from __future__ import annotations

from typing import Any

import httpx

from tests.fhir.test_patch import operation
from tests.http.house import Server
from tests.http.test_interactions import FHIR, Json, observation
from tests.http.test_patch import AMEND, JSON_PATCH, binary, parameters

SYSTEM = "urn:of:house"
COUNTY = {"reference": "Organization/county"}
BY_PATH = parameters(operation("replace", "Observation.status", value={"valueCode": "amended"}))


async def seen_by_both(server: Server) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """The township doctor and one of the county hospital, both with a ground on p1."""
    gp, county = await server.as_("gp"), await server.as_("county")
    system = await server.as_("bench")
    contact = encounter("county")
    assert (await system.post("/fhir/Encounter", json=contact)).status_code == 201
    return gp, county


def encounter(house: str, **more: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": f"Organization/{house}"},
        **more,
    }


async def of_the_township(gp: httpx.AsyncClient, resource: Json) -> Json:
    made = await gp.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert made.status_code == 201, made.text
    return dict(made.json())


def of_every_kind() -> list[Json]:
    about = {"subject": {"reference": "Patient/p1"}}
    patient = {"patient": {"reference": "Patient/p1"}}
    text = {"code": {"text": "x"}}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
    return [
        observation(),
        encounter("qingshi"),
        {"resourceType": "Condition", **about, **text},
        {"resourceType": "AllergyIntolerance", "clinicalStatus": active, **patient, **text},
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": {"text": "x"}, **about},
        {"resourceType": "Procedure", "status": "completed", **about},
        {"resourceType": "DiagnosticReport", "status": "final", **about, **text},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", **about, **text},
        {"resourceType": "CarePlan", "status": "active", "intent": "plan", **about},
        {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/p1"}},
    ]


async def test_who_sees_what_another_house_wrote_does_not_write_in_it(server: Server) -> None:
    gp, county = await seen_by_both(server)
    for resource in of_every_kind():
        made = await of_the_township(gp, resource)
        address = f"/fhir/{made['resourceType']}/{made['id']}"
        assert (await county.get(address)).status_code == 200
        changed = {**made, "language": "zh"}
        for answer in (
            await county.put(address, json=changed),
            await county.put(address, json=made),
            await county.patch(address, json=[{"op": "add", "path": "/language", "value": "zh"}], headers=JSON_PATCH),
            await county.delete(address),
        ):
            assert answer.status_code == 403, (address, answer.text)
            assert "written by another institution" in answer.json()["issue"][0]["diagnostics"]
        assert (await gp.get(address)).json() == made
        assert (await gp.put(address, json=changed)).status_code == 200
        assert (await gp.delete(address)).status_code == 204
        assert (await county.put(address, json=changed)).status_code == 403, "nor does it bring back what was deleted"


async def test_no_other_road_leads_into_what_another_house_wrote(server: Server) -> None:
    gp, county = await seen_by_both(server)
    made = await of_the_township(gp, observation(identifier=[{"system": SYSTEM, "value": "1"}]))
    address, one = f"/fhir/Observation/{made['id']}", f"Observation?identifier={SYSTEM}|1"
    changed = {key: value for key, value in made.items() if key not in ("id", "meta")} | {"status": "amended"}
    by_condition = {"method": "PUT", "url": one}
    tried = [
        await county.patch(address, json=BY_PATH, headers=FHIR),
        await county.put(f"/fhir/{one}", json=changed),
        await county.patch(f"/fhir/{one}", json=[AMEND], headers=JSON_PATCH),
        await county.delete(f"/fhir/{one}"),
    ]
    entries: list[Json] = [
        {"resource": changed | {"id": made["id"]}, "request": {"method": "PUT", "url": f"Observation/{made['id']}"}},
        {"resource": changed, "request": by_condition},
        {"resource": binary(AMEND), "request": {"method": "PATCH", "url": f"Observation/{made['id']}"}},
        {"resource": BY_PATH, "request": {"method": "PATCH", "url": one}},
        {"request": {"method": "DELETE", "url": f"Observation/{made['id']}"}},
    ]
    own = {"resource": observation(value="7"), "request": {"method": "POST", "url": "Observation"}}
    for entry in entries:
        tried.append(await county.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [own, entry]}))
        batch = await county.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        assert batch.json()["entry"][0]["response"]["status"].startswith("403"), batch.text
    assert [answer.status_code for answer in tried] == [403] * len(tried), [answer.text for answer in tried]
    assert (await gp.get(address)).json() == made
    assert (await county.get("/fhir/Observation?patient=p1&_total=accurate")).json()["total"] == 1, "no transaction left anything"


async def test_a_condition_that_finds_it_creates_nothing_and_changes_nothing(server: Server) -> None:
    gp, county = await seen_by_both(server)
    numbered = observation(identifier=[{"system": SYSTEM, "value": "1"}])
    made = await of_the_township(gp, numbered)
    answer = await county.post("/fhir/Observation", json=numbered, headers={"if-none-exist": f"identifier={SYSTEM}|1"})
    assert (answer.status_code, answer.json()) == (200, made)


async def test_each_house_writes_beside_the_other(server: Server) -> None:
    gp, county = await seen_by_both(server)
    of_gp = await of_the_township(gp, observation())
    of_county = await of_the_township(county, observation(derivedFrom=[{"reference": f"Observation/{of_gp['id']}"}]))
    address = f"/fhir/Observation/{of_county['id']}"
    assert (await gp.put(address, json=of_county | {"status": "amended"})).status_code == 403
    assert (await county.put(address, json=of_county | {"status": "amended"})).status_code == 200


async def test_what_the_region_wrote_for_a_house_is_that_houses(server: Server) -> None:
    gp, county = await seen_by_both(server)
    system = await server.as_("bench")
    feed = (await system.post("/fhir/Observation", json=observation(performer=[COUNTY]))).json()
    nobodys = (await system.post("/fhir/Observation", json=observation(value="7"))).json()
    for made, who, status in ((feed, gp, 403), (feed, county, 200), (nobodys, gp, 403), (nobodys, county, 403), (nobodys, system, 200)):
        answer = await who.put(f"/fhir/Observation/{made['id']}", json=made | {"status": "amended"})
        assert answer.status_code == status, answer.text
    assert (await system.delete(f"/fhir/Observation/{feed['id']}")).status_code == 204


async def test_a_task_is_answered_by_the_house_it_was_given_to(server: Server) -> None:
    gp, county = await seen_by_both(server)
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/p1"}}
    given = await of_the_township(gp, task | {"owner": COUNTY})
    address = f"/fhir/Task/{given['id']}"
    done = await county.put(address, json=given | {"status": "accepted"})
    assert done.status_code == 200, done.text
    assert (await county.delete(address)).status_code == 403
    away = await of_the_township(gp, task | {"owner": {"reference": "Organization/first"}})
    taken = await county.put(f"/fhir/Task/{away['id']}", json=away | {"owner": COUNTY})
    assert taken.status_code == 403, "who a Task was given to is what it said before"


async def test_every_house_keeps_up_to_date_who_a_patient_is(server: Server) -> None:
    _, county = await seen_by_both(server)
    patient = (await county.get("/fhir/Patient/p1")).json()
    answer = await county.put("/fhir/Patient/p1", json=patient | {"telecom": [{"system": "phone", "value": "13800000000"}]})
    assert answer.status_code == 200, answer.text
