"""A worker: takes jobs, runs their handlers, keeps the lease meanwhile, and says how they ended.

One in each server process, or in a process of its own (`yilian work`). A worker that is killed loses nothing: when its lease is over,
others begin its jobs anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

import asyncpg

from yilian.errors import YilianError
from yilian.jobs import bell
from yilian.jobs.job import GiveUp, Job, Kind, Periodic, Stopped, pause
from yilian.jobs.line import Again, Ended, Line
from yilian.jobs.queue import text_of

if TYPE_CHECKING:
    from yilian.db import Database

log = logging.getLogger("yilian.jobs")

POLL_S = 2.0
"""How often a worker looks without having been woken."""
LOOK_AFTER_S = 5.0
OVER_S = 10
"""How long a worker that was told to stop may still need for what it is just telling the database."""
RING_S = 0.2
"""How often at most a worker that has all hands full calls others."""
LONGEST_ERROR = 2000
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What the connection raises when the database is not there."""


class Worker:
    """Runs up to `at_once` jobs of these kinds at a time, as tasks of the running event loop.

    heavy     whether kinds that are heavy are taken as well
    lease     how long a job stays ours without a sign of life; three are given in that time
    clock     stands in for the database's clock where a job waits for its time (tests); leases always go by the database's
    chance    from 0 to 1, for the pauses between attempts
    """

    def __init__(
        self,
        db: Database,
        kinds: Mapping[str, Kind],
        *,
        at_once: int = 4,
        heavy: bool = True,
        periodic: Sequence[Periodic] = (),
        lease: timedelta = timedelta(seconds=30),
        clock: Callable[[], datetime] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.db = db
        self.kinds = {name: kind for name, kind in kinds.items() if heavy or not kind.heavy}
        self.at_once = at_once
        self.periodic = periodic
        self.lease = lease
        self.clock = clock
        self.chance = chance
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{token_hex(6)}"
        self.line = Line(db.dsn, self.name, self._rung)
        self.running: dict[int, asyncio.Task[None]] = {}
        self._halted: set[int] = set()
        self._next_due = 0.0
        self._next_ring = 0.0
        self._ended: list[Ended] = []
        self._again: list[Again] = []
        self._woken = asyncio.Event()
        self._stopping = self._over = False
        self._beat_now = False
        self._task: asyncio.Task[None] | None = None

    @property
    def has_room(self) -> bool:
        return not self._stopping and len(self.running) < self.at_once

    def wake(self, *, cancelled: bool = False) -> None:
        self._beat_now |= cancelled
        self._woken.set()

    def _rung(self, word: str) -> None:
        self.wake(cancelled=word == bell.CANCELLED)

    def start(self) -> None:
        """Begin to work. The database must be open."""
        bell.join(self.db, self)
        self._task = asyncio.create_task(self._work(), name="jobs")

    async def stop(self, grace_s: float = 5) -> None:
        """Take no more; let what runs finish for `grace_s` seconds, then put it back to be begun anew, by whomever, at once."""
        self._stopping = True
        self.wake()
        if self._task is None:
            return
        if self.running:
            await asyncio.wait(self.running.values(), timeout=grace_s)
        self._over = True  # looked at when the loop has been woken, before anything new is begun
        self.wake()
        await asyncio.wait([self._task], timeout=OVER_S)  # a connection that is just being made is not left half open
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        bell.leave(self.db, self)
        unfinished = dict(self.running)
        for task in unfinished.values():
            task.cancel()
        await asyncio.gather(*unfinished.values(), return_exceptions=True)
        self._ended = [one for one in self._ended if one.id not in unfinished]
        self._again = [one for one in self._again if one.id not in unfinished]
        self._again += [Again(id, None, timedelta(), back=1) for id in unfinished]
        with suppress(*AWAY):
            await self._tell()
        await self.line.close()
        if unfinished:
            bell.ring(self.db, others=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        beat_s = self.lease.total_seconds() / 3
        next_beat, next_care = loop.time() + beat_s, loop.time()
        silence_s = 0.1
        while not self._over:
            try:
                self._woken.clear()
                if self._beat_now or loop.time() >= next_beat:
                    self._beat_now = False
                    await self._beat()
                    next_beat = loop.time() + beat_s
                await self._tell()
                now = self.clock() if self.clock else None
                if loop.time() >= next_care:
                    for id in await self.line.look_after(self.kinds, self.periodic, self.lease, now):
                        log.error("job %d was given up: every worker that ran it was lost", id)
                    next_care = loop.time() + LOOK_AFTER_S
                wait_s = await self._take(now)
                silence_s = 0.1
            except AWAY as error:
                log.warning("the database does not answer, jobs wait: %s", error)
                with suppress(*AWAY):
                    await self.line.close()
                wait_s, silence_s = silence_s, min(silence_s * 2, POLL_S)
                self._woken.clear()
            except Exception:
                log.exception("a worker stumbled and goes on")
                wait_s = POLL_S
                self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, max(next_beat - loop.time(), 0.01))):
                    await self._woken.wait()

    async def _take(self, now: datetime | None) -> float:
        """Begin as many jobs as there is room for; how long to wait then, if nobody calls."""
        room = self.at_once - len(self.running)
        if self._stopping or room <= 0 or not self.kinds:
            return POLL_S
        time = asyncio.get_running_loop().time
        if self.clock or time() >= self._next_due:
            due_s = await self.line.due(now)
            self._next_due = time() + (POLL_S if due_s is None else min(POLL_S, max(due_s, 0.01)))
        taken = await self.line.take(list(self.kinds), room, self.lease)
        for job in taken:
            self.running[job.id] = asyncio.create_task(self._run(job), name=f"job {job.id} {job.kind}")
        if len(taken) == room and time() >= self._next_ring:
            self._next_ring = time() + RING_S
            bell.ring(self.db, others=True)  # there may be more: somebody else may have room
        return max(self._next_due - time(), 0.01)

    async def _run(self, job: Job) -> None:
        kind = self.kinds[job.kind]
        try:
            async with asyncio.timeout(kind.timeout.total_seconds() if kind.timeout else None):
                result = await kind.handler(self.db, job)
            self._ended.append(Ended(job.id, "done", text_of(result)))
        except asyncio.CancelledError:
            if job.id not in self._halted:
                raise
            self._ended.append(Ended(job.id, "cancelled"))
        except Stopped as error:
            log.info("%s", error)
            self._ended.append(Ended(job.id, "cancelled"))
        except Exception as error:
            self._failed(job, kind, error)
        finally:
            self.running.pop(job.id, None)
            self._halted.discard(job.id)
            self._woken.set()

    def _failed(self, job: Job, kind: Kind, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}".replace("\0", "\ufffd")[:LONGEST_ERROR]
        if isinstance(error, GiveUp) or job.attempt >= kind.attempts:
            log.error("job %d (%s) failed for good in attempt %d: %s", job.id, job.kind, job.attempt, text, exc_info=_unexpected(error))
            self._ended.append(Ended(job.id, "failed", error=text))
            return
        wait = pause(kind, job.attempt, self.chance())
        log.warning(
            "job %d (%s) failed in attempt %d, again in %.1f s: %s",
            job.id,
            job.kind,
            job.attempt,
            wait.total_seconds(),
            text,
            exc_info=_unexpected(error),
        )
        self._again.append(Again(job.id, text, wait))

    async def _tell(self) -> None:
        """Write how attempts ended; what could not be written stays to be told later."""
        if self._ended:
            some = tuple(self._ended)
            if await self.line.end(some):
                self._woken.set()
            del self._ended[: len(some)]
        while self._again:
            await self.line.again(self._again[0])
            self._next_due = 0.0
            del self._again[0]

    async def _beat(self) -> None:
        """Prolong our leases. What was cancelled or is not ours any more is stopped."""
        told = {one.id for one in self._ended} | {one.id for one in self._again}
        held = await self.line.keep(self.lease)
        for id, task in list(self.running.items()):
            if held.get(id, True) and id not in told:
                self._halted.add(id)
                task.cancel()


def _unexpected(error: Exception) -> bool:
    """Whether the log should hold the whole trace: not for what the house says in words."""
    return not isinstance(error, (YilianError, GiveUp, TimeoutError))
