"""Whether the database answers, felt on a connection of its own, so that nobody else need wait to find out.

A database that is gone refuses connections, and requests fail by themselves. One that is frozen, or behind a network that swallows packets,
says nothing: each request would wait for its own time limit. The pulse notices either within two seconds. Then every connection is cut, so
that those who wait are told (503), and requests are refused at the door until the pulse is back; nothing has to be started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import asyncpg

log = logging.getLogger("yilian.db")

EVERY_S = 0.4
PATIENCE_S = 0.5
LOOKS = 3
"""A beat is waited for in three spells: where this process itself was busy, only the first one of them is over too early."""

STARTING_OR_STOPPING = (
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.PostgresConnectionError,
)


class Pulse:
    """Feels the pulse of the database at `dsn` from `start` to `stop`. `went_away` and `came_back` are called when that is noticed, `each`
    with every beat."""

    def __init__(
        self,
        dsn: str,
        went_away: Callable[[], None],
        came_back: Callable[[], None],
        *,
        each: Callable[[], object] = bool,
        every_s: float = EVERY_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.dsn = dsn
        self.went_away = went_away
        self.came_back = came_back
        self.each = each
        self.away = False
        self.every_s = every_s
        self.patience_s = patience_s
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="pulse")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._let_go()

    async def _run(self) -> None:
        while True:
            self.each()
            answers = await self._answers()
            if answers and self.away:
                self.away = False
                log.warning("the database answers again")
                self.came_back()
            elif not answers and not self.away:
                self.away = True
                log.error("the database does not answer; requests are refused until it does")
                self.went_away()
            await asyncio.sleep(self.every_s)

    async def _answers(self) -> bool:
        """Whether it answered in time. A refusal is an answer too, unless it says that the database is not there to be used."""
        beat = asyncio.ensure_future(self._beat())
        try:
            for _ in range(LOOKS):
                done, _ = await asyncio.wait({beat}, timeout=self.patience_s)
                if done:
                    break
            else:
                beat.cancel()
                self._let_go()
                with contextlib.suppress(BaseException):
                    await beat
                return False
            beat.result()
        except (*STARTING_OR_STOPPING, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            stale, self._connection = self._connection is not None, None
            # one connection that lay idle may have been cut by itself; that a new one cannot be made says more
            return await self._answers() if stale else False
        except asyncpg.PostgresError:
            return True
        finally:
            if not beat.done():
                beat.cancel()
        return True

    async def _beat(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self.dsn, timeout=self.patience_s * LOOKS, server_settings={"application_name": "yilian pulse", "jit": "off"}
            )
        await self._connection.fetchval("select 1")

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
