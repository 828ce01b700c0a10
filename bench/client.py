"""A small HTTP/1.1 client for load: many connections, one process, no more work than needed.

The same client drives both sides of a comparison, on loopback only; it stops after a fixed time.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 32
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one run gave. Rates in requests a second, times in milliseconds. `wrong` counts answers that were neither 200 nor 201."""

    rate: float
    p50: float
    p99: float
    wrong: int
    count: int = 0
    seconds: float = 0.0
    p95: float = 0.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    path: str
    method: str = "GET"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def bytes(self, host: str, token: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if self.body:
            lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last answer is there."""

    def __init__(self, requests: Iterator[bytes], until: float, times: list[float], wrong: list[int], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.until = until
        self.times = times
        self.wrong = wrong
        self.done = done
        self.buffer = bytearray()
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport  # uvloop's is no asyncio.Transport
        self._next()

    def _next(self) -> None:
        self.sent = time.perf_counter()
        request = next(self.requests, None) if self.sent < self.until else None
        if request is None:
            self.transport.close()
            return
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = bytes(self.buffer[:head]).lower()
        start = headers.find(b"content-length:")
        length = int(headers[start + 15 : headers.find(b"\r", start) if headers.find(b"\r", start) > 0 else None]) if start >= 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        self.times.append(time.perf_counter() - self.sent)
        if not headers.startswith((b"http/1.1 200", b"http/1.1 201")):
            self.wrong[0] += 1
        self.buffer.clear()
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(host: str, port: int, requests: list[bytes], connections: int, seconds: float, once: bool) -> Told:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    wrong = [0]
    asked = iter(requests) if once else itertools.cycle(requests)
    start = time.perf_counter()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        await loop.create_connection(lambda done=done: _Connection(asked, start + seconds, times, wrong, done), host, port)  # type: ignore[misc]
    await asyncio.gather(*waiting)
    took = time.perf_counter() - start
    times.sort()
    if not times:
        return Told(0.0, 0.0, 0.0, wrong[0])
    p99 = times[int(len(times) * 0.99)]
    p95 = times[int(len(times) * 0.95)]
    return Told(len(times) / took, statistics.median(times) * 1000, p99 * 1000, wrong[0], len(times), took, p95 * 1000)


def _in_process(answer: multiprocessing.Queue[Told], *told: Any) -> None:
    import uvloop

    answer.put(uvloop.run(_run(*told)))


def drive(url: str, paths: Sequence[str], *, token: str = "", connections: int = CONNECTIONS, seconds: float = SECONDS) -> Told:
    """GET `paths` in turn over `connections` kept-alive connections for `seconds`, from a process of its own."""
    return ask(url, [Ask(path) for path in paths], token=token, connections=connections, seconds=seconds)


def ask(
    url: str,
    asks: Sequence[Ask],
    *,
    token: str = "",
    connections: int = CONNECTIONS,
    seconds: float = SECONDS,
    once: bool = False,
) -> Told:
    """The same with any requests; `once`: each is sent one time, and `seconds` is only the longest it may take."""
    parts = urlsplit(url)
    assert parts.hostname in ("127.0.0.1", "localhost"), "load goes to loopback only"
    requests = [one.bytes(parts.netloc, token) for one in asks]
    answer: multiprocessing.Queue[Told] = multiprocessing.Queue()
    told = (answer, parts.hostname, parts.port or 80, requests, connections, seconds, once)
    process = multiprocessing.Process(target=_in_process, args=told)
    process.start()
    found = answer.get(timeout=seconds + 120)
    process.join()
    return found
