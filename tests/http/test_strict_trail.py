"""The trail before the answer: while it is held up, what is sensitive or stands open in an emergency does not leave, and the rest does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.http.house import Server, running
from tests.http.test_emergency import DEPRESSION, open_

Json = dict[str, Any]
SOON_S = 5.0
HELD_S = 0.5


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    async with running(furnished_dsn) as started:
        await _conditions(started)
        yield started


async def _conditions(server: Server) -> None:
    bench = await server.as_("bench")
    for id, patient, code in (("plain", "p1", {"text": "高血压"}), ("mind", "p1", DEPRESSION), ("other", "p2", {"text": "咳嗽"})):
        body = {"resourceType": "Condition", "id": id, "code": code, "subject": {"reference": f"Patient/{patient}"}}
        assert (await bench.put(f"/fhir/Condition/{id}", json=body)).status_code == 201


@asynccontextmanager
async def trail_held(dsn: str) -> AsyncIterator[None]:
    """Nothing can be written to the trail meanwhile."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("lock table audit_event in share mode")
            yield
    finally:
        await connection.close()


async def leaves(client: httpx.AsyncClient, path: str, dsn: str) -> bool:
    """Whether the answer leaves while the trail is held; it always does once the trail goes on, and the trail has it then."""
    async with trail_held(dsn):
        asked = asyncio.create_task(client.get(path))
        done, _ = await asyncio.wait({asked}, timeout=HELD_S)
    answer = await asyncio.wait_for(asked, SOON_S)
    assert answer.status_code == 200, answer.text
    return bool(done)


OF_THE_PATIENT = [
    "/fhir/Condition/{id}",
    "/fhir/Condition/{id}/_history/1",
    "/fhir/Condition/{id}/_history",
    "/fhir/Condition/_history?_count=20",
    "/fhir/Condition?_id={id}",
    "/fhir/Condition?_id={id}&_total=accurate",
    "/fhir/Condition?_id={id}&_elements=code",
    "/fhir/Patient?_id=p1&_revinclude=Condition:patient",
    "/fhir/Patient/p1/Condition",
    "/fhir/Patient/p1/*",
    "/fhir/?_type=Condition,Observation&patient=p1",
    "/fhir/Patient/p1/$everything",
    "/fhir/Patient/p1/$timeline",
]


async def test_what_is_sensitive_waits_for_its_trail(server: Server) -> None:
    bench = await server.as_("bench")
    for path in OF_THE_PATIENT:
        assert not await leaves(bench, path.format(id="mind"), server.dsn), path
    held = await server.value("select count(*) from audit_event where account = 'bench' and action in ('R', 'E')")
    assert held >= len(OF_THE_PATIENT), "by the time the answer is here, the trail has it"


async def test_what_is_ordinary_leaves_at_once(server: Server) -> None:
    bench = await server.as_("bench")
    for path in ("/fhir/Condition/plain", "/fhir/Condition?_id=plain", "/fhir/Patient/p2/$everything", "/fhir/Condition/plain/_history"):
        assert await leaves(bench, path, server.dsn), path


async def test_tables_of_many_rows_wait_whatever_is_in_them(server: Server) -> None:
    bench = await server.as_("bench")
    assert not await leaves(bench, "/fhir/ViewDefinition/conditions/$run", server.dsn)


async def test_a_record_that_stands_open_in_an_emergency_waits_as_long_as_it_does(server: Server) -> None:
    expert, gp = await server.as_("expert"), await server.as_("gp")
    assert await leaves(gp, "/fhir/Condition/plain", server.dsn)
    assert (await open_(expert)).status_code == 201
    for path in ("/fhir/Condition/plain", "/fhir/Condition?patient=Patient/p1", "/fhir/Patient/p1"):
        assert not await leaves(expert, path, server.dsn), path
    assert not await leaves(gp, "/fhir/Condition/plain", server.dsn), "the record is told apart, not the reader"
    ground = await server.value(
        "select ground from audit_event where account = 'expert' and action = 'R' and entities[1] like 'Condition/plain/%'"
    )
    assert ground == "emergency"
    bench = await server.as_("bench")
    assert await leaves(bench, "/fhir/Condition/other", server.dsn)
    await server.value("update access_ground set until = now() where kind = 'emergency' returning 1")
    assert await leaves(gp, "/fhir/Condition/plain", server.dsn)


async def test_what_cannot_be_noted_is_refused_and_nothing_of_it_leaves(server: Server) -> None:
    bench = await server.as_("bench")
    server.application.fhir.house.reads.patience_s = 0.3
    async with trail_held(server.dsn):
        refused = await asyncio.wait_for(bench.get("/fhir/Condition/mind"), SOON_S)
        page = await asyncio.wait_for(bench.get("/fhir/Condition?patient=Patient/p1"), SOON_S)
    assert [refused.status_code, page.status_code] == [503, 503]
    assert "F32.1" not in refused.text + page.text
    assert refused.headers["retry-after"]
    server.application.fhir.house.reads.patience_s = 10
    assert (await bench.get("/fhir/Condition/mind")).status_code == 200


async def test_a_region_can_ask_for_it_of_every_read(furnished_dsn: str) -> None:
    async with running(furnished_dsn, audit_strict=True) as server:
        await _conditions(server)
        assert not await leaves(await server.as_("bench"), "/fhir/Condition/plain", server.dsn)


async def test_those_who_wait_together_are_written_together(server: Server) -> None:
    bench = await server.as_("bench")
    await server.application.fhir.house.reads.flush()
    before = await server.value("select count(*) from audit_event")
    async with trail_held(server.dsn):
        asked = [asyncio.create_task(bench.get("/fhir/Condition/mind")) for _ in range(40)]
        await asyncio.sleep(HELD_S)
        assert not any(one.done() for one in asked)
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert await server.value("select count(*) from audit_event") == before + 40
    together = await server.value("select count(distinct xmin::text) from audit_event where subtype = 'read' and account = 'bench'")
    assert together <= 4, "a transaction for each would be forty"
