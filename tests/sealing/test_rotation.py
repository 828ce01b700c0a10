"""Keys are changed while the server goes on: nothing fails, nothing is lost, and in the end nothing names the old ones."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from typing import Any

import asyncpg
import pytest

from tests.http.house import Server, running
from tests.sealing.dump import found
from tests.sealing.plain import all_found, furnished_plainly
from tests.sealing.test_dump import NUMBERS, everything_done
from yilian import app, config
from yilian.errors import Conflict
from yilian.fhir import urls
from yilian.sealing import keyring
from yilian.store import agreement, data_keys, resealing

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers look at the keys more often, so that all of them know of a change sooner."""
    monkeypatch.setattr(keyring, "EVERY_S", 0.1)
    monkeypatch.setattr(keyring, "OLDEST_S", 0.8)


def person(number: int, version: int = 0) -> Json:
    return {
        "resourceType": "Patient",
        "id": f"r{number}",
        "identifier": [{"system": urls.HEALTH_CARD, "value": f"CARD{number:06d}"}],
        "name": [{"text": "轮换"}],
        "telecom": [{"system": "phone", "value": f"139{number:04d}{version:04d}"}],
        "managingOrganization": {"reference": "Organization/qingshi"},
    }


async def old_ids(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["id"] for row in await connection.fetch("select id from sealing_key where purpose <> 'trail'")]
    finally:
        await connection.close()


async def naming(dsn: str, ids: list[str]) -> dict[str, int]:
    """Tables with rows that name one of these keys, but for the list of keys itself."""
    connection = await asyncpg.connect(dsn)
    try:
        found: dict[str, int] = {}
        for name in [
            row["relname"]
            for row in await connection.fetch("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
        ]:
            for row in await connection.fetch(f'select t::text as whole, t.* from "{name}" t'):
                held = row["whole"] + "".join(bytes(value).decode(errors="replace") for value in row.values() if isinstance(value, bytes))
                if name != "sealing_key" and any("\ufdd0" + id in held or f"{id}." in held for id in ids):
                    found[name] = found.get(name, 0) + 1
        return found
    finally:
        await connection.close()


async def begin(dsn: str, suite: str | None = None) -> None:
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        async with database.transaction() as tx:
            await data_keys.rotate(tx, suite)
    finally:
        await database.close()


async def carry_out(dsn: str, batch: int = resealing.BATCH) -> None:
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        await resealing.carry_out(database, batch=batch)
    finally:
        await database.close()


async def test_people_write_read_and_search_while_the_keys_go_from_aes_to_sm(server: Server) -> None:
    await everything_done(server)
    bench = await server.as_("bench")
    for number in range(60):
        assert (await bench.put(f"/fhir/Patient/r{number}", json=person(number))).status_code == 201
    before = await old_ids(server.dsn)
    over = asyncio.Event()
    failures: list[str] = []
    counted = {"written": 0, "found": 0, "read": 0}

    async def write(first: int) -> None:
        number, version = first, 1
        while not over.is_set():
            answer = await bench.put(f"/fhir/Patient/r{number}", json=person(number, version))
            if answer.status_code != 200:
                failures.append(f"write: {answer.status_code} {answer.text}")
            counted["written"] += 1
            number = first + (number - first + 1) % 10
            version += 1
            # who has just been written is found by the new number, and not by the one before
            phone = f"139{number:04d}"
            told = (await bench.get(f"/fhir/Patient/r{number}")).json()["telecom"][0]["value"]
            found = (await bench.get(f"/fhir/Patient?phone={told}")).json().get("entry", [])
            if [one["resource"]["id"] for one in found] != [f"r{number}"]:
                failures.append(f"{phone}: found {found}")

    async def search() -> None:
        while not over.is_set():
            for number in range(30, 60):
                answer = (await bench.get(f"/fhir/Patient?identifier={urls.HEALTH_CARD}|CARD{number:06d}")).json()
                ids = [one["resource"]["id"] for one in answer.get("entry", [])]
                value = answer["entry"][0]["resource"]["identifier"][0]["value"] if ids else ""
                if ids != [f"r{number}"] or value != f"CARD{number:06d}":
                    failures.append(f"search {number}: {answer}")
                counted["found"] += 1

    async def read() -> None:
        while not over.is_set():
            for id in ("shan", "r1", "r59"):
                answer = await bench.get(f"/fhir/Patient/{id}/_history")
                if answer.status_code != 200 or "\ufdd0" in answer.text:
                    failures.append(f"read: {answer.status_code} {answer.text}")
                counted["read"] += 1
                await asyncio.sleep(0.01)

    others = [asyncio.create_task(one) for one in (write(0), write(10), search(), read())]
    await begin(server.dsn, "sm")
    with pytest.raises(Conflict):
        await begin(server.dsn)
    await carry_out(server.dsn, batch=7)
    over.set()
    await asyncio.gather(*others)
    assert failures == []
    assert all(number > 20 for number in counted.values()), counted
    assert await naming(server.dsn, before) == {}
    assert await server.value("select string_agg(suite || ' ' || state, ',' order by created, purpose) from sealing_key") == (
        "aes retired,aes active,aes retired,sm active,sm active"
    )
    for number in range(60):
        found = (await bench.get(f"/fhir/Patient?identifier={urls.HEALTH_CARD}|CARD{number:06d}")).json()["entry"]
        assert [one["resource"]["id"] for one in found] == [f"r{number}"]
    assert (await bench.get(f"/fhir/Patient?phone={NUMBERS['other phone']}&_total=accurate")).json()["total"] == 2
    await everything_agrees(server.dsn)


async def everything_agrees(dsn: str) -> None:
    database = app.database(config.Settings(), dsn)
    await database.open()
    try:
        said = [one async for one in agreement.disagreements(database, lambda seen: None)]
        assert said == []
        async with database.transaction() as tx:
            left = await resealing.counts(tx)
        assert left[""] == 0
    finally:
        await database.close()


def _until_killed(dsn: str, oldest: float, step: Any) -> None:
    """In a process of its own: at the run in batches of one, telling of each."""
    keyring.OLDEST_S = oldest

    async def run() -> None:
        database = app.database(config.Settings(), dsn)
        await database.open()

        async def watch(tx: Any, run: resealing.Run) -> None:
            if run.state == "running":
                step.release()
                await asyncio.sleep(0.02)

        await resealing.carry_out(database, watch, batch=1)

    asyncio.run(run())


async def test_a_run_that_is_killed_goes_on_where_it_was(furnished_dsn: str) -> None:
    async with running(furnished_dsn, jobs_at_once=0) as server:
        await killed_and_gone_on_with(server)


async def killed_and_gone_on_with(server: Server) -> None:
    await everything_done(server, export=False)
    before = await old_ids(server.dsn)
    await begin(server.dsn, "sm")
    spawning = multiprocessing.get_context("spawn")
    step = spawning.Semaphore(0)
    victim = spawning.Process(target=_until_killed, args=(server.dsn, 0.8, step))
    victim.start()
    for _ in range(5):
        assert await asyncio.to_thread(step.acquire, True, 60)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    await asyncio.to_thread(victim.join)
    assert await server.value("select last_rid > 0 and state = 'running' from sealing_run")
    assert (await naming(server.dsn, before)) != {}
    bench = await server.as_("bench")
    assert (await bench.get(f"/fhir/Patient?identifier={NUMBERS['identity card']}&_total=accurate")).json()["total"] == 2
    await carry_out(server.dsn)
    assert await naming(server.dsn, before) == {}
    await everything_agrees(server.dsn)


async def test_what_was_there_before_anything_was_sealed_is_read_found_and_sealed(dsn: str, tmp_path: Any) -> None:
    numbers = await furnished_plainly(dsn)
    assert len(await found(dsn, numbers)) == len(numbers)
    settings = config.Settings(data=tmp_path)
    await app.prepare(settings, dsn)
    database = app.database(settings, dsn)
    await database.open()
    try:
        await all_found(database)
        async with database.transaction() as tx:
            assert (await resealing.counts(tx))[""] > 0
        await resealing.carry_out(database)
        await all_found(database)
    finally:
        await database.close()
    assert await found(dsn, numbers) == {}
