"""Public keys of others that lie at an address: read once, kept for a while, read again when a key is asked for that was not there.

The second reading has a brake: whoever sends made-up key ids makes us read at most once in `BRAKE`. What could not be read does not take
away what was read before, until that is too old. RFC 7517; OpenID Connect Core 10.1.1 (rotation of asymmetric signing keys).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from yilian.access.addresses import Allowed
from yilian.access.fetching import NotFetched, fetched
from yilian.db import Database

KEPT = timedelta(minutes=10)
STALE = timedelta(hours=6)
"""So long keys are believed that cannot be read anew."""
BRAKE = timedelta(seconds=30)
REMEMBERED = 500


@dataclass(slots=True)
class _Set:
    keys: list[dict[str, Any]] | None = None
    read: datetime | None = None
    tried: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class KeySets:
    """One for each process, or for each database where it has several (`of`)."""

    def __init__(self) -> None:
        self._sets: dict[str, _Set] = {}

    async def having(self, url: str, allowed: Allowed, now: datetime, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The keys of the set at `url` (as they lie there: nothing is checked) for which `wanted` holds. NotFetched when the set cannot be
        read, nor was lately."""
        one = self._of(url)
        async with one.lock:
            old = one.read is None or not timedelta(0) <= now - one.read < KEPT
            found = [key for key in one.keys or () if wanted(key)]
            braked = one.tried is not None and timedelta(0) <= now - one.tried < BRAKE
            if (old or not found) and not braked:
                one.tried = now
                try:
                    one.keys = _keys(await fetched(url, allowed))
                    one.read = now
                except NotFetched:
                    if one.read is None or not timedelta(0) <= now - one.read < STALE:
                        raise
                found = [key for key in one.keys or () if wanted(key)]
            if one.read is None or not timedelta(0) <= now - one.read < STALE:
                raise NotFetched("it could not be read a moment ago")
            return found

    def _of(self, url: str) -> _Set:
        while url not in self._sets and len(self._sets) >= REMEMBERED:
            del self._sets[next(iter(self._sets))]
        return self._sets.setdefault(url, _Set())


_of: WeakKeyDictionary[Database, KeySets] = WeakKeyDictionary()


def of(db: Database) -> KeySets:
    """What this process remembers beside this database."""
    return _of.setdefault(db, KeySets())


def _keys(document: dict[str, Any]) -> list[dict[str, Any]]:
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > 100:
        raise NotFetched("what it answered is no JWK Set")
    return [key for key in keys if isinstance(key, dict)]
