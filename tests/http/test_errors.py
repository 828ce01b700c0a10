"""Every refusal is an OperationOutcome that names what is wrong; nothing is stored and nothing of the inside is shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.house import Server
from tests.http.test_interactions import FHIR, observation

CASES: list[tuple[str, str, dict[str, Any], int]] = [
    # method, path, what goes along, status
    ("GET", "/fhir/Nonsense", {}, 404),
    ("GET", "/fhir/Patient/nobody", {}, 404),
    ("GET", "/fhir/Patient/p3", {}, 404),  # there, but not this house's
    ("GET", "/fhir/Patient/a%20b", {}, 404),
    ("GET", "/fhir/Patient?colour=red", {}, 400),
    ("GET", "/fhir/Patient?name:near=x", {}, 400),
    ("GET", "/fhir/Patient?birthdate=soon", {}, 400),
    ("GET", "/fhir/Patient?name=%ff", {}, 400),
    ("GET", "/fhir/Patient?name=%00", {}, 400),
    ("GET", "/fhir/Patient?_count=many", {}, 400),
    ("GET", "/fhir/Patient?_cursor=abc", {}, 400),
    ("GET", "/fhir/Patient?_format=html", {}, 406),
    ("GET", "/fhir/Patient/p1/$nothing", {}, 404),
    ("GET", "/fhir/Patient/p1/$everything?_colour=red", {}, 400),
    ("GET", "/fhir/Patient/p1/_history/first", {}, 404),
    ("GET", "/fhir/Patient/p1/_history/2147483647", {}, 404),
    ("PATCH", "/fhir/Patient/p1", {"json": []}, 400),
    ("DELETE", "/fhir/Patient", {}, 400),
    ("POST", "/fhir/metadata", {}, 405),
    ("POST", "/fhir/AuditEvent", {"json": {"resourceType": "AuditEvent"}}, 405),
    ("POST", "/fhir/Observation", {"content": b"{", "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b"", "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b"[]", "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b'{"a":"\\ud800"}', "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b'{"resourceType":"Observation","status":"fi\xff"}', "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b"[" * 100_000, "headers": FHIR}, 400),
    ("POST", "/fhir/Observation", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
    ("POST", "/fhir/Observation", {"json": {"resourceType": "Patient"}}, 400),
    ("POST", "/fhir/Observation", {"json": observation(patient="nobody")}, 422),
    ("POST", "/fhir/Observation", {"json": observation(patient="p3")}, 422),
    ("POST", "/fhir/Observation", {"json": observation(colour="red")}, 422),
    ("POST", "/fhir/Observation", {"json": observation(note=[{"text": "a\x00b"}])}, 422),
    ("POST", "/fhir/Observation", {"json": observation(note=[{"text": "x" * 10_000_000}])}, 422),
    ("PUT", "/fhir/Observation/x", {"json": {**observation(), "id": "x"}, "headers": {"if-match": "three"}}, 400),
    ("POST", "/fhir", {"json": {"resourceType": "Patient"}}, 400),
    ("POST", "/fhir", {"json": {"resourceType": "Bundle", "type": "document"}}, 400),
    ("POST", "/fhir", {"json": {"resourceType": "Bundle", "type": "transaction", "entry": [{}]}}, 400),
    ("POST", "/fhir", {"json": {"resourceType": "Bundle", "type": "transaction", "entry": [7]}}, 400),
]


@pytest.mark.parametrize(("method", "path", "more", "status"), CASES, ids=[f"{case[0]} {case[1]} {case[3]}" for case in CASES])
async def test_what_cannot_be_done_is_explained_and_leaves_nothing(
    server: Server, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    gp = await server.as_("gp")
    before = await server.value("select count(*) from resource")
    answer = await gp.request(method, path, **more)
    assert answer.status_code == status, answer.text[:500]
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    for issue in outcome["issue"]:
        assert issue["severity"] == "error"
        assert issue["code"]
        assert len(issue["diagnostics"]) > 10
        assert not any(word in issue["diagnostics"] for word in ("Traceback", "asyncpg", "select ", "insert ", "/src/"))
    if status == 422:
        assert all(issue["expression"] for issue in outcome["issue"])
    assert answer.headers["x-request-id"]
    assert await server.value("select count(*) from resource") == before


async def test_without_a_token_nothing_is_told(server: Server) -> None:
    nobody = server.nobody()
    for path in ("/fhir/Patient/p1", "/fhir/Patient/nobody", "/fhir/Patient?name=x", "/fhir/Organization/first"):
        answer = await nobody.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["issue"][0]["code"] == "login"


async def test_a_body_over_the_limit_is_not_read(server: Server) -> None:
    gp = await server.as_("gp")
    answer = await gp.post("/fhir/Observation", content=b" " * (33 * 1024 * 1024), headers=FHIR)
    assert answer.status_code == 413


async def test_the_request_id_of_the_caller_comes_back(server: Server) -> None:
    gp = await server.as_("gp")
    assert (await gp.get("/fhir/Patient/p1", headers={"x-request-id": "desk-42"})).headers["x-request-id"] == "desk-42"
    assert (await gp.get("/fhir/Patient/p1", headers={"x-request-id": "a b"})).headers["x-request-id"] != "a b"
