"""`_contained` over HTTP: what an entry is called, the next link, what is audited, and where it cannot be asked."""

from __future__ import annotations

from typing import Any

import httpx

from tests.http.house import ORIGIN, Server, running
from tests.http.test_search import link

Json = dict[str, Any]
BASE = f"{ORIGIN}/fhir"


def encounter(id: str, of: str, *payors: str) -> Json:
    held = [{"resourceType": "Organization", "id": f"payor{n}", "name": name, "active": True} for n, name in enumerate(payors)]
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{of}"},
        "contained": held,
        "location": [{"location": {"display": "here"}}],
        "hospitalization": {"origin": {"reference": "#payor0"}, **({"destination": {"reference": "#payor1"}} if len(payors) > 1 else {})},
    }


async def fill(server: Server) -> httpx.AsyncClient:
    system, gp = await server.as_("bench"), await server.as_("gp")
    for one in (encounter("e1", "p1", "Mutual of Qingshi", "Other"), encounter("e2", "p1", "Mutual of Liuhe")):
        answer = await system.put(f"/fhir/Encounter/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text
    return gp


async def test_the_container_or_what_it_contains_is_answered(server: Server) -> None:
    gp = await fill(server)
    page = (await gp.get("/fhir/Organization?name=mutual&_contained=true")).json()
    assert [(e["fullUrl"], e["search"]["mode"]) for e in page["entry"]] == [(f"{BASE}/Encounter/e{n}", "match") for n in (1, 2)]
    assert page["entry"][0]["resource"]["contained"][0]["name"] == "Mutual of Qingshi"
    page = (await gp.get("/fhir/Organization?active=true&_contained=true&_containedType=contained")).json()
    names = ["e1#payor0", "e1#payor1", "e2#payor0"]
    assert ([e["fullUrl"] for e in page["entry"]], page["total"]) == ([f"{BASE}/Encounter/{name}" for name in names], 3)
    assert page["entry"][1]["resource"] == {"resourceType": "Organization", "id": "payor1", "name": "Other", "active": True}
    shown = (await gp.get("/fhir/Organization?name=other&_contained=true&_containedType=contained&_elements=active")).json()
    (one,) = [e["resource"] for e in shown["entry"]]
    assert (one["id"], one["active"], "name" in one, one["meta"]["tag"][0]["code"]) == ("payor1", True, False, "SUBSETTED")
    shown = (await gp.get("/fhir/Organization?name=other&_contained=true&_elements=status,class")).json()
    assert set(shown["entry"][0]["resource"]) == {"resourceType", "id", "meta", "status", "class"}


async def test_ordinary_matches_come_first_and_the_next_links_lead_to_the_end(server: Server) -> None:
    gp = await fill(server)
    ordinary = [e["fullUrl"] for e in (await gp.get("/fhir/Organization?_count=100")).json()["entry"]]
    following: str | None = "/fhir/Organization?_contained=both&_containedType=contained&_count=1"
    found: list[str] = []
    while following:
        page = (await gp.get(following)).json()
        found += [e["fullUrl"] for e in page.get("entry", [])]
        following = link(page, "next")
    assert found == [*ordinary, *(f"{BASE}/Encounter/{name}" for name in ("e1#payor0", "e1#payor1", "e2#payor0"))]


async def test_it_is_audited_once_for_each_container_and_seen_by_nobody_else(furnished_dsn: str) -> None:
    async with running(furnished_dsn, audit_strict=True) as server:
        gp = await fill(server)
        url = "/fhir/Organization?active=true&_contained=true&_containedType=contained"
        assert (await gp.get(url)).json()["total"] == 3
        elsewhere = await server.as_("gp2")
        answer = (await elsewhere.get(f"{url}&_total=accurate")).json()
        assert (answer["total"], "entry" in answer) == (0, False)
        told = "select array_agg(entities::text) from audit_event where subtype = 'search-type' and account = 'gp'"
        assert await server.value(told) == ["{Encounter/e1/_history/1,Encounter/e2/_history/1}"]


async def test_where_it_cannot_be_asked_it_is_refused_by_name(server: Server) -> None:
    gp = await fill(server)
    for url in (
        "/fhir/?_type=Organization,Encounter&_contained=true",
        "/fhir/Patient/p1/Encounter?_contained=true",
        "/fhir/Organization?_contained=true&_sort=name",
        "/fhir/Organization?_contained=true&partof.name=x",
    ):
        answer = await gp.get(url)
        assert answer.status_code == 400, url
        assert "_contained" in answer.json()["issue"][0]["diagnostics"]
    condition = {"resourceType": "Organization", "name": "x"}
    answer = await gp.post("/fhir/Organization", json=condition, headers={"If-None-Exist": "name=x&_contained=true"})
    assert answer.status_code in (400, 403)
    lenient = await gp.get("/fhir/Organization?_contained=true&partof.name=x", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    assert lenient.json()["entry"][-1]["search"]["mode"] == "outcome"
