"""Hearing what other processes call out by NOTIFY: one LISTEN connection for each channel and process, once somebody needs it.

A connection that breaks is made anew by itself, at first soon, then with growing pauses, so that a database that comes back is not met by
every process at once. What was called meanwhile is lost: `missed` says so, and whoever waits looks by itself.
https://www.postgresql.org/docs/current/sql-listen.html
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

import asyncpg

log = logging.getLogger("yilian.hearing")

CONNECT_S = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What connecting raises while the database is not there."""


def pause_s(nth: int, chance: float) -> float:
    """Seconds before the attempt after `nth` (from 0) that failed; `chance`: 0 to 1, which takes up to half of it away."""
    return min(FIRST_PAUSE_S * 2.0 ** min(nth, 20), LONGEST_PAUSE_S) * (1 - chance / 2)


class Hearing:
    """Calls `heard(payload)` for what is called on `channel`, and `missed()` each time it hears again after it did not.

    dsn    of the database calls come by; name: of the connection, as the database lists it
    chance from 0 to 1, for the pauses
    """

    def __init__(
        self,
        dsn: str,
        channel: str,
        heard: Callable[[str], None],
        missed: Callable[[], None],
        *,
        name: str,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.dsn = dsn
        self.channel = channel
        self.name = name
        self.attempts = 0
        """To connect, since the last that succeeded."""
        self._heard = heard
        self._missed = missed
        self._chance = chance
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._again: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._over = False

    @property
    def hears(self) -> bool:
        return self._connection is not None and not self._connection.is_closed()

    async def begin(self) -> None:
        """From now on it hears, or tries to by itself: returns after the first attempt. Safe to call again."""
        if self._over or self.hears or self._again is not None:
            return
        async with self._connecting:
            if not self.hears and self._again is None and not await self._connect():
                self._try_again()

    async def close(self) -> None:
        self._over = True
        if self._again is not None:
            self._again.cancel()
            with suppress(asyncio.CancelledError):
                await self._again
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            with suppress(*AWAY):
                await connection.close(timeout=2)

    async def _connect(self) -> bool:
        try:
            connection = await asyncpg.connect(
                self.dsn, timeout=CONNECT_S, server_settings={"application_name": self.name, "timezone": "UTC", "jit": "off"}
            )
            connection.add_termination_listener(self._ended)
            await connection.add_listener(self.channel, self._call)
        except AWAY as error:
            self.attempts += 1
            log.debug("nothing is heard of other processes just now: %s", error)
            return False
        self.attempts = 0
        self._connection = connection
        self._missed()
        return True

    def _ended(self, connection: object) -> None:
        if connection is self._connection:
            self._connection = None
            self._try_again()

    def _try_again(self) -> None:
        if self._again is None and not self._over:
            self._again = asyncio.get_running_loop().create_task(self._until_it_hears(), name=self.name)

    async def _until_it_hears(self) -> None:
        try:
            while not self._over:
                await asyncio.sleep(pause_s(self.attempts, self._chance()))
                if await self._connect():
                    break
        finally:
            self._again = None
        if not self.hears:  # it was cut while this ended
            self._try_again()

    def _call(self, connection: object, pid: int, channel: str, payload: object) -> None:
        self._heard(str(payload))
