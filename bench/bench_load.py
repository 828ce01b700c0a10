"""Loading 200 patients made elsewhere: validated, indexed, scoped and audited, each Bundle one transaction, fsync on."""

from __future__ import annotations

import gzip
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.client import Ask, ask
from bench.ground import YILIAN, Ground, Row, environment, synthea

CLIENTS = 4
WORKERS = 2


def measure(ground: Ground) -> Iterator[Row]:
    file = synthea()
    yield from _by_command(ground, file)
    yield from _over_http(ground, file)


def _by_command(ground: Ground, file: Path) -> Iterator[Row]:
    data = ground.new_data()
    with ground.server(data) as server:
        before = server.spent()
        started = time.perf_counter()
        done = subprocess.run(
            [*YILIAN, "load", str(file), "--data", str(data)], capture_output=True, text=True, env=environment(), check=True
        )
        whole = time.perf_counter() - started
        found = re.search(r"(\d+) resources stored.* in ([\d.]+) s", done.stderr)
        assert found, done.stderr
        count, seconds = int(found[1]), float(found[2])
        yield Row("yilian load, resources a second", count / seconds, "/s", 6000.0, "at least, on 2 quiet cores")
        yield Row("CPU of the database a resource", server.spent().each(before, count).database * 1000, "us")
        yield Row("the whole command", whole, "s")
        started = time.perf_counter()
        subprocess.run([*YILIAN, "load", str(file), "--data", str(data)], capture_output=True, env=environment(), check=True)
        yield Row("the same file again, nothing to do", time.perf_counter() - started, "s")


def _over_http(ground: Ground, file: Path) -> Iterator[Row]:
    """Every Bundle as it is, POSTed to the root by clients that each send the next when the last was answered."""
    data = ground.new_data()
    with ground.server(data, command="demo", arguments=["--workers", str(WORKERS)]) as server:
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        with gzip.open(file) as lines:
            asks = [Ask("/fhir", "POST", line.strip()) for line in lines]
        count = sum(one.body.count(b'"request":{') for one in asks)
        before = server.spent()
        told = ask(server.url, asks, token=token, connections=CLIENTS, seconds=300, once=True)
        each = server.spent().each(before, count)
    assert told.wrong == 0, f"{told.wrong} Bundles were refused"
    what = f"transaction Bundles over HTTP, {CLIENTS} clients, {WORKERS} workers, resources a second"
    yield Row(what, count / told.seconds, "/s", 3000.0, "at least")
    yield Row("CPU of the server a resource", each.server * 1000, "us")
    yield Row("CPU of the database a resource", each.database * 1000, "us")
