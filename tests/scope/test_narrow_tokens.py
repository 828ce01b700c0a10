"""A token for some types only: the others are refused by name, and never come along, count, or answer through a chain."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.access.journey import bearer, tokens_of
from tests.conftest import REGION_ZONE
from tests.http.house import Server
from tests.scope.people import client_of, sees
from tests.scope.test_searches import LINKS, found, questions
from tests.scope.world import World
from yilian.search.query import parse

Json = dict[str, Any]

NARROW = (("Observation",), ("Patient",), ("Task", "ServiceRequest"), ("Organization", "DiagnosticReport"))


async def narrowed(server: Server, types: tuple[str, ...], rights: str = "read") -> httpx.AsyncClient:
    """gp's client, allowed these types alone."""
    client = server.nobody()
    scope = " ".join(["openid", *(f"user/{kind}.{rights}" for kind in types)])
    client.headers["authorization"] = bearer((await tokens_of(client, "gp", scope=scope))["access_token"])
    return client


@pytest.mark.parametrize("types", NARROW, ids=" ".join)
async def test_a_token_opens_its_types_and_no_other(server: Server, world: World, types: tuple[str, ...]) -> None:
    client = await narrowed(server, types)
    for name, versions in world.versions.items():
        one = versions[-1]
        if one.type not in types:
            for path in (name, f"{name}/_history", f"{name}/_history/1", f"{one.type}?_id={one.id}", f"{one.type}/zzz"):
                assert (await client.get(f"/fhir/{path}")).status_code == 403, path
        elif sees("gp", one):
            assert (await client.get(f"/fhir/{name}")).status_code == (410 if one.deleted else 200), name
        else:
            assert (await client.get(f"/fhir/{name}")).status_code == 404, name
    assert (await client.get("/fhir/AuditEvent")).status_code == 403
    if "Patient" in types:
        for operation in ("$everything", "$timeline"):
            whole = (await client.get(f"/fhir/Patient/p1/{operation}")).json()
            assert {one["resource"]["resourceType"] for one in whole.get("entry", [])} <= {"Patient"}
            assert whole["total"] == len(whole.get("entry", []))
    if "Task" in types:
        page = (await client.get("/fhir/Task/$worklist?list=sent")).json()
        assert {one["resource"]["resourceType"] for one in page["entry"]} == {"Task", "ServiceRequest"}


@pytest.mark.parametrize("types", NARROW, ids=" ".join)
async def test_what_a_token_does_not_open_does_not_answer_through_a_chain(server: Server, world: World, types: tuple[str, ...]) -> None:
    bench, client = await client_of(server, "bench"), await narrowed(server, types)
    closed = 0
    for kind in types:
        for query in questions(kind):
            all_there, _, _ = await found(bench, kind, query)
            through = {clause.modifier for clause in _clauses(kind, query) if clause.chain is not None}
            expected = [name for name in all_there if sees("gp", world.current(name))] if through <= set(types) else []
            matches, _, total = await found(client, kind, query)
            assert (matches, total) == (expected, len(expected)), query
            closed += bool(through - set(types))
        for way, links in LINKS.items():
            for link in links:
                if way == "_include" and not link.startswith(f"{kind}:"):
                    continue
                answer = await client.get(f"/fhir/{kind}?{way}={link}&_count=200")
                along = {one["resource"]["resourceType"] for one in answer.json().get("entry", [])} if answer.status_code == 200 else set()
                assert along <= set(types), (kind, way, link)
    assert closed


async def test_the_newer_roads_are_as_narrow(server: Server) -> None:
    """A token for Patient alone: no count, no table, no file, no label tells of an Observation."""
    client, wide = await narrowed(server, ("Patient",)), await client_of(server, "gp")
    asked = {"prefer": "respond-async"}
    for path in (
        "Observation/$lastn?patient=p1&code=1558-6", "ViewDefinition/vital_signs/$run", "Observation/$meta",
        "Encounter/visit-p1/$everything",
        "Patient/p1/Observation", "Observation/sugar-p1/$validate", "Observation/sugar-p1/$meta", "Observation/_history?_at=2026",
        "Patient/$export?_type=Observation", "SearchParameter/x/$status",
    ):  # fmt: skip
        answer = await client.get(f"/fhir/{path}", headers=asked)
        assert answer.status_code == 403, (path, answer.text)
    for path in ("Patient?_has:Observation:patient:code=1558-6", "Patient?_has:Encounter:patient:status=finished"):
        assert (await wide.get(f"/fhir/{path}&_total=accurate")).json()["total"] > 0
        answer = await client.get(f"/fhir/{path}&_total=accurate")
        assert answer.status_code == 403 or answer.json()["total"] == 0, path
    for path in ("_history", "?_sort=_lastUpdated", "Patient/p1/*", "?_type=Patient", "Patient?_revinclude=*&_include=*"):
        answer = await client.get(f"/fhir/{path}")
        kinds = {one["resource"]["resourceType"] for one in answer.json().get("entry", []) if "resource" in one}
        assert kinds - {"OperationOutcome"} <= {"Patient"}, (path, kinds)
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "?"}}
    tried = await client.post("/fhir/Observation/$validate?mode=create", json=body)
    assert tried.status_code == 403
    view = {"resourceType": "ViewDefinition", "resource": "Observation", "select": [{"column": [{"name": "a", "path": "id"}]}]}
    sent = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": view}]}
    for operation in ("$run", "$export"):
        assert (await client.post(f"/fhir/ViewDefinition/{operation}", json=sent, headers=asked)).status_code == 403


async def test_who_may_only_write_is_told_nothing_by_a_condition(server: Server) -> None:
    """With Observation.write alone a condition on Patients finds nobody, one's own patients neither."""
    client = await narrowed(server, ("Observation",), "write")
    result = {"resourceType": "Observation", "status": "final", "code": {"text": "?"}}
    answers = []
    for name in ("李秀英", "王某某"):
        entry = {
            "resource": result | {"subject": {"reference": f"Patient?name={name}"}},
            "request": {"method": "POST", "url": "Observation"},
        }
        answer = await client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        answers.append((answer.status_code, answer.text.replace(name, "<name>")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


def _clauses(kind: str, query: str) -> tuple[Any, ...]:
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
    return parse(kind, pairs, zone=ZoneInfo(REGION_ZONE)).clauses  # type: ignore[arg-type]
