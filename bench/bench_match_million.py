"""A million persons: Patient/$match of one person against all, and every likely pair weighed; on two cores. By name only."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from random import Random
from typing import Any

import asyncpg
import psutil

from bench.client import Ask, ask
from bench.ground import YILIAN, Ground, Row, environment
from bench.match_people import TODAY, people
from bench.match_slips import again, with_duplicates
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.identifiers import resident_id_fault
from yilian.fhir.json import dump
from yilian.identity.matching import features, index, keys
from yilian.identity.matching.features import CLEAR, FORM
from yilian.postgres import address_of_running

BY_NAME_ONLY = True
PERSONS = int(os.environ.get("BENCH_PERSONS", "1000000"))
ASKED = 1500
AT_A_TIME = 5_000
FIRST_RID = 10_000_000_000
MINUTES = 15.0
GIB = 8.0


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        started = time.monotonic()
        records = asyncio.run(_fill(dsn, PERSONS))
        yield Row(f"records of {PERSONS:,} persons written, with features and keys", (time.monotonic() - started) / 60, "min")
        token = ground.run("token", "--user", "coordinator", "--data", str(data)).strip()
        asks = [Ask("/fhir/Patient/$match", "POST", body) for body in _asked(ASKED)]
        ask(server.url, asks[:200], token=token, connections=1, seconds=60, once=True)
        before = server.spent()
        told = ask(server.url, asks[200:], token=token, connections=1, seconds=300, once=True)
        assert not told.wrong, "some answers were not 200"
        spent = server.spent().each(before, told.count or 1)
        yield Row(f"$match against {records:,} records, one at a time: p99", told.p99, "ms", 80.0, "at most")
        yield Row("the same: p50", told.p50, "ms")
        yield Row("the same: CPU of server and database", spent.server + spent.database, "ms")
        minutes, gib, cpu = _linkage(data)
        yield Row(f"yilian match run over {records:,} records: time", minutes, "min", MINUTES, "at most")
        yield Row("the same: CPU", cpu, "min")
        yield Row("the same: memory of the command at most", gib, "GiB", GIB, "at most")


async def _fill(dsn: str, persons: int) -> int:
    """Patients straight into the tables this is about: a load through the whole house is measured elsewhere. How many records there are."""
    connection = await asyncpg.connect(dsn)
    rng = Random(5)
    written = 0
    try:
        await connection.execute("set synchronous_commit = off")
        secret = await connection.fetchval("select secret from match_state")
        waiting = with_duplicates(people(persons), rng)
        while some := list(islice(waiting, AT_A_TIME)):
            rows, found, pairs = [], [], []
            for _, patient in some:
                rid, written = FIRST_RID + written, written + 1
                patient["id"] = f"m{written}"
                read = features.of(patient)
                stored = keys.stored(read, secret)
                rows.append((rid, type_id("Patient"), patient["id"], 1, _MOMENT, "PUT", False, False, rid, None, dump(patient).decode()))
                found.append((rid, FORM, stored, *(getattr(read, name) for name in CLEAR), features.packed(read)))
                pairs += [(key, rid) for key in stored]
            await connection.copy_records_to_table("resource", records=rows, columns=_RESOURCE)
            await connection.copy_records_to_table("match_feature", records=found, columns=list(index.COLUMNS))
            await connection.copy_records_to_table("match_key", records=pairs, columns=["key", "patient"])
        await connection.execute("update match_state set form = $1", FORM)
        await connection.execute("vacuum analyze match_feature")
        await connection.execute("vacuum analyze match_key")
        await connection.execute("vacuum analyze resource")
    finally:
        await connection.close()
    return written


_RESOURCE = ["rid", "type", "id", "ver", "updated", "method", "deleted", "shared", "patient", "confined", "body"]
_MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def _asked(count: int) -> Iterator[bytes]:
    """People of the region as another desk would type them, and a few strangers."""
    rng = Random(6)
    for patient in islice(people(PERSONS), 0, count * 20, 20):
        asked: Any = again(rng, patient)
        asked["identifier"] = [
            one for one in asked["identifier"] if one["system"] != urls.RESIDENT_ID or resident_id_fault(one["value"], TODAY) is None
        ]
        if rng.random() < 0.1:
            asked["name"] = [{"text": "无人识" + rng.choice("甲乙丙丁")}]
        asked = {key: value for key, value in asked.items() if value not in ([], "") and key != "id"}
        yield dump({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": asked}]})


def _linkage(data: Any) -> tuple[float, float, float]:
    """Minutes, GiB and CPU minutes of `yilian match run` on two cores."""
    started = time.monotonic()
    process = subprocess.Popen(
        [*YILIAN, "match", "run", "--memory", "4", "--data", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    watched, most, cpu = psutil.Process(process.pid), 0, 0.0
    watched.cpu_affinity(list(range(min(2, os.cpu_count() or 1))))
    while process.poll() is None:
        try:
            most = max(most, watched.memory_info().rss)
            times = watched.cpu_times()
            cpu = times.user + times.system
        except psutil.Error:
            break
        time.sleep(0.2)
    if process.wait():
        raise RuntimeError("yilian match run failed")
    return (time.monotonic() - started) / 60, most / 2**30, cpu / 60
