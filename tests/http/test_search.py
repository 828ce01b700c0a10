"""How a search answers over HTTP: links, pages, several types, compartments, shortened resources, leniency."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.http.house import ORIGIN, Server
from tests.http.test_interactions import observation

Json = dict[str, Any]
BASE = f"{ORIGIN}/fhir"


async def fill(server: Server) -> httpx.AsyncClient:
    """Seven observations of p1, an encounter, and what hangs on them; signed in as the doctor who may see them."""
    system, gp = await server.as_("bench"), await server.as_("gp")
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-11-20"},
        "serviceProvider": {"reference": "Organization/qingshi"},
    }
    assert (await system.put("/fhir/Encounter/e1", json={**encounter, "id": "e1"})).status_code == 201
    for n in range(7):
        one = observation(encounter={"reference": "Encounter/e1"}, effectiveDateTime=f"2026-11-0{n + 1}") | {"id": f"o{n}"}
        if n:
            one["derivedFrom"] = [{"reference": f"Observation/o{n - 1}"}]
        assert (await system.put(f"/fhir/Observation/o{n}", json=one)).status_code == 201
    return gp


def ids(bundle: Json, mode: str = "match") -> list[str]:
    return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle.get("entry", []) if e["search"]["mode"] == mode]


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


async def walk(client: httpx.AsyncClient, url: str) -> list[str]:
    found: list[str] = []
    following: str | None = url
    while following:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        found += ids(answer.json())
        following = link(answer.json(), "next")
    return found


async def test_the_self_link_is_what_was_asked_and_next_goes_on(server: Server) -> None:
    gp = await fill(server)
    page = (await gp.get("/fhir/Observation?patient=p1&_sort=-date&_count=3&_format=json")).json()
    assert link(page, "self") == f"{BASE}/Observation?patient=p1&_sort=-date&_count=3"
    following = link(page, "next")
    assert following
    assert following.startswith(f"{BASE}/Observation?patient=p1&_sort=-date&_count=3&_cursor=")
    second = (await gp.get(following)).json()
    assert link(second, "self") == following
    assert ids(second) == ["Observation/o3", "Observation/o2", "Observation/o1"]


async def test_a_form_and_the_address_are_one_search(server: Server) -> None:
    gp = await fill(server)
    posted = await gp.post("/fhir/Observation/_search?patient=p1", data={"_sort": "-date", "_count": "2", "_format": "json"})
    assert ids(posted.json()) == ["Observation/o6", "Observation/o5"]
    assert link(posted.json(), "self") == f"{BASE}/Observation?patient=p1&_sort=-date&_count=2"
    assert len(await walk(gp, link(posted.json(), "next") or "")) == 5
    xml = await gp.post("/fhir/Observation/_search", data={"_format": "image/png"})
    assert xml.status_code == 406


async def test_head_is_get_without_the_body(server: Server) -> None:
    gp = await fill(server)
    answer = await gp.head("/fhir/Observation?patient=p1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


async def test_an_estimate_of_the_total_is_exact(server: Server) -> None:
    gp = await fill(server)
    for total in ("estimate", "accurate"):
        assert (await gp.get(f"/fhir/Observation?patient=p1&_count=2&_total={total}")).json()["total"] == 7
    assert "total" not in (await gp.get("/fhir/Observation?patient=p1&_count=2&_total=none")).json()


# --- what goes along


async def test_what_goes_along_is_followed_as_far_as_asked(server: Server) -> None:
    gp = await fill(server)
    once = (await gp.get("/fhir/Observation?_id=o3&_include=Observation:derived-from")).json()
    assert ids(once, "include") == ["Observation/o2"]
    far = (await gp.get("/fhir/Observation?_id=o3&_include:iterate=Observation:derived-from")).json()
    assert ids(far, "include") == ["Observation/o0", "Observation/o1", "Observation/o2"]
    both = (await gp.get("/fhir/Observation?_id=o3&_include=*&_include:iterate=Encounter:service-provider")).json()
    assert ids(both, "include") == ["Encounter/e1", "Observation/o2", "Organization/qingshi", "Patient/p1"]
    back = (await gp.get("/fhir/Encounter?_id=e1&_revinclude=Observation:*")).json()
    assert len(ids(back, "include")) == 7
    refused = await gp.get("/fhir/Patient?_id=p1&_revinclude=AuditEvent:entity")
    assert (refused.status_code, "AuditEvent" in refused.json()["issue"][0]["diagnostics"]) == (400, True)


async def test_more_than_can_go_along_is_refused_and_not_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from yilian.search import follow

    gp = await fill(server)
    monkeypatch.setattr(follow, "MOST", 5)
    for way in ("_revinclude=Observation:encounter", "_revinclude:iterate=Observation:encounter"):
        answer = await gp.get(f"/fhir/Encounter?_id=e1&{way}")
        assert answer.status_code == 413
        assert answer.json()["issue"][0]["code"] == "too-long"


# --- shortened


async def test_a_summary_of_a_search_holds_for_what_goes_along_too(server: Server) -> None:
    gp = await fill(server)
    page = (await gp.get("/fhir/Observation?_id=o1&_include=Observation:patient&_elements=code,gender")).json()
    observed, patient = (entry["resource"] for entry in page["entry"])
    assert list(observed) == ["resourceType", "id", "meta", "status", "code"]
    assert {"resourceType", "id", "meta", "gender"} <= set(patient)
    assert "name" not in patient
    for one in (observed, patient):
        assert one["meta"]["tag"][-1]["code"] == "SUBSETTED"
        assert one["meta"]["versionId"]
    text = await gp.get("/fhir/Observation?_summary=text&_include=Observation:patient")
    assert text.status_code == 400
    counted = (await gp.get("/fhir/Observation?patient=p1&_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (7, False)


async def test_one_resource_can_be_read_in_part(server: Server) -> None:
    gp = await fill(server)
    whole = await gp.get("/fhir/Observation/o1")
    for address in ("/fhir/Observation/o1", "/fhir/Observation/o1/_history/1"):
        part = await gp.get(f"{address}?_elements=status")
        assert list(part.json()) == ["resourceType", "id", "meta", "status", "code"]
        assert part.headers["etag"] == whole.headers["etag"]
        assert (await gp.get(f"{address}?_summary=false")).content == whole.content
        assert list((await gp.get(f"{address}?_summary=text")).json()) == ["resourceType", "id", "meta", "status", "code"]
    for wrong in ("_summary=count", "_summary=x", "_elements=nme", "_count=1", "patient=p1", "_summary=true&_summary=text"):
        refused = await gp.get(f"/fhir/Observation/o1?{wrong}")
        assert refused.status_code == 400, wrong
        assert refused.json()["resourceType"] == "OperationOutcome"


# --- leniency


async def test_a_lenient_search_says_what_it_ignored(server: Server) -> None:
    gp = await fill(server)
    url = "/fhir/Observation?patient=p1&favourite=1&code:nearly=x&_count=2&_sort=-date"
    for header in ({}, {"prefer": "handling=strict"}, {"prefer": "return=minimal"}):
        assert (await gp.get(url, headers=header)).status_code == 400
    page = (await gp.get(url, headers={"prefer": "handling=lenient"})).json()
    assert ids(page) == ["Observation/o6", "Observation/o5"]
    assert link(page, "self") == f"{BASE}/Observation?patient=p1&_count=2&_sort=-date"
    (said,) = (entry for entry in page["entry"] if entry["search"]["mode"] == "outcome")
    assert [issue["severity"] for issue in said["resource"]["issue"]] == ["warning", "warning"]
    assert ["favourite=1" in said["resource"]["issue"][0]["diagnostics"], "code:nearly" in said["resource"]["issue"][1]["diagnostics"]]
    assert "total" not in page
    following = (await gp.get(link(page, "next") or "")).json()
    assert ids(following) == ["Observation/o4", "Observation/o3"]
    bad = await gp.get("/fhir/Observation?patient=p1&_cursor=x", headers={"prefer": "handling=lenient"})
    assert bad.status_code == 400
    nothing_wrong = (await gp.get("/fhir/Observation?patient=p1", headers={"prefer": "handling=lenient"})).json()
    assert all(entry["search"]["mode"] == "match" for entry in nothing_wrong["entry"])


async def test_a_condition_of_a_write_is_never_lenient(server: Server) -> None:
    gp = await fill(server)
    header = {"if-none-exist": "identifier=a|b&favourite=1", "prefer": "handling=lenient"}
    assert (await gp.post("/fhir/Observation", json=observation(), headers=header)).status_code == 400


# --- several types


async def test_several_types_are_searched_at_once(server: Server) -> None:
    gp = await fill(server)
    everything = [f"Observation/o{n}" for n in range(7)] + ["Encounter/e1"]
    for count in (1, 3, 7, 8, 50):
        found = await walk(gp, f"/fhir?_type=Observation,Encounter&patient=p1&_count={count}")
        assert sorted(found) == sorted(everything)
        assert found[-1] == "Encounter/e1"  # type by type
        found = await walk(gp, f"/fhir?_type=Observation,Encounter&patient=p1&_sort=_lastUpdated&_count={count}")
        assert found == ["Encounter/e1", *everything[:7]]
        found = await walk(gp, f"/fhir?_type=Observation,Encounter&patient=p1&_sort=-date,_id&_count={count}")
        assert found == ["Encounter/e1", *reversed(everything[:7])]
    page = (
        await gp.post("/fhir/_search", data={"_type": "Observation,Encounter", "patient": "p1", "_count": "2", "_total": "accurate"})
    ).json()
    assert page["total"] == 8
    assert link(page, "self") == f"{BASE}?_type=Observation,Encounter&patient=p1&_count=2&_total=accurate"
    assert len(await walk(gp, link(page, "next") or "")) == 6
    counted = (await gp.get("/fhir?_type=Observation,Encounter&patient=p1&_summary=count")).json()
    assert counted["total"] == 8


async def test_all_types_are_searched_by_what_all_have(server: Server) -> None:
    gp = await fill(server)
    assert await walk(gp, "/fhir?_id=e1,o1,p1,qingshi&_count=1") == ["Encounter/e1", "Observation/o1", "Organization/qingshi", "Patient/p1"]
    newest = (await gp.get("/fhir?_sort=-_lastUpdated&_count=2")).json()
    assert ids(newest) == ["Observation/o6", "Observation/o5"]
    for wrong, said in (
        ("patient=p1", "_type=Patient,Observation"),
        ("_type=Observation,Organization&patient=p1", "Organization has no search parameter 'patient'"),
        ("_type=Observation,Nobody", "not a resource type"),
        ("_type=AuditEvent", "at /AuditEvent"),
        ("_type=Observation,Patient&_sort=code", "no search parameter 'code'"),
        ("_type=Observation,Encounter&_include=Patient:link", "Observation or Encounter"),
        ("_cursor=Observation.x", "_cursor"),
        ("_cursor=x", "_cursor"),
        ("_sort=_id&_cursor=x", "_cursor"),
    ):
        refused = await gp.get(f"/fhir?{wrong}")
        assert refused.status_code == 400, wrong
        assert said in refused.json()["issue"][0]["diagnostics"]


async def test_what_goes_along_with_several_types_comes_from_each(server: Server) -> None:
    gp = await fill(server)
    way = "_include=Encounter:service-provider&_include=Observation:patient&_revinclude=Observation:derived-from"
    page = (await gp.get(f"/fhir?_type=Observation,Encounter&_id=o2,e1&{way}")).json()
    assert ids(page) == ["Observation/o2", "Encounter/e1"]
    assert ids(page, "include") == ["Observation/o3", "Organization/qingshi", "Patient/p1"]


async def test_the_scope_holds_for_every_type(server: Server) -> None:
    await fill(server)
    gp2 = await server.as_("gp2")
    assert await walk(gp2, "/fhir?_type=Observation,Encounter&_count=3") == []
    assert (await gp2.get("/fhir?_type=Observation,Encounter&_summary=count")).json()["total"] == 0
    assert {name.partition("/")[0] for name in await walk(gp2, "/fhir?_count=1000&_lastUpdated=gt2020")}.isdisjoint(
        {"Observation", "Encounter"}
    )


# --- compartments


async def test_a_compartment_is_searched_by_any_of_its_parameters(server: Server) -> None:
    gp = await fill(server)
    system = await server.as_("bench")
    await system.put("/fhir/Observation/by-p1", json=observation("p2", performer=[{"reference": "Patient/p1"}]) | {"id": "by-p1"})
    found = await walk(gp, "/fhir/Patient/p1/Observation?_count=3")
    assert sorted(found) == ["Observation/by-p1", *(f"Observation/o{n}" for n in range(7))]
    dated = (
        await gp.get("/fhir/Patient/p1/Observation?date=ge2026-11-05&_sort=-date&_total=accurate&_count=2&_include=Observation:encounter")
    ).json()
    assert dated["total"] == 4
    assert ids(dated) == ["Observation/by-p1", "Observation/o6"]
    assert ids(dated, "include") == ["Encounter/e1"]
    assert (
        link(dated, "self")
        == f"{BASE}/Patient/p1/Observation?date=ge2026-11-05&_sort=-date&_total=accurate&_count=2&_include=Observation:encounter"
    )
    assert len(await walk(gp, link(dated, "next") or "")) == 2
    assert sorted(await walk(gp, "/fhir/Encounter/e1/Observation")) == [f"Observation/o{n}" for n in range(7)]
    assert await walk(gp, "/fhir/Encounter/e1/Encounter") == ["Encounter/e1"]


async def test_a_whole_compartment_can_be_asked_for(server: Server) -> None:
    gp = await fill(server)
    found = await walk(gp, "/fhir/Patient/p1/*?_count=3")
    assert set(found) >= {"Patient/p1", "Encounter/e1", "Observation/o0"}
    assert len(found) == len(set(found))
    assert await walk(gp, "/fhir/Patient/p1/*?_type=Encounter,Patient") == ["Encounter/e1", "Patient/p1"]
    system = await server.as_("bench")
    assert (await system.put("/fhir/Device/d2", json={"resourceType": "Device", "id": "d2"})).status_code == 201
    assert await walk(system, "/fhir/Device/d2/*") == []
    assert (await system.get("/fhir/Device/d2/*?_summary=count")).json()["total"] == 0
    posted = (await gp.post("/fhir/Patient/p1/_search", data={"_type": "Encounter"})).json()
    assert (ids(posted), link(posted, "self")) == (["Encounter/e1"], f"{BASE}/Patient/p1/*?_type=Encounter")
    posted = (await gp.post("/fhir/Patient/p1/Encounter/_search", data={"status": "finished"})).json()
    assert (ids(posted), link(posted, "self")) == (["Encounter/e1"], f"{BASE}/Patient/p1/Encounter?status=finished")


async def test_whose_compartment_it_is_must_be_known_to_the_caller(server: Server) -> None:
    gp = await fill(server)
    gp2 = await server.as_("gp2")
    never = (await gp2.get("/fhir/Patient/zz/Observation")).json()
    for way in ("Observation", "*", "Encounter?status=finished"):
        hidden = await gp2.get(f"/fhir/Patient/p1/{way}")
        assert hidden.status_code == 404
        assert hidden.json() == {
            **never,
            "issue": [{**never["issue"][0], "diagnostics": never["issue"][0]["diagnostics"].replace("zz", "p1")}],
        }
        assert (await gp.get(f"/fhir/Patient/zz/{way}")).status_code == 404
    for wrong in (
        "/fhir/Patient/p1/Task",
        "/fhir/Organization/qingshi/Patient",
        "/fhir/Patient/p1/AuditEvent",
        "/fhir/Patient/p1/Observation?_type=Encounter",
    ):
        assert (await gp.get(wrong)).status_code == 400, wrong
    assert (await gp.get("/fhir/Patient/p1/Nothing")).status_code == 404
    assert (await gp.post("/fhir/Patient/p1/Observation", json={})).status_code == 405


async def test_what_was_found_stands_in_the_trail(server: Server) -> None:
    gp = await fill(server)
    await gp.get("/fhir?_type=Observation,Encounter&patient=p1")
    await gp.get("/fhir/Patient/p1/Encounter?status=finished")
    queries = None
    for _ in range(100):  # the trail is written in groups, a moment later
        queries = await server.value("select array_agg(distinct query order by query) from audit_event where query <> ''")
        if queries and len(queries) == 2:
            break
        await asyncio.sleep(0.1)
    assert queries == ["?_type=Observation,Encounter&patient=p1", "Patient/p1/Encounter?status=finished"]


async def test_the_capability_statement_says_what_goes_along_and_whose_compartments_there_are(server: Server) -> None:
    gp = await server.as_("gp")
    (rest,) = (await gp.get("/fhir/metadata")).json()["rest"]
    assert {"code": "search-system"} in rest["interaction"]
    assert "http://hl7.org/fhir/CompartmentDefinition/patient" in rest["compartment"]
    assert {"_id", "_lastUpdated", "_tag"} <= {one["name"] for one in rest["searchParam"]}
    patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    assert {"*", "Patient:*", "Patient:organization"} <= set(patient["searchInclude"])
    assert {"*", "Observation:subject", "Provenance:target"} <= set(patient["searchRevInclude"])
    assert not any(way.startswith("AuditEvent") for way in patient["searchRevInclude"])
    for way in patient["searchInclude"]:
        assert (await gp.get("/fhir/Patient", params={"_include": way, "_id": "p1"})).status_code == 200, way
    refused = [
        way
        for way in patient["searchRevInclude"][:40]
        if (await gp.get("/fhir/Patient", params={"_revinclude": way, "_id": "p1"})).status_code != 200
    ]
    assert refused == []
