"""Exports: what is in the files, for whom, since when, filtered how."""

from __future__ import annotations

import gzip

import pytest

from tests.http.bulk.asking import ASYNC, Json, ended, lines, manifest, names, observation, put
from tests.http.house import RESIDENT, Server


async def test_a_system_gets_every_resource_exactly_as_it_is_stored(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("o1", "p1"), observation("o2", "p3"))
    told = await manifest(bench, "/fhir/$export?_outputFormat=application/fhir%2Bndjson")
    assert told["request"].endswith("/fhir/$export?_outputFormat=application/fhir%2Bndjson")
    assert (told["requiresAccessToken"], told["error"], "deleted" in told) == (True, [], False)
    resources = await lines(bench, told["output"])
    assert names(resources) >= {"Patient/p1", "Patient/p3", "Observation/o1", "Observation/o2", "Organization/county"}
    assert len(resources) == await server.value("select count(*) from resource where not deleted")
    stored = await server.value("select body from resource where id = 'o1'")
    one = next(file for file in told["output"] if file["type"] == "Observation")
    assert stored in (await bench.get(one["url"])).text.split("\n")


async def test_files_can_be_fetched_compressed(server: Server) -> None:
    bench = await server.as_("bench")
    told = await manifest(bench, "/fhir/$export", params={"_type": "Organization"})
    url = told["output"][0]["url"]
    plain = await bench.get(url, headers={"accept-encoding": "identity"})
    async with bench.stream("GET", url, headers={"accept-encoding": "gzip", "accept": "application/fhir+ndjson"}) as packed:
        raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert int(plain.headers["content-length"]) == len(plain.content)


async def test_others_export_the_patients_they_may_see_and_no_more(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p3"))
    here, there = await server.as_("gp"), await server.as_("gp2")
    ours = names(await lines(here, (await manifest(here, "/fhir/Patient/$export"))["output"]))
    theirs = names(await lines(there, (await manifest(there, "/fhir/Patient/$export"))["output"]))
    assert ours == {"Patient/p1", "Patient/p2", "Patient/dead", "Observation/o1", "Observation/o2"}
    assert theirs == {"Patient/p3", "Observation/o3"}
    own = await server.as_(RESIDENT)
    assert names(await lines(own, (await manifest(own, "/fhir/Patient/$export"))["output"])) == {"Patient/p1", "Observation/o1"}
    for who in (here, own):
        assert (await who.get("/fhir/$export", headers=ASYNC)).status_code == 403
    assert (await (await server.as_("admin")).get("/fhir/Patient/$export", headers=ASYNC)).status_code == 403
    assert (await server.nobody().get("/fhir/$export", headers=ASYNC)).status_code == 401


async def test_a_group_gives_its_active_members_as_far_as_one_sees_them(server: Server) -> None:
    bench = await server.as_("bench")
    gp = await server.as_("gp")
    await put(bench, *(observation(f"o-{patient}", patient) for patient in ("p1", "p2", "p3", "dead")))
    members = [{"entity": {"reference": f"Patient/{id}"}, "inactive": id == "p2"} for id in ("p1", "p2", "p3")]
    await put(bench, {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members})
    told = await manifest(bench, "/fhir/Group/g/$export")
    assert names(await lines(bench, told["output"])) == {"Patient/p1", "Observation/o-p1", "Patient/p3", "Observation/o-p3"}
    assert (await gp.get("/fhir/Group/g/$export", headers=ASYNC)).status_code == 404  # it is about others' patients too
    assert (await gp.get("/fhir/Group/none/$export", headers=ASYNC)).status_code == 404

    def asked(*patients: str) -> Json:
        named = [{"name": "patient", "valueReference": {"reference": f"Patient/{id}"}} for id in patients]
        return {"resourceType": "Parameters", "parameter": [*named, {"name": "_type", "valueString": "Observation"}]}

    status = await ended(bench, await bench.post("/fhir/Group/g/$export", json=asked("p3"), headers=ASYNC))
    assert names(await lines(bench, status.json()["output"])) == {"Observation/o-p3"}
    assert (await bench.post("/fhir/Group/g/$export", json=asked("p2"), headers=ASYNC)).status_code == 404
    status = await ended(gp, await gp.post("/fhir/Patient/$export", json=asked("p2", "p1"), headers=ASYNC))
    assert names(await lines(gp, status.json()["output"])) == {"Observation/o-p1", "Observation/o-p2"}
    hidden = await gp.post("/fhir/Patient/$export", json=asked("p3"), headers=ASYNC)
    nowhere = await gp.post("/fhir/Patient/$export", json=asked("p9"), headers=ASYNC)
    assert hidden.status_code == nowhere.status_code == 404
    assert hidden.json()["issue"][0]["diagnostics"].replace("p3", "p9") == nowhere.json()["issue"][0]["diagnostics"]


async def test_since_gives_what_changed_and_what_was_deleted(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("old", "p1"), observation("gone", "p1"), observation("changed", "p1"))
    first = await manifest(bench, "/fhir/$export", params={"_type": "Observation"})
    assert names(await lines(bench, first["output"])) == {"Observation/old", "Observation/gone", "Observation/changed"}
    await bench.delete("/fhir/Observation/gone")
    await put(bench, observation("changed", "p1", "amended"), observation("new", "p1"))
    told = await manifest(bench, "/fhir/$export", params={"_type": "Observation", "_since": first["transactionTime"]})
    assert names(await lines(bench, told["output"])) == {"Observation/changed", "Observation/new"}
    (bundle,) = await lines(bench, told["deleted"])
    assert bundle["type"] == "transaction"
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Observation/gone"}}]


async def test_filters_are_searches_and_several_of_a_type_are_alternatives(server: Server) -> None:
    bench = await server.as_("bench")
    await put(
        bench,
        observation("a", "p1"),
        observation("b", "p1", "amended"),
        observation("c", "p1", code="8462-4"),
        observation("d", "p1", "preliminary"),
    )
    asked = [("_type", "Observation,Patient"), ("_typeFilter", "Observation?status=amended,Observation?code=http://loinc.org|8462-4")]
    told = await manifest(bench, "/fhir/$export", params=asked)
    found = names(await lines(bench, told["output"]))
    assert {name for name in found if name.startswith("Obs")} == {"Observation/b", "Observation/c"}
    assert "Patient/p2" in found, "a type without a filter comes whole"
    chained = {"_type": "Observation", "_typeFilter": "Observation?patient.name=李秀英&status=preliminary,final"}
    assert names(await lines(bench, (await manifest(bench, "/fhir/$export", params=chained))["output"])) == {
        "Observation/a",
        "Observation/c",
        "Observation/d",
    }


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("_elements=id", "_elements is not done"),
        ("_typo=Patient", "_typo is not known"),
        ("_type=Patent", "no type that can be exported"),
        ("_type=AuditEvent", "no type that can be exported"),
        ("_outputFormat=application/parquet", "_outputFormat"),
        ("_since=yesterday", "yesterday"),
        ("_since=2026-01-01&_since=2026-01-02", "given twice"),
        ("_type=Observation&_typeFilter=Patient?name=x", "not among the types"),
        ("_typeFilter=Observation?colour=red", "colour"),
        ("_typeFilter=Observation?_include=Observation:subject", "_include"),
        ("_typeFilter=Observation", "is no search"),
        ("patient=Patient/p1", "patient is not known"),
    ],
)
async def test_what_is_not_understood_is_refused(server: Server, query: str, says: str) -> None:
    bench = await server.as_("bench")
    answer = await bench.get(f"/fhir/$export?{query}", headers=ASYNC)
    assert answer.status_code == 400
    assert says in answer.json()["issue"][0]["diagnostics"]
    assert await server.value("select count(*) from bulk") == 0


async def test_it_is_asynchronous_only_and_lenient_handling_tells_what_it_left_out(server: Server) -> None:
    bench = await server.as_("bench")
    assert (await bench.get("/fhir/$export")).status_code == 400
    assert (await bench.get("/fhir/Patient/$export?_type=Organization", headers=ASYNC)).status_code == 400
    kickoff = await bench.get(
        "/fhir/Patient/$export?_type=Patient,Organization&_elements=id", headers={"prefer": "respond-async, handling=lenient"}
    )
    told = (await ended(bench, kickoff)).json()
    assert {file["type"] for file in told["output"]} == {"Patient"}
    (file,) = told["error"]
    said = [one["issue"][0]["diagnostics"] for one in await lines(bench, [file])]
    assert [text.split()[0] for text in said] == ["_elements", "_type=Organization"]
