"""ViewDefinition/$run over HTTP: what the asker sees, as a table."""

from __future__ import annotations

import asyncio

import pytest

from tests.http.house import Server

OURS = {
    "resourceType": "ViewDefinition",
    "name": "people",
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "name", "path": "name.first().text"}]}],
}


def sent(**more: object) -> dict[str, object]:
    parts = [{"name": "viewResource", "resource": OURS}]
    return {"resourceType": "Parameters", "parameter": [*parts, *({"name": name, **value} for name, value in more.items())]}  # type: ignore[dict-item]


async def test_a_view_shows_what_its_asker_may_see_and_no_more(server: Server) -> None:
    gp, bench = await server.as_("gp"), await server.as_("bench")
    seen = [entry["resource"]["id"] for entry in (await gp.get("/fhir/Patient")).json()["entry"]]
    answer = await gp.post("/fhir/ViewDefinition/$run", json=sent())
    assert answer.status_code == 200, answer.text
    assert sorted(row["id"] for row in answer.json()) == sorted(seen)
    everybody = (await bench.post("/fhir/ViewDefinition/$run", json=sent())).json()
    assert len(everybody) > len(seen)
    named = await gp.get("/fhir/ViewDefinition/patients/$run")
    assert sorted(row["key"] for row in named.json()) == sorted(f"Patient/{id}" for id in seen)


async def test_who_may_read_no_records_gets_no_table_of_them(server: Server) -> None:
    admin = await server.as_("admin")
    answer = await admin.get("/fhir/ViewDefinition/patients/$run")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_rows_come_as_json_lines_or_for_a_spreadsheet(server: Server) -> None:
    gp = await server.as_("gp")
    csv = await gp.get("/fhir/ViewDefinition/patients/$run?_format=csv&_limit=1")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert csv.content.decode("utf-8-sig").splitlines()[0].startswith("key,name,gender,birth_date")
    assert len(csv.content.decode("utf-8-sig").splitlines()) == 2
    lines = await gp.get("/fhir/ViewDefinition/patients/$run", headers={"accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.content.count(b"\n") == len((await gp.get("/fhir/ViewDefinition/patients/$run")).json())


async def test_a_table_may_be_of_one_patient_whom_the_asker_may_see(server: Server) -> None:
    gp = await server.as_("gp")
    one = await gp.get("/fhir/ViewDefinition/patients/$run?patient=Patient/p1")
    assert [row["key"] for row in one.json()] == ["Patient/p1"]
    assert (await gp.get("/fhir/ViewDefinition/patients/$run?patient=Patient/p3")).status_code == 404


async def test_each_whose_data_is_in_a_table_finds_it_in_the_own_trail(server: Server) -> None:
    gp, bench = await server.as_("gp"), await server.as_("bench")
    before = (await bench.get("/fhir/AuditEvent?patient=p1&_count=1000")).json().get("entry", [])
    assert {row["id"] for row in (await gp.post("/fhir/ViewDefinition/$run", json=sent())).json()} >= {"p1", "p2"}
    await asyncio.sleep(0.5)
    after = (await bench.get("/fhir/AuditEvent?patient=p1&_count=1000")).json()["entry"]
    known = {entry["resource"]["id"] for entry in before}
    new = [entry["resource"] for entry in after if entry["resource"]["id"] not in known]
    assert [one for one in new if "ViewDefinition/people/$run" in str(one) or "view" in str(one["subtype"])], new


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/fhir/ViewDefinition/nothing/$run", None, 404),
        ("GET", "/fhir/ViewDefinition/$run", None, 405),
        ("GET", "/fhir/ViewDefinition/patients/$export", None, 404),
        ("GET", "/fhir/ViewDefinition/patients/$run?colour=red", None, 400),
        ("GET", "/fhir/ViewDefinition/patients/$run?_limit=0", None, 400),
        ("GET", "/fhir/ViewDefinition/patients/$run?_format=pdf", None, 406),
        ("POST", "/fhir/ViewDefinition", OURS, 405),
        ("POST", "/fhir/ViewDefinition/$run", {"resourceType": "Parameters"}, 400),
        ("POST", "/fhir/ViewDefinition/$run", sent(viewReference={"valueString": "patients"}), 400),
        ("POST", "/fhir/ViewDefinition/$run", OURS, 400),
    ],
)
async def test_what_is_no_run_of_a_view_is_refused(server: Server, method: str, path: str, body: object, status: int) -> None:
    gp = await server.as_("gp")
    answer = await gp.request(method, path, json=body) if body is not None else await gp.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_the_views_that_come_with_the_server_can_be_looked_at(server: Server) -> None:
    gp = await server.as_("gp")
    names = [entry["resource"]["name"] for entry in (await gp.get("/fhir/ViewDefinition")).json()["entry"]]
    assert {"patients", "lab_results", "referrals"} <= set(names)
    assert (await gp.get("/fhir/ViewDefinition/referrals")).json()["resource"] == "ServiceRequest"


async def test_a_column_that_meets_several_values_is_told_by_name(server: Server) -> None:
    bench = await server.as_("bench")
    await bench.put("/fhir/Patient/two", json={"resourceType": "Patient", "id": "two", "name": [{"text": "甲"}, {"text": "乙"}]})
    wrong = {**OURS, "select": [{"column": [{"name": "name", "path": "name.text"}]}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": wrong}]}
    answer = await bench.post("/fhir/ViewDefinition/$run", json=body)
    assert answer.status_code == 400
    assert "several values" in answer.json()["issue"][0]["diagnostics"]
