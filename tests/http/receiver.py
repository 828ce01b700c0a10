"""A hospital that is told: a real HTTP server on loopback that keeps what it was sent, and can be down, slow, or say no."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Got:
    """One request that came. body: as it came; bundle: parsed, {} for an empty one."""

    headers: dict[str, str]
    body: bytes
    bundle: Json

    def said(self, name: str) -> Any:
        return next((value_of(one) for one in status_of(self.bundle)["parameter"] if one["name"] == name), None)

    @property
    def type(self) -> str:
        return str(self.said("type")) if self.bundle else ""

    @property
    def events(self) -> list[tuple[int, str]]:
        """(number, focus) of each event; "" where there is no focus."""
        return events_of(self.bundle)


def status_of(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    return found


def events_of(bundle: Json) -> list[tuple[int, str]]:
    found = []
    for one in status_of(bundle)["parameter"]:
        if one["name"] == "notification-event":
            part = {each["name"]: value_of(each) for each in one["part"]}
            found.append((int(part["event-number"]), part.get("focus", {}).get("reference", "")))
    return found


def value_of(parameter: Json) -> Any:
    return next((value for key, value in parameter.items() if key.startswith("value")), None)


@dataclass(slots=True)
class Receiver:
    """answer: what is answered, by what came; tests may put another in."""

    port: int
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], web.StreamResponse] = lambda got: web.Response(status=200)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told?of=us"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def events(self) -> list[tuple[int, str]]:
        """Of every notification that came, in order."""
        return [event for one in self.got if one.type == "event-notification" for event in one.events]

    async def until(self, enough: Callable[[], bool], within_s: float = 30) -> None:
        async with asyncio.timeout(within_s):
            while not enough():  # noqa: ASYNC110 it comes over a socket
                await asyncio.sleep(0.02)

    async def told(self, count: int) -> None:
        """Wait for so many different events."""
        await self.until(lambda: len({number for number, _ in self.events}) >= count)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        got = Got({name.lower(): value for name, value in request.headers.items()}, body, json.loads(body) if body else {})
        answer = self.answer(got)
        self.got.append(got)
        return answer


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on a free port, or on one that was had before."""
    application = web.Application()
    receiver = Receiver(port)

    async def take(request: web.Request) -> web.StreamResponse:
        return await receiver(request)

    application.router.add_post("/told", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
