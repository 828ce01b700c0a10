"""Modifiers, composites, lists, contained resources, `$lastn` and labels: each within the scope, totals too.

What is asked is held against what a system that sees everything is told, less what is out of scope; and a question about somebody out of
scope against the same question about nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.http.house import Server
from tests.scope.asks import Ask, tell
from tests.scope.people import OTHERS, Version, client_of, sees
from tests.scope.test_searches import everybody, found
from tests.scope.world import KINDS, LAB, LABELS, LOINC, PATIENTS, RECORD_TYPES, SUGAR, World

Json = dict[str, Any]

NEAR = "34.27|117.18|5"
QUESTIONS = {
    "Observation": [
        "code:text=空腹", "code:text=fasting", f"code:in={SUGAR}", f"code:not-in={SUGAR}",
        f"identifier:of-type={KINDS}|FILL|sugar-p3", f"identifier:of-type={KINDS}|FILL|sugar-p1",
        f"performer:identifier={LAB}|sampler of p3", f"performer:identifier={LAB}|sampler of p1",
        "patient:Patient=p1", "subject:Patient=p3", "category:text=laboratory",
        f"code-value-quantity={LOINC}|1558-6$gt5,{LOINC}|1558-6$lt1", "code-value-quantity=1558-6$7.9||mmol/L",
        "code-value-date=1558-6$2026", "combo-code-value-quantity=1558-6$ge7",
        f"_tag={LABELS}|of-p3", f"_tag:not={LABELS}|of-p3", f"_security={LABELS}|of-p1",
        f"_profile={LABELS}/p3", f"_profile:below={LABELS}",
        "encounter:Encounter.location.name=心内科", f"encounter.location:Location.near={NEAR}",
        f"patient._has:Condition:patient:code:in={SUGAR}", "patient.name:exact=单雄", "patient.name:contains=雄",
        f"_has:List:item:_tag={LABELS}|of-p3",
    ],
    "Condition": [
        f"code:in={SUGAR}", f"code:not-in={SUGAR}", "code:text=糖尿", f"identifier:of-type={KINDS}|FILL|problem-p3",
    ],
    "Encounter": [
        f"location.near={NEAR}", "location.near=0|0|1", f"identifier:of-type={KINDS}|FILL|visit-p3", f"reason-code:not-in={SUGAR}",
        f"_has:Observation:encounter:code:in={SUGAR}", "_has:Observation:encounter:code-value-quantity=1558-6$gt5",
        f"_has:Observation:encounter:performer:identifier={LAB}|sampler of p3",
    ],
    "Patient": [
        f"_has:Observation:patient:code:in={SUGAR}", f"_has:Observation:patient:code:not-in={SUGAR}",
        "_has:Observation:patient:code:text=空腹", "_has:Observation:patient:code-value-quantity=1558-6$gt5",
        f"_has:Observation:patient:identifier:of-type={KINDS}|FILL|sugar-p3", f"_has:Observation:patient:_tag={LABELS}|of-p3",
        f"_has:Encounter:patient:location.near={NEAR}", "name:exact=单雄", "name:contains=秀", "address:contains=石桥",
    ],
    "DiagnosticReport": [f"result.code:in={SUGAR}", "code:text=血糖", "result.code-value-quantity=1558-6$gt5"],
    "List": ["item:Observation.code:text=空腹", f"item:Observation._tag={LABELS}|of-p3", "item:Patient.name=单雄", f"_tag={LABELS}|of-p3"],
    "Task": [f"code:not-in={SUGAR}", "focus:ServiceRequest.patient.name:contains=英", f"_tag:not={LABELS}|of-p3"],
}  # fmt: skip
BARRED = {"_has:Condition:patient": "Condition/problem-{}", "_has:Observation:patient:code:not-in": "Observation/blood-{}"}
"""What says it, where somebody may see whom it is said of and not that: refused, or of a sensitive kind."""
THROUGH = {"List": "item", "Observation": "_has:List:item"}
"""Chains that lead from one record into others: a folder of one patient names everybody's results."""


@pytest.mark.parametrize("kind", QUESTIONS)
async def test_modifiers_find_what_is_in_scope_and_count_no_more(
    server: Server, world: World, kind: str, record_property: Callable[[str, object], None]
) -> None:
    bench, clients = await client_of(server, "bench"), await everybody(server)
    compared = telling = 0
    for query in QUESTIONS[kind]:
        all_there, _, _ = await found(bench, kind, quote(query, safe="=&:$,"))
        for role, client in clients.items():
            expected = [name for name in all_there if sees(role, world.current(name)) and reached(role, world, kind, query, name)]
            asked = quote(query, safe="=&:$,")
            matches, _, total = await found(client, kind, asked)
            assert (matches, total) == (expected, len(expected)), (role, kind, query)
            counted = await client.get(f"/fhir/{kind}?{asked}&_summary=count")
            assert counted.json()["total"] == len(expected), (role, kind, query)
            guessed = await client.post(f"/fhir/{kind}/_search?_total=estimate&_count=1", content=asked, headers=FORM)
            assert guessed.json()["total"] == len(expected), (role, kind, query)
            compared += 1
            telling += len(expected) < len(all_there)
    record_property("compared", compared)
    assert telling > 20


FORM = {"content-type": "application/x-www-form-urlencoded"}


def reached(role: str, world: World, kind: str, query: str, name: str) -> bool:
    """Whether the way the question goes is within the scope too. Only folders lead out of a record."""
    for part, saying in BARRED.items():
        if part in query and not sees(role, world.current(saying.format(world.current(name).patient))):
            return False
    if not query.startswith(THROUGH.get(kind, "\0")):
        return True
    if kind == "Observation":
        return any(sees(role, world.current(f"List/folder-{who}")) for who in PATIENTS if f"of-{who}" in query) and "sugar-" in name
    wanted = {"name=单雄": ["Patient/p3"], "of-p3": ["Observation/sugar-p3"]}
    there = next((some for word, some in wanted.items() if word in query), [f"Observation/sugar-{who}" for who in PATIENTS])
    return any(sees(role, world.current(one)) for one in there)


@pytest.mark.parametrize("role", OTHERS)
async def test_a_list_opens_what_is_in_scope_and_one_out_of_scope_nothing(server: Server, world: World, role: str) -> None:
    """p1's folder names everybody's results; the notes of the other house name nobody."""
    client = await client_of(server, role)
    for who in PATIENTS:
        folder = world.current(f"List/folder-{who}")
        for kind, named in (
            ("Observation", [f"Observation/sugar-{one}" for one in PATIENTS]),
            ("Patient", [f"Patient/{x}" for x in PATIENTS]),
        ):
            seen = [name for name in named if sees(role, folder) and sees(role, world.current(name))]
            matches, _, total = await found(client, kind, f"_list=folder-{who}&_sort=_id")
            assert (sorted(matches), total) == (seen, len(seen)), (who, kind)
            along = await found(client, kind, f"_list=folder-{who}&_revinclude=List:item")
            assert {name for name in along[1] if not sees(role, world.current(name))} == set(), who
        if not sees(role, folder):
            for query in (f"_list=folder-{who}", f"_list=folder-{who}&_summary=count", f"_list:not=folder-{who}"):
                told = await tell(client, Ask("", f"Observation?{query}"), f"folder-{who}")
                assert told == await tell(client, Ask("", f"Observation?{query.replace(f'folder-{who}', 'folder-zz')}"), "folder-zz"), query
    there = await found(client, "List", "item=Observation/sugar-p3")
    assert all(sees(role, world.current(name)) for name in there[0])


@pytest.mark.parametrize("role", OTHERS)
async def test_contained_resources_are_found_where_their_container_is_in_scope(server: Server, world: World, role: str) -> None:
    bench, client = await client_of(server, "bench"), await client_of(server, role)
    for query in ("active=true", "name=互助会", "name:contains=p3", "_id=payor", "active:not=false", "name:missing=false"):
        for more in ("_contained=true", "_contained=both", "_contained=true&_containedType=contained"):
            asked = f"/fhir/Organization?{query}&{more}&_total=accurate&_count=500"
            everything, mine = (await bench.get(asked)).json(), (await client.get(asked)).json()
            expected = [one["fullUrl"] for one in everything.get("entry", []) if sees(role, container(world, one["fullUrl"]))]
            assert [one["fullUrl"] for one in mine.get("entry", [])] == expected, (query, more)
            assert mine["total"] == len(expected), (query, more)


def container(world: World, full_url: str) -> Version:
    return world.current("/".join(full_url.partition("#")[0].split("/")[-2:]))


@pytest.mark.parametrize("role", OTHERS)
async def test_the_newest_of_each_kind_is_of_ones_own_patients(server: Server, world: World, role: str) -> None:
    bench, client = await client_of(server, "bench"), await client_of(server, role)
    for who in (*PATIENTS, "zz"):
        for query in (
            f"patient={who}&code={LOINC}|1558-6&max=9",
            f"subject=Patient/{who}&category=laboratory",
            f"patient=Patient/{who}&code:text=空腹",
        ):
            asked = f"/fhir/Observation/$lastn?{query}"
            everything, mine = await bench.get(asked), await client.get(asked)
            if not sees(role, world.current(f"Patient/{who}")) if who != "zz" else True:
                nobody = await client.get(asked.replace(who, "zy"))
                assert (mine.status_code, plain(mine, who)) == (nobody.status_code, plain(nobody, "zy")), query
                continue
            assert mine.status_code == everything.status_code, (query, mine.text)
            ids = [one["resource"]["id"] for one in everything.json().get("entry", []) if "resource" in one]
            assert [one["resource"]["id"] for one in mine.json().get("entry", []) if "resource" in one] == [
                id for id in ids if sees(role, world.current(f"Observation/{id}"))
            ], query


def plain(answer: httpx.Response, word: str) -> Json:
    found: Json = json.loads(answer.text.replace(f"/{word}", "/<word>").replace(f"={word}", "=<word>").replace(f"%2F{word}", "%2F<word>"))
    return {key: value for key, value in found.items() if key != "timestamp"}


@pytest.mark.parametrize("role", OTHERS)
async def test_labels_are_those_of_what_is_in_scope(server: Server, world: World, role: str) -> None:
    client = await client_of(server, role)
    for kind in ("", *RECORD_TYPES):
        answer = await client.get(f"/fhir/{kind}/$meta" if kind else "/fhir/$meta")
        if kind == "" and answer.status_code != 200:
            continue
        assert answer.status_code == 200, answer.text
        meta = answer.json()["parameter"][0]["valueMeta"]
        bodies = [body for name, body in world.bodies.items() if name.startswith(kind) and sees(role, world.current(name))]
        for field in ("tag", "security"):
            expected = {one["code"] for body in bodies for one in body.get("meta", {}).get(field, ()) if one.get("system") == LABELS}
            assert {one["code"] for one in meta.get(field, ()) if one.get("system") == LABELS} == expected, (kind, field)
        expected = {one for body in bodies for one in body.get("meta", {}).get("profile", ()) if one.startswith(LABELS)}
        assert {one for one in meta.get("profile", ()) if one.startswith(LABELS)} == expected, kind
