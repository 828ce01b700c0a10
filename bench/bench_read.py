"""Reading by id: signed in, scoped and audited, beside a bare application that returns the same bytes from the same database."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import asyncpg
import psutil

from bench.client import drive
from bench.ground import ROOT, Ground, Row, environment, free_port
from yilian.fhir.definitions import type_id
from yilian.postgres import address_of_running

ROUNDS = 5


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.demo_region()
    with ground.server(data, command="demo") as server:
        dsn = address_of_running(data)
        assert dsn is not None
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        ids = asyncio.run(_ids(dsn))
        port = free_port()
        bare = subprocess.Popen([sys.executable, "-m", "bench.bare", dsn, str(port)], cwd=ROOT, env=environment())
        try:
            _wait(f"http://127.0.0.1:{port}/{type_id('Patient')}/{ids[0]}")
            ours = [f"/fhir/Patient/{id}" for id in ids]
            theirs = [f"/{type_id('Patient')}/{id}" for id in ids]
            drive(server.url, ours, token=token, seconds=1)
            drive(f"http://127.0.0.1:{port}", theirs, seconds=1)
            here, there, cpu = [], [], []
            for _ in range(ROUNDS):
                before = _cpu([server.process])
                here.append(drive(server.url, ours, token=token))
                cpu.append((_cpu([server.process]) - before) / (here[-1].rate * 2.0) * 1000)
                there.append(drive(f"http://127.0.0.1:{port}", theirs))
        finally:
            bare.terminate()
            bare.wait(20)
    assert not any(told.wrong for told in here + there), "some answers were not 200"
    beside = "bare select, same run"
    yield Row(
        "reads a second, 32 connections", _median(t.rate for t in here), "/s", _median(t.rate for t in there), beside + "; at least 0.5"
    )
    yield Row("p50", _median(t.p50 for t in here), "ms", _median(t.p50 for t in there), beside)
    yield Row("p99", _median(t.p99 for t in here), "ms", _median(t.p99 for t in there), beside)
    yield Row("CPU of the server process a request", statistics.median(cpu), "ms")


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def _ids(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select id from resource where type = $1 and not deleted order by rid limit 400", type_id("Patient"))
    finally:
        await connection.close()
    return [row["id"] for row in rows]


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the bare application did not start")
