"""The directory over HTTP: candidates with their reasons, equipment, waits, and what may be seen without signing in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from yilian.errors import TooManyRequests
from yilian.fhir import urls
from yilian.http.limits import Limits
from yilian.http.operations.directory import CANDIDATE

Json = dict[str, Any]
HEART = "03.04"


async def ok(answer: httpx.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def furnished(server: Server) -> None:
    """Services at three hospitals, one of them with a place on the map; by a system of the region."""
    bench = await server.as_("bench")
    for id in ("county", "first", "second"):
        said: Json = {
            "resourceType": "HealthcareService",
            "id": f"{id}-heart",
            "active": True,
            "providedBy": {"reference": f"Organization/{id}"},
            "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": HEART}]}],
            "name": f"{id} 心内科",
        }
        assert (await bench.put(f"/fhir/HealthcareService/{id}-heart", json=said)).status_code in (200, 201)
    for id, latitude in (("qingshi", 31.61), ("county", 31.56), ("first", 31.42)):
        where: Json = {
            "resourceType": "Location",
            "id": f"{id}-site",
            "position": {"latitude": latitude, "longitude": 106.2},
            "managingOrganization": {"reference": f"Organization/{id}"},
        }
        assert (await bench.put(f"/fhir/Location/{id}-site", json=where)).status_code in (200, 201)
    device: Json = {
        "resourceType": "Device",
        "id": "ct-1",
        "extension": [{"url": urls.SHARED_EQUIPMENT, "valueBoolean": True}],
        "serialNumber": "SN-SECRET",
        "deviceName": [{"name": "64 排 CT", "type": "user-friendly-name"}],
        "type": {"coding": [{"system": urls.EQUIPMENT_KIND, "code": "ct"}]},
        "owner": {"reference": "Organization/first"},
    }
    assert (await bench.put("/fhir/Device/ct-1", json=device)).status_code in (200, 201)


def parts(entry: Json) -> dict[str, list[Json]]:
    [said] = [one for one in entry["search"]["extension"] if one["url"] == CANDIDATE]
    found: dict[str, list[Json]] = {}
    for part in said["extension"]:
        found.setdefault(part["url"], []).append(part)
    return found


async def test_candidates_are_ranked_and_say_why(server: Server) -> None:
    await furnished(server)
    gp = await server.as_("gp")
    bundle = await ok(
        await gp.get(f"/fhir/HealthcareService/$candidates?specialty={HEART}&direction=up&patient=Patient/p1&near=31.61,106.2")
    )
    matches = [entry for entry in bundle["entry"] if entry["search"]["mode"] == "match"]
    assert [entry["resource"]["id"] for entry in matches] == ["county-heart", "first-heart", "second-heart"]
    scores = [entry["search"]["score"] for entry in matches]
    assert scores == sorted(scores, reverse=True)
    told = parts(matches[0])
    assert told["minutes"][0]["valuePositiveInt"] < 30
    assert told["deductible"][0]["valueMoney"] == {"value": 500, "currency": "CNY"}
    assert told["insured-percent"][0]["valueDecimal"] == 80
    said = {part["extension"][0]["valueCode"]: part["extension"][1]["valueString"] for part in told["reason"]}
    assert said["way"].startswith("约 ")
    assert "scope" in said
    assert {entry["resource"]["name"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"} >= {"云溪县人民医院"}
    for _ in range(100):  # the trail of reads is written a moment later
        if await server.value("select count(*) from audit_event where operation = 'candidates'"):
            break
        await asyncio.sleep(0.05)
    assert await server.value("select count(*) from audit_event where operation = 'candidates'") == 1


async def test_who_may_not_know_the_patient_learns_nothing_by_asking_for_candidates(server: Server) -> None:
    await furnished(server)
    gp2 = await server.as_("gp2")
    known = await gp2.get(f"/fhir/HealthcareService/$candidates?specialty={HEART}&patient=Patient/p1")
    nobody = await gp2.get(f"/fhir/HealthcareService/$candidates?specialty={HEART}&patient=Patient/p9")
    assert (known.status_code, nobody.status_code) == (404, 404)
    assert known.text.replace("p1", "p9") == nobody.text


async def test_a_question_that_cannot_be_read_is_refused(server: Server) -> None:
    gp = await server.as_("gp")
    for query in ("", "specialty=99", f"specialty={HEART}&near=here", f"specialty={HEART}&direction=sideways", f"specialty={HEART}&else=1"):
        answer = await gp.get(f"/fhir/HealthcareService/$candidates?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await server.nobody().get(f"/fhir/HealthcareService/$candidates?specialty={HEART}")).status_code == 401


async def test_equipment_is_told_without_its_numbers_and_no_other_device(server: Server) -> None:
    await furnished(server)
    bench = await server.as_("bench")
    stent = {"resourceType": "Device", "id": "stent", "patient": {"reference": "Patient/p1"}, "owner": {"reference": "Organization/first"}}
    assert (await bench.put("/fhir/Device/stent", json=stent)).status_code == 201
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/HealthcareService/$equipment?kind=ct&shared=true")
    [entry] = (await ok(answer))["entry"]
    assert entry["resource"]["owner"]["display"] == "云溪市第一人民医院"
    assert "SN-SECRET" not in answer.text
    assert (await ok(await gp.get("/fhir/HealthcareService/$equipment")))["total"] == 1
    assert (await gp.get("/fhir/HealthcareService/$equipment?kind=gold")).status_code == 400


async def test_waits_of_an_institution_can_be_asked_for(server: Server) -> None:
    gp = await server.as_("gp")
    assert (await ok(await gp.get("/fhir/Organization/first/$waits")))["resourceType"] == "Parameters"
    assert (await gp.get("/fhir/Organization/none/$waits")).status_code == 404


async def test_anybody_browses_institutions_without_signing_in(server: Server) -> None:
    await furnished(server)
    nobody = server.nobody()
    listed = await nobody.get("/public/institutions?near=31.61,106.2&count=3")
    assert "max-age" in listed.headers["cache-control"]
    told = await ok(listed)
    assert told["total"] >= 5
    assert [one["name"] for one in told["institutions"]][:3] == ["青石镇卫生院", "云溪县人民医院", "云溪市第一人民医院"]
    assert told["institutions"][1]["km"] == pytest.approx(5.6, abs=0.1)
    for query, names in (
        ("text=%E4%BA%91%E6%BA%AA%E5%8E%BF", {"云溪县人民医院"}),
        ("text=yxxrm", {"云溪县人民医院"}),
        ("tier=township", {"青石镇卫生院", "柳河镇卫生院"}),
        (f"specialty={HEART}&tier=county", {"云溪县人民医院"}),
        ("specialty=03&tier=county", {"云溪县人民医院"}),
    ):
        assert {one["name"] for one in (await ok(await nobody.get(f"/public/institutions?{query}")))["institutions"]} == names, query


async def test_how_far_it_is_from_one_house_to_the_other_is_told_to_anybody(server: Server) -> None:
    await furnished(server)
    nobody = server.nobody()
    told = await ok(await nobody.get("/public/way?from=qingshi&to=county"))
    assert (told["from"]["name"], told["to"]["latitude"]) == ("青石镇卫生院", 31.56)
    assert told["km"] > 5.6  # a road is longer than the straight line
    assert told["minutes"] > told["km"] / 2  # nobody drives 120 km/h there
    assert "km" not in await ok(await nobody.get("/public/way?from=qingshi&to=second"))  # it is not known where that stands
    for query, status in (("from=qingshi&to=nowhere", 404), ("from=qingshi", 400), ("from=qingshi&to=county&by=bike", 400)):
        assert (await nobody.get(f"/public/way?{query}")).status_code == status, query


async def test_of_people_anybody_is_told_name_title_and_department_alone(server: Server) -> None:
    await furnished(server)
    bench = await server.as_("bench")
    person = {
        "resourceType": "Practitioner",
        "id": "zhou",
        "identifier": [{"system": urls.PRACTITIONER_ID, "value": "510000000012345"}],
        "name": [{"text": "周明"}],
        "telecom": [{"system": "phone", "value": "16900000001"}],
        "birthDate": "1970-02-03",
        "qualification": [{"code": {"text": "主任医师"}}],
    }
    post = {
        "resourceType": "PractitionerRole",
        "id": "zhou-first",
        "practitioner": {"reference": "Practitioner/zhou"},
        "organization": {"reference": "Organization/first"},
        "code": [{"coding": [{"system": urls.ROLE, "code": "consultant"}]}],
        "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": HEART}]}],
    }
    clerk = post | {"id": "zhou-clerk", "code": [{"coding": [{"system": urls.ROLE, "code": "coordinator"}]}]}
    for one in (person, post, clerk):
        assert (await bench.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)).status_code == 201
    answer = await server.nobody().get("/public/institutions/first")
    told = await ok(answer)
    assert told["people"] == [{"name": "周明", "title": "主任医师", "specialties": [{"code": HEART, "name": "心血管内科"}]}]
    assert [one["name"] for one in told["services"]] == ["first 心内科"]
    for secret in ("510000000012345", "16900000001", "1970", "zhou"):
        assert secret not in answer.text
    assert (await server.nobody().get("/public/institutions/none")).status_code == 404


async def test_strange_questions_of_anybody_are_refused(server: Server) -> None:
    for query in ("else=1", "tier=moon", "specialty=99", "near=x", "count=0", "count=1000", "offset=-1", f"text={'x' * 70}"):
        answer = await server.nobody().get(f"/public/institutions?{query}")
        assert answer.status_code == 400, query
        assert answer.headers["cache-control"] == "no-store"


async def test_anybody_is_limited_by_address(dsn: str) -> None:
    limits = Limits(public=60, clock=lambda: 0.0)
    for _ in range(10):
        limits.public("10.1.1.1")
    with pytest.raises(TooManyRequests):
        limits.public("10.1.1.1")
    limits.public("10.2.2.2")


async def test_the_map_is_drawn_from_outlines_of_the_region(server: Server) -> None:
    bench = await server.as_("bench")
    ring = [[106.0, 31.0], [106.5, 31.0], [106.5, 31.5], [106.0, 31.0]]
    shape = json.dumps({"type": "Polygon", "coordinates": [ring]})
    for id, data in (("county", shape), ("broken", "{}")):
        area: Json = {
            "resourceType": "Location",
            "id": f"area-{id}",
            "name": "云溪县",
            "extension": [{"url": urls.BOUNDARY, "valueString": data}],
        }
        answer = await bench.put(f"/fhir/Location/area-{id}", json=area)
        assert answer.status_code == 201, answer.text
    told = await ok(await server.nobody().get("/public/map"))
    assert told["areas"] == [{"name": "云溪县", "rings": [ring]}]
