"""Waking workers the moment a job is committed.

A worker of the same process is woken directly. Others are woken by a NOTIFY that is sent after the commit, a few together, and never within
the writer's transaction: PostgreSQL lets commits that notify pass one at a time, which would slow every write down.
A bell that is lost costs nothing but the time until the next look (`worker.POLL_S`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

import asyncpg

from yilian.errors import YilianError

if TYPE_CHECKING:
    from yilian.db import Database

log = logging.getLogger("yilian.jobs")

CHANNEL = "yilian_job"
CANCELLED = "cancelled"
GATHER_S = 0.01

MOVE_UP = """
update job set state = case when run_at > now() then 'later' else 'waiting' end
where state = 'behind' and id in (
    select (select b.id from job b where b.subject = s.subject and b.state = 'behind' order by b.id limit 1)
    from unnest($1::text[]) as s (subject)
    where not exists (select from job h where h.subject = s.subject and h.state in ('waiting', 'later', 'running')))
"""
"""The first of each of these lines, unless the line has a first already."""


class Sleeper(Protocol):
    """What the bell knows of a worker."""

    @property
    def has_room(self) -> bool: ...
    def wake(self, *, cancelled: bool = False) -> None: ...


@dataclass(slots=True)
class _Bell:
    """One for each Database of this process. subjects: lines somebody joined; whoever is first in them may have to be moved up."""

    sleepers: list[Sleeper] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    cancelled: bool = False
    sending: asyncio.Task[None] | None = None


_bells: WeakKeyDictionary[Database, _Bell] = WeakKeyDictionary()


def join(db: Database, sleeper: Sleeper) -> None:
    """From now on this worker is woken directly by what this process commits."""
    _bells.setdefault(db, _Bell()).sleepers.append(sleeper)


def leave(db: Database, sleeper: Sleeper) -> None:
    _bells[db].sleepers.remove(sleeper)


def ring(db: Database, subjects: Set[str] = frozenset(), *, cancelled: bool = False, others: bool = False) -> None:
    """Something was committed that can be done. `others`: wake the workers of other processes in any case."""
    bell = _bells.setdefault(db, _Bell())
    for sleeper in bell.sleepers:
        sleeper.wake(cancelled=cancelled)
    bell.subjects |= subjects
    bell.cancelled |= cancelled
    far = others or cancelled or bell.subjects or not any(sleeper.has_room for sleeper in bell.sleepers)
    if far and (bell.sending is None or bell.sending.done()):
        bell.sending = asyncio.get_running_loop().create_task(_send(db, bell))


async def _send(db: Database, bell: _Bell) -> None:
    await asyncio.sleep(GATHER_S)
    subjects, bell.subjects = bell.subjects, set()
    word, bell.cancelled = (CANCELLED if bell.cancelled else ""), False
    bell.sending = None
    try:
        async with db.transaction() as tx:
            if subjects:
                await tx.execute(MOVE_UP, sorted(subjects))
            await tx.fetch("select pg_notify($1, $2)", CHANNEL, word)
    except (YilianError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.debug("no bell was rung, workers will look by themselves: %s", error)
        return
    for sleeper in bell.sleepers:
        sleeper.wake()
