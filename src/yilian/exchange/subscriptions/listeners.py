"""Waiting for events of a subscription that any process may have caused: one LISTEN connection for each process, once somebody waits.

A call that is lost costs no more than `LOOK_S`: whoever waits looks by itself then, and at once when a connection that broke is back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from yilian.errors import Unavailable
from yilian.exchange.subscriptions.collect import CHANNEL
from yilian.hearing import Hearing

LOOK_S = 10.0
MOST = 2000
"""Who may wait in one process: each looks into the database every `LOOK_S`."""


class Listeners:
    """`dsn`: of the database whose events are waited for."""

    def __init__(self, dsn: str) -> None:
        self.hearing = Hearing(dsn, CHANNEL, self._heard, self._call_all, name="yilian listeners")
        self._waiting: dict[int, set[asyncio.Event]] = {}

    async def attend(self, subscription: int) -> asyncio.Event:
        """An event that is set whenever there may be something new; to be given back to `leave`. Look once after this: what was there
        before is not called out. Unavailable when too many wait already."""
        self.require_room()
        await self.hearing.begin()
        called = asyncio.Event()
        self._waiting.setdefault(subscription, set()).add(called)
        return called

    def require_room(self) -> None:
        """Raises Unavailable when so many wait that nobody else can."""
        if sum(len(some) for some in self._waiting.values()) >= MOST:
            raise Unavailable("Too many connections wait for events here; try again in a while.", retry_after_s=10)

    def leave(self, subscription: int, called: asyncio.Event) -> None:
        waiting = self._waiting.get(subscription, set())
        waiting.discard(called)
        if not waiting:
            self._waiting.pop(subscription, None)

    async def wait(self, called: asyncio.Event, at_most_s: float) -> None:
        """Until it is called, or so long."""
        await self.hearing.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(at_most_s, LOOK_S)):
                await called.wait()
        called.clear()

    async def close(self) -> None:
        await self.hearing.close()
        self._call_all()

    def _call_all(self) -> None:
        for waiting in self._waiting.values():
            for called in waiting:
                called.set()

    def _heard(self, payload: str) -> None:
        for called in self._waiting.get(int(payload) if payload.isdigit() else 0, ()):
            called.set()
