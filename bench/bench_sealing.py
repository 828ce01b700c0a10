"""What sealing costs: the same reads, searches and creations with and without it, taking turns; CPU of both sides."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg

from bench.ground import Ground, Row
from yilian import app
from yilian.audit import months
from yilian.config import Settings
from yilian.db import Database
from yilian.fhir import urls
from yilian.fhir.dates import region_zone, use_region_zone
from yilian.identity import matching
from yilian.policy import seed
from yilian.postgres import address_of_running
from yilian.search.query import parse
from yilian.store import find, read
from yilian.store.change import Change
from yilian.store.migrate import migrate
from yilian.store.scope import SYSTEM
from yilian.store.write import write

BY_NAME_ONLY = True
"""It makes databases of its own."""

PEOPLE, ROUNDS, EACH = 500, 13, 150
SUITES = ("aes", "sm")
Step = Callable[[Database, int], Awaitable[Any]]


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    use_region_zone("Asia/Shanghai")
    with ground.server(data) as server:
        dsn = address_of_running(data)
        assert dsn is not None
        yield from asyncio.run(_measure(dsn, Settings(data=data), lambda: server.spent().database))


def person(number: int) -> dict[str, Any]:
    """As wide as one of the demo region: two numbers, a telephone, a contact with another."""
    return {
        "resourceType": "Patient",
        "identifier": [
            {"use": "official", "system": urls.HEALTH_CARD, "value": f"A5166{number:08d}"},
            {"system": urls.MEDICAL_INSURANCE, "value": f"5166{number:010d}"},
        ],
        "active": True,
        "name": [{"use": "official", "text": "单雄信", "family": "单", "given": ["雄信"]}],
        "telecom": [{"system": "phone", "value": f"139{number:08d}", "use": "mobile"}],
        "gender": "male",
        "birthDate": f"19{number % 90 + 10}-0{number % 9 + 1}-1{number % 9}",
        "address": [{"use": "home", "text": f"四川省云溪市云溪县柳河镇柳荫村{number}号", "city": "云溪市", "district": "云溪县"}],
        "contact": [{"name": {"text": "程咬金"}, "telecom": [{"system": "phone", "value": f"138{number:08d}"}]}],
    }


def observation(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": urls.LOINC, "code": "2345-7", "display": "Glucose"}]},
        "subject": {"reference": f"Patient/p{number}"},
        "effectiveDateTime": "2026-01-02T03:04:05+08:00",
        "valueQuantity": {"value": number / 10, "unit": "mmol/L", "system": urls.UCUM, "code": "mmol/L"},
    }


async def _measure(dsn: str, settings: Settings, database: Callable[[], float]) -> list[Row]:
    databases = {"as given": await _furnished(dsn, "bench_plain", None)}
    for suite in SUITES:
        databases[suite] = await _furnished(dsn, f"bench_{suite}", replace(settings, sealing_suite=suite))
    rows = []
    for title, step, most in (
        ("read of a Patient", _read("Patient", "p"), 1.1),
        ("read of an Observation", _read("Observation", "o"), 1.0),
        ("Patient?identifier=", _search, 0.0),
        ("creation of a Patient", _create, 1.2),
    ):
        spent = await _in_turns(databases, step, database)
        for suite in SUITES:
            says = f"as given; at most {most}" if most else "as given"
            rows.append(Row(f"{title}, {suite}: CPU", spent[suite], "ms", spent["as given"], says))
    for db in databases.values():
        await db.close()
    return rows


async def _furnished(dsn: str, name: str, settings: Settings | None) -> Database:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    address = dsn.replace("/yilian?", f"/{name}?")
    if settings is None:
        await migrate(address)
        db = Database(address, app.HOOKS)
        await db.open()
        async with db.transaction() as tx:
            await months.ensure(tx)
            await seed(tx)
            await matching.ensure(tx)
    else:
        await app.prepare(settings, address)
        db = app.database(settings, address)
        await db.open()
    people = [Change("PUT", "Patient", f"p{number}", {**person(number), "id": f"p{number}"}) for number in range(PEOPLE)]
    values = [Change("PUT", "Observation", f"o{number}", {**observation(number), "id": f"o{number}"}) for number in range(PEOPLE)]
    for some in (people, values):
        async with db.transaction() as tx:
            await write(tx, SYSTEM, some)
    return db


def _read(kind: str, letter: str) -> Step:
    return lambda db, number: read.body(db, SYSTEM, kind, f"{letter}{number % PEOPLE}")


async def _search(db: Database, number: int) -> Any:
    asked = [("identifier", f"{urls.HEALTH_CARD}|A5166{number % PEOPLE:08d}")]
    page = await find.page(db, SYSTEM, parse("Patient", asked, zone=region_zone()))
    assert len(page.matches) == 1


async def _create(db: Database, number: int) -> Any:
    return await db.carry_out(partial(_written, person(PEOPLE + number)))


async def _written(resource: dict[str, Any], tx: Any) -> Any:
    return await write(tx, SYSTEM, [Change("POST", "Patient", None, resource)])


async def _in_turns(databases: dict[str, Database], step: Step, database: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of CPU each, of this process and of the database's, median of the rounds."""
    spent: dict[str, list[float]] = {name: [] for name in databases}
    number = 0
    for turn in range(ROUNDS + 1):
        for name, db in databases.items():
            theirs, ours = database(), time.process_time()
            for one in range(EACH):
                await step(db, number + one)
            ours = time.process_time() - ours
            if turn:  # the first one warms up
                spent[name].append((ours + database() - theirs) / EACH * 1000)
        number += EACH
    return {name: statistics.median(some) for name, some in spent.items()}
