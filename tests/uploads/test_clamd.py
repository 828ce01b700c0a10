"""With a real clamd: held back until it is clean, never given out when it is not, and who sent it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.house import PASSWORD, Server, running
from tests.uploads.conftest import SIGNATURE, clamd_running
from tests.uploads.samples import EICAR, PDF, encoded, png
from tests.uploads.test_uploads import attachment, binary, document, state
from yilian import app, config
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.errors import Unavailable
from yilian.records import clamd

Json = dict[str, Any]
SOON_S = 30.0
BAD = b"blood pressure 120/80\n" + EICAR


@pytest.fixture
async def holding(furnished_dsn: str, scanner: str) -> AsyncIterator[Server]:
    async with running(furnished_dsn, clamd=scanner) as started:
        yield started


async def until(server: Server, sql: str) -> Any:
    async with asyncio.timeout(SOON_S):
        while not (found := await server.value(sql)):  # noqa: ASYNC110 (another process may do it)
            await asyncio.sleep(0.05)
    return found


async def settled(server: Server) -> None:
    """Nothing waits any more, and the jobs that put it back are done."""
    await until(server, "select not exists (select from upload_held) and not exists (select from upload where state = 'waiting')")


async def test_clamd_is_asked_over_a_socket_file_and_says_what_it_found(scanner: str) -> None:
    assert (await clamd.scan(scanner, PDF)).signature == ""
    found = await clamd.scan(scanner, BAD)
    assert found.signature.startswith(SIGNATURE)
    assert found.engine.startswith("ClamAV ")
    with pytest.raises(Unavailable):
        await clamd.scan(scanner, b"x" * (2 * 1024 * 1024))  # beyond its StreamMaxLength
    with pytest.raises(Unavailable):
        await clamd.scan("127.0.0.1:9", PDF)


async def test_a_content_is_nowhere_until_it_is_scanned_and_then_it_is_there(furnished_dsn: str, scanner: str) -> None:
    async with running(furnished_dsn, clamd=scanner, jobs_at_once=0) as server:  # nobody works yet
        bench, gp = await server.as_("bench"), await server.as_("gp")
        made = await bench.post("/fhir/DocumentReference", json=document(attachment(PDF), attachment(png(), "image/png")))
        assert made.status_code == 201
        id = made.json()["id"]
        kept = (await bench.post("/fhir/Binary", json=binary(png(), "image/png"))).json()["id"]
        paths = [
            f"/fhir/DocumentReference/{id}", f"/fhir/DocumentReference/{id}/_history/1", f"/fhir/DocumentReference/{id}/_history",
            "/fhir/DocumentReference?patient=p1", "/fhir/Patient/p1/$everything",
            "/fhir/Patient?_id=p1&_revinclude=DocumentReference:patient",
        ]  # fmt: skip
        for client in (bench, gp):
            for path in paths:
                told = await client.get(path)
                assert told.status_code == 200
                assert id in told.text, path
                assert encoded(PDF) not in told.text, path
                assert encoded(png()) not in told.text, path
        seen = (await gp.get(f"/fhir/DocumentReference/{id}")).json()
        assert state(seen) == "waiting"
        first = seen["content"][0]["attachment"]
        assert (first["size"], first["title"]) == (len(PDF), "出院小结")
        refused = await bench.get(f"/fhir/Binary/{kept}")
        assert refused.status_code == 409
        assert "正在进行安全检查" in refused.text
        assert encoded(png()) not in (await bench.get(f"/fhir/Binary?_id={kept}")).text
        changed = {**seen, "description": "改了说明"}
        assert (await bench.put(f"/fhir/DocumentReference/{id}", json=changed)).status_code == 200, "what is held back stays so"
        stolen = document(seen["content"][0]["attachment"], patient="p2")
        assert (await bench.post("/fhir/DocumentReference", json=stolen)).status_code == 422, "a mark is good in its own resource alone"
    async with running(furnished_dsn, clamd=scanner) as server:
        await settled(server)
        bench, gp = await server.as_("bench"), await server.as_("gp")
        seen = (await gp.get(f"/fhir/DocumentReference/{id}")).json()
        assert state(seen) == "clean"
        assert seen["description"] == "改了说明"
        assert [one["attachment"]["data"] for one in seen["content"]] == [encoded(PDF), encoded(png())]
        assert "_data" not in str(seen)
        read = await bench.get(f"/fhir/Binary/{kept}")
        assert (read.status_code, read.json()["data"], read.headers["x-content-scan"]) == (200, encoded(png()), "clean")
        told = (await bench.post("/fhir/DocumentReference", json=document(attachment(PDF), patient="p2"))).json()
        assert told["content"][0]["attachment"]["data"] == encoded(PDF), "what was scanned once is not held again"
        assert (await bench.get(f"/fhir/DocumentReference/{id}/_history/1")).json()["content"][0]["attachment"].get("data") is None


async def test_malware_is_never_given_out_and_its_sender_and_the_officers_are_told(furnished_dsn: str, scanner: str) -> None:
    database = app.database(config.Settings(), furnished_dsn)
    await database.open()
    async with database.transaction() as tx:
        for name, post in (("privacy", "privacy"), ("guard", "security")):
            await accounts.add(
                tx, name, PASSWORD, display="白洁", agent=f"Practitioner/{'office' if name == 'guard' else 'expert'}",
                posts=[Post(post, "Organization/qingshi")],
            )  # fmt: skip
    await database.close()
    async with running(furnished_dsn, clamd=scanner) as server:
        gp, bench = await server.as_("gp"), await server.as_("bench")
        made = await gp.post("/fhir/DocumentReference", json=document(attachment(PDF), attachment(BAD, "text/plain")))
        assert made.status_code == 201, made.text
        id = made.json()["id"]
        alert = "select outcome_text from audit_event where operation = 'malware-found'"
        assert await until(server, alert) == f"{SIGNATURE}.UNOFFICIAL: DocumentReference/{id}"
        await settled(server)
        for path in (f"/fhir/DocumentReference/{id}", f"/fhir/DocumentReference/{id}/_history", "/fhir/Patient/p1/$everything"):
            assert encoded(BAD) not in (await bench.get(path)).text
        seen = (await gp.get(f"/fhir/DocumentReference/{id}")).json()
        assert state(seen) == "infected"
        assert seen["content"][0]["attachment"]["data"] == encoded(PDF)
        assert "infected" in str(seen["content"][1]["attachment"]["_data"])
        assert await server.value("select count(*) from upload_held") == 0
        told = (await gp.get("/fhir/Communication?patient=p1&recipient=Practitioner/gp")).json()
        assert SIGNATURE in told["entry"][0]["resource"]["payload"][0]["contentString"]
        resident = await server.as_("resident")
        assert (await resident.get("/fhir/Communication?subject=Patient/p1")).json()["total"] == 0
        for officer in ("privacy", "guard"):
            log = (await (await server.as_(officer)).get("/fhir/AuditEvent?_count=100")).json()
            assert "malware-found" in str(log), officer
        again = await gp.post("/fhir/DocumentReference", json=document(attachment(BAD, "text/plain"), patient="p1"))
        assert again.status_code == 422
        assert "未通过安全检查" in again.text


async def test_the_same_content_sent_by_many_at_once_is_scanned_once_and_comes_back_to_all(holding: Server) -> None:
    bench = await holding.as_("bench")
    sent = await asyncio.gather(*(bench.post("/fhir/DocumentReference", json=document(attachment(png(), "image/png"))) for _ in range(8)))
    assert {one.status_code for one in sent} == {201}
    await settled(holding)

    async def back(made: httpx.Response) -> bool:
        seen = (await bench.get(f"/fhir/DocumentReference/{made.json()['id']}")).json()
        return bool(seen["content"][0]["attachment"].get("data") == encoded(png()))

    assert await asyncio.gather(*(back(one) for one in sent)) == [True] * 8
    assert await holding.value("select count(*) from upload") == 1


async def test_what_was_deleted_meanwhile_is_left_alone(furnished_dsn: str, scanner: str) -> None:
    async with running(furnished_dsn, clamd=scanner, jobs_at_once=0) as server:
        bench = await server.as_("bench")
        id = (await bench.post("/fhir/DocumentReference", json=document(attachment(PDF)))).json()["id"]
        assert (await bench.delete(f"/fhir/DocumentReference/{id}")).status_code in (200, 204)
    async with running(furnished_dsn, clamd=scanner) as server:
        await settled(server)
        assert (await (await server.as_("bench")).get(f"/fhir/DocumentReference/{id}")).status_code == 410


async def test_while_clamd_is_away_contents_stay_held_and_come_back_when_it_does(furnished_dsn: str, tmp_path: Path) -> None:
    address = str(tmp_path / "clamd.sock")
    async with running(furnished_dsn, clamd=address) as server:
        bench = await server.as_("bench")
        id = (await bench.post("/fhir/DocumentReference", json=document(attachment(PDF)))).json()["id"]
        await until(server, "select exists (select from job where kind = 'uploads.scan' and attempt > 0)")
        assert encoded(PDF) not in (await bench.get(f"/fhir/DocumentReference/{id}")).text
        with clamd_running(tmp_path):
            await settled(server)
            assert encoded(PDF) in (await bench.get(f"/fhir/DocumentReference/{id}")).text
