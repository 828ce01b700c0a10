"""紧急查阅 from the locked door to the verdict: who may, what it opens and for how long, who is told, and how it is reviewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from tests.access.consents import consent
from tests.http.house import PASSWORD, Server, running
from yilian import app, config
from yilian.access import accounts, break_glass, review
from yilian.access.accounts import Post

Json = dict[str, Any]

WHY = "患者昏迷送入抢救室,家属未到,急需过敏史和用药史"
DEPRESSION = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.1"}]}


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    database = app.database(config.Settings(), furnished_dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            for name, where in (("privacy", "first"), ("privacy2", "second")):
                post = Post("privacy", f"Organization/{where}")
                await accounts.add(tx, name, PASSWORD, display="白洁", agent="Practitioner/office", posts=[post])
    finally:
        await database.close()
    async with running(furnished_dsn) as started:
        bench = await started.as_("bench")
        for id, code in (("plain", {"text": "高血压"}), ("mind", DEPRESSION)):
            body = {"resourceType": "Condition", "id": id, "code": code, "subject": {"reference": "Patient/p1"}}
            assert (await bench.put(f"/fhir/Condition/{id}", json=body)).status_code == 201
        yield started


def asked(**values: Any) -> Json:
    kinds = {bool: "valueBoolean", str: "valueString"}
    return {"resourceType": "Parameters", "parameter": [{"name": name, kinds[type(value)]: value} for name, value in values.items()]}


async def open_(client: httpx.AsyncClient, id: str = "p1", **more: Any) -> httpx.Response:
    return await client.post(f"/fhir/Patient/{id}/$break-glass", json=asked(**{"reasonCode": "unconscious", "reason": WHY, **more}))


def values(parts: list[Json]) -> dict[str, Any]:
    return {one["name"]: next(value for key, value in one.items() if key.startswith("value")) for one in parts if "part" not in one}


async def listed(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/fhir/Task/$emergency-worklist{query}")
    assert answer.status_code == 200, answer.text
    return [values(one["part"]) for one in answer.json()["parameter"] if one["name"] == "access"]


async def seen(client: httpx.AsyncClient) -> list[int]:
    return [(await client.get(f"/fhir/{name}")).status_code for name in ("Patient/p1", "Condition/plain", "Condition/mind")]


async def test_an_emergency_opens_the_record_for_a_time_and_sensitive_kinds_when_asked(server: Server) -> None:
    expert, coordinator, gp2 = [await server.as_(who) for who in ("expert", "coordinator", "gp2")]
    assert await seen(expert) == [404, 404, 404]
    answer = await open_(expert)
    assert answer.status_code == 201, answer.text
    assert await seen(expert) == [200, 200, 404]
    assert await seen(coordinator) == [200, 200, 404], "emergencies are treated by teams"
    assert await seen(gp2) == [404, 404, 404]
    running_now = values((await expert.get("/fhir/Patient/p1/$emergency-access")).json()["parameter"])
    assert running_now.keys() == {"until"}
    assert (await open_(expert)).status_code == 409, "what may be read needs no emergency"
    assert (await open_(expert, sensitive=True)).status_code == 201
    assert await seen(expert) == [200, 200, 200]
    assert values((await expert.get("/fhir/Patient/p1/$emergency-access")).json()["parameter"]).keys() == {"until", "sensitiveUntil"}
    await server.value("update access_ground set until = now() where kind = 'emergency' returning 1")
    assert await seen(expert) == [404, 404, 404]


async def test_the_patient_and_the_privacy_officer_are_told_and_the_trail_says_why(server: Server) -> None:
    await open_(await server.as_("expert"), sensitive=True)
    resident = await server.as_("resident")
    told = (await resident.get("/fhir/Communication?subject=Patient/p1")).json()["entry"]
    assert "紧急查阅了您的健康档案(含敏感资料)" in told[0]["resource"]["payload"][0]["contentString"]
    (one,) = await listed(await server.as_("privacy"))
    assert (one["patient"]["display"], one["opener"], one["reason"], one["sensitive"], one["state"]) == (
        "李秀英",
        "周明",
        WHY,
        True,
        "open",
    )
    assert await listed(await server.as_("privacy2")) == []
    row = await server.value(
        "select purpose || ' ' || ground || ' ' || outcome_text from audit_event where operation = 'break-glass' and account = 'expert'"
    )
    assert row == f"ETREAT emergency unconscious: {WHY}"
    mine = (await resident.get("/fhir/AuditEvent?patient=Patient/p1&_count=100")).json()
    assert "break-glass" in str(mine)
    who = [part["part"] for part in (await resident.get("/fhir/Patient/p1/$grounds")).json()["parameter"]]
    kinds = {(values(one)["institution"]["display"], values(one)["kind"]) for one in who}
    assert kinds == {("青石镇卫生院", "registered"), ("云溪市第一人民医院", "emergency")}
    assert (await (await server.as_("gp")).get("/fhir/Patient/p1/$grounds")).status_code == 404


async def test_nobody_but_clinicians_at_work_opens_anything(server: Server) -> None:
    for who in ("coordinator", "pharmacist", "office", "admin", "resident", "privacy", "bench"):
        assert (await open_(await server.as_(who), "p2")).status_code == 403, who
    assert await server.value("select count(*) from access_ground where kind = 'emergency'") == 0


NO_REASONS: list[Json] = [
    {"reason": "急"},
    {"reason": "1111111111111111"},
    {"reasonCode": "curious"},
    {"reason": " " * 20},
    {"reason": "急" * 600},
]


async def test_a_reason_that_is_none_opens_nothing(server: Server) -> None:
    expert = await server.as_("expert")
    for more in NO_REASONS:
        assert (await open_(expert, **more)).status_code == 400, more
    assert await seen(expert) == [404, 404, 404]
    assert await server.value("select count(*) from emergency_access") == 0


async def test_a_refusal_leaves_emergencies_out_unless_it_names_them(server: Server) -> None:
    resident, expert = await server.as_("resident"), await server.as_("expert")
    made = (await resident.post("/fhir/Consent", json=consent("p1", "deny"))).json()
    assert (await open_(expert)).status_code == 201
    assert await seen(expert) == [200, 200, 404]
    named = {**made, **consent("p1", "deny", purposes=("TREAT", "HOPERAT", "ETREAT"))}
    assert (await resident.put(f"/fhir/Consent/{made['id']}", json=named)).status_code == 200
    assert await seen(expert) == [404, 404, 404]
    refused = await open_(expert)
    assert refused.status_code == 403
    assert "患者已明确拒绝" in refused.text


async def test_a_review_is_said_once_in_words_by_the_officer_of_the_institution(server: Server) -> None:
    expert, officer = await server.as_("expert"), await server.as_("privacy")
    task = values((await open_(expert)).json()["parameter"])["review"]["reference"]

    async def say(client: httpx.AsyncClient, **more: str) -> int:
        said = {"verdict": "unjustified", "comment": "患者为本人亲属,无急诊就诊记录", **more}
        return (await client.post(f"/fhir/{task}/$emergency-review", json=asked(**said))).status_code

    assert await say(await server.as_("privacy2")) == 404
    assert await say(expert) == 403
    assert await say(officer, comment="不") == 400
    assert await say(officer, verdict="maybe") == 400
    assert await seen(expert) == [200, 200, 404]
    assert (await listed(officer))[0]["reads"] >= 0
    assert await say(officer) == 200
    assert await seen(expert) == [404, 404, 404], "what was not justified ends at once"
    assert await say(officer, verdict="justified") == 409
    (one,) = await listed(officer, "?state=unjustified")
    assert one["comment"] == "患者为本人亲属,无急诊就诊记录"
    assert await listed(officer, "?state=open") == []
    done = (await (await server.as_("bench")).get(f"/fhir/{task}")).json()
    assert (done["status"], done["businessStatus"]["text"]) == ("completed", "不合理")


async def test_the_worklist_is_turned_page_by_page(server: Server) -> None:
    expert, officer = await server.as_("expert"), await server.as_("privacy")
    for id in ("p1", "p2", "p3"):
        assert (await open_(expert, id)).status_code == 201
    first = (await officer.get("/fhir/Task/$emergency-worklist?_count=2")).json()["parameter"]
    told = {one["name"]: one for one in first if one["name"] != "access"}
    assert told["total"]["valueInteger"] == 3
    rest = (await officer.get(f"/fhir/Task/$emergency-worklist?_count=2&_cursor={told['next']['valueString']}")).json()["parameter"]
    both = [values(one["part"])["patient"]["reference"] for part in (first, rest) for one in part if one["name"] == "access"]
    assert both == ["Patient/p3", "Patient/p2", "Patient/p1"]


async def test_the_database_keeps_to_the_same_road(server: Server) -> None:
    await open_(await server.as_("expert"))
    connection = await asyncpg.connect(server.dsn)
    try:
        rows = await connection.fetch("select from_state, to_state from emergency_road")
        assert {tuple(row) for row in rows} == set(review.ROADS)
        for sql in (
            "delete from emergency_access",
            "update emergency_access set reason = 'something quite different'",
            "update emergency_access set until = until + interval '1 day'",
            "update emergency_access set state = 'open'",
        ):
            with pytest.raises(asyncpg.RaiseError):
                await connection.execute(sql)
    finally:
        await connection.close()


def test_every_code_has_a_name_and_the_roads_lead_from_known_states() -> None:
    assert all(break_glass.CODES.values())
    assert {state for road in review.ROADS for state in road} == set(review.STATES)
