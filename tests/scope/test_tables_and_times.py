"""Views, exports and points in time: rows, files and versions of what is in scope, and of nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.http.bulk.asking import ended, lines
from tests.http.house import Server
from tests.scope.people import OTHERS, client_of, sees
from tests.scope.world import PATIENTS, SUGAR, TYPES, World
from yilian.fhir.compartments import PATIENT_TYPES

Json = dict[str, Any]


def view_of(kind: str) -> Json:
    columns = [{"name": "id", "path": "getResourceKey()"}, {"name": "version", "path": "meta.versionId"}]
    view = {
        "resourceType": "ViewDefinition",
        "name": f"all_{kind.lower()}",
        "status": "active",
        "resource": kind,
        "select": [{"column": columns}],
    }
    return {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": view}]}


@pytest.mark.parametrize("role", OTHERS)
async def test_views_have_rows_of_what_is_in_scope(server: Server, world: World, role: str) -> None:
    client = await client_of(server, role)
    for kind in TYPES:
        answer = await client.post("/fhir/ViewDefinition/$run", json=view_of(kind))
        expected = {one.name for one in world.things if one.type == kind and sees(role, one) and not one.deleted}
        if answer.status_code == 403:
            assert not expected, kind
            continue
        assert answer.status_code == 200, (kind, answer.text)
        rows = [row["id"] for row in answer.json()]
        there = {row if "/" in str(row) else f"{kind}/{row}" for row in rows}
        assert {name for name in there if name in world.versions} == expected, kind
        assert len(rows) == len(there)
        for who in PATIENTS:
            if kind in PATIENT_TYPES and not sees(role, world.current(f"Patient/{who}")):
                some = {"name": "patient", "valueReference": {"reference": f"Patient/{who}"}}
                sent = {"resourceType": "Parameters", "parameter": [*view_of(kind)["parameter"], some]}
                hidden = await client.post("/fhir/ViewDefinition/$run", json=sent)
                some["valueReference"] = {"reference": "Patient/zz"}
                nobody = await client.post("/fhir/ViewDefinition/$run", json=sent)
                assert (hidden.status_code, hidden.text.replace(who, "<who>")) == (
                    nobody.status_code,
                    nobody.text.replace("zz", "<who>"),
                ), kind


EXPORTERS = ("gp", "liuhe-system", "coordinator", "county")


@pytest.mark.parametrize("role", EXPORTERS)
async def test_an_export_holds_what_is_in_scope(own_server: Server, world: World, role: str) -> None:
    client = await client_of(own_server, role)
    asked = {"prefer": "respond-async"}
    narrow = quote(f"Observation?code:in={SUGAR}", safe="")
    for path, kinds in (
        ("Patient/$export", None),
        (f"Patient/$export?_type=Observation&_typeFilter={narrow}", {"Observation"}),
        ("Patient/$export?_since=2020-01-01T00:00:00Z&_type=Patient,List", {"Patient", "List"}),
    ):
        status = await ended(client, await client.get(f"/fhir/{path}", headers=asked))
        assert status.status_code == 200, status.text
        told = status.json()
        resources = await lines(client, [file for file in told["output"] if file["type"] != "Provenance"])
        named = {f"{one['resourceType']}/{one['id']}" for one in resources}
        mine = {one.name for one in world.things if sees(role, one) and not one.deleted and one.patient not in ("", "*")}
        if kinds is None:
            mine = {name for name in mine if not name.startswith("Provenance/")}
        else:
            mine = {name for name in mine if name.partition("/")[0] in kinds}
        if "_typeFilter" in path:
            mine = {name for name in mine if "1558-6" in str(world.bodies[name])}
        assert {name for name in named if name in world.versions and world.current(name).patient} == mine, path
        assert all(sees(role, world.current(name)) for name in named if name in world.versions)
        gone = await lines(client, told.get("deleted", []))
        assert "gone-result" not in str(gone) or role in ("liuhe-system",), path


@pytest.mark.parametrize("role", OTHERS)
async def test_a_point_in_time_shows_the_versions_in_scope(server: Server, world: World, role: str) -> None:
    versions = {(one.name, f'W/"{one.number}"'): one for each in world.versions.values() for one in each}
    bench, client = await client_of(server, "bench"), await client_of(server, role)
    since = "_since=2020-01-01T00:00:00Z"
    for query in ("_at=2026", "_at=ge2020-01-01", since, f"_at=2026&{since}&_sort=_lastUpdated", "_at=2019"):
        for where in ("", *(f"{kind}/" for kind in TYPES)):
            everything, mine = [(await one.get(f"/fhir/{where}_history?{query}&_count=1000")).json() for one in (bench, client)]
            listed = [("/".join(one["fullUrl"].split("/")[-2:]), one["response"]["etag"]) for one in everything.get("entry", [])]
            expected = [one for one in listed if one in versions and sees(role, versions[one])]
            known = [("/".join(one["fullUrl"].split("/")[-2:]), one["response"]["etag"]) for one in mine.get("entry", [])]
            assert [one for one in known if one in versions] == expected, (where, query)
            assert where == "" or "total" not in mine or mine["total"] == len(known), (where, query)
