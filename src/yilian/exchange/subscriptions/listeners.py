"""Waiting for events of a subscription that any process may have caused: one LISTEN connection for each process, once somebody waits.

A call that is lost, or a connection that broke, costs no more than `LOOK_S`: whoever waits looks by itself then.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import asyncpg

from yilian.errors import Unavailable
from yilian.exchange.subscriptions.collect import CHANNEL

log = logging.getLogger("yilian.subscriptions")

LOOK_S = 10.0
CONNECT_S = 5
MOST = 2000
"""Who may wait in one process: each looks into the database every `LOOK_S`."""


class Listeners:
    """`dsn`: of the database whose events are waited for."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[int, set[asyncio.Event]] = {}

    async def attend(self, subscription: int) -> asyncio.Event:
        """An event that is set whenever there may be something new; to be given back to `leave`. Look once after this: what was there
        before is not called out. Unavailable when too many wait already."""
        self.require_room()
        await self._listen()
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
        await self._listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(at_most_s, LOOK_S)):
                await called.wait()
        called.clear()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=2)
        for waiting in self._waiting.values():
            for called in waiting:
                called.set()

    async def _listen(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            return
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return
            try:
                connection = await asyncpg.connect(
                    self.dsn, timeout=CONNECT_S, server_settings={"application_name": "yilian listeners", "timezone": "UTC"}
                )
                await connection.add_listener(CHANNEL, self._heard)
                self._connection = connection
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.debug("nothing is heard of other processes just now: %s", error)

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        text = str(payload)
        for called in self._waiting.get(int(text) if text.isdigit() else 0, ()):
            called.set()
