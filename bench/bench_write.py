"""Creating and updating one resource: validated, indexed, scoped and audited, beside a bare application that stores the text."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
from collections.abc import Iterator
from typing import Any

import asyncpg

from bench.bare import INSERT, TABLE
from bench.bench_read import alternate, ids_of
from bench.client import Ask, ask
from bench.ground import Ground, Row, beside
from yilian.postgres import address_of_running

UPDATED = 800
PATH = "/fhir/Observation"


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.demo_region()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        patients = asyncio.run(ids_of(dsn, "Patient"))
        made = [dumped(observation(patient, 900 + number)) for number, patient in enumerate(patients)]
        asyncio.run(_prepare(dsn, made[0].decode()))
        with beside("bench.bare", dsn) as (bare, _):
            create = [Ask(PATH, "POST", body) for body in made]
            text = [Ask("/create", "POST", body) for body in made]
            ask(server.url, create, token=token, seconds=1)
            told, spent = alternate(server, [lambda: ask(server.url, create, token=token), lambda: ask(bare, text)])
            assert not any(one.wrong for some in told for one in some), "some creations were refused"
            rate, floor = (statistics.median(one.rate for one in some) for some in told)
            yield Row("creations a second, 32 connections", rate, "/s", floor, "bare insert and commit, same run; at least 0.4")
            here, there = (statistics.median(one.p50 for one in some) for some in told)
            yield Row("p50", here, "ms", there, "bare insert and commit")
            yield Row("CPU of the server a creation", spent.server, "ms")
            yield Row("CPU of server and database a creation", spent.server + spent.database, "ms", 3.0, "at most")
            one_alone = ask(server.url, create, token=token, connections=1)
            yield Row("one client alone, p50", one_alone.p50, "ms", ask(bare, text, connections=1).p50, "bare insert and commit")

            rounds = itertools.count(1)
            ask(server.url, _updates(patients, 0), token=token, seconds=60, once=True)
            asyncio.run(_bare_rows(dsn, made[0].decode()))
            bare_rounds = itertools.count(1)
            told, spent = alternate(
                server,
                [
                    lambda: ask(server.url, _updates(patients, next(rounds)), token=token, seconds=60, once=True),
                    lambda: ask(bare, _bare_updates(made, next(bare_rounds)), seconds=60, once=True),
                ],
            )
    assert not any(one.wrong for some in told for one in some), "some updates were refused"
    rate, floor = (statistics.median(one.rate for one in some) for some in told)
    yield Row("updates with If-Match a second, 32 connections", rate, "/s", floor, "bare update and commit, same run; at least 0.35")
    yield Row("CPU of the server an update", spent.server, "ms")
    yield Row("CPU of server and database an update", spent.server + spent.database, "ms", 3.5, "at most")


def observation(patient: str, value: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0", "display": "Glucose"}], "text": "Glucose"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-01-02T03:04:05+08:00",
        "issued": "2026-01-02T03:04:05.678+08:00",
        "valueQuantity": {"value": value / 10, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }


def dumped(resource: dict[str, Any]) -> bytes:
    return json.dumps(resource, separators=(",", ":"), ensure_ascii=False).encode()


def _updates(patients: list[str], version: int) -> list[Ask]:
    """PUT of all to the version after `version`; 0 makes them."""
    match = (("If-Match", f'W/"{version}"'),) if version else ()
    return [
        Ask(
            f"{PATH}/bench-{n}",
            "PUT",
            dumped({**observation(patients[n % len(patients)], 1000 + n + version), "id": f"bench-{n}"}),
            match,
        )
        for n in range(UPDATED)
    ]


def _bare_updates(made: list[bytes], version: int) -> list[Ask]:
    return [Ask(f"/update/bench-{n}/{version}", "PUT", made[n % len(made)]) for n in range(UPDATED)]


async def _prepare(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(TABLE)
        await connection.execute("truncate bench_text")
    finally:
        await connection.close()


async def _bare_rows(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.executemany(INSERT, [(f"bench-{n}", text) for n in range(UPDATED)])
    finally:
        await connection.close()
