"""The CapabilityStatement says exactly what is done: what it states is accepted, what it does not state is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from yilian.fhir.json import parse
from yilian.http.operations.registry import ALL
from yilian.search.parameters import Parameter, parameters_of
from yilian.validation import issues

Json = dict[str, Any]
SAMPLE = ("Patient", "Observation", "Encounter", "Location", "ServiceRequest", "Task", "ValueSet", "Bundle", "Group", "Provenance", "Basic")
VALUES = {
    "token": "x",
    "string": "张",
    "date": "2026",
    "number": "1",
    "quantity": "1",
    "uri": "http://a.example",
    "special": "34|117",
}
BODIES: dict[str, Json] = {
    "Patient": {},
    "Observation": {"status": "final", "code": {"text": "体温"}},
    "Location": {},
    "Group": {"type": "person", "actual": True},
    "Basic": {"code": {"text": "备注"}},
    "ValueSet": {"status": "draft"},
    "Bundle": {"type": "collection"},
}
TAG = {"system": "https://a.example", "code": "walk"}


@pytest.fixture
async def bench(server: Server) -> httpx.AsyncClient:
    return await server.as_("bench")


async def stated(client: httpx.AsyncClient) -> Json:
    answer = await client.get("/fhir/metadata")
    assert answer.status_code == 200
    return dict(answer.json())


async def kinds(client: httpx.AsyncClient) -> dict[str, Json]:
    return {one["type"]: one for one in (await stated(client))["rest"][0]["resource"]}


async def answers(client: httpx.AsyncClient, asked: Iterable[tuple[str, str]]) -> dict[str, tuple[int, str]]:
    """ "GET Patient?_id=1" → status and issue code, "" where it went well. Asked in batches."""
    pairs, found = list(asked), {}
    for start in range(0, len(pairs), 1000):
        part = pairs[start : start + 1000]
        entries = [{"request": {"method": method, "url": str(httpx.URL(url))}} for method, url in part]
        answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
        assert answer.status_code == 200, answer.text[:300]
        for (method, url), entry in zip(part, answer.json()["entry"], strict=True):
            outcome = entry["response"].get("outcome", {}).get("issue", [{}])[0]
            found[f"{method} {url}"] = (int(entry["response"]["status"][:3]), outcome.get("code", "") if "code" in outcome else "")
    return found


def value_of(parameter: Parameter, name: str) -> str:
    if parameter.type == "reference":
        return f"{parameter.targets[0]}/x" if parameter.targets else "x"
    return VALUES[parameter.type] if name != "_lastUpdated" else "2026"


async def test_it_is_a_sound_resource(bench: httpx.AsyncClient) -> None:
    for way in ("metadata", "metadata?mode=terminology"):
        told = [issue for issue in issues(parse((await bench.get(f"/fhir/{way}")).content)) if issue.severity in ("fatal", "error")]
        assert not told


async def test_every_search_parameter_and_inclusion_it_states_is_accepted(bench: httpx.AsyncClient) -> None:
    known = await kinds(bench)
    asked = []
    for kind in SAMPLE:
        for one in known[kind]["searchParam"]:
            parameter = parameters_of(kind)[one["name"]]
            assert (parameter.type, parameter.url) == (one["type"], one["definition"])
            way = f"{one['name']}:missing=true" if parameter.type == "composite" else f"{one['name']}={value_of(parameter, one['name'])}"
            asked.append(("GET", f"{kind}?_id=x&{way}"))
        asked += [("GET", f"{kind}?_id=x&_include={way}") for way in known[kind]["searchInclude"]]
        asked += [("GET", f"{kind}?_id=x&_revinclude={way}") for way in known[kind]["searchRevInclude"]]
    refused = {one: told for one, told in (await answers(bench, asked)).items() if told[0] != 200}
    assert refused == {}
    assert len(asked) > 1000


async def test_the_parameters_of_the_system_are_those_of_every_type(bench: httpx.AsyncClient) -> None:
    rest = (await stated(bench))["rest"][0]
    common = {one["name"] for one in rest["searchParam"]}
    values = {"_has": "", "_list": "_list=x", "_type": "_type=Patient,Group", "_lastUpdated": "_lastUpdated=2026"}
    asked = [("GET", f"?{values.get(name) or name + '=x'}") for name in common - {"_has", "_type"}]
    for url in [url for _, url in asked] + ["?_type=Patient&_has:Observation:patient:code=x", "?_type=Patient,Group"]:
        answer = await bench.get(f"/fhir{url}&_count=1")
        assert answer.status_code == 200, (url, answer.text)
    known = await kinds(bench)
    everywhere = set.intersection(*({p["name"] for p in one["searchParam"]} for kind, one in known.items() if kind != "AuditEvent"))
    assert common == everywhere | {"_has", "_list", "_type"}


async def test_what_a_type_does_not_state_is_refused(bench: httpx.AsyncClient) -> None:
    known = await kinds(bench)
    names = sorted({one["name"] for kind in SAMPLE for one in known[kind]["searchParam"]})
    references = [f"{kind}:{p.code}" for kind in SAMPLE for p in parameters_of(kind).values() if p.type == "reference"]
    asked = []
    for kind in SAMPLE:
        own = {one["name"] for one in known[kind]["searchParam"]}
        asked += [("GET", f"{kind}?{name}=x") for name in names if name not in own]
        asked += [("GET", f"{kind}?_include={way}") for way in references if way not in known[kind]["searchInclude"]]
        asked += [("GET", f"{kind}?_revinclude={way}") for way in references if way not in known[kind]["searchRevInclude"]]
    accepted = {one: told for one, told in (await answers(bench, asked)).items() if told[0] != 400}
    assert accepted == {}


async def test_operations_are_where_they_are_stated_and_nowhere_else(bench: httpx.AsyncClient) -> None:
    statement = await stated(bench)
    known = {one["type"]: {o["name"] for o in one.get("operation", ())} for one in statement["rest"][0]["resource"]}
    known[""] = {one["name"] for one in statement["rest"][0]["operation"]}
    there = {}
    for kind in ("", *SAMPLE, "AuditEvent", "CodeSystem", "ConceptMap", "SearchParameter"):
        for name in {operation.name for operation in ALL}:
            levels = [f"{kind}/${name}", f"{kind}/x/${name}"] if kind else [f"${name}"]
            told = [await bench.request("DELETE", f"/fhir/{level}") for level in levels]  # no operation is called by DELETE
            assert {answer.status_code for answer in told} <= {404, 405}
            there[kind, name] = any(answer.status_code == 405 for answer in told)
    assert {key for key, found in there.items() if found} == {(kind, name) for kind, name in there if name in known[kind]}


async def test_every_interaction_it_states_is_done(bench: httpx.AsyncClient) -> None:
    known = await kinds(bench)
    for kind, more in BODIES.items():
        codes = {one["code"] for one in known[kind]["interaction"]}
        body = {"resourceType": kind, "meta": {"tag": [TAG]}, **more}
        under = f"_tag={TAG['system']}|{TAG['code']}"
        made = await bench.post(f"/fhir/{kind}", json=body)
        id = made.json().get("id")
        done = {"create": made.status_code}
        done["read"] = (await bench.get(f"/fhir/{kind}/{id}")).status_code
        done["conditionalRead"] = (await bench.get(f"/fhir/{kind}/{id}", headers={"if-none-match": made.headers["etag"]})).status_code
        done["vread"] = (await bench.get(f"/fhir/{kind}/{id}/_history/1")).status_code
        done["conditionalCreate"] = (await bench.post(f"/fhir/{kind}", json=body, headers={"if-none-exist": under})).status_code
        done["update"] = (await bench.put(f"/fhir/{kind}/{id}", json={**body, "id": id, "language": "zh"})).status_code
        done["conditionalUpdate"] = (await bench.put(f"/fhir/{kind}?{under}", json={**body, "language": "en"})).status_code
        done["updateCreate"] = (await bench.put(f"/fhir/{kind}/own-id", json={"resourceType": kind, "id": "own-id", **more})).status_code
        patch = [{"op": "replace", "path": "/language", "value": "zh-CN"}]
        headers = {"content-type": "application/json-patch+json"}
        done["patch"] = (await bench.patch(f"/fhir/{kind}/{id}", json=patch, headers=headers)).status_code
        done["history-instance"] = (await bench.get(f"/fhir/{kind}/{id}/_history")).status_code
        done["history-type"] = (await bench.get(f"/fhir/{kind}/_history")).status_code
        done["search-type"] = (await bench.get(f"/fhir/{kind}?{under}")).status_code
        done["conditionalDelete"] = (await bench.delete(f"/fhir/{kind}?{under}")).status_code
        done["delete"] = (await bench.delete(f"/fhir/{kind}/own-id")).status_code
        wanted = {"create": 201, "updateCreate": 201, "conditionalRead": 304, "conditionalDelete": 204, "delete": 204}
        assert done == {name: wanted.get(name, 200) for name in done}, kind
        assert codes == {name for name in done if not name.startswith("conditional") and name != "updateCreate"}
        assert known[kind]["conditionalDelete"] == "single"


async def test_where_it_states_that_an_update_creates_it_does_for_whoever_may_write(server: Server) -> None:
    keeper, gp = await server.as_("admin"), await server.as_("gp")
    known = await kinds(keeper)
    for client, kind in ((keeper, "ValueSet"), (gp, "Observation")):
        more = BODIES[kind]
        answer = await client.put(f"/fhir/{kind}/own-id", json={"resourceType": kind, "id": "own-id", **more})
        assert answer.status_code == (201 if known[kind]["updateCreate"] else 405), kind


async def test_every_type_answers_what_it_states(bench: httpx.AsyncClient) -> None:
    known = await kinds(bench)
    asked = []
    for kind, one in known.items():
        codes = {interaction["code"] for interaction in one["interaction"]}
        ways = {
            "search-type": ("GET", f"{kind}?_count=1"),
            "read": ("GET", f"{kind}/1"),
            "history-type": ("GET", f"{kind}/_history?_count=1"),
            "history-instance": ("GET", f"{kind}/1/_history"),
            "vread": ("GET", f"{kind}/1/_history/1"),
            "delete": ("DELETE", f"{kind}/1"),
        }
        asked += [(way, name in codes) for name, way in ways.items()]
    found = await answers(bench, [way for way, _ in asked])
    wrong = []
    for (method, url), is_stated in asked:
        status, code = found[f"{method} {url}"]
        done = status in (200, 204) or (status == 404 and code == "not-found")
        if is_stated and not done:
            wrong.append((method, url, status, code))
        if not is_stated and status < 400:
            wrong.append((method, url, status, code))
    assert wrong == []


async def test_who_may_not_is_told_so_and_not_that_it_is_unknown(server: Server) -> None:
    gp = await server.as_("gp")
    refused = await gp.post("/fhir/SearchParameter", json={"resourceType": "SearchParameter"})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")


async def test_what_carries_parameters_has_no_address(bench: httpx.AsyncClient) -> None:
    assert "Parameters" not in await kinds(bench)
    for method, url in (("GET", "Parameters"), ("POST", "Parameters"), ("GET", "Parameters/1"), ("GET", "Parameters/$meta")):
        answer = await bench.request(method, f"/fhir/{url}", json={"resourceType": "Parameters"})
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-supported")
    entry = {"request": {"method": "POST", "url": "Parameters"}, "resource": {"resourceType": "Parameters"}}
    assert (await bench.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})).status_code == 400


async def test_the_trail_is_read_and_searched_and_nothing_else(bench: httpx.AsyncClient) -> None:
    known = (await kinds(bench))["AuditEvent"]
    assert {one["code"] for one in known["interaction"]} == {"read", "search-type"}
    values = {
        "date": "2026",
        "entity": "Patient/p1",
        "patient": "p1",
        "agent": "Practitioner/gp",
        "_id": "1",
        "action": "R",
        "outcome": "0",
    }
    for one in known["searchParam"]:
        answer = await bench.get("/fhir/AuditEvent", params={one["name"]: values.get(one["name"], "read")})
        assert answer.status_code == 200, answer.text
    assert (await bench.get("/fhir/AuditEvent?site=x")).status_code == 400
    body = {"resourceType": "AuditEvent"}
    for method, url in (
        ("POST", "AuditEvent"),
        ("PUT", "AuditEvent/1"),
        ("PATCH", "AuditEvent/1"),
        ("DELETE", "AuditEvent/1"),
        ("DELETE", "AuditEvent?patient=p1"),
        ("GET", "AuditEvent/1/_history"),
        ("GET", "AuditEvent/$meta"),
        ("POST", "AuditEvent/1/$expunge"),
    ):
        assert (await bench.request(method, f"/fhir/{url}", json=body)).status_code in (404, 405), (method, url)


async def test_formats_patches_compartments_and_the_root_are_as_stated(bench: httpx.AsyncClient) -> None:
    statement = await stated(bench)
    for format in statement["format"]:
        answer = await bench.get("/fhir/Patient/p1", headers={"accept": format} if "/" in format else {}, params={"_format": format})
        assert answer.status_code == 200
        assert ("xml" in answer.headers["content-type"]) is ("xml" in format)
    for format in statement["patchFormat"]:
        told = await bench.patch("/fhir/Patient/p1", content=b"?", headers={"content-type": format})
        assert told.status_code == 400, told.text  # it is read, and is not well-formed
    assert (await bench.patch("/fhir/Patient/p1", content=b"?", headers={"content-type": "application/xml-patch+xml"})).status_code == 415
    rest = statement["rest"][0]
    owners = {url.rpartition("/")[2] for url in rest["compartment"]}
    for kind in (await kinds(bench)).keys() - {"AuditEvent"}:
        answer = await bench.get(f"/fhir/{kind}/1/*")
        assert (answer.status_code == 404 and answer.json()["issue"][0]["code"] == "not-found") is (kind.lower() in owners), kind
    bundle = {"resourceType": "Bundle"}
    done = {
        "transaction": (await bench.post("/fhir", json=bundle | {"type": "transaction"})).status_code,
        "batch": (await bench.post("/fhir", json=bundle | {"type": "batch"})).status_code,
        "search-system": (await bench.get("/fhir?_count=1")).status_code,
        "history-system": (await bench.get("/fhir/_history?_count=1")).status_code,
    }
    assert done == dict.fromkeys((one["code"] for one in rest["interaction"]), 200)
