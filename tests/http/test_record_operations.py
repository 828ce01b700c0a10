"""$everything, $lastn and $meta over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.house import Server
from yilian.store import labels

Json = dict[str, Any]
LOCAL = "https://hospital.example/codes"
LOINC = "http://loinc.org"


def observation(codings: list[tuple[str, str]], day: str, patient: str = "p1", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": system, "code": code} for system, code in codings]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": day,
        **more,
    }


async def put(server: Server, id: str, resource: Json) -> None:
    bench = await server.as_("bench")
    answer = await bench.put(f"/fhir/{resource['resourceType']}/{id}", json={**resource, "id": id})
    assert answer.status_code in (200, 201), answer.text


async def laboratory(server: Server) -> None:
    await put(server, "g1", observation([(LOCAL, "GLU")], "2026-01-01"))
    await put(server, "g2", observation([(LOCAL, "GLU"), (LOINC, "2345-7")], "2026-01-02"))
    await put(server, "g3", observation([(LOINC, "2345-7")], "2026-01-03"))
    await put(server, "k1", observation([(LOINC, "2823-3")], "2026-01-01"))
    await put(server, "k2", observation([(LOINC, "2823-3")], "2025-12-31"))
    await put(server, "w1", observation([], "2026-01-05", code={"text": "脉象"}))
    await put(server, "w2", observation([], "2026-01-04", code={"text": "脉象"}))
    await put(server, "t1", observation([], "2026-01-04", code={"text": "舌象"}))


def ids(bundle: Json) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


async def test_the_newest_of_each_kind_is_found_over_the_codes_of_several_houses(server: Server) -> None:
    await laboratory(server)
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/Observation/$lastn?patient=p1&category=laboratory")
    assert answer.status_code == 200, answer.text
    assert sorted(ids(answer.json())) == ["g3", "k1", "t1", "w1"]
    two = await gp.post("/fhir/Observation/$lastn", data={"subject": "Patient/p1", "category": "laboratory", "max": "2"})
    assert sorted(ids(two.json())) == ["g2", "g3", "k1", "k2", "t1", "w1", "w2"]
    one = await gp.get("/fhir/Observation/$lastn?patient=p1&code=http://loinc.org|2823-3")
    assert ids(one.json()) == ["k1"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("category=laboratory", 400),
        ("patient=p1", 400),
        ("patient=p1&category=laboratory&max=0", 400),
        ("patient=p1&category=laboratory&max=x", 400),
        ("patient=p1&category=laboratory&_sort=date", 400),
        ("patient=p1&category=laboratory&colour=red", 400),
    ],
)
async def test_lastn_asks_for_what_it_needs(server: Server, query: str, status: int) -> None:
    gp = await server.as_("gp")
    assert (await gp.get(f"/fhir/Observation/$lastn?{query}")).status_code == status


async def test_nobody_learns_the_newest_of_a_patient_of_others(server: Server) -> None:
    await laboratory(server)
    await put(server, "far", observation([(LOINC, "2345-7")], "2026-02-01", patient="p3"))
    gp = await server.as_("gp")
    answer = await gp.get("/fhir/Observation/$lastn?patient=p3&category=laboratory")
    assert (answer.status_code, ids(answer.json())) == (200, [])


async def test_everything_takes_a_body_and_a_time_of_care(server: Server) -> None:
    await laboratory(server)
    gp = await server.as_("gp")
    asked = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "start", "valueDate": "2026-01-03"},
            {"name": "end", "valueDate": "2026-01-04"},
            {"name": "_type", "valueCode": "Observation"},
            {"name": "_count", "valueInteger": 2},
        ],
    }
    answer = await gp.post("/fhir/Patient/p1/$everything", json=asked)
    assert answer.status_code == 200, answer.text
    found = ids(answer.json())
    assert len(found) == 2
    following = next(link["url"] for link in answer.json()["link"] if link["relation"] == "next")
    found += ids((await gp.get(following)).json())
    assert sorted(found) == ["g3", "t1", "w2"]
    assert (await gp.get("/fhir/Patient/p1/$everything?start=soon")).status_code == 400
    assert (await gp.get("/fhir/Patient/p3/$everything")).status_code == 404


async def test_labels_are_added_and_taken_away_and_each_change_is_a_version(server: Server) -> None:
    await put(server, "g1", observation([(LOINC, "2345-7")], "2026-01-01"))
    gp = await server.as_("bench")
    tag = {"system": "https://yilian.example/t", "code": "study"}
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag], "profile": ["http://p.example"]}}]}
    added = await gp.post("/fhir/Observation/g1/$meta-add", json=body)
    assert added.status_code == 200, added.text
    assert added.headers["etag"] == 'W/"2"'
    again = await gp.post("/fhir/Observation/g1/$meta-add", json=body)
    assert again.headers["etag"] == 'W/"2"', "what is there already makes no version"
    read = (await gp.get("/fhir/Observation/g1/$meta")).json()["parameter"][0]["valueMeta"]
    assert (read["tag"], read["profile"], read["versionId"]) == ([tag], ["http://p.example"], "2")
    assert len((await gp.get("/fhir/Observation?_tag=study")).json()["entry"]) == 1
    stale = await gp.post("/fhir/Observation/g1/$meta-delete", json=body, headers={"if-match": 'W/"1"'})
    assert stale.status_code == 412
    gone = await gp.post("/fhir/Observation/g1/$meta-delete", json=body)
    assert "tag" not in gone.json()["parameter"][0]["valueMeta"]
    assert gone.headers["etag"] == 'W/"3"'


async def test_more_labels_than_fit_on_a_page_are_refused_with_what_to_ask_instead(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels out of scope do not count."""
    monkeypatch.setattr(labels, "MOST", 2)
    codes = [{"system": "urn:local", "code": f"t{n}"} for n in range(3)]
    await put(server, "a", observation([(LOINC, "1")], "2026-01-01", meta={"tag": codes[:2]}))
    await put(server, "b", observation([(LOINC, "1")], "2026-01-01", patient="p3", meta={"tag": codes[1:]}))
    gp, bench = await server.as_("gp"), await server.as_("bench")
    for where in ("Observation/$meta", "Patient/$meta"):
        assert (await gp.get(f"/fhir/{where}")).status_code == 200, where
    for where in ("Observation/$meta", "$meta"):
        refused = await bench.get(f"/fhir/{where}")
        assert (refused.status_code, refused.json()["issue"][0]["code"]) == (413, "too-costly"), where
        assert "/Patient/$meta" in refused.json()["issue"][0]["diagnostics"]
    profiles = [f"urn:profile:{n}" for n in range(3)]
    await put(server, "c", observation([(LOINC, "1")], "2026-01-01", meta={"profile": profiles}))
    assert (await gp.get("/fhir/Observation/$meta")).status_code == 413


async def test_labels_of_all_are_those_the_asker_may_see(server: Server) -> None:
    tag = {"tag": [{"system": "https://yilian.example/t", "code": "ours"}], "profile": ["http://ours.example"]}
    far = {"tag": [{"system": "https://yilian.example/t", "code": "theirs"}], "profile": ["http://theirs.example"]}
    await put(server, "a", observation([(LOINC, "1")], "2026-01-01", meta=tag))
    await put(server, "b", observation([(LOINC, "1")], "2026-01-01", patient="p3", meta=far))
    gp, bench = await server.as_("gp"), await server.as_("bench")
    for path in ("/fhir/$meta", "/fhir/Observation/$meta"):
        ours = (await gp.get(path)).json()["parameter"][0]["valueMeta"]
        assert "ours" in str(ours)
        assert "theirs" not in str(ours)
        assert "theirs" in str((await bench.get(path)).json())
    assert (await gp.get("/fhir/$meta?colour=red")).status_code == 400


@pytest.mark.parametrize(
    "parameter",
    [
        [],
        [{"name": "meta"}],
        [{"name": "meta", "valueMeta": {}}],
        [{"name": "meta", "valueMeta": {"versionId": "7"}}],
        [{"name": "meta", "valueMeta": {"tag": "x"}}],
        [{"name": "other", "valueMeta": {"tag": [{"code": "x"}]}}],
    ],
)
async def test_a_change_of_labels_that_says_nothing_is_refused(server: Server, parameter: list[Any]) -> None:
    await put(server, "g1", observation([(LOINC, "2345-7")], "2026-01-01"))
    bench = await server.as_("bench")
    answer = await bench.post("/fhir/Observation/g1/$meta-add", json={"resourceType": "Parameters", "parameter": parameter})
    assert answer.status_code == 400
    unsound = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": 7}]}}]}
    assert (await bench.post("/fhir/Observation/g1/$meta-add", json=unsound)).status_code == 422
