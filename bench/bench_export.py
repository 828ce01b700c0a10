"""Bulk export over HTTP: everything there is, from the request to the finished files."""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from bench.ground import Ground, Row

ROUNDS = 3
LEAST = 30_000
LONGEST_S = 120


def measure(ground: Ground) -> Iterator[Row]:
    data = ground.synthea_region()
    with ground.server(data, command="demo") as server:
        token = ground.run("token", "--client", "bench", "--data", str(data)).strip()
        rates, cpu = [], []
        count = 0
        for turn in range(ROUNDS + 1):
            before = server.spent()
            started = time.perf_counter()
            count = _exported(server.url, token)
            took = time.perf_counter() - started
            each = server.spent().each(before, count)
            if turn:  # the first is for warming up
                rates.append(count / took)
                cpu.append((each.server + each.database) * 1000)
        yield Row(f"$export of {count:,} resources, from the request to the manifest", statistics.median(rates), "/s", LEAST, "at least")
        yield Row("    CPU of server and database a resource", statistics.median(cpu), "us")


def _exported(url: str, token: str) -> int:
    """Export everything once; how many resources the manifest counts."""
    with _ask(f"{url}/fhir/$export", token, "GET", {"Prefer": "respond-async"}) as asked:
        status = asked.headers["Content-Location"]
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        with _ask(status, token) as answer:
            if answer.status == 200:
                manifest = json.load(answer)
                break
        time.sleep(0.02)
    else:
        raise RuntimeError(f"the export was not done within {LONGEST_S} s")
    with _ask(status, token, "DELETE"):
        return sum(file["count"] for file in manifest["output"])


def _ask(url: str, token: str, method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {token}", **(headers or {})})
    return urllib.request.urlopen(request, timeout=30)
