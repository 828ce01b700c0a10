"""Notes of reads, written in batches: together they cost a fraction of what one insert for each read would, and none is lost.

An answer leaves as soon as its note is in the queue; the queue is written at the latest `interval` seconds later (by default 0.2). A
note is at risk only while it waits there and the process is killed; `strict` writes before the answer leaves: always for what is sensitive
or stands open in an emergency (`record.note_read`), and for everything where the region wants no risk at all. Those who wait at the same
time are written together. When the queue is full, or the database does not take it, reads are refused (503) until it does: nothing is read
unlogged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence

import asyncpg

from yilian.audit.note import INSERT, Note, columns
from yilian.audit.query import discreet
from yilian.db import Database
from yilian.errors import Unavailable

log = logging.getLogger("yilian.audit")

LARGEST_BATCH = 1000
SESSION = {"application_name": "yilian audit", "timezone": "UTC", "jit": "off"}
UNSTORABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError, ValueError)


class ReadLog:
    """The queue and the task that empties it, one for each process.

    `strict` makes every note wait until it is written. `capacity` is how many may wait. `patience_s`: how long an answer waits for its
    notes; then it is refused, and they are written all the same once they can be. It keeps a connection of its own, so that reads which
    hold all connections of the pool cannot keep it from writing.
    """

    def __init__(
        self,
        db: Database,
        *,
        strict: bool = False,
        capacity: int = 10_000,
        interval: float = 0.2,
        batch: int = 500,
        patience_s: float = 10.0,
    ) -> None:
        self.db = db
        self.strict = strict
        self.capacity = capacity
        self.interval = interval
        self.batch = batch
        self.patience_s = patience_s
        self._queue: deque[Note] = deque()
        self._added = 0
        self._written = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._something = asyncio.Event()
        self._hurry = asyncio.Event()
        self._at_once = LARGEST_BATCH
        self._failing = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    def start(self) -> None:
        """Begin to write. Called by itself with the first note."""
        if self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="read-log")

    @property
    def waiting(self) -> int:
        """How many notes are not yet written."""
        return len(self._queue)

    @property
    def failing(self) -> bool:
        """Whether the last attempt to write failed."""
        return self._failing

    def note(self, notes: Sequence[Note]) -> None:
        """Take the notes of one read; they are written soon. Raises Unavailable, and takes none, when they could not be."""
        if self._closed or self._failing or len(self._queue) + len(notes) > self.capacity:
            raise Unavailable(
                "The access log cannot be written at this moment, and nothing may be read unlogged; try again.",
                zh="访问日志暂时无法写入,为保证可追溯,请稍后重试。",
                retry_after_s=2,
            )
        self._queue.extend(discreet(self.db.ring, notes))
        self._added += len(notes)
        if self._task is None:
            self.start()
        self._something.set()
        if len(self._queue) >= self.batch:
            self._hurry.set()

    async def add(self, notes: Sequence[Note], *, strict: bool = False) -> None:
        """`note`, and with `strict` (here or for the whole log) wait until they are written. Raises Unavailable when that fails.

        Where the queue is full because many read much at once, the reader waits until half of it is written: slower, not refused.
        """
        if len(self._queue) + len(notes) > self.capacity >= len(notes) and not (self._failing or self._closed):
            await self._until(self._added - self.capacity // 2)
        self.note(notes)
        if strict or self.strict:
            await self._until(self._added, len(notes))

    async def _until(self, place: int, own: int = 0) -> None:
        """Wait until the first `place` notes taken are written. Unavailable when one of the last `own` of them cannot be stored at all,
        when the database takes none, or after `patience_s`."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((place - own, place, written))
        self._hurry.set()
        try:
            await asyncio.wait_for(written, self.patience_s)
        except TimeoutError:
            raise _not_written() from None

    async def flush(self) -> None:
        """Wait until everything taken so far is written."""
        if self._queue:
            await self.add((), strict=True)

    async def close(self, patience: float = 10) -> None:
        """Take no more, write what waits, and stop. What cannot be written within `patience` seconds is reported to the server's log."""
        self._closed = True
        self._something.set()
        self._hurry.set()
        if self._task is not None:
            _, unfinished = await asyncio.wait({self._task}, timeout=patience)
            for task in unfinished:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self._task = None
        if self._queue:
            log.error("%d notes of reads could not be written before the server stopped", len(self._queue))
        await self._disconnect()

    async def _run(self) -> None:
        pause = 0.05
        while not (self._closed and not self._queue):
            await self._something.wait()
            if not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), self.interval)
            self._hurry.clear()
            so_far = self._added  # what comes meanwhile waits for the next round, so that it is written as a batch too
            while self._written < so_far:
                if await self._write_some():
                    pause = 0.05
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
            if not self._queue and not self._closed:
                self._something.clear()

    async def _write_some(self) -> bool:
        """Write the oldest notes; they leave the queue once they are stored. False when the database did not take them."""
        some = [self._queue[n] for n in range(min(len(self._queue), self._at_once))]
        stale = self._connection is not None
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self.db.dsn, timeout=5, command_timeout=30, server_settings=SESSION)
                stale = False
            await self._connection.execute(INSERT, *columns(some))
        except UNSTORABLE as error:
            # The database is well, one of these notes is not: look for it by halves. It goes to the server's log, the others are stored.
            if len(some) > 1:
                self._at_once = len(some) // 2
                return True
            log.critical("a note of a read cannot be stored (%s): %r", error, some[0])
            self._refuse_whose(self._written)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            if stale:  # a connection that lay idle may have been cut; that is no reason to refuse anybody before a new one was tried
                await self._disconnect()
                return True
            await self._refused(error)
            return False
        self._stored(len(some))
        return True

    async def _refused(self, error: Exception) -> None:
        if not self._failing:
            log.error("the access log cannot be written, reads are refused until it can: %s", error)
        self._failing = True
        await self._disconnect()
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(_not_written())
        self._waiting.clear()

    def _refuse_whose(self, place: int) -> None:
        """Whoever waits for the note at `place` gets no answer: that note will never be in the trail."""
        for first, end, future in self._waiting:
            if first <= place < end and not future.done():
                future.set_exception(_not_written())

    def _stored(self, count: int) -> None:
        if self._failing:
            log.warning("the access log is written again")
        self._failing = False
        self._at_once = min(self._at_once * 2, LARGEST_BATCH)
        for _ in range(count):
            self._queue.popleft()
        self._written += count
        still = []
        for first, place, future in self._waiting:
            if place > self._written:
                still.append((first, place, future))
            elif not future.done():
                future.set_result(None)
        self._waiting = still

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)


def _not_written() -> Unavailable:
    return Unavailable("The access log cannot be written.", zh="访问日志暂时无法写入,请稍后重试。", retry_after_s=2)
