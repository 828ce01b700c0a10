"""Seals the trail while the server runs: every second, by one process of however many there are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg

from yilian.audit import chain
from yilian.audit.chain import Block, Connection, Mark

log = logging.getLogger("yilian.audit")

EVERY_S = 1.0
ANCHOR_EVERY_S = 60.0
"""The newest block is written to the anchor so often, if there is a new one."""
SESSION = {"application_name": "yilian audit chain", "timezone": "UTC", "jit": "off"}
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Sealer:
    """A task with a connection of its own, from `start` to `stop`. What is not sealed at the end is sealed by the next.

    anchor  where the hash of the newest block is written to; None: nowhere
    """

    def __init__(self, dsn: str, clock: Callable[[], datetime], anchor: Path | None, *, every_s: float = EVERY_S) -> None:
        self.dsn = dsn
        self.clock = clock
        self.anchor = anchor
        self.every_s = every_s
        self._marks: deque[Mark] = deque()
        self._task: asyncio.Task[None] | None = None
        self._unanchored: Block | None = None
        self._next_anchor = 0.0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="audit-sealer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._anchor(now=True)

    async def _run(self) -> None:
        while True:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=5, command_timeout=60, server_settings=SESSION)
            except AWAY:
                await asyncio.sleep(self.every_s * 5)
                continue
            try:
                await self._in_turn(connection)
            except AWAY as error:
                log.warning("the trail is not being sealed at this moment: %s", error)
            finally:
                connection.terminate()  # gives the lock back; closing in peace might wait for a database that is away
            await asyncio.sleep(self.every_s)

    async def _in_turn(self, connection: Connection) -> None:
        ours = False
        while True:
            if not ours:
                ours = await connection.fetchval(chain.LOCK)
                self._marks.clear()
            if not ours:
                await asyncio.sleep(self.every_s * 5)  # another process does it
                continue
            await self.step(connection)
            await self._anchor()
            await asyncio.sleep(self.every_s)

    async def step(self, connection: Connection) -> list[Block]:
        """Seal what was marked before and is complete by now; mark what has come since. The caller holds `chain.LOCK`."""
        ready: Mark | None = None
        while self._marks and await chain.passed(connection, self._marks[0]):
            ready = self._marks.popleft()
        made = await chain.seal(connection, ready.seq, self.clock()) if ready is not None else []
        if made:
            self._unanchored = made[-1]
        if len(self._marks) < 60:  # one transaction that takes long keeps them all waiting
            self._marks.append(await chain.mark(connection))
        return made

    async def _anchor(self, *, now: bool = False) -> None:
        time = asyncio.get_running_loop().time()
        if self.anchor is None or self._unanchored is None or (time < self._next_anchor and not now):
            return
        block, self._unanchored = self._unanchored, None
        self._next_anchor = time + ANCHOR_EVERY_S
        try:
            await asyncio.to_thread(chain.anchor_to, self.anchor, block)
        except OSError as error:
            self._unanchored = block
            log.error("the anchor of the trail cannot be written to %s: %s", self.anchor, error)
