"""How often one may ask: a steady rate with some room above it, for each person and each network address, in each server process.

A rate is kept as one number for each key, the time until which what it has used up is paid for (the generic cell rate algorithm, ITU-T
I.371), so a check is a look into a dictionary. What is kept is bounded: the oldest go, and what they had used up is forgiven. With several
server processes each counts for itself, so a limit is at most so many times as high; sign-ins that fail are counted in the database as
well (`access/tries.py`). RFC 6585 §4.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from yilian.access.tries import network_of
from yilian.errors import TooManyRequests

KEPT = 20_000
ROOM_S = 10.0
"""So many seconds' worth may come at once."""


class Rate:
    """`per_min` requests a minute for each key; 0: any number."""

    __slots__ = ("_clock", "_each", "_room", "_until")

    def __init__(self, per_min: int, *, room_s: float = ROOM_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = 60.0 / per_min if per_min else 0.0
        self._room = max(room_s, self._each)
        self._until: dict[str, float] = {}
        self._clock = clock

    def wait(self, key: str) -> float:
        """Count one more; how many seconds too early it comes, 0 when it may. What comes too early is not counted."""
        if not self._each:
            return 0.0
        now = self._clock()
        until = self._until.get(key, 0.0)
        if until < now:
            until = now
        if until + self._each - now > self._room:
            return until + self._each - now - self._room
        if key not in self._until and len(self._until) >= KEPT:
            self._until.pop(next(iter(self._until)))
        self._until[key] = until + self._each
        return 0.0

    def __len__(self) -> int:
        return len(self._until)


class Limits:
    """The limits of one server process.

    person    requests of somebody who is signed in; systems of the region have none
    sign_in   sign-ins and tokens asked for from one network address
    refused   requests without a good token from one network address
    public    what anybody may ask without signing in, from one network address
    """

    def __init__(
        self, person: int = 0, sign_in: int = 0, refused: int = 0, public: int = 0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._person = Rate(person, clock=clock)
        self._sign_in = Rate(sign_in, room_s=30.0, clock=clock)
        self._refused = Rate(refused, clock=clock)
        self._public = Rate(public, clock=clock)

    def person(self, account: str) -> None:
        """TooManyRequests when this person asks too often."""
        if seconds := self._person.wait(account):
            raise _slower(seconds)

    def sign_in(self, address: str) -> None:
        """TooManyRequests when too many sign-ins come from there."""
        if seconds := self._sign_in.wait(network_of(address)):
            raise _slower(seconds)

    def public(self, address: str) -> None:
        """TooManyRequests when too much is asked from there without signing in."""
        if seconds := self._public.wait(network_of(address)):
            raise _slower(seconds)

    def refused(self, address: str) -> None:
        """A request from there had no good token: TooManyRequests when that happens too often. Who has one is not kept waiting by others
        behind the same address."""
        if seconds := self._refused.wait(network_of(address)):
            raise _slower(seconds)


def _slower(seconds: float) -> TooManyRequests:
    wait = max(1, math.ceil(seconds))
    return TooManyRequests(f"Too many requests; wait {wait} s.", zh=f"操作过于频繁,请 {wait} 秒后再试。", retry_after_s=wait)


NONE = Limits()
"""No limits at all."""
