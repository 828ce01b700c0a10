"""Huge answers, deep questions, slow statements: bounded in time and memory, and the refusal says what to ask instead."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from tests.conftest import REGION_ZONE
from tests.faults.test_limits import MIB, listening
from tests.http.house import Server
from tests.http.test_interactions import FHIR, observation
from yilian import app, config
from yilian.search.clauses import MOST_LINKS
from yilian.search.follow import MOST

Json = dict[str, Any]
GIANT = MOST + 200
"""Observations of one patient."""


@contextmanager
def bounded(seconds: float = 10, mib: int = 600) -> Any:
    """What happens in the block takes no more CPU and memory of this process, which is server and client in one."""
    before, started = psutil.Process().memory_info().rss, time.process_time()
    yield
    assert time.process_time() - started < seconds
    assert psutil.Process().memory_info().rss - before < mib * MIB


async def ask(client: httpx.AsyncClient, asked: str, status: int = 200) -> Json:
    with bounded():
        answer = await client.get(f"/fhir/{asked}", timeout=60)
    assert answer.status_code == status, (asked, answer.text[:300])
    found: Json = answer.json()
    if status != 200:
        assert found["resourceType"] == "OperationOutcome"
        assert found["issue"][0]["diagnostics"]
    return found


async def load(bench: httpx.AsyncClient, resources: list[Json]) -> None:
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    answer = await bench.post("/fhir", content=body, headers=FHIR, timeout=300)
    assert answer.status_code == 200, answer.text[:300]


async def test_a_giant_record_is_asked_in_every_way(server: Server) -> None:
    bench = await server.as_("bench")
    whole = [{**observation(), "id": f"g{n}"} for n in range(GIANT)]
    await load(bench, whole[: GIANT // 2])
    await load(bench, whole[GIANT // 2 :])
    gp = await server.as_("gp")

    page = await ask(gp, "Observation?_count=1000000")
    assert len(page["entry"]) == 1000
    assert any(link["relation"] == "next" for link in page["link"])
    assert (await ask(gp, "Observation?patient=p1&_summary=count"))["total"] == GIANT
    record = await ask(gp, "Patient/p1/$everything?_count=1000")
    assert sum(e["search"]["mode"] == "match" for e in record["entry"]) == 1000
    assert len((await ask(gp, "Observation/_history?_count=1000"))["entry"]) == 1000
    for asked in ("_revinclude=Observation:subject", "_revinclude:iterate=Observation:subject&_include:iterate=Observation:subject"):
        refused = await ask(gp, f"Patient?_id=p1&{asked}", 413)
        assert "_count" in refused["issue"][0]["diagnostics"]
    some = "Observation?subject:Patient._has:Observation:patient:code=4548-4&_count=5"
    assert len((await ask(gp, some))["entry"]) == 5
    assert [e["resource"]["id"] for e in (await ask(gp, "Patient?_has:Observation:patient:code=4548-4"))["entry"]] == ["p1"]
    assert len((await ask(gp, "Observation?_elements=" + ",".join(["status", "code", "subject"] * 500) + "&_count=1000"))["entry"]) == 1000
    assert len((await ask(gp, "Observation?_id=" + ",".join(f"g{n}" for n in range(1000)) + "&_count=1000"))["entry"]) == 1000
    await ask(gp, "Observation?_id=" + ",".join(f"g{n}" for n in range(1001)), 400)

    entries = [{"request": {"method": "GET", "url": "Observation?patient=p1&_count=1000"}}] * 2000
    with bounded():
        answer = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries}, headers=FHIR, timeout=300)
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (413, ["Bundle.entry"])
    with bounded(seconds=60):
        answer = await gp.post(
            "/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries[:1000]}, headers=FHIR, timeout=300
        )
    statuses = [e["response"]["status"] for e in answer.json()["entry"]]
    assert statuses == sorted(statuses)
    assert set(statuses) == {"200", "413"}
    assert len(answer.content) < 100 * MIB
    with bounded(seconds=60):
        answer = await gp.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}, headers=FHIR, timeout=300)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-costly")


async def test_pages_of_large_resources_are_bounded_in_bytes_and_read_in_parts(server: Server) -> None:
    bench, gp = await server.as_("bench"), await server.as_("gp")
    size, sent = 900_000, {}
    for n in range(10):
        one = {**observation(note=[{"text": os.urandom(size // 2).hex()} for _ in range(8)]), "id": f"large{n}"}
        sent[one["id"]] = one["note"]
        assert (await bench.put(f"/fhir/Observation/{one['id']}", json=one, headers=FHIR, timeout=60)).status_code == 201
    for asked in ("Observation?patient=p1", "Observation?patient=p1&_total=accurate", "Observation/_history", "Patient/p1/$everything",
                  "Patient/p1/$timeline", "?_type=Observation,Condition", "Patient?_id=p1&_revinclude=Observation:subject"):  # fmt: skip
        refused = await ask(gp, asked, 413)
        assert refused["issue"][0]["code"] == "too-costly", asked
        assert "MiB" in refused["issue"][0]["diagnostics"]
    for asked in (
        "Observation?patient=p1&_total=accurate",
        "Observation/_history?",
        "Patient/p1/$everything?_type=Observation",
        "?_type=Observation,Condition",
    ):
        found: list[Json] = []
        url: str | None = f"/fhir/{asked}&_count=4"
        while url is not None:
            page = (await gp.get(url, timeout=60)).json()
            assert page["resourceType"] == "Bundle", page
            found += [entry["resource"] for entry in page["entry"]]
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        assert {one["id"]: one["note"] for one in found} == sent, asked
    assert (await gp.get("/fhir/Observation/large3")).json()["note"] == sent["large3"]


@pytest.mark.parametrize(("links", "status"), [(MOST_LINKS, 200), (MOST_LINKS + 1, 400)])
async def test_chains_are_as_deep_as_they_may_be_and_no_deeper(server: Server, links: int, status: int) -> None:
    bench = await server.as_("bench")
    tree: list[Json] = [{"resourceType": "Location", "id": "n0", "name": "Root"}]
    tree += [
        {"resourceType": "Location", "id": f"n{n}", "name": "Leaf", "partOf": {"reference": f"Location/n{(n - 1) // 2}"}}
        for n in range(1, 2000)
    ]
    await load(bench, tree)
    down = await ask(bench, "Location?" + "partof:Location." * links + "name=Root&_count=1000", status)
    up = await ask(bench, "Location?" + "_has:Location:partof:" * links + "name=Leaf&_count=1000", status)
    if status == 200:
        depth = [2 ** (level + 1) - 1 for level in range(12)]
        assert len(down["entry"]) == sum(1 for n in range(2000) if depth[links - 1] <= n < depth[links])
        assert len(up["entry"]) == sum(1 for n in range(2000) if depth[links - 1] + n * 2**links < 2000)


@pytest.fixture
async def impatient(furnished_dsn: str) -> AsyncIterator[Server]:
    """A server whose statements may take half a second."""
    application: Any = app.build(config.Settings(zone=REGION_ZONE), furnished_dsn)
    application.fhir.house.db.statement_s = 0.5
    async with application.others.router.lifespan_context(application.others):
        yield Server(furnished_dsn, application)


async def test_what_takes_the_database_too_long_is_refused_and_nothing_is_stored(impatient: Server) -> None:
    gp = await impatient.as_("gp")
    assert (await gp.get("/fhir/Observation?patient=p1")).status_code == 200
    before = await impatient.value("select sum(ver) from resource")
    blocker = await asyncpg.connect(impatient.dsn)
    try:
        async with blocker.transaction():
            await blocker.execute("lock table index_clinical, index_token, index_reference in access exclusive mode")
            started = time.monotonic()
            read, written = await asyncio.gather(
                gp.get("/fhir/Observation?code=4548-4"), gp.post("/fhir/Observation", json=observation(), headers=FHIR)
            )
            assert time.monotonic() - started < 8
            assert (read.status_code, read.json()["issue"][0]["code"]) == (413, "too-costly")
            assert (written.status_code, written.json()["issue"][0]["code"]) == (503, "timeout")
            assert int(written.headers["retry-after"]) > 0
            assert "nothing was stored" in written.text
    finally:
        await blocker.close()
    assert await impatient.value("select sum(ver) from resource") == before
    assert (await gp.post("/fhir/Observation", json=observation(), headers=FHIR)).status_code == 201
    assert (await gp.get("/fhir/Observation?code=4548-4")).json()["entry"]


async def test_a_body_of_a_hundred_megabytes_is_refused_before_it_has_come_whether_its_size_is_told_or_not(server: Server) -> None:
    gp = await server.as_("gp")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * MIB

    async with listening(server, 20) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=gp.headers) as client:
        for more in ({"content-length": str(100 * MIB)}, {}):
            with bounded(mib=250):
                answer = await client.post("/fhir/Observation", content=pieces(), headers=FHIR | more, timeout=60)
            assert answer.status_code == 413
            assert "send it in several requests" in answer.json()["issue"][0]["diagnostics"]
        assert (await client.get("/fhir/Patient/p1")).status_code == 200
