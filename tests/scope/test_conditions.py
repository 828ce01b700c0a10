"""Conditions and references in writes tell nothing of what is out of scope, and are not led astray by it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.http.house import Server
from tests.referral.region import a_plan, act_parameters, down, refer_parameters
from tests.scope.people import GROUNDS, INSTITUTION, client_of, sees
from tests.scope.world import KINDS, LAB, PATIENTS, World, record, sugar
from yilian.fhir import urls

Json = dict[str, Any]

WRITERS = ("gp", "head", "gp2", "liuhe-system", "coordinator", "expert")
MADE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WHEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]+ GMT")


def plain(answer: httpx.Response, word: str) -> tuple[int, str, str]:
    """An answer without what is new each time (ids, times), and without the word that was asked for."""
    headers = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()) if name != "content-length")
    texts = (WHEN.sub("<when>", MADE.sub("<made>", text)).replace(word, "<word>") for text in (headers, answer.text))
    return answer.status_code, *texts


def own_patient(role: str) -> str:
    return sorted(GROUNDS[INSTITUTION[role]] - {"dead"})[0]


@pytest.mark.parametrize("role", WRITERS)
async def test_a_conditional_creation_does_not_tell_of_what_is_out_of_scope(own_server: Server, world: World, role: str) -> None:
    client, mine = await client_of(own_server, role), own_patient(role)
    strangers = [who for who in PATIENTS if not sees(role, world.current(f"Patient/{who}"))]
    assert strangers
    for who in strangers:
        for word, condition in ((f"sugar-{who}", "identifier={}|{}"), (f"sugar-{who}", "_id={1}"), (f"Patient/{who}", "patient={1}")):
            nobody = "z" * len(word) if "/" not in word else f"Patient/{'z' * len(who)}"
            answers = []
            for value in (word, nobody):
                asked = {"if-none-exist": condition.format(LAB, value)}
                answers.append(plain(await client.post("/fhir/Observation", json=fresh(mine), headers=asked), value))
            assert answers[0] == answers[1], (who, condition)
            assert answers[0][0] == 201
            whole = [
                plain(
                    await client.post(
                        "/fhir", json=transaction(fresh(mine), "POST", "Observation", ifNoneExist=condition.format(LAB, value))
                    ),
                    value,
                )
                for value in (word, nobody)
            ]
            assert whole[0] == whole[1], (who, condition)
            gone = [
                plain(await client.post("/fhir", json=transaction(None, "DELETE", f"Observation?{condition.format(LAB, value)}")), value)
                for value in (word, nobody)
            ]
            assert gone[0] == gone[1], (who, condition)
    bench = await client_of(own_server, "bench")
    for who in PATIENTS:
        assert (await bench.get(f"/fhir/Observation/sugar-{who}")).status_code == 200


@pytest.mark.parametrize("role", WRITERS)
async def test_a_conditional_update_does_not_touch_what_is_out_of_scope(own_server: Server, world: World, role: str) -> None:
    client, mine, bench = await client_of(own_server, role), own_patient(role), await client_of(own_server, "bench")
    for who in PATIENTS:
        if sees(role, world.current(f"Patient/{who}")):
            continue
        before = (await bench.get(f"/fhir/Observation/sugar-{who}")).json()
        word, nobody = f"sugar-{who}", "z" * len(f"sugar-{who}")
        answers = [
            plain(await client.post("/fhir", json=transaction(fresh(mine), "PUT", f"Observation?identifier={LAB}|{value}")), value)
            for value in (word, nobody)
        ]
        assert answers[0] == answers[1]
        assert (await bench.get(f"/fhir/Observation/sugar-{who}")).json() == before


@pytest.mark.parametrize("role", WRITERS)
async def test_a_conditional_reference_leads_to_what_is_in_scope_only(own_server: Server, world: World, role: str) -> None:
    client, mine = await client_of(own_server, role), own_patient(role)
    for who in PATIENTS:
        file = world.bodies[f"Patient/{who}"]["identifier"][0]["value"]
        name = world.bodies[f"Patient/{who}"]["name"][0]["text"]
        for value, condition in ((file, f"identifier={urls.HEALTH_FILE}|{{}}"), (who, "_id={}"), (name, "name={}&gender:not=other")):
            nobody = "z" * len(value)
            answers = []
            for word in (value, nobody):
                result = fresh(mine) | {"subject": {"reference": f"Patient?{condition.format(word)}"}}
                answers.append(plain(await client.post("/fhir", json=transaction(result, "POST", "Observation")), word))
            if sees(role, world.current(f"Patient/{who}")):
                assert answers[0][0] == 200, (who, condition, answers[0])
            else:
                assert answers[0] == answers[1], (who, condition)
                assert answers[0][0] == 422


async def test_a_number_two_townships_use_means_ones_own_patient(own_server: Server, world: World) -> None:
    """What is out of scope does not make a condition ambiguous either."""
    bench = await client_of(own_server, "bench")
    shared = {"system": "urn:oid:2.16.156.112604.1.2.9", "value": "0042"}
    for who in ("p1", "p3"):
        body = world.bodies[f"Patient/{who}"]
        answer = await bench.put(f"/fhir/Patient/{who}", json={**body, "identifier": [*body["identifier"], shared]})
        assert answer.status_code == 200, answer.text
    condition = f"identifier={shared['system']}|{shared['value']}"
    for role, who in (("gp", "p1"), ("gp2", "p3")):
        client = await client_of(own_server, role)
        result = fresh(who) | {"subject": {"reference": f"Patient?{condition}"}}
        done = await client.post("/fhir", json=transaction(result, "POST", "Observation"), headers={"prefer": "return=representation"})
        assert done.json()["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{who}"
        there = await client.post("/fhir/Patient", json=world.bodies[f"Patient/{who}"], headers={"if-none-exist": condition})
        assert (there.status_code, there.json()["id"]) == (200, who)
    assert (await bench.post("/fhir", json=transaction(result, "POST", "Observation"))).status_code == 422


@pytest.mark.parametrize("role", WRITERS)
async def test_a_reference_to_another_patients_record_is_a_reference_to_nothing(own_server: Server, world: World, role: str) -> None:
    """In every element that may hold one, deep in a resource, in an extension, in what is contained."""
    client, mine = await client_of(own_server, role), own_patient(role)
    extension = urls.BASE + "StructureDefinition/anything"
    for who in PATIENTS:
        if sees(role, world.current(f"Patient/{who}")):
            continue
        for kind, word in (
            ("Patient", who),
            ("Observation", f"sugar-{who}"),
            ("Encounter", f"visit-{who}"),
            ("RelatedPerson", f"kin-{who}"),
        ):
            resources: list[Json] = [
                {"subject": {"reference": "{}"}} if kind == "Patient" else {"derivedFrom": [{"reference": "{}"}]},
                {"performer": [{"reference": "{}"}]} if kind in ("Patient", "RelatedPerson") else {"focus": [{"reference": "{}"}]},
                {"extension": [{"url": extension, "valueReference": {"reference": "{}"}}]},
                {"note": [{"authorReference": {"reference": "{}"}, "text": "?"}]} if kind in ("Patient", "RelatedPerson") else {},
                {"contained": [sugar("c1", mine, focus=[{"reference": "{}"}])], "hasMember": [{"reference": "#c1"}]},
                {"encounter": {"reference": "{}"}} if kind == "Encounter" else {},
            ]
            for more in [one for one in resources if one]:
                answers = []
                for id in (word, "z" * len(word)):
                    body = fresh(mine) | _filled(more, f"{kind}/{id}")
                    answers.append(plain(await client.post("/fhir/Observation", json=body), id))
                assert answers[0] == answers[1], (who, more)
                assert answers[0][0] == 422, (more, answers[0])


async def test_a_plan_that_comes_with_a_step_points_to_nothing_out_of_scope(own_server: Server) -> None:
    """What is written by an operation is looked up like what is written plainly."""
    expert, gp = await client_of(own_server, "expert"), await client_of(own_server, "gp")
    made = await expert.post("/fhir/ServiceRequest/$refer", json=refer_parameters(down("p2", "qingshi", specialty="07")))
    assert made.status_code == 201, made.text
    task = next(one["resource"] for one in made.json()["parameter"] if one["name"] == "task")
    for place, kind, word in (("supportingInfo", "Observation", "sugar-p3"), ("addresses", "Condition", "problem-p3")):
        answers = []
        for id in (word, "z" * len(word)):
            plan = a_plan() | {place: [{"reference": f"{kind}/{id}"}]}
            step = await gp.post(f"/fhir/Task/{task['id']}/$act", json=act_parameters("accept", plan=plan), headers={"if-match": 'W/"1"'})
            answers.append(plain(step, id))
        assert answers[0] == answers[1]
        assert answers[0][0] == 422
    for id in ("p3", "zz"):
        away = act_parameters("accept", practitioner=f"Patient/{id}")
        refused = await gp.post(f"/fhir/Task/{task['id']}/$act", json=away, headers={"if-match": 'W/"1"'})
        assert refused.status_code == 422, refused.text


@pytest.mark.parametrize("role", WRITERS)
async def test_a_conditional_patch_or_deletion_does_not_touch_what_is_out_of_scope(own_server: Server, world: World, role: str) -> None:
    """By FHIRPath and by JSON Patch, alone, in a batch and in a transaction: what it would change is not even looked at."""
    client, bench = await client_of(own_server, role), await client_of(own_server, "bench")
    part = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Observation.where(status = 'final').status"},
        {"name": "value", "valueCode": "amended"},
    ]
    by_path: Json = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    by_pointer = {"content-type": "application/json-patch+json"}
    steps = [{"op": "test", "path": "/status", "value": "cancelled"}, {"op": "replace", "path": "/status", "value": "amended"}]
    for who in PATIENTS:
        if sees(role, world.current(f"Patient/{who}")):
            continue
        before = (await bench.get(f"/fhir/Observation/sugar-{who}")).content
        told = []
        for word in (f"sugar-{who}", "z" * len(f"sugar-{who}")):
            for condition in (f"identifier={LAB}|{word}", f"_id={word}", f"identifier:of-type={KINDS}|FILL|{word}"):
                where = f"Observation?{condition}"
                answers = [
                    await client.patch(f"/fhir/{where}", json=by_path),
                    await client.patch(f"/fhir/{where}", json=by_path, headers={"if-match": 'W/"1"'}),
                    await client.patch(f"/fhir/{where}", content=json.dumps(steps), headers=by_pointer),
                    await client.delete(f"/fhir/{where}"),
                    await client.post("/fhir", json=transaction(by_path, "PATCH", where)),
                    await client.post("/fhir", json=transaction(None, "DELETE", where)),
                    await client.post("/fhir", json={**transaction(by_path, "PATCH", where), "type": "batch"}),
                ]
                told.append([plain(one, word) for one in answers])
        half = len(told) // 2
        assert told[:half] == told[half:], who
        assert [one[0] for one in told[0]] == [404, 404, 404, 204, 404, 200, 200], told[0]
        assert (await bench.get(f"/fhir/Observation/sugar-{who}")).content == before


async def test_an_id_that_is_taken_out_of_scope_can_be_neither_used_nor_told_from_a_free_one(own_server: Server) -> None:
    """An id is the store's to give for who sees less than everything: whether one is taken is not told either."""
    gp2, bench = await client_of(own_server, "gp2"), await client_of(own_server, "bench")
    before = (await bench.get("/fhir/Observation/sugar-p1")).content
    for body in (fresh("p3"), record("p1")[1], record("p3")[1]):
        for headers in ({}, {"if-none-match": "*"}):
            told = []
            for id in ("sugar-p1", "sugar-zz"):
                refused = await gp2.put(f"/fhir/Observation/{id}", json={**body, "id": id}, headers=headers)
                told.append(plain(refused, id))
            assert told[0] == told[1]
            assert told[0][0] == 405
    assert (await bench.get("/fhir/Observation/sugar-p1")).content == before


def fresh(who: str) -> Json:
    return {key: value for key, value in sugar("", who).items() if key != "id"}


def transaction(resource: Json | None, method: str, url: str, **request: Any) -> Json:
    entry: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        entry["resource"] = resource
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _filled(value: Any, text: str) -> Any:
    """A copy with "{}" replaced."""
    if isinstance(value, dict):
        return {key: _filled(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, text) for one in value]
    return text if value == "{}" else value
