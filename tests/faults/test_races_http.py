"""Many at the same resources over HTTP: one winner a version, one creation a condition, no deadlock that anybody hears of."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import httpx

from tests.http.house import Server
from tests.http.test_interactions import FHIR, observation

Json = dict[str, Any]


def again_told(answers: list[httpx.Response]) -> bool:
    """Whether each refusal is one the client can act on: a lost race, or when to come again."""
    return all(a.is_success or a.status_code in (409, 412) or (a.status_code == 503 and "retry-after" in a.headers) for a in answers)


async def test_of_many_updates_of_one_version_one_wins(server: Server) -> None:
    gp = await server.as_("gp")
    made = (await gp.post("/fhir/Observation", json=observation(), headers=FHIR)).json()
    for version in range(1, 6):
        sent = [{**observation(note=[{"text": f"{version}-{n}"}]), "id": made["id"]} for n in range(12)]
        match = FHIR | {"if-match": f'W/"{version}"'}
        answers = await asyncio.gather(*(gp.put(f"/fhir/Observation/{made['id']}", json=one, headers=match) for one in sent))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 11}


async def test_of_many_conditional_creations_one_creates(server: Server) -> None:
    gp = await server.as_("gp")
    for n in range(5):
        identified = observation(identifier=[{"system": "https://race.example", "value": str(n)}])
        condition = FHIR | {"if-none-exist": f"identifier=https://race.example|{n}"}
        answers = await asyncio.gather(*(gp.post("/fhir/Observation", json=identified, headers=condition) for _ in range(10)))
        assert again_told(answers)
        assert [answer.status_code for answer in answers].count(201) == 1


async def test_transactions_over_the_same_resources_in_any_order_do_not_deadlock(server: Server) -> None:
    bench, random = await server.as_("bench"), Random(5)
    ids = [f"r{n}" for n in range(15)]

    def bundle(turn: int) -> bytes:
        entries: list[Json] = [
            {"resource": {**observation(note=[{"text": f"{turn}"}]), "id": id_}, "request": {"method": "PUT", "url": f"Observation/{id_}"}}
            for id_ in random.sample(ids, 10)
        ]
        return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()

    for id_ in ids:
        await bench.put(f"/fhir/Observation/{id_}", json={**observation(), "id": id_}, headers=FHIR)
    answers = await asyncio.gather(*(bench.post("/fhir", content=bundle(turn), headers=FHIR) for turn in range(30)))
    assert again_told(answers), [answer.text[:300] for answer in answers if not answer.is_success]
    succeeded = sum(answer.is_success for answer in answers)
    assert succeeded >= 25
    assert await server.value("select sum(ver) from resource where id = any($1)", ids) == len(ids) + 10 * succeeded


async def test_a_resource_is_not_deleted_under_a_reference_that_is_being_written(server: Server) -> None:
    bench = await server.as_("bench")
    for n in range(6):
        await bench.put(f"/fhir/Location/l{n}", json={"resourceType": "Location", "id": f"l{n}"}, headers=FHIR)
        pointing = {"resourceType": "Location", "partOf": {"reference": f"Location/l{n}"}}
        written, deleted = await asyncio.gather(
            bench.post("/fhir/Location", json=pointing, headers=FHIR), bench.delete(f"/fhir/Location/l{n}")
        )
        assert again_told([deleted])
        assert written.status_code in (201, 409, 422, 503)
        there = (await bench.get(f"/fhir/Location/l{n}")).status_code
        assert (written.status_code, there) != (201, 410), "a reference to nothing was stored"
