"""The directory kept by form, over HTTP: lists with what ended, equipment, who changed what, and who may."""

from __future__ import annotations

from tests.http.house import Server
from tests.http.test_directory import Json, furnished, ok
from yilian.fhir import urls

WARD: Json = {"resourceType": "Organization", "active": True, "name": "内科一病区", "partOf": {"reference": "Organization/county"}}


def names(bundle: Json) -> list[str]:
    return [entry["resource"]["name"] for entry in bundle.get("entry", ())]


async def test_institutions_and_departments_are_listed_with_those_that_ended(server: Server) -> None:
    office, gp = await server.as_("office"), await server.as_("gp")
    ward = await ok(await office.post("/fhir/Organization", json=WARD), 201)
    ended = WARD | {"name": "老病区", "active": False, "extension": [{"url": urls.ENDED, "valueDate": "2026-10-01"}]}
    await ok(await office.post("/fhir/Organization", json=ended), 201)
    for person in (office, gp):
        listed = await ok(await person.get("/fhir/Organization/$kept?kind=departments"))
        assert (listed["total"], names(listed)) == (2, ["内科一病区", "老病区"])
    assert names(await ok(await gp.get("/fhir/Organization/$kept?kind=departments&state=ended"))) == ["老病区"]
    assert names(await ok(await gp.get("/fhir/Organization/$kept?kind=departments&of=first"))) == []
    assert names(await ok(await gp.get("/fhir/Organization/$kept?kind=departments&text=nkybq"))) == ["内科一病区"]
    first = await ok(await gp.get("/fhir/Organization/$kept?kind=institutions&_count=3"))
    assert (first["total"], len(first["entry"])) == (5, 3)
    rest = await ok(await gp.get(next(one["url"] for one in first["link"] if one["relation"] == "next")))
    assert len({*names(first), *names(rest)}) == 5
    assert ward["id"] not in {entry["resource"]["id"] for bundle in (first, rest) for entry in bundle["entry"]}
    assert (await gp.get("/fhir/Organization/$kept?kind=wards")).status_code == 400


async def test_who_changed_what_is_told_to_those_who_keep_it(server: Server) -> None:
    office, gp = await server.as_("office"), await server.as_("gp")
    ward = await ok(await office.post("/fhir/Organization", json=WARD), 201)
    address = f"/fhir/Organization/{ward['id']}"
    changed = ward | {"name": "内科二病区", "extension": [{"url": urls.SERVICE_SCOPE, "valueString": "不收儿童"}]}
    await ok(await office.put(address, json=changed, headers={"if-match": 'W/"1"'}))
    assert (await office.put(address, json=changed, headers={"if-match": 'W/"1"'})).status_code == 412
    told = (await ok(await office.get(f"{address}/$changes")))["parameter"]
    newest, first = ({part["name"]: part for part in one["part"]} for one in told)
    assert (newest["number"]["valuePositiveInt"], newest["by"]["valueString"], newest["method"]["valueCode"]) == (2, "冯涛", "PUT")
    assert [part["valueCode"] for part in told[0]["part"] if part["name"] == "element"] == ["name", "service-scope"]
    assert first["by"]["valueString"] == "冯涛"
    assert (await gp.get(f"{address}/$changes")).status_code == 403
    assert (await office.get("/fhir/Organization/nothing/$changes")).status_code == 404


async def test_equipment_is_kept_by_the_office_and_an_implant_is_not_found_out(server: Server) -> None:
    await furnished(server)
    office, gp, bench = await server.as_("office"), await server.as_("gp"), await server.as_("bench")
    device: Json = {
        "resourceType": "Device",
        "status": "active",
        "serialNumber": "SB-7",
        "deviceName": [{"name": "彩超", "type": "user-friendly-name"}],
        "type": {"coding": [{"system": urls.EQUIPMENT_KIND, "code": "ultrasound"}]},
        "owner": {"reference": "Organization/county"},
    }

    def asked(resource: Json) -> Json:
        return {"resourceType": "Parameters", "parameter": [{"name": "device", "resource": resource}]}

    made = await ok(await office.post("/fhir/Device/$keep-equipment", json=asked(device)), 201)
    assert (await gp.post("/fhir/Device/$keep-equipment", json=asked(device))).status_code == 403
    assert (await gp.get(f"/fhir/Device/{made['id']}/$equipment-record")).status_code == 403
    record = await ok(await office.get(f"/fhir/Device/{made['id']}/$equipment-record"))
    assert record["serialNumber"] == "SB-7"
    ended = record | {"status": "inactive"}
    await ok(await office.post("/fhir/Device/$keep-equipment", json=asked(ended), headers={"if-match": 'W/"1"'}))
    assert (await office.post("/fhir/Device/$keep-equipment", json=asked(ended), headers={"if-match": 'W/"1"'})).status_code == 412
    working = await ok(await gp.get("/fhir/HealthcareService/$equipment?working=true"))
    assert (working["total"], [one["resource"]["id"] for one in working["entry"]]) == (1, ["ct-1"])
    found = await ok(await gp.get("/fhir/HealthcareService/$equipment?text=sb-7"))
    assert [one["resource"]["id"] for one in found["entry"]] == [made["id"]]
    for fault in (
        {"owner": {"reference": "Organization/none"}},
        {"deviceName": []},
        {"type": {"text": "x"}},
        {"patient": {"reference": "Patient/p1"}},
    ):
        assert (await office.post("/fhir/Device/$keep-equipment", json=asked(device | fault))).status_code == 422
    implant = {"resourceType": "Device", "patient": {"reference": "Patient/p1"}, "owner": {"reference": "Organization/county"}}
    hidden = (await bench.post("/fhir/Device", json=implant)).json()["id"]
    for id in (hidden, "never"):
        assert (await office.get(f"/fhir/Device/{id}/$equipment-record")).status_code == 404
        assert (await office.get(f"/fhir/Device/{id}/$changes")).status_code == 404
        assert (await office.post("/fhir/Device/$keep-equipment", json=asked(device | {"id": id}))).status_code == 404
