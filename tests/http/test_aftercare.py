"""Documents, visits, ratings and findings over HTTP: names, forms and refusals as promised."""

from __future__ import annotations

from typing import Any

import httpx

from tests.http.house import Server
from tests.referral.region import OUTCOME, a_plan, act_parameters, down, refer_parameters, up

Json = dict[str, Any]


def part(answer: Json, name: str) -> Any:
    return next((one for one in answer.get("parameter", []) if one["name"] == name), None)


async def refer(client: httpx.AsyncClient, request: Json) -> Json:
    made = await client.post("/fhir/ServiceRequest/$refer", json=refer_parameters(request))
    assert made.status_code == 201, made.text
    found: Json = part(made.json(), "task")["resource"]
    return found


async def act(client: httpx.AsyncClient, task: Json, action: str, **more: Any) -> Json:
    match = {"if-match": f'W/"{task["meta"]["versionId"]}"'}
    done = await client.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters(action, **more), headers=match)
    assert done.status_code == 200, done.text
    found: Json = done.json()
    return found


def form(**values: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, "valueString": value} for name, value in values.items()]}


async def test_a_patient_goes_up_and_comes_home_and_says_how_it_was(server: Server) -> None:
    gp, expert, resident = await server.as_("gp"), await server.as_("expert"), await server.as_("resident")
    office = await server.as_("office")
    task = await refer(gp, up("p1", priority="stat", reason="critical-beyond-capability"))
    for action in ("accept", "arrive"):
        task = await act(expert, task, action)
    early = await resident.post(f"/fhir/Task/{task['id']}/$rate", json=marks(5, 5, 5))
    assert early.status_code == 409
    task = await act(expert, task, "complete", **OUTCOME)

    listed = (await gp.get(f"/fhir/Task/{task['id']}/$handover")).json()
    documents = {one["resource"]["category"][0]["coding"][0]["code"]: one["resource"]["id"] for one in listed["entry"]}
    assert set(documents) == {"transfer", "out", "in", "return"}
    bundle = await gp.get(f"/fhir/DocumentReference/{documents['return']}/$document")
    assert bundle.json()["type"] == "document"
    paper = await gp.get(f"/fhir/DocumentReference/{documents['return']}/$paper")
    assert paper.headers["content-type"] == "application/pdf"
    stranger = await server.as_("gp2")
    assert (await stranger.get(f"/fhir/DocumentReference/{documents['return']}/$document")).status_code == 404

    assert (await resident.post(f"/fhir/Task/{task['id']}/$rate", json=marks(5, 4, 9))).status_code == 422
    assert (await resident.post(f"/fhir/Task/{task['id']}/$rate", json=marks(5, 4, 3))).status_code == 201
    assert (await resident.post(f"/fhir/Task/{task['id']}/$rate", json=marks(5, 4, 3))).status_code == 409
    said = (await resident.get(f"/fhir/Task/{task['id']}/$rating")).json()
    assert part(said, "attitude")["valueInteger"] == 4
    assert (await expert.get(f"/fhir/Task/{task['id']}/$rating")).status_code == 403
    shown = part((await gp.get("/fhir/Task/$ratings")).json(), "standing")["part"]
    assert {one["name"] for one in shown} == {"institution", "withheld"}

    request = (await expert.get(f"/fhir/{task['focus']['reference']}")).json()
    back = await refer(expert, down("p1", "qingshi", request))
    await act(gp, back, "accept", plan=a_plan())
    found = (await gp.get("/fhir/Task/$follow-ups", params={"list": "due", "_count": "2"})).json()
    assert found["total"] == 3
    visit = next(one["resource"] for one in found["entry"] if one["resource"]["resourceType"] == "Task")
    assert part((await gp.get("/fhir/Task/$follow-up-counts")).json(), "due")["valueInteger"] == 3
    address = f"/fhir/Task/{visit['id']}/$follow-up"
    assert (await gp.post(address, json=form(systolic="high"))).status_code == 400
    assert (await gp.post(address, json=form(pulse="80"))).status_code == 400
    wrong = await gp.post(address, json=form(systolic="70", diastolic="120"))
    assert wrong.status_code == 422
    assert "舒张压" in wrong.json()["issue"][0]["details"]["text"]
    done = (await gp.post(address, json=form(systolic="190", diastolic="95", way="home"))).json()
    assert part(done, "alarm")["valueString"] == "收缩压 190 mmHg,达到 180"
    assert part(done, "proposal")["resource"]["performer"][0]["reference"] == "Organization/first"
    assert (await gp.get("/fhir/Task/$lost-patients")).json()["total"] == 0

    assert (await gp.get("/fhir/Task/$suspicions")).status_code == 403
    assert part((await office.get("/fhir/Task/$suspicions")).json(), "total")["valueInteger"] == 0
    assert (await office.post("/fhir/DetectedIssue/none/$decide", json=form(decision="justified", note="已经核实过"))).status_code == 404

    message = await gp.get(f"/fhir/Task/{task['id']}/$bridge-message", params={"step": "record"})
    assert message.status_code == 200, message.text
    assert (await gp.post("/fhir/$process-message", json={"resourceType": "Bundle", "type": "collection"})).status_code == 422


def marks(level: int, attitude: int, cost: int) -> Json:
    values = {"level": level, "attitude": attitude, "cost": cost}
    return {"resourceType": "Parameters", "parameter": [{"name": name, "valueInteger": value} for name, value in values.items()]}
