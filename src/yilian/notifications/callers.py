"""Hearing the calls of every process for those who have a page open here: one LISTEN connection for each process, once somebody waits."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from yilian.errors import TooManyRequests, Unavailable
from yilian.notifications.live import CHANNEL, Hint, unpacked

log = logging.getLogger("yilian.live")

CONNECT_S = 5
MOST = 2000
"""Pages that may wait in one process."""
MOST_OF_ONE = 12
"""Of one account: a browser needs one, however many windows it has."""


@dataclass(eq=False, slots=True)
class Page:
    """Whoever waits. all: something may have been missed, look at everything."""

    account: str
    institution: int
    agent: str
    patients: frozenset[int]
    heard: dict[tuple[str, int], None] = field(default_factory=dict)
    all: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def is_meant(self, hint: Hint) -> bool:
        return (
            hint.concerns_everybody
            or (self.institution in hint.institutions if self.institution else False)
            or self.agent in hint.agents
            or not self.patients.isdisjoint(hint.patients)
        )

    def take(self) -> tuple[list[tuple[str, int]], bool]:
        """What was heard since the last time, and whether something may have been missed."""
        heard, self.heard = list(self.heard), {}
        missed, self.all = self.all, False
        self.called.clear()
        return heard, missed


class Callers:
    """`dsn`: of the database calls come by."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()
        self._pages: set[Page] = set()
        self._of: Counter[str] = Counter()

    async def attend(self, page: Page) -> None:
        """From now on this page is called. Raises TooManyRequests or Unavailable when too many wait already; give it back to `leave`."""
        if self._of[page.account] >= MOST_OF_ONE:
            raise TooManyRequests(
                "Too many pages of this account wait for events; close some.", zh="打开的页面过多,请关闭一些。", retry_after_s=60
            )
        if len(self._pages) >= MOST:
            raise Unavailable("Too many pages wait for events here; try again in a while.", retry_after_s=10)
        self._pages.add(page)
        self._of[page.account] += 1
        await self._listen()

    def leave(self, page: Page) -> None:
        if page in self._pages:
            self._pages.discard(page)
            self._of[page.account] -= 1
            if not self._of[page.account]:
                del self._of[page.account]

    async def wait(self, page: Page, at_most_s: float) -> None:
        """Until the page is called, or so long."""
        await self._listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await page.called.wait()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=2)
        for page in self._pages:
            page.called.set()

    async def _listen(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            return
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return
            try:
                connection = await asyncpg.connect(
                    self.dsn, timeout=CONNECT_S, server_settings={"application_name": "yilian live", "timezone": "UTC"}
                )
                await connection.add_listener(CHANNEL, self._heard)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.debug("nothing is heard of other processes just now: %s", error)
                return
            self._connection = connection
            for page in self._pages:  # what was called while nobody listened
                page.all = True
                page.called.set()

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        for hint in unpacked(str(payload)):
            for page in self._pages:
                if page.is_meant(hint):
                    page.heard[hint.topic, hint.tag] = None
                    page.called.set()
