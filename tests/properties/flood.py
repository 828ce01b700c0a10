"""`python -m tests.properties.flood --requests 100000`: generated requests without end, each answer held to the laws of `laws.py`.

In pieces: `--seed` names one; the same seed sends the same requests to the same store. Ends with 1 when a law was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from tests.conftest import FAST, _command, on_database
from tests.http.house import Server, furnish, running
from tests.properties.asked import Generator
from tests.properties.laws import Judge, Told
from tests.search.wide_world import wide_world
from tests.search.world import world
from yilian.postgres import Embedded

Json = dict[str, Any]
MOST_SHOWN = 40


async def fill(server: Server) -> list[Json]:
    """Put the worlds of the search tests into a furnished store; returns everything that is stored then."""
    bench = await server.as_("bench")
    resources = {f"{one['resourceType']}/{one['id']}": one for one in [*wide_world(), *world()]}
    definite = [one for one in resources.values() if one["resourceType"] not in ("SearchParameter",)]
    taken = 0
    for one in definite * 3:  # what refers to what comes later finds it in the next round
        sent = json.dumps(one, default=lambda number: float(number)).encode()
        answer = await bench.put(
            f"/fhir/{one['resourceType']}/{one['id']}", content=sent, headers={"content-type": "application/fhir+json"}
        )
        taken += answer.status_code == 201
    assert taken > 300, f"only {taken} resources of the test worlds could be stored"
    connection = await asyncpg.connect(server.dsn)
    try:
        return [json.loads(row["body"]) for row in await connection.fetch("select body from resource where not deleted order by type, id")]
    finally:
        await connection.close()


async def flood(server: Server, requests: int, seed: int, *, seconds: float = float("inf"), spoken: bool = False) -> Told:
    """Send so many requests, or as many as the time allows. The store of `server` is furnished; it is filled here."""
    told = Told()
    stored = await fill(server)
    statement = (await server.nobody().get("/fhir/metadata")).json()
    generator = Generator(statement, stored, Random(seed))
    connection = await asyncpg.connect(server.dsn)
    started = time.monotonic()
    try:
        judge = Judge(server, generator, connection, told)
        for number in range(requests):
            await judge.send(number, generator.one())
            if spoken and number % 1000 == 999:
                print(
                    f"{number + 1} in {time.monotonic() - started:.0f} s: {told.compared} compared, {len(told.broken)} broken", flush=True
                )
            if time.monotonic() - started > seconds or len(told.broken) > MOST_SHOWN:
                break
    finally:
        await connection.close()
    return told


async def _on(cluster: str, requests: int, seed: int) -> Told:
    await _command(cluster, "create database flood")
    dsn = on_database(cluster, "flood")
    await furnish(dsn)
    with tempfile.TemporaryDirectory() as data:
        async with running(dsn, data=Path(data)) as server:
            return await flood(server, requests, seed, spoken=True)


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--requests", type=int, default=100_000)
    told.add_argument("--seed", type=int, default=1)
    given = told.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="yilian-flood-"))
    folder.chmod(0o711)
    embedded = Embedded(folder / "data", FAST)
    try:
        found = asyncio.run(_on(embedded.start(), given.requests, given.seed))
    finally:
        embedded.stop()
        shutil.rmtree(folder)
    print("answers:", ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items())))
    print(f"searches held to the oracle: {found.compared}; slowest answer {found.slowest_s:.2f} s: {found.slowest}")
    for one in found.broken[:MOST_SHOWN]:
        print(one)
    for one in found.busy[:5]:
        print("503", one)
    print(f"{len(found.broken)} laws broken")
    return 1 if found.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
