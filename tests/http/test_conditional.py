"""Conditions and versions over HTTP: create, read, update, patch and delete under a condition; who comes too late is told so.

FHIR R4 http.html §3.1.0.1.4, §3.1.0.4.3, §3.1.0.7.1, §3.1.0.8; concurrency §3.1.0.5.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.http.house import ORIGIN, Server
from tests.http.test_interactions import FHIR, Json, observation

LAB = "urn:oid:2.16.156.10011.1.33"
PATCH = {"content-type": "application/json-patch+json"}


def numbered(number: str, **more: Any) -> Json:
    return observation(identifier=[{"system": LAB, "value": number}], **more)


async def count(server: Server, number: str) -> int:
    sql = """select count(*) from resource where not deleted and body like '%"' || $1 || '"%'"""
    return int(await server.value(sql, number))


async def trail(server: Server, id: str) -> list[str]:
    """What the trail says was written about a resource, in order."""
    found = await server.value(
        "select array_agg(subtype order by seq) from audit_event"
        " where action in ('C', 'U', 'D') and array_to_string(entities, ' ') like $1",
        f"%Observation/{id}/%",
    )
    return list(found or [])


async def test_an_update_under_a_condition_creates_then_updates(server: Server) -> None:
    gp = await server.as_("gp")
    made = await gp.put(f"/fhir/Observation?identifier={LAB}|N1", json=numbered("N1"))
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert made.headers["location"] == f"{ORIGIN}/fhir/Observation/{id}/_history/1"
    changed = await gp.put(f"/fhir/Observation?identifier={LAB}|N1", json=numbered("N1", status="amended"))
    assert (changed.status_code, changed.json()["id"], changed.headers["etag"]) == (200, id, 'W/"2"')
    same = await gp.put(f"/fhir/Observation?identifier={LAB}|N1", json=numbered("N1", status="amended") | {"id": id})
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"2"')
    assert await trail(server, id) == ["create", "update"]


async def test_an_id_sent_along_must_be_the_one_that_is_found(server: Server) -> None:
    gp, system = await server.as_("gp"), await server.as_("bench")
    named = await system.put(f"/fhir/Observation?identifier={LAB}|N2", json=numbered("N2") | {"id": "lab-n2"})
    assert (named.status_code, named.json()["id"]) == (201, "lab-n2")
    other = await gp.put(f"/fhir/Observation?identifier={LAB}|N2", json=numbered("N2") | {"id": "another"})
    assert (other.status_code, other.json()["issue"][0]["expression"]) == (400, ["Observation.id"])
    taken = await gp.put(f"/fhir/Observation?identifier={LAB}|N3", json=numbered("N3") | {"id": "lab-n2"})
    assert taken.status_code == 409
    assert (await gp.get("/fhir/Observation/lab-n2")).json()["identifier"][0]["value"] == "N2"


async def test_several_matches_are_refused_whatever_is_asked(server: Server) -> None:
    gp = await server.as_("gp")
    for _ in range(2):
        assert (await gp.post("/fhir/Observation", json=numbered("N4"))).status_code == 201
    where = f"/fhir/Observation?identifier={LAB}|N4"
    answers = [
        await gp.put(where, json=numbered("N4")),
        await gp.patch(where, json=[], headers=PATCH),
        await gp.delete(where),
        await gp.post("/fhir/Observation", json=numbered("N4"), headers={"if-none-exist": f"identifier={LAB}|N4"}),
    ]
    assert [answer.status_code for answer in answers] == [412] * 4
    assert {answer.json()["issue"][0]["code"] for answer in answers} == {"multiple-matches"}
    assert await count(server, "N4") == 2


async def test_a_patch_under_a_condition_needs_one_to_patch(server: Server) -> None:
    gp = await server.as_("gp")
    amended = [{"op": "replace", "path": "/status", "value": "amended"}]
    where = f"/fhir/Observation?identifier={LAB}|N5"
    assert (await gp.patch(where, json=amended, headers=PATCH)).status_code == 404
    id = (await gp.post("/fhir/Observation", json=numbered("N5"))).json()["id"]
    assert (await gp.patch(where, json=amended, headers=PATCH | {"if-match": 'W/"2"'})).status_code == 412
    done = await gp.patch(where, json=amended, headers=PATCH | {"if-match": 'W/"1"'})
    assert (done.status_code, done.json()["status"], done.headers["etag"]) == (200, "amended", 'W/"2"')
    assert await trail(server, id) == ["create", "update"]


async def test_a_deletion_under_a_condition_deletes_the_one_it_finds(server: Server) -> None:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=numbered("N6"))).json()["id"]
    where = f"/fhir/Observation?identifier={LAB}|N6"
    assert (await gp.delete(where, headers={"if-match": 'W/"7"'})).status_code == 412
    assert (await gp.delete(where)).status_code == 204
    assert (await gp.get(f"/fhir/Observation/{id}")).status_code == 410
    assert (await gp.delete(where)).status_code == 204, "nothing is left to delete"
    assert await trail(server, id) == ["create", "delete"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("query", ["", "?", "?_count=1", "?nonsense=1", "?identifier=", "?_id:nonsense=1"])
async def test_what_is_no_condition_is_refused(server: Server, method: str, query: str) -> None:
    gp = await server.as_("gp")
    body = {"PUT": numbered("N7"), "PATCH": []}.get(method)
    headers = PATCH if method == "PATCH" else FHIR
    answer = await gp.request(method, f"/fhir/Observation{query}", json=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert await count(server, "N7") == 0


async def test_a_condition_finds_nothing_outside_of_the_scope(server: Server) -> None:
    system, gp = await server.as_("bench"), await server.as_("gp")
    made = await system.post("/fhir/Observation", json=numbered("N8") | {"subject": {"reference": "Patient/p3"}})
    assert made.status_code == 201
    where = f"/fhir/Observation?identifier={LAB}|N8"
    assert (await gp.delete(where)).status_code == 204
    assert (await gp.patch(where, json=[], headers=PATCH)).status_code == 404
    own = await gp.put(where, json=numbered("N8"))
    assert (own.status_code, own.json()["id"] == made.json()["id"]) == (201, False)
    assert (await system.get(f"/fhir/Observation/{made.json()['id']}")).headers["etag"] == 'W/"1"'


async def test_who_writes_a_version_that_is_no_longer_current_is_refused(server: Server) -> None:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=numbered("N9"))).json()["id"]
    where = f"/fhir/Observation/{id}"
    changed = numbered("N9", status="amended") | {"id": id}
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    for wrong in ("1", "W/1", "*", 'W/"x"', 'W/"1", W/"2"', 'W/"0"'):
        answers = [
            await gp.put(where, json=changed, headers={"if-match": wrong}),
            await gp.patch(where, json=patch, headers=PATCH | {"if-match": wrong}),
            await gp.delete(where, headers={"if-match": wrong}),
        ]
        assert [answer.status_code for answer in answers] == [400] * 3, wrong
    stale = {"if-match": 'W/"3"'}
    answers = [
        await gp.put(where, json=changed, headers=stale),
        await gp.patch(where, json=patch, headers=PATCH | stale),
        await gp.delete(where, headers=stale),
        await gp.put("/fhir/Observation/free", json=changed | {"id": "free"}, headers=stale),
    ]
    assert [answer.status_code for answer in answers] == [412] * 4
    assert (await gp.get(where)).headers["etag"] == 'W/"1"'


async def test_a_reader_who_has_the_version_gets_it_not_again(server: Server) -> None:
    gp = await server.as_("gp")
    made = await gp.post("/fhir/Observation", json=numbered("N10"))
    where, since = f"/fhir/Observation/{made.json()['id']}", made.headers["last-modified"]
    assert (await gp.get(where, headers={"if-modified-since": since})).status_code == 304
    assert (await gp.get(where, headers={"if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT"})).status_code == 200
    assert (await gp.get(where, headers={"if-modified-since": "yesterday"})).status_code == 200
    assert (await gp.get(where, headers={"if-none-match": 'W/"1"'})).status_code == 304
    assert (await gp.get(where, headers={"if-none-match": 'W/"2", W/"3"', "if-modified-since": since})).status_code == 200
    changed = await gp.put(where, json=numbered("N10", status="amended") | {"id": made.json()["id"]})
    again = await gp.get(where, headers={"if-modified-since": since})
    assert again.status_code == 200, "two versions of one second cannot be told apart by the date"
    assert again.json()["meta"]["versionId"] == "2"
    assert (await gp.get(where, headers={"if-none-match": changed.headers["etag"]})).status_code == 304


async def test_of_twenty_creations_under_one_condition_one_creates(server: Server) -> None:
    gp = await server.as_("gp")
    header = {"if-none-exist": f"identifier={LAB}|R1"}
    answers = await asyncio.gather(*(gp.post("/fhir/Observation", json=numbered("R1"), headers=header) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert await count(server, "R1") == 1
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_of_twenty_updates_and_creations_under_one_condition_one_creates(server: Server) -> None:
    gp = await server.as_("gp")
    where = f"identifier={LAB}|R2"

    async def one(n: int) -> int:
        if n % 2:
            return (await gp.post("/fhir/Observation", json=numbered("R2"), headers={"if-none-exist": where})).status_code
        return (await gp.put(f"/fhir/Observation?{where}", json=numbered("R2", valueString=str(n)))).status_code

    assert sorted(await asyncio.gather(*(one(n) for n in range(20)))) == [200] * 19 + [201]
    assert await count(server, "R2") == 1


async def test_of_several_writers_of_one_version_one_wins(server: Server) -> None:
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=numbered("R3"))).json()["id"]

    async def one(n: int) -> int:
        headers = {"if-match": 'W/"1"'}
        if n % 3 == 0:
            patch = [{"op": "add", "path": "/valueString", "value": str(n)}]
            return (await gp.patch(f"/fhir/Observation/{id}", json=patch, headers=PATCH | headers)).status_code
        if n % 3 == 1:
            where = f"/fhir/Observation?identifier={LAB}|R3"
            return (await gp.put(where, json=numbered("R3", valueString=str(n)), headers=headers)).status_code
        return (await gp.put(f"/fhir/Observation/{id}", json=numbered("R3", valueString=str(n)) | {"id": id}, headers=headers)).status_code

    assert sorted(await asyncio.gather(*(one(n) for n in range(9)))) == [200] + [412] * 8


async def test_a_condition_is_held_to_what_there_is_when_it_is_carried_out(server: Server) -> None:
    """What a condition found may have stopped to match before it is locked; then it is not what is meant any more."""
    gp = await server.as_("gp")
    id = (await gp.post("/fhir/Observation", json=numbered("R4"))).json()["id"]
    moved = numbered("R5") | {"id": id}
    for n in range(6):
        here, there = ("R4", "R5") if n % 2 == 0 else ("R5", "R4")
        moved = numbered(there) | {"id": id}
        answers = await asyncio.gather(
            gp.put(f"/fhir/Observation/{id}", json=moved),
            gp.put(f"/fhir/Observation?identifier={LAB}|{here}", json=numbered(here, valueString=f"v{n}")),
        )
        assert {answer.status_code for answer in answers} <= {200, 201}
        if answers[1].status_code == 201:
            await gp.delete(f"/fhir/Observation/{answers[1].json()['id']}")
        else:
            await gp.put(f"/fhir/Observation/{id}", json=moved)
        assert (await gp.get(f"/fhir/Observation/{id}")).json()["identifier"][0]["value"] == there
