"""Beds over HTTP: numbers for everybody, persons for the house; keeping, admitting, transferring, discharging."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.beds.places import bed, ward
from tests.http.house import Server
from yilian.fhir import urls

Json = dict[str, Any]


@pytest.fixture
async def wards(server: Server) -> Server:
    bench = await server.as_("bench")
    number = {"identifier": [{"system": "urn:oid:2.16.156.10011.1.22", "value": "01"}]}
    resources = [
        ward(), bed("b1", **number), bed("b2"), bed("b3", status="suspended", description="呼叫铃维修"),
        ward("day", kind="day", specialty=""), bed("chair", "day"),
        ward("county-ward", "county", specialty="03"), bed("c1", "county-ward"),
    ]  # fmt: skip
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"Location/{one['id']}"}} for one in resources]
    answer = await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return server


async def registered(server: Server, patient: str, kind: str = "inpatient") -> None:
    """The patient has been at the first hospital, so that its people may read the record."""
    bench = await server.as_("bench")
    visit = {
        "resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": "Organization/first"},
    }  # fmt: skip
    answer = await bench.post("/fhir/Encounter", json=visit)
    assert answer.status_code == 201, answer.text


async def groups(client: Any, **asked: str) -> list[Json]:
    answer = await client.get("/fhir/Location/$beds", params=asked)
    assert answer.status_code == 200, answer.text
    return [parts(one["part"]) for one in answer.json()["parameter"] if one["name"] == "group"]


def parts(listed: list[Json]) -> Json:
    return {one["name"]: next((value for key, value in one.items() if key != "name"), None) for one in listed}


async def beds(client: Any, ward: str = "cardio") -> dict[str, Json]:
    answer = await client.get(f"/fhir/Location/{ward}/$beds")
    assert answer.status_code == 200, answer.text
    found = [parts(one["part"]) for one in answer.json()["parameter"] if one["name"] == "bed"]
    return {one["location"]["reference"].removeprefix("Location/"): one for one in found}


async def call(client: Any, place: str, name: str, status: int = 200, **given: str) -> Json:
    parameter = [{"name": key.replace("_", "-"), "valueString": value} for key, value in given.items()]
    answer = await client.post(f"/fhir/Location/{place}/${name}", json={"resourceType": "Parameters", "parameter": parameter})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_numbers_are_for_everybody_who_is_signed_in_and_tell_of_no_person(wards: Server) -> None:
    await registered(wards, "p1")
    await call(await wards.as_("expert"), "b1", "admit", 201, patient="Patient/p1")
    for who in ("gp", "resident", "office", "admin", "coordinator"):
        found = await groups(await wards.as_(who))
        assert [(one["institution"]["display"], one["total"], one["free"], one["occupied"], one["stopped"]) for one in found] == [
            ("云溪县人民医院", 1, 1, 0, 0),
            ("云溪市第一人民医院", 3, 1, 1, 1),
        ]
    gp = await wards.as_("gp")
    by_ward = await groups(gp, by="ward", institution="Organization/first")
    assert [(one["place"]["display"], one["free"], one["specialty"]["display"]) for one in by_ward] == [("cardio 名", 1, "心血管内科专业")]
    assert [one["free"] for one in await groups(gp, by="specialty", specialty=f"{urls.SPECIALTY}|03")] == [1]
    assert [one["place"]["display"] for one in await groups(gp, kind="day")] == ["云溪市第一人民医院"]
    for wrong in ({"by": "ward"}, {"by": "bed"}, {"kind": "sofa"}, {"specialty": "99.99"}, {"colour": "red"}):
        assert (await gp.get("/fhir/Location/$beds", params=wrong)).status_code == 400
    assert (await gp.get("/fhir/Location/$beds", params={"institution": "Organization/none"})).status_code == 404


async def test_a_patient_is_expected_admitted_moved_and_discharged(wards: Server) -> None:
    await registered(wards, "p1")
    expert, clerk = await wards.as_("expert"), await wards.as_("coordinator")
    kept = parts((await call(clerk, "cardio", "hold", 201, patient="Patient/p1"))["parameter"])
    assert kept["bed"]["reference"] == "Location/b1"
    board = await beds(expert)
    assert {id: one["state"] for id, one in board.items()} == {"b1": "held", "b2": "free", "b3": "stopped"}
    hold = parts(board["b1"]["hold"])
    assert (hold["patient"]["display"], hold["made-as"], hold["made-by"]["display"]) == ("李秀英", "孙丽", "云溪市第一人民医院")
    assert board["b3"]["why"] == "呼叫铃维修"
    leaves = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    encounter = await call(expert, "cardio", "admit", 201, patient="Patient/p1", expected=leaves)
    assert encounter["status"] == "in-progress"
    assert encounter["location"][0]["location"] == {"reference": "Location/b1", "display": "b1 名"}
    assert encounter["identifier"][0]["value"].startswith("ZY")
    lies = (await beds(expert))["b1"]
    assert (lies["state"], lies["patient"]["display"], lies["patient-gender"], lies["number"]) == ("occupied", "李秀英", "female", "01")
    assert lies["expected"]
    assert "hold" not in lies
    assert "already" in (await call(expert, "b2", "admit", 409, patient="Patient/p1"))["issue"][0]["diagnostics"]
    moved = await call(expert, "b1", "transfer", to="Location/b2")
    assert [one["status"] for one in moved["location"]] == ["completed", "active"]
    assert {id: one["state"] for id, one in (await beds(expert)).items()} == {"b1": "cleaning", "b2": "occupied", "b3": "stopped"}
    await call(expert, "b2", "expect-discharge", 400, expected="2020-01-01")
    await call(expert, "b2", "expect-discharge", expected=leaves)
    gone = await call(expert, "b2", "discharge", disposition="3", destination="Organization/qingshi")
    assert gone["status"] == "finished"
    assert gone["hospitalization"]["dischargeDisposition"]["text"] == "医嘱转社区卫生服务机构/乡镇卫生院"
    assert [one["status"] for one in gone["statusHistory"]] == ["in-progress"]
    assert await beds(expert) | {"b1": {}, "b2": {}} == {**await beds(expert), "b1": {}, "b2": {}}
    await call(expert, "b2", "discharge", 404)


async def test_who_was_planned_is_admitted_with_the_same_number(wards: Server) -> None:
    await registered(wards, "p1")
    expert = await wards.as_("expert")
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "kind", "valueCode": "inpatient"}, {"name": "status", "valueCode": "planned"}],
    }
    planned = (await expert.post("/fhir/Patient/p1/$register-visit", json=body)).json()
    encounter = await call(expert, "b1", "admit", 200, encounter=f"Encounter/{planned['id']}")
    assert encounter["identifier"] == planned["identifier"]
    assert [one["status"] for one in encounter["statusHistory"]] == ["planned"]
    await call(expert, "b2", "admit", 409, encounter=f"Encounter/{planned['id']}")
    await call(expert, "b2", "admit", 400)


async def test_another_house_sees_states_and_no_person_and_gives_no_beds(wards: Server) -> None:
    await registered(wards, "p1")
    await call(await wards.as_("expert"), "b1", "admit", 201, patient="Patient/p1")
    other = await wards.as_("expert2")
    lies = (await beds(other))["b1"]
    assert lies["state"] == "occupied"
    assert not {"patient", "encounter", "since", "diagnosis"} & lies.keys()
    gp = await wards.as_("gp")  # p1 is registered there: the record may be read, and so who lies where
    assert (await beds(gp))["b1"]["patient"]["display"] == "李秀英"
    await call(gp, "b2", "hold", 403, patient="Patient/p2")
    await call(gp, "b2", "admit", 403, patient="Patient/p2")
    for name, given in (("discharge", {}), ("transfer", {"to": "Location/b2"}), ("expect-discharge", {"expected": "2099-01-01"})):
        await call(gp, "b1", name, 403, **given)
    await call(other, "b1", "discharge", 404)
    await call(other, "b1", "transfer", 404, to="Location/b2")
    await call(other, "b2", "release", 404)
    await call(await wards.as_("office"), "b2", "hold", 403, patient="Patient/p1")
    assert (await (await wards.as_("resident")).get("/fhir/Location/cardio/$beds")).status_code == 403
    assert (await other.get("/fhir/Location/b1/$beds")).status_code == 404
    admin = await beds(await wards.as_("admin"))
    assert "patient" not in admin["b1"]


async def test_what_a_board_tells_of_persons_is_in_the_trail(wards: Server) -> None:
    await registered(wards, "p1")
    expert = await wards.as_("expert")
    await call(expert, "b1", "admit", 201, patient="Patient/p1")
    await beds(expert)
    told = """
        select count(*) from audit_event e join resource r on r.rid = e.patient
        where e.operation = 'beds' and e.account = 'expert' and r.id = 'p1' and e.ground <> ''
    """
    for _ in range(100):
        if await wards.value(told):
            break
        await asyncio.sleep(0.1)  # reads are written down in batches
    assert await wards.value(told) == 1


async def test_a_hold_is_released_by_the_house(wards: Server) -> None:
    await registered(wards, "p1")
    clerk = await wards.as_("coordinator")
    await call(clerk, "b1", "hold", 201, patient="Patient/p1")
    await call(await wards.as_("expert2"), "b1", "release", 403)
    await call(clerk, "b1", "release")
    await call(clerk, "b1", "release", 404)
    assert (await beds(clerk))["b1"]["state"] == "free"


async def test_a_feed_that_contradicts_is_stored_and_listed_for_the_house(wards: Server) -> None:
    await registered(wards, "p1")
    await call(await wards.as_("expert"), "b1", "admit", 201, patient="Patient/p1")
    bench = await wards.as_("bench")
    feed = {
        "resourceType": "Encounter", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p2", "display": "欧阳建国"}, "serviceProvider": {"reference": "Organization/first"},
        "location": [{"location": {"reference": "Location/b1"}, "status": "active"}],
    }  # fmt: skip
    assert (await bench.post("/fhir/Encounter", json=feed)).status_code == 201
    listed = (await (await wards.as_("coordinator")).get("/fhir/Location/$bed-contradictions")).json()["parameter"]
    [one] = [parts(each["part"]) for each in listed]
    assert (one["text"], one["patient"]["display"], one["bed"]["display"]) == ("同一床位有两名患者", "欧阳建国", "b1 名")
    others = await (await wards.as_("expert2")).get("/fhir/Location/$bed-contradictions")
    assert "parameter" not in others.json()
    assert (await (await wards.as_("resident")).get("/fhir/Location/$bed-contradictions")).status_code == 403


async def test_the_use_of_beds_is_told_by_day(wards: Server) -> None:
    gp = await wards.as_("gp")
    days = {"start": "2026-11-01", "end": "2026-11-30"}
    assert "parameter" not in (await gp.get("/fhir/Location/$bed-use", params=days)).json()
    for wrong in ({"start": "x", "end": "y"}, {"start": "2026-11-02", "end": "2026-11-01"}, {**days, "by": "colour"}):
        assert (await gp.get("/fhir/Location/$bed-use", params=wrong)).status_code == 400


async def test_the_share_of_day_surgery_is_told_to_the_house(wards: Server) -> None:
    days = {"start": "2026-11-01", "end": "2026-11-30"}
    told = (await (await wards.as_("expert")).get("/fhir/Location/$day-surgery", params=days)).json()
    assert parts(told["parameter"]) == {"elective": 0, "day": 0, "target": 0.2}
    assert (await (await wards.as_("resident")).get("/fhir/Location/$day-surgery", params=days)).status_code == 403
