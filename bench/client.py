"""A small HTTP/1.1 client for load: many connections, one process, no more work than needed.

The same client drives both sides of a comparison, on loopback only; it stops after a fixed time.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 32
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one run gave. Rates in requests a second, times in milliseconds. `wrong` counts answers that were not 200."""

    rate: float
    p50: float
    p99: float
    wrong: int


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last answer is there."""

    def __init__(
        self, requests: itertools.cycle[bytes], until: float, times: list[float], wrong: list[int], done: asyncio.Future[None]
    ) -> None:
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
        if self.sent >= self.until:
            self.transport.close()
            return
        self.transport.write(next(self.requests))

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
        if not headers.startswith(b"http/1.1 200"):
            self.wrong[0] += 1
        self.buffer.clear()
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> Told:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    wrong = [0]
    endless = itertools.cycle(requests)
    start = time.perf_counter()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        await loop.create_connection(lambda done=done: _Connection(endless, start + seconds, times, wrong, done), host, port)  # type: ignore[misc]
    await asyncio.gather(*waiting)
    took = time.perf_counter() - start
    times.sort()
    if not times:
        return Told(0.0, 0.0, 0.0, wrong[0])
    return Told(len(times) / took, statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000, wrong[0])


def _in_process(answer: multiprocessing.Queue[Told], host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> None:
    import uvloop

    answer.put(uvloop.run(_run(host, port, requests, connections, seconds)))


def drive(url: str, paths: Sequence[str], *, token: str = "", connections: int = CONNECTIONS, seconds: float = SECONDS) -> Told:
    """GET `paths` in turn over `connections` kept-alive connections for `seconds`, from a process of its own."""
    parts = urlsplit(url)
    assert parts.hostname in ("127.0.0.1", "localhost"), "load goes to loopback only"
    sign = f"Authorization: Bearer {token}\r\n" if token else ""
    requests = [f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{sign}\r\n".encode() for path in paths]
    answer: multiprocessing.Queue[Told] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_in_process, args=(answer, parts.hostname, parts.port or 80, requests, connections, seconds))
    process.start()
    told = answer.get(timeout=seconds + 60)
    process.join()
    return told
