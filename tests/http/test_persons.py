"""Searches, compartments, $everything, $timeline by any record of a person find all of it; who has no ground for any learns nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.http.house import Server
from tests.identity.conftest import encounter, observation

Json = dict[str, Any]
LABORATORY = "http://loinc.org|2345-7"


@pytest.fixture(autouse=True)
async def people(server: Server) -> None:
    """ann (qingshi) and anna (liuhe) have two glucose values and an encounter each; bob is somebody else."""
    bench = await server.as_("bench")
    for id, at in (("ann", "qingshi"), ("anna", "liuhe"), ("bob", "first")):
        patient = {
            "resourceType": "Patient",
            "id": id,
            "name": [{"text": "单雄信" if id != "bob" else "程咬金"}],
            "gender": "male",
            "birthDate": "1956-03-12",
            "managingOrganization": {"reference": f"Organization/{at}"},
        }
        await stored(bench, patient)
        for n in (1, 2):
            await stored(bench, observation(f"{id}-{n}", id, f"2026-0{n}-01", 5.0 + n))
        await stored(bench, encounter(f"{id}-e", id, at))


async def stored(client: Any, resource: Json) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code == 201, answer.text


async def link(server: Server, one: str = "ann", other: str = "anna") -> None:
    parameters = [{"name": "other", "valueString": f"Patient/{other}"}, {"name": "reason", "valueString": "本人持身份证核对"}]
    bench = await server.as_("bench")
    answer = await bench.post(f"/fhir/Patient/{one}/$link", json={"resourceType": "Parameters", "parameter": parameters})
    assert answer.status_code == 200, answer.text


async def unlink(server: Server, one: str = "ann") -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "核对有误"}]}
    answer = await (await server.as_("bench")).post(f"/fhir/Patient/{one}/$unlink", json=body)
    assert answer.status_code == 200, answer.text


async def ids(server: Server, who: str, path: str) -> list[str]:
    answer = await (await server.as_(who)).get(f"/fhir/{path}")
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]


ALL = ["ann-1", "ann-2", "anna-1", "anna-2"]
ASKED = [
    "Observation?patient={}",
    "Observation?patient=Patient/{}",
    "Observation?subject=Patient/{}",
    "Observation?subject:Patient={}",
    "Observation?patient={}&code=" + LABORATORY,
    "Observation?patient={}&_sort=-date",
    "Observation?code=" + LABORATORY + "&subject=Patient/{}&_count=2&_total=accurate",
    "Patient/{}/Observation",
    "Observation?patient={},Patient/bob",
]


@pytest.mark.parametrize("asked", ASKED)
async def test_a_search_by_any_record_finds_the_whole_person(server: Server, asked: str) -> None:
    alone = {who: await ids(server, "bench", asked.format(who)) for who in ("ann", "anna")}
    await link(server)
    for who in ("ann", "anna"):
        found = []
        path = asked.format(who)
        bench = await server.as_("bench")
        answer = (await bench.get(f"/fhir/{path}")).json()
        total = answer.get("total")
        while True:
            found += [entry["resource"]["id"] for entry in answer.get("entry", ())]
            following = next((one["url"] for one in answer["link"] if one["relation"] == "next"), None)
            if following is None:
                break
            answer = (await bench.get(following)).json()
        assert sorted(set(found) - {"bob-1", "bob-2"}) == ALL, path
        assert len(found) == len(set(found))
        if total is not None and "bob" not in path:
            assert total == 4
    await unlink(server)
    assert {who: await ids(server, "bench", asked.format(who)) for who in ("ann", "anna")} == alone


async def test_newest_first_over_all_records(server: Server) -> None:
    await link(server)
    assert await ids(server, "bench", "Observation?patient=ann&_sort=-date") in (
        ["ann-2", "anna-2", "ann-1", "anna-1"],
        ["anna-2", "ann-2", "anna-1", "ann-1"],
        ["ann-2", "anna-2", "anna-1", "ann-1"],
        ["anna-2", "ann-2", "ann-1", "anna-1"],
    )


async def test_everything_and_the_timeline_are_of_the_whole_person(server: Server) -> None:
    await link(server)
    for who, other in (("ann", "anna"), ("anna", "ann")):
        found = await ids(server, "bench", f"Patient/{who}/$everything")
        assert found[0] == who
        assert {*ALL, other, "ann-e", "anna-e"} <= set(found)
        paged: list[str] = []
        answer = (await (await server.as_("bench")).get(f"/fhir/Patient/{who}/$everything?_count=2")).json()
        while True:
            paged += [entry["resource"]["id"] for entry in answer["entry"] if entry["search"]["mode"] == "match"]
            following = next((one["url"] for one in answer["link"] if one["relation"] == "next"), None)
            if following is None:
                break
            answer = (await (await server.as_("bench")).get(following)).json()
        assert sorted(paged) == sorted({who, other, *ALL, "ann-e", "anna-e"})
        timeline = (await (await server.as_("bench")).get(f"/fhir/Patient/{who}/$timeline?_count=3")).json()
        assert timeline["total"] == 6
        assert [entry["resource"]["id"] for entry in timeline["entry"]][:2] in (["ann-2", "anna-2"], ["anna-2", "ann-2"])
    lastn = (await (await server.as_("bench")).get("/fhir/Observation/$lastn?patient=ann&category=laboratory&max=1")).json()
    assert {entry["resource"]["id"] for entry in lastn["entry"]} == {"ann-2", "anna-2"}


async def test_several_types_and_chains_at_the_end_of_which_a_patient_is_named(server: Server) -> None:
    await link(server)
    found = await ids(server, "bench", "?_type=Observation,Encounter&patient=ann&_sort=_lastUpdated")
    assert sorted(found) == sorted([*ALL, "ann-e", "anna-e"])
    assert sorted(await ids(server, "bench", "?_type=Observation,Encounter&patient=ann")) == sorted([*ALL, "ann-e", "anna-e"])
    assert await ids(server, "bench", "Patient?_id=ann") == ["ann"]


async def test_an_institution_with_a_ground_for_one_record_reads_all_of_the_person(server: Server) -> None:
    assert (await (await server.as_("gp")).get("/fhir/Patient/anna")).status_code == 404
    await link(server)
    assert (await (await server.as_("gp")).get("/fhir/Patient/anna")).status_code == 200
    assert sorted(await ids(server, "gp", "Observation?patient=ann")) == ALL
    assert sorted(await ids(server, "gp2", "Observation?patient=ann")) == ALL
    await unlink(server, "anna")
    assert (await (await server.as_("gp")).get("/fhir/Patient/anna")).status_code == 404
    assert sorted(await ids(server, "gp", "Observation?patient=ann")) == ["ann-1", "ann-2"]
    assert await ids(server, "gp", "Observation?patient=anna") == []


LEAKS = [
    "Patient/ann",
    "Patient/anna",
    "Patient/ann/$everything",
    "Patient/ann/_history",
    "Patient/ann/$timeline",
    "Patient/ann/Observation",
    "Observation?patient=ann",
    "Observation?patient=ann&_total=accurate",
    "Observation?patient=ann&_summary=count",
    "Observation?patient=ann,bob&_total=accurate&_include=Observation:patient",
    "Observation?subject=Patient/anna&_sort=-date",
    "Person",
    "Person?patient=ann",
    "Person?link=Patient/ann",
    "Person?_summary=count",
    "Person/_history",
    "Patient?_has:Person:patient:_id=x",
    "Patient?_id=bob&_revinclude=Person:patient",
    "Patient?_id=ann&_revinclude=Person:link",
    "Provenance",
    "Provenance?_summary=count",
    "_history",
    "?_type=Person,Provenance",
    "Observation/$lastn?patient=ann&category=laboratory",
]


def told(answer: Any) -> Any:
    body = answer.json()
    for key in ("timestamp", "id", "meta"):
        body.pop(key, None)
    return answer.status_code, str(body).replace(str(body.get("issue", "")), "") if answer.status_code == 200 else body.get("issue")


@pytest.mark.parametrize("path", LEAKS)
async def test_who_has_no_ground_for_any_record_cannot_tell_whether_they_are_linked(server: Server, path: str) -> None:
    """`county` is of an institution that has seen neither; it is asked before, while linked, and after."""
    county = await server.as_("county")
    before = told(await county.get(f"/fhir/{path}"))
    await link(server)
    while_linked = told(await county.get(f"/fhir/{path}"))
    await unlink(server)
    after = told(await county.get(f"/fhir/{path}"))
    assert before == while_linked == after


async def test_who_has_a_ground_never_sees_the_person_nor_its_history(server: Server) -> None:
    await link(server)
    person = await server.value("select r.id from resource r join person_member m on m.person = r.rid limit 1")
    gp = await server.as_("gp")
    for path in (f"Person/{person}", f"Person/{person}/_history", f"Person/{person}/_history/1"):
        assert (await gp.get(f"/fhir/{path}")).status_code in (403, 404), path
    await unlink(server)
    for path in (f"Person/{person}", f"Person/{person}/_history", f"Person/{person}/_history/1"):
        assert (await gp.get(f"/fhir/{path}")).status_code in (403, 404), path
    bench = await server.as_("bench")
    assert (await bench.get(f"/fhir/Person/{person}/_history")).json()["total"] == 2


async def test_a_residents_own_record_is_all_of_them(server: Server) -> None:
    resident = await server.as_("resident")
    assert (await resident.get("/fhir/Patient/ann")).status_code == 404
    await link(server, "p1", "ann")
    assert (await resident.get("/fhir/Patient/ann")).status_code == 200
    assert sorted(await ids(server, "resident", "Observation")) == ["ann-1", "ann-2"]
    assert {"p1", "ann", "ann-1", "ann-e"} <= set(await ids(server, "resident", "Patient/p1/$everything"))
    assert sorted(await ids(server, "resident", "Patient")) == ["ann", "p1"]
    assert (await resident.get("/fhir/Observation/ann-1/_history")).json()["total"] == 1
    assert (await resident.get("/fhir/Patient/_history")).json()["total"] >= 2
    await unlink(server, "ann")
    assert (await resident.get("/fhir/Patient/ann")).status_code == 404
    assert await ids(server, "resident", "Observation") == []


async def test_who_may_link(server: Server) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "reason", "valueString": "试一试"}]}
    for who in ("gp", "county", "coordinator", "office", "admin", "resident", "pharmacist"):
        client = await server.as_(who)
        for path in ("Patient/ann/$link", "Patient/ann/$unlink"):
            assert (await client.post(f"/fhir/{path}", json=body)).status_code == 403, (who, path)
        for path in ("$match-worklist", "$match-worklist-counts", "$match-task?id=1"):
            assert (await client.get(f"/fhir/{path}")).status_code == 403, (who, path)


async def test_links_are_found_while_they_come_and_go(server: Server) -> None:
    """A search sees the person before or after a link, never half of it."""
    seen: set[tuple[str, ...]] = set()

    async def look() -> None:
        for _ in range(25):
            seen.add(tuple(sorted(await ids(server, "bench", "Observation?patient=ann"))))

    async def change() -> None:
        await link(server)
        await unlink(server)

    await asyncio.gather(look(), look(), change())
    assert seen <= {("ann-1", "ann-2"), tuple(ALL)}
