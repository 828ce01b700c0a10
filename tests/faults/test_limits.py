"""Too much, too deep, too slow: refused, in bounded time and memory, and the next one is served as if nothing had been."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psutil
import pytest
import uvicorn

from tests.http.house import Server
from tests.http.test_interactions import FHIR, observation
from yilian.command.steady import SteadyProtocol

MIB = 1024 * 1024
TEXT = json.dumps(observation())
XML = {"content-type": "application/fhir+xml"}
LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "nested objects": (b'{"a":' * 200_000, FHIR),
    "nested arrays": (b"[" * 5 * MIB, FHIR),
    "a number of a million digits": (TEXT.replace('"status"', '"x": 1' + "0" * 1_000_000 + ', "status"').encode(), FHIR),
    "a property twice": (TEXT.replace('"status"', '"status": "final", "status"', 1).encode(), FHIR),
    "a text of 20 MB": (TEXT.replace('"final"', '"' + "x" * 20 * MIB + '"').encode(), FHIR),
    "a million properties": (b"{" + b",".join(b'"p%d":1' % n for n in range(1_000_000)) + b"}", FHIR),
    "more than the limit": (b" " * (33 * MIB), FHIR),
    "a packed gigabyte": (gzip.compress(b"\0" * 64 * MIB), FHIR | {"content-encoding": "gzip"}),
    "entities of entities": (
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{LOL}]><Observation xmlns="http://hl7.org/fhir">&l9;</Observation>'.encode(),
        XML,
    ),
    "nested elements": (b"<a>" * 300_000, XML),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_body_made_to_hurt_is_refused_in_bounded_time_and_memory(server: Server, name: str) -> None:
    content, headers = BOMBS[name]
    gp = await server.as_("gp")
    before = psutil.Process().memory_info().rss
    started = time.process_time()
    answer = await gp.post("/fhir/Observation", content=content, headers=headers)
    assert answer.status_code in (400, 413, 415, 422), answer.text[:300]
    assert answer.json()["issue"][0]["diagnostics"]
    assert time.process_time() - started < 10
    assert psutil.Process().memory_info().rss - before < 600 * MIB
    assert (await gp.get("/fhir/Patient/p1")).status_code == 200


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "1e-999999", "1" * 5000, "0." + "0" * 5000 + "1"])
async def test_a_number_no_computer_holds_is_kept_or_refused(server: Server, number: str) -> None:
    gp = await server.as_("gp")
    whole = observation(valueQuantity={"value": 4242, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"})
    answer = await gp.post("/fhir/Observation", content=json.dumps(whole).replace("4242", number).encode(), headers=FHIR)
    assert answer.status_code in (201, 400, 413, 422), answer.text[:300]
    for asked in (f"value-quantity={number}", f"value-quantity=gt{number}||kg", f"value-quantity=ap{number}|http://unitsofmeasure.org|g"):
        assert (await gp.get(f"/fhir/Observation?{asked}")).status_code in (200, 400)


async def test_ten_thousand_entries_are_stored_or_refused_whole_and_others_are_served_meanwhile(server: Server) -> None:
    bench = await server.as_("bench")
    entries = [{"resource": observation(), "request": {"method": "POST", "url": "Observation"}} for _ in range(10_000)]
    sent = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    before = await server.value("select count(*) from resource")
    asking = asyncio.create_task(bench.post("/fhir", content=sent, headers=FHIR, timeout=300))
    served = 0
    while not asking.done():
        assert (await bench.get("/fhir/Patient/p1")).status_code == 200
        served += 1
        await asyncio.sleep(0.05)
    answer = await asking
    stored = await server.value("select count(*) from resource") - before
    assert (answer.status_code, stored) in ((200, 10_000), (413, 0), (400, 0)), answer.text[:300]
    assert served > 3, "nobody else was served meanwhile"


async def test_ten_thousand_values_and_chains_without_end_are_refused(server: Server) -> None:
    gp = await server.as_("gp")
    deep = "subject:Patient.link:Patient." * 12 + "name=x"
    for asked in ("_id=" + ",".join(f"p{n}" for n in range(10_000)), "&".join("code=x" for _ in range(400)), deep):
        answer = await gp.get(f"/fhir/Observation?{asked}")
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["diagnostics"]


@asynccontextmanager
async def listening(server: Server, spell_s: float) -> AsyncIterator[int]:
    """The application on a port of its own, with less patience than usual."""

    class Impatient(SteadyProtocol):
        pass

    Impatient.spell_s = spell_s
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    config = uvicorn.Config(server.application, http=Impatient, ws="none", lifespan="off", log_config=None)
    web = uvicorn.Server(config)
    running = asyncio.create_task(web.serve(sockets=[taken]))
    while not web.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield taken.getsockname()[1]
    finally:
        web.should_exit = True
        await running


async def test_who_sends_a_byte_now_and_then_is_shown_out_and_the_others_are_served(server: Server) -> None:
    async with listening(server, 0.5) as port:

        async def slow(start: bytes) -> bytes:
            """What came before we were shown out; nothing where the connection was cut."""
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(start)
                for _ in range(60):
                    await asyncio.sleep(0.05)
                    if reader.at_eof() or writer.is_closing():
                        break
                    writer.write(b"x")
                return await asyncio.wait_for(reader.read(), 5)
            except ConnectionError:
                return b""
            finally:
                writer.close()

        head = b"POST /fhir/Observation HTTP/1.1\r\nhost: x\r\ncontent-type: application/fhir+json\r\n"
        starts = [b"GET /fhir/metadata HTTP/1.1\r\nx-slow: "] * 60 + [head + b"content-length: 99999\r\n\r\n"] * 60 + [b""] * 30
        told = asyncio.gather(*(slow(start) for start in starts))
        await asyncio.sleep(0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert b" 200 OK" in await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert all(b"408" in answer or b"401" in answer or b"400" in answer or not answer for answer in await told)


async def test_who_is_refused_before_the_body_has_come_hears_it_on_a_connection_that_is_used_again(server: Server) -> None:
    async with listening(server, 20) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for size in (100_000, 6 * MIB, 40 * MIB, 40 * MIB, 1):
            answer = await client.post("/fhir/Observation", content=b" " * size, headers=FHIR)
            assert answer.status_code == 401
            assert answer.json()["issue"]


async def test_a_header_without_end_is_refused(server: Server) -> None:
    async with listening(server, 5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /fhir/metadata HTTP/1.1\r\nx-long: " + b"x" * 400_000)
        try:
            answer = await asyncio.wait_for(reader.read(), 5)
        except ConnectionError:
            answer = b""  # cut while we were still sending
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        writer.close()
