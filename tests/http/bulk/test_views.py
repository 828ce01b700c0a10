"""Views as files: tables of what the asker sees."""

from __future__ import annotations

import json

import pytest

from tests.http.bulk.asking import ASYNC, Json, ended, observation, put
from tests.http.house import Server


async def test_views_are_exported_as_tables_of_what_the_asker_sees(server: Server) -> None:
    bench, gp = await server.as_("bench"), await server.as_("gp")
    await put(bench, observation("a", "p1"), observation("b", "p3"))
    view = {
        "resourceType": "ViewDefinition",
        "name": "signs",
        "resource": "Observation",
        "select": [{"column": [{"name": "id", "path": "id"}, {"name": "codes", "path": "code.coding.code", "collection": True}]}],
    }

    def asked(format: str) -> Json:
        return {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "viewResource", "resource": view},
                {"name": "viewReference", "valueString": "patients"},
                {"name": "_format", "valueCode": format},
            ],
        }

    status = await ended(gp, await gp.post("/fhir/ViewDefinition/$export", json=asked("csv"), headers=ASYNC))
    assert status.status_code == 200, status.text
    files = {one["type"]: one for one in status.json()["output"]}
    assert set(files) == {"signs", "patients"}
    signs = await gp.get(files["signs"]["url"])
    assert signs.headers["content-type"].startswith("text/csv")
    assert signs.text.splitlines() == ["id,codes", 'a,"[""8480-6""]"']
    seen = [entry["resource"]["id"] for entry in (await gp.get("/fhir/Patient")).json()["entry"]]
    assert files["patients"]["count"] == len(seen)
    assert (await bench.get(files["signs"]["url"])).status_code == 404, "the files are of who asked"
    status = await ended(bench, await bench.post("/fhir/ViewDefinition/$export", json=asked("ndjson"), headers=ASYNC))
    files = {one["type"]: one for one in status.json()["output"]}
    rows = [json.loads(line) for line in (await bench.get(files["signs"]["url"])).text.splitlines()]
    assert sorted(row["id"] for row in rows) == ["a", "b"]
    parquet = await ended(bench, await bench.post("/fhir/ViewDefinition/$export", json=asked("parquet"), headers=ASYNC))
    one = next(one for one in parquet.json()["output"] if one["type"] == "signs")
    assert (await bench.get(one["url"])).content[:4] == b"PAR1"


@pytest.mark.parametrize(
    ("parameter", "status"),
    [
        ([], 400),
        ([{"name": "viewReference", "valueString": "nothing"}], 404),
        ([{"name": "viewReference", "valueString": "patients"}, {"name": "viewReference", "valueString": "patients"}], 400),
        ([{"name": "viewReference", "valueString": "patients"}, {"name": "_format", "valueCode": "pdf"}], 400),
        ([{"name": "viewResource", "resource": {"resourceType": "ViewDefinition"}}], 422),
    ],
)
async def test_an_export_of_views_that_cannot_be_is_refused_at_once(server: Server, parameter: list[Json], status: int) -> None:
    gp = await server.as_("gp")
    body = {"resourceType": "Parameters", "parameter": parameter}
    assert (await gp.post("/fhir/ViewDefinition/$export", json=body, headers=ASYNC)).status_code == status
    admin = await server.as_("admin")
    named = {"resourceType": "Parameters", "parameter": [{"name": "viewReference", "valueString": "patients"}]}
    assert (await admin.post("/fhir/ViewDefinition/$export", json=named, headers=ASYNC)).status_code == 403
