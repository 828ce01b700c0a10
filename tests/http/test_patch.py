"""PATCH over HTTP: both kinds of patch, checked like any update, alone and in Bundles."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.test_patch import operation
from tests.http.house import Server
from tests.http.test_interactions import FHIR, Json, observation
from tests.properties.test_bad_input import STRANGE, body, expect_sound
from yilian.fhir.json import dump

JSON_PATCH = {"content-type": "application/json-patch+json"}
AMEND: Json = {"op": "replace", "path": "/status", "value": "amended"}


def parameters(*operations: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def binary(*operations: Json) -> Json:
    data = b64encode(dump(list(operations))).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


async def made(server: Server, **more: Any) -> str:
    gp = await server.as_("gp")
    return str((await gp.post("/fhir/Observation", json=observation(**more))).json()["id"])


async def test_both_kinds_of_patch_make_a_version(server: Server) -> None:
    gp, id = await server.as_("gp"), await made(server)
    first = await gp.patch(f"/fhir/Observation/{id}", json=[AMEND], headers=JSON_PATCH)
    assert (first.status_code, first.headers["etag"], first.json()["status"]) == (200, 'W/"2"', "amended")
    by_path = parameters(operation("replace", "Observation.status", value={"valueCode": "corrected"}))
    second = await gp.patch(f"/fhir/Observation/{id}", json=by_path, headers=FHIR)
    assert (second.status_code, second.headers["etag"], second.json()["status"]) == (200, 'W/"3"', "corrected")
    nothing = await gp.patch(f"/fhir/Observation/{id}", json=[], headers=JSON_PATCH | {"prefer": "return=minimal"})
    assert (nothing.status_code, nothing.headers["etag"], nothing.content) == (200, 'W/"3"', b"")
    as_xml = (
        '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/>'
        '</part><part><name value="path"/><valueString value="Observation.status"/></part><part><name value="value"/>'
        '<valueCode value="final"/></part></parameter></Parameters>'
    )
    third = await gp.patch(f"/fhir/Observation/{id}", content=as_xml, headers={"content-type": "application/fhir+xml"})
    assert (third.status_code, third.json()["status"]) == (200, "final"), third.text


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ([AMEND], FHIR, 400),
        ({"resourceType": "Observation"}, FHIR, 400),
        ([AMEND], {"content-type": "application/xml-patch+xml"}, 415),
        ([AMEND], {"content-type": "application/merge-patch+json"}, 415),
        ([{"op": "replace", "path": "/status", "value": "done"}], JSON_PATCH, 422),
        ([{"op": "remove", "path": "/status"}], JSON_PATCH, 422),
        ([{"op": "add", "path": "/nonsense", "value": 1}], JSON_PATCH, 422),
        ([{"op": "replace", "path": "/subject/reference", "value": "Patient/none"}], JSON_PATCH, 422),
        ([{"op": "replace", "path": "/subject/reference", "value": "Patient/p3"}], JSON_PATCH, 422),
        ([{"op": "replace", "path": "/id", "value": "x"}], JSON_PATCH, 422),
        ([{"op": "test", "path": "/status", "value": "amended"}], JSON_PATCH, 409),
        ([{"op": "remove", "path": "/note"}], JSON_PATCH, 409),
        ([{"op": "walk", "path": "/note"}], JSON_PATCH, 400),
        (parameters(operation("delete", "Observation.nonsense")), FHIR, 400),
        (parameters(operation("replace", "Observation.note", value={"valueAnnotation": {"text": "x"}})), FHIR, 409),
        (parameters(operation("delete", "Observation.status")), FHIR, 422),
    ],
)
async def test_a_patch_is_held_to_the_rules_of_an_update(server: Server, content: Any, headers: dict[str, str], status: int) -> None:
    gp, id = await server.as_("gp"), await made(server)
    before = (await gp.get(f"/fhir/Observation/{id}")).content
    answer = await gp.patch(f"/fhir/Observation/{id}", content=body(content), headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["diagnostics"]
    assert (await gp.get(f"/fhir/Observation/{id}")).content == before


async def test_meta_version_and_time_are_the_stores(server: Server) -> None:
    gp, id = await server.as_("gp"), await made(server)
    lie = [{"op": "replace", "path": "/meta/versionId", "value": "99"}, {"op": "remove", "path": "/meta/lastUpdated"}]
    answer = await gp.patch(f"/fhir/Observation/{id}", json=lie, headers=JSON_PATCH)
    assert (answer.status_code, answer.json()["meta"]["versionId"]) == (200, "1")


async def test_what_cannot_be_seen_or_is_gone_is_not_patched(server: Server) -> None:
    system, gp = await server.as_("bench"), await server.as_("gp")
    other = (await system.post("/fhir/Observation", json=observation("p3"))).json()["id"]
    for id in (other, "never"):
        assert (await gp.patch(f"/fhir/Observation/{id}", json=[AMEND], headers=JSON_PATCH)).status_code == 404
    own = await made(server)
    await gp.delete(f"/fhir/Observation/{own}")
    assert (await gp.patch(f"/fhir/Observation/{own}", json=[AMEND], headers=JSON_PATCH)).status_code == 410


async def test_patches_at_once_lose_nothing(server: Server) -> None:
    gp, id = await server.as_("gp"), await made(server)

    async def note(n: int) -> int:
        path = [{"op": "add", "path": "/note/-", "value": {"text": str(n)}}]
        return (await gp.patch(f"/fhir/Observation/{id}", json=path, headers=JSON_PATCH)).status_code

    await gp.patch(f"/fhir/Observation/{id}", json=[{"op": "add", "path": "/note", "value": [{"text": "first"}]}], headers=JSON_PATCH)
    assert set(await asyncio.gather(*(note(n) for n in range(10)))) == {200}
    told = (await gp.get(f"/fhir/Observation/{id}")).json()["note"]
    assert {one["text"] for one in told} == {"first", *map(str, range(10))}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_patches_stand_in_bundles(server: Server, kind: str) -> None:
    gp, one, other = await server.as_("gp"), await made(server), await made(server)
    by_path = parameters(operation("replace", "Observation.status", value={"valueCode": "amended"}))
    entries = [
        {"resource": binary(AMEND), "request": {"method": "PATCH", "url": f"Observation/{one}", "ifMatch": 'W/"1"'}},
        {"resource": by_path, "request": {"method": "PATCH", "url": f"Observation/{other}"}},
        {"request": {"method": "GET", "url": f"Observation/{one}"}},
    ]
    answer = await gp.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries})
    assert answer.status_code == 200, answer.text
    responses = [entry["response"] for entry in answer.json()["entry"]]
    assert [response["status"][:3] for response in responses] == ["200"] * 3
    assert [response["etag"] for response in responses] == ['W/"2"'] * 3
    assert answer.json()["entry"][2]["resource"]["status"] == "amended"
    stale = await gp.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries})
    if kind == "transaction":
        assert (stale.status_code, stale.json()["issue"][0]["expression"]) == (412, ["Bundle.entry[0].resource"])
    else:
        assert stale.json()["entry"][0]["response"]["status"] == "412"


async def test_values_of_a_patch_may_name_other_entries(server: Server) -> None:
    gp, id = await server.as_("gp"), await made(server)
    other = "urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b0001"
    by_path = parameters(operation("add", "Observation", name="hasMember", value={"valueReference": {"reference": other}}))
    entries = [
        {"resource": by_path, "request": {"method": "PATCH", "url": f"Observation/{id}"}},
        {"fullUrl": other, "resource": observation(), "request": {"method": "POST", "url": "Observation"}},
    ]
    answer = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    new = answer.json()["entry"][1]["response"]["location"].split("/")[-3]
    assert (await gp.get(f"/fhir/Observation/{id}")).json()["hasMember"] == [{"reference": f"Observation/{new}"}]


FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
POINTERS = st.sampled_from(
    ";/;/status;/code;/code/coding/0;/code/coding/-;/subject;/subject/reference;/id;/meta;/text;/contained;/valueQuantity;/x;/effectiveDateTime;"
    "nonsense;/code/coding/0/display".split(";")
)


@FUZZ
@given(
    operations=st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]), "path": POINTERS},
            optional={"from": POINTERS, "value": STRANGE},
        ),
        max_size=4,
    ),
    conditional=st.booleans(),
)
async def test_whatever_json_patch_is_sent_is_done_or_refused_whole(server: Server, operations: list[Json], conditional: bool) -> None:
    gp, system = await server.as_("gp"), await server.as_("bench")
    await system.put("/fhir/Observation/fuzzed", json=observation() | {"id": "fuzzed"})
    before = (await gp.get("/fhir/Observation/fuzzed")).content
    where = "/fhir/Observation?_id=fuzzed" if conditional else "/fhir/Observation/fuzzed"
    answer = await gp.patch(where, content=body(operations), headers=JSON_PATCH)
    expect_sound(answer, operations)
    after = await gp.get("/fhir/Observation/fuzzed")
    assert after.content == (answer.content if answer.status_code == 200 else before)


PATHS = st.sampled_from(
    "Observation;Observation.status;Observation.code.coding;Observation.code.coding[0];Observation.subject;Observation.value;Observation.id;"
    "Observation.subject.resolve();Observation.descendants();x;1;Observation.code.coding.where(code='4548-4').code".split(";")
)


@FUZZ
@given(
    operations=st.lists(
        st.builds(
            lambda type, path, name, key, value, more: operation(type, path, name=name, value={key: value}, **more),
            st.sampled_from(["add", "insert", "delete", "replace", "move", "x"]),
            PATHS,
            st.sampled_from(["note", "code", "status", "extension", "value", "contained"]),
            st.sampled_from(["valueString", "valueCode", "valueReference", "valueCoding", "part", "resource", "valueExtension", "x"]),
            STRANGE,
            st.dictionaries(st.sampled_from(["index", "source", "destination"]), st.integers(-1, 2), max_size=2),
        ),
        max_size=3,
    )
)
async def test_whatever_fhirpath_patch_is_sent_is_done_or_refused_whole(server: Server, operations: list[Json]) -> None:
    needed = {
        "add": {"name", "value"},
        "insert": {"index", "value"},
        "delete": set(),
        "replace": {"value"},
        "move": {"source", "destination"},
    }
    for one in operations:
        kept = {"type", "path", *needed.get(one["part"][0]["valueCode"], set())}
        one["part"] = [part for part in one["part"] if part["name"] in kept]
    gp, system = await server.as_("gp"), await server.as_("bench")
    await system.put("/fhir/Observation/fuzzed", json=observation() | {"id": "fuzzed"})
    before = (await gp.get("/fhir/Observation/fuzzed")).content
    answer = await gp.patch("/fhir/Observation/fuzzed", content=body(parameters(*operations)), headers=FHIR)
    expect_sound(answer, operations)
    after = await gp.get("/fhir/Observation/fuzzed")
    assert after.content == (answer.content if answer.status_code == 200 else before)
