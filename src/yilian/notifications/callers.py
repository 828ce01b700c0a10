"""Hearing the calls of every process for those who have a page open here: one LISTEN connection for each process, once somebody waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from yilian.errors import TooManyRequests, Unavailable
from yilian.hearing import Hearing
from yilian.notifications.live import CHANNEL, Hint, unpacked

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
        self.hearing = Hearing(dsn, CHANNEL, self._heard, self._missed, name="yilian live")
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
        await self.hearing.begin()

    def leave(self, page: Page) -> None:
        if page in self._pages:
            self._pages.discard(page)
            self._of[page.account] -= 1
            if not self._of[page.account]:
                del self._of[page.account]

    async def wait(self, page: Page, at_most_s: float) -> None:
        """Until the page is called, or so long."""
        await self.hearing.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await page.called.wait()

    async def close(self) -> None:
        await self.hearing.close()
        for page in self._pages:
            page.called.set()

    def _missed(self) -> None:
        for page in self._pages:
            page.all = True
            page.called.set()

    def _heard(self, payload: str) -> None:
        for hint in unpacked(payload):
            for page in self._pages:
                if page.is_meant(hint):
                    page.heard[hint.topic, hint.tag] = None
                    page.called.set()
