"""The database goes and comes back while the server stays: everybody is told within two seconds, and nothing has to be started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import asyncpg
import httpx
import psutil
import pytest

from tests.conftest import FAST, folder_of_ones_own
from tests.http.house import Server, furnish, running
from tests.http.test_interactions import FHIR, observation
from yilian.postgres import Embedded

AWAY_S = float(os.environ.get("YILIAN_TEST_AWAY_S", "4"))
"""How long the database is away; 30 where there is time."""
TOLD_S = 5
"""Two seconds, and what the test's own machine may be late."""
BACK_S = 5.0


@pytest.fixture
def embedded() -> Iterator[Embedded]:
    with folder_of_ones_own() as folder:
        database = Embedded(folder / "data", FAST)
        try:
            yield database
        finally:
            database.stop()


@pytest.fixture
async def served(embedded: Embedded) -> AsyncIterator[Server]:
    dsn = await asyncio.to_thread(embedded.start)
    await furnish(dsn)
    async with running(dsn) as server:
        yield server


def processes(embedded: Embedded) -> list[psutil.Process]:
    """PostgreSQL and all it started, the first one being the one that starts the others."""
    first = int((embedded.folder.cluster / "postmaster.pid").read_text().split()[0])
    return [psutil.Process(first), *psutil.Process(first).children(recursive=True)]


async def ask(server: Server, gp: httpx.AsyncClient, number: int) -> tuple[httpx.Response, float]:
    """One of a read, a search, a creation and a look at /readyz, and how long it took."""
    started = time.monotonic()
    if number % 4 == 0:
        answer = await gp.get("/fhir/Patient/p1")
    elif number % 4 == 1:
        answer = await gp.get("/fhir/Observation?patient=p1")
    elif number % 4 == 2:
        answer = await gp.post("/fhir/Observation", json=observation(), headers=FHIR)
    else:
        answer = await server.nobody().get("/readyz")
    return answer, time.monotonic() - started


async def all_is_well(server: Server, gp: httpx.AsyncClient) -> bool:
    return all([(await ask(server, gp, number))[0].status_code in (200, 201) for number in range(4)])


async def until_well(server: Server, gp: httpx.AsyncClient) -> float:
    """Seconds until four different requests succeed."""
    started = time.monotonic()
    while not await all_is_well(server, gp):
        assert time.monotonic() - started < 30, "it does not recover"
        await asyncio.sleep(0.05)
    return time.monotonic() - started


async def refused_in_time(server: Server, gp: httpx.AsyncClient) -> None:
    """For as long as the database is to be away: whatever is asked is refused in time, with the time to come again."""
    until = time.monotonic() + AWAY_S
    while time.monotonic() < until:
        for answer, took in await asyncio.gather(*(ask(server, gp, number) for number in range(40))):
            assert answer.status_code == 503, answer.text
            assert took < TOLD_S
            assert int(answer.headers["retry-after"]) > 0
            if "fhir" in answer.headers["content-type"]:
                assert answer.json()["issue"][0]["diagnostics"]
        await asyncio.sleep(0.2)


async def test_while_the_database_is_stopped_everybody_is_told_and_then_served_again(served: Server, embedded: Embedded) -> None:
    gp = await served.as_("gp")
    assert await all_is_well(served, gp)
    (first, *_) = processes(embedded)
    first.send_signal(signal.SIGINT)
    await asyncio.to_thread(first.wait, 30)
    await refused_in_time(served, gp)
    await asyncio.to_thread(embedded.revive)
    assert await until_well(served, gp) < BACK_S


async def test_a_database_that_says_nothing_is_noticed_and_those_who_wait_are_told(served: Server, embedded: Embedded) -> None:
    gp = await served.as_("gp")
    assert await all_is_well(served, gp)
    frozen = processes(embedded)
    under_way = [asyncio.create_task(ask(served, gp, number)) for number in range(40)]
    for process in frozen:
        process.suspend()
    try:
        for answer, took in await asyncio.gather(*under_way):
            assert answer.status_code in (200, 201, 503)
            assert took < TOLD_S
        await refused_in_time(served, gp)
    finally:
        for process in frozen:
            if process.is_running():
                process.resume()
    assert await until_well(served, gp) < BACK_S


async def test_a_database_that_is_killed_under_load_is_served_again(served: Server, embedded: Embedded) -> None:
    gp = await served.as_("gp")
    seen: set[int] = set()
    done = asyncio.Event()

    async def client(number: int) -> None:
        while not done.is_set():
            answer, _ = await ask(served, gp, number)
            seen.add(answer.status_code)
            await asyncio.sleep(0.01)  # a refusal at the door waits for nothing

    clients = [asyncio.create_task(client(number)) for number in range(12)]
    try:
        for _ in range(2):
            await asyncio.sleep(0.5)
            for process in processes(embedded):
                process.kill()
            await asyncio.sleep(0.3)
            await asyncio.to_thread(embedded.revive)
            assert await until_well(served, gp) < BACK_S
    finally:
        done.set()
        await asyncio.gather(*clients)
    assert seen <= {200, 201, 503}


async def test_the_server_starts_without_a_database_and_serves_once_it_is_there(embedded: Embedded) -> None:
    dsn = await asyncio.to_thread(embedded.start)
    await furnish(dsn)
    async with running(dsn) as before:
        await before.as_("gp")
    (first, *_) = processes(embedded)
    first.send_signal(signal.SIGINT)
    await asyncio.to_thread(first.wait, 30)
    async with running(dsn) as server:
        server.tokens = before.tokens
        gp = await server.as_("gp")
        assert (await gp.get("/fhir/Patient/p1")).status_code == 503
        assert (await gp.get("/fhir/metadata")).status_code == 200
        await asyncio.to_thread(embedded.revive)
        assert await until_well(server, gp) < BACK_S


async def test_too_many_connections_are_told_and_nobody_is_cut_off_for_it(served: Server, embedded: Embedded) -> None:
    gp = await served.as_("gp")
    assert await all_is_well(served, gp)
    taken = []
    try:
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(served.dsn))
        answers = await asyncio.gather(*(ask(served, gp, number) for number in range(60)))
        assert {answer.status_code for answer, _ in answers} <= {200, 201, 503}
        assert any(answer.status_code == 200 for answer, _ in answers), "those with a connection go on"
    finally:
        await asyncio.gather(*(connection.close() for connection in taken))
    assert await until_well(served, gp) < BACK_S
