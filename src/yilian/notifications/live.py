"""Calling open pages: something they show has changed, they should look again.

A hint says nothing but a topic and a tag, and reaches whom it may concern: institutions, persons, patients. What has changed a page reads
by itself, within its scope. A hint is sent after the commit, a few together, like the bell of jobs (`jobs/bell.py`); one that is lost costs
the time until a page looks by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary
from zlib import crc32

import asyncpg
import msgspec

from yilian.errors import YilianError

if TYPE_CHECKING:
    from yilian.db import Database, Tx

log = logging.getLogger("yilian.live")

CHANNEL = "yilian_live"
TOPICS = ("inbox", "referrals", "conversation", "bookings", "beds")
"""What pages may wait for."""
GATHER_S = 0.02
MOST_BYTES = 7000
"""A NOTIFY takes 8,000 bytes."""
MOST_HINTS = 200
"""Of one gathering; of more than these nobody would read each."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Something of this topic changed. tag: of what, see `tag_of`; 0: of several. Nobody named: it concerns everybody."""

    topic: str
    tag: int = 0
    institutions: frozenset[int] = frozenset()
    agents: frozenset[str] = frozenset()
    patients: frozenset[int] = frozenset()

    @property
    def concerns_everybody(self) -> bool:
        return not (self.institutions or self.agents or self.patients)


@dataclass(slots=True)
class _Gathering:
    hints: dict[Hint, None] = field(default_factory=dict)
    sending: asyncio.Task[None] | None = None


_gatherings: WeakKeyDictionary[Database, _Gathering] = WeakKeyDictionary()


def tag_of(reference: str) -> int:
    """A number by which a page knows that it is meant, and others learn nothing: CRC-32 of "Task/…"."""
    return crc32(reference.encode())


def hint(tx: Tx, hint: Hint) -> None:
    """Send a hint once `tx` is committed."""
    db = tx.db
    tx.after_commit.append(lambda: send(db, hint))


def send(db: Database, hint: Hint) -> None:
    """Send a hint soon, with others."""
    gathering = _gatherings.setdefault(db, _Gathering())
    gathering.hints[hint] = None
    if gathering.sending is None or gathering.sending.done():
        gathering.sending = asyncio.get_running_loop().create_task(_send(db, gathering))


async def _send(db: Database, gathering: _Gathering) -> None:
    await asyncio.sleep(GATHER_S)
    hints, gathering.hints = list(gathering.hints), {}
    gathering.sending = None
    if len(hints) > MOST_HINTS:
        hints = [Hint(topic) for topic in dict.fromkeys(one.topic for one in hints)]
    try:
        async with db.transaction() as tx:
            for payload in packed(hints):
                await tx.fetch("select pg_notify($1, $2)", CHANNEL, payload)
    except (YilianError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.debug("no page was called, they will look by themselves: %s", error)


def packed(hints: Iterable[Hint]) -> Iterable[str]:
    """The hints as payloads of NOTIFY, as many in each as it takes. One that is too long by itself is told to everybody."""
    some: list[str] = []
    size = 2
    for one in hints:
        text = _packed(one)
        if len(text.encode()) > MOST_BYTES:
            text = _packed(Hint(one.topic, one.tag))
        if size + len(text.encode()) + 1 > MOST_BYTES:
            yield "[" + ",".join(some) + "]"
            some, size = [], 2
        some.append(text)
        size += len(text.encode()) + 1
    if some:
        yield "[" + ",".join(some) + "]"


def _packed(one: Hint) -> str:
    return msgspec.json.encode([one.topic, one.tag, sorted(one.institutions), sorted(one.agents), sorted(one.patients)]).decode()


def unpacked(payload: str) -> list[Hint]:
    """What `packed` made; nothing of what is not of its form."""
    try:
        found = msgspec.json.decode(payload, type=list[tuple[str, int, list[int], list[str], list[int]]])
    except msgspec.DecodeError:
        log.warning("a call that is not understood: %.80s", payload)
        return []
    return [Hint(topic, tag, frozenset(at), frozenset(who), frozenset(whom)) for topic, tag, at, who, whom in found]
