"""$expunge over HTTP: who may, what is asked for, and what the trail says afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.house import Server
from tests.http.test_interactions import Json, observation

REASON = "录入错误患者,经医务科批准清除"


def asked(mode: str = "all", reason: str | None = REASON, *versions: int) -> Json:
    parameters: list[Json] = [{"name": "mode", "valueCode": mode}]
    if reason is not None:
        parameters.append({"name": "reason", "valueString": reason})
    parameters += [{"name": "version", "valuePositiveInt": version} for version in versions]
    return {"resourceType": "Parameters", "parameter": parameters}


async def made(server: Server) -> str:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=observation())).json()["id"]
    await gp.put(f"/fhir/Observation/{id}", json=observation(status="amended") | {"id": id})
    return str(id)


@pytest.mark.parametrize("who", ["admin", "bench"])
async def test_an_administrator_or_a_system_of_the_region_removes_for_good(server: Server, who: str) -> None:
    id, remover, gp = await made(server), await server.as_(who), await server.as_("gp")
    done = await remover.post(f"/fhir/Observation/{id}/$expunge", json=asked())
    assert done.status_code == 200, done.text
    removed = [one["part"] for one in done.json()["parameter"] if one["name"] == "removed"]
    assert [part[0]["valuePositiveInt"] for part in removed] == [1, 2]
    assert all(len(part[1]["valueString"]) == 64 for part in removed)
    assert (await gp.get(f"/fhir/Observation/{id}")).status_code == 404
    assert (await gp.get(f"/fhir/Observation/{id}/_history/1")).status_code == 404
    assert (await gp.put(f"/fhir/Observation/{id}", json=observation() | {"id": id})).status_code == 405
    assert await server.value("select count(*) from history h join resource r using (rid) where r.id = $1", id) == 0
    told = (await remover.get("/fhir/AuditEvent?subtype=expunge")).json()["entry"][0]["resource"]
    assert told["outcomeDesc"] == REASON
    assert {entity["what"].get("reference") for entity in told["entity"]} >= {f"Observation/{id}/_history/{n}" for n in (1, 2)}
    resident = await server.as_("resident")
    assert (await resident.get("/fhir/AuditEvent?subtype=expunge")).json()["entry"], "the patient is told as well"


@pytest.mark.parametrize("who", ["gp", "head", "office", "resident"])
async def test_nobody_else_does(server: Server, who: str) -> None:
    id = await made(server)
    someone = await server.as_(who)
    for body in (asked(), asked("versions")):
        assert (await someone.post(f"/fhir/Observation/{id}/$expunge", json=body)).status_code == 403
    assert await server.value("select count(*) from history h join resource r using (rid) where r.id = $1", id) == 1


async def test_older_versions_alone_may_go(server: Server) -> None:
    id, admin, gp = await made(server), await server.as_("admin"), await server.as_("gp")
    assert (await admin.post(f"/fhir/Observation/{id}/$expunge", json=asked("versions", REASON, 2))).status_code == 400
    assert (await admin.post(f"/fhir/Observation/{id}/$expunge", json=asked("versions", REASON, 1))).status_code == 200
    assert (await gp.get(f"/fhir/Observation/{id}")).status_code == 200
    history = (await gp.get(f"/fhir/Observation/{id}/_history")).json()
    assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [None]},
        asked("everything"),
        asked(reason=None),
        asked(reason="x"),
        asked("all", REASON, 1),
        asked("versions", REASON, 0),
        {"resourceType": "Parameters", "parameter": [*asked()["parameter"], {"name": "force", "valueBoolean": True}]},
        {"resourceType": "Parameters", "parameter": [*asked()["parameter"], {"name": "mode", "valueCode": "all"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "mode", "valueString": "all"}]},
    ],
)
async def test_what_is_not_asked_properly_is_not_done(server: Server, body: Any) -> None:
    id, admin = await made(server), await server.as_("admin")
    answer = await admin.post(f"/fhir/Observation/{id}/$expunge", json=body)
    assert answer.status_code == 400, answer.text
    assert await server.value("select count(*) from expunged") == 0


async def test_a_referral_is_not_removed(server: Server) -> None:
    admin = await server.as_("admin")
    assert (await admin.post("/fhir/Patient/p1/$expunge", json=asked())).status_code in (200, 409)
    assert (await admin.post("/fhir/Patient/none/$expunge", json=asked())).status_code == 404
    assert (await admin.get("/fhir/Patient/p1/$expunge")).status_code == 405
