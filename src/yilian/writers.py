"""Writes that are one statement, sent together.

A resource that is created or updated alone is written by a single statement, which is a transaction by itself. Most of what that costs
is not the rows but the statement: sent, taken apart, begun, committed, waited for. Who comes while others are under way therefore waits
for these and goes along with those who wait too, as one statement, which is one transaction. Who comes alone never waits.

What goes together stands or falls together. So nobody shall be hurt by his company:

- No two change the same row in one statement, or change what the other points to.
- A statement that others wait for waits for nobody's lock itself: a row that is locked counts as changed.
- When it fails, everything in it is written anew, each by itself and out of the others' way, and fares as it would have alone.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import inf
from typing import Any, Protocol, Self, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

AT_ONCE = 1
"""Statements under way. With two the disk waits less and each carries half as many: a tenth more of both processors for the same."""
MOST = 64
"""Writes in one statement. More would save nothing, and all of them wait for the last."""

SENT_WITHIN_S = 0.4
"""What was made to be written is sent so soon after, or made anew. Who waits for what was begun in the database before some moment, and for
what was begun so soon after it, has waited for everything that carries an earlier time or was made without knowing of that moment
(`exchange.bulk.snapshot`, `reindex.SETTLING_S`)."""

CHANGED = "YL001"
"""SQLSTATE of a statement that found changed what it relied on (`changed_meanwhile`, migration 0015)."""


@dataclass(frozen=True, slots=True)
class Clauses:
    """Parts of a WITH.

    text    with arguments from $1
    checks  conditions over these parts that must hold, or the statement ends with `CHANGED`
    """

    text: str
    args: Sequence[Any]
    checks: tuple[str, ...] = ()


class Part(Protocol):
    """Something that is written without an answer, alone or joined with its like. Where nothing else is said it adds rows, which need
    nothing but what is written with them."""

    __slots__ = ()

    def clauses(self, *, patient: bool) -> Clauses:
        """`patient`: waits for rows that others have locked; otherwise these count as changed."""

    def with_(self, others: Sequence[Self]) -> Self:
        """All of these as one."""

    def alters(self) -> Sequence[object]:
        """Keys of the rows it changes."""
        return ()

    def relies_on(self) -> Sequence[object]:
        """Keys of the rows it needs unchanged."""
        return ()

    def may_wait(self) -> bool:
        """Whether it may have to wait for another transaction, however impatient: for the same new key."""
        return False


@dataclass(frozen=True, slots=True)
class Columns(Part):
    """The simplest part: clauses that take every column of some rows as an array. The rows belong to resources written with them."""

    text: str
    columns: Sequence[list[Any]]

    def clauses(self, *, patient: bool) -> Clauses:
        return Clauses(self.text, self.columns)

    def with_(self, others: Sequence[Columns]) -> Columns:
        every = [self.columns, *(one.columns for one in others)]
        return Columns(self.text, [list(chain(*column)) for column in zip(*every, strict=True)])


Parts = Mapping[str, Part]
"""What one transaction writes, by kind."""


def statement(parts: Parts, knows: int, *, patient: bool) -> tuple[str, list[Any]]:
    """One statement that does all of it, and its arguments.

    knows   the generation of search parameters its rows were made by, which must still be the one in force; 0: not looked at
    """
    every = [part.clauses(patient=patient) for part in parts.values()]
    sql = _together(tuple((one.text, len(one.args), one.checks) for one in every), bool(knows))
    return sql, [argument for one in every for argument in one.args] + ([knows] if knows else [])


_place = re.compile(r"\$(\d+)")


@lru_cache(maxsize=1000)
def _together(every: tuple[tuple[str, int, tuple[str, ...]], ...], knowing: bool) -> str:
    texts: list[str] = []
    checks: list[str] = []
    before = 0
    for text, arity, own in every:
        texts.append(_place.sub(lambda place, before=before: f"${int(place[1]) + before}", text) if before else text)  # type: ignore[misc]
        checks += own
        before += arity
    if knowing:
        checks.append(f"(select generation = ${before + 1} from parameter_generation)")
    answer = f" case when {' and '.join(checks)} then true else changed_meanwhile() end" if checks else ""
    return f"with {', '.join(texts)} select{answer}"


def is_overtaken(error: BaseException) -> bool:
    """Whether a statement ended because what it relied on was changed."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate == CHANGED


class TooLate(Exception):
    """What was to be written waited too long for its turn; nothing was sent."""


class _Waiting:
    """One transaction that waits for its turn."""

    __slots__ = ("done", "knows", "parts", "until")

    def __init__(self, parts: Parts, knows: int, until: float, done: asyncio.Future[None]) -> None:
        self.parts = parts
        self.knows = knows
        self.until = until
        self.done = done


class Writers:
    """Sends writes over connections that `connection` lends. `ends`: errors that leave open what became of a statement."""

    def __init__(
        self,
        connection: Callable[[], AbstractAsyncContextManager[Connection]],
        ends: tuple[type[BaseException], ...],
        *,
        at_once: int = AT_ONCE,
        most: int = MOST,
    ) -> None:
        self.connection = connection
        self.ends = ends
        self.at_once = at_once
        self.most = most
        self.under_way = 0
        self._queue: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, parts: Parts, knows: int, until: float = inf) -> None:
        """Returns when it is committed. Raises what the driver raises, as if it had been sent alone, and TooLate.

        until   on the steady clock, when it is to be sent at the latest
        """
        if any(part.may_wait() for part in parts.values()):
            return await self._send(parts, knows, until, patient=True)
        if self.under_way >= self.at_once:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(_Waiting(parts, knows, until, done))
            return await done
        self.under_way += 1
        try:
            return await self._send(parts, knows, until, patient=False)
        except asyncpg.PostgresError as error:
            if not is_overtaken(error):
                raise
        finally:
            if self._queue:
                # A task, since our own caller shall go on and may be cancelled while others wait.
                self._start(self._all_that_wait())
            else:
                self.under_way -= 1
        return await self._send(parts, knows, until, patient=True)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _all_that_wait(self) -> None:
        """In the place of a statement that has ended, until nobody waits."""
        try:
            while self._queue:
                if some := self._next():
                    await self._carry_out(some)
        finally:
            self.under_way -= 1

    def _next(self) -> list[_Waiting]:
        """Who can go together, first come first served; the others keep their place."""
        taken: list[_Waiting] = []
        left: list[_Waiting] = []
        altered: set[object] = set()
        needed: set[object] = set()
        now = time.monotonic()
        while self._queue and len(taken) < self.most:
            one = self._queue.popleft()
            if one.until < now:
                _tell([one], TooLate())
            if one.done.done():  # or went away meanwhile
                continue
            alters = [key for part in one.parts.values() for key in part.alters()]
            relies = [key for part in one.parts.values() for key in part.relies_on()]
            fits = altered.isdisjoint(alters) and altered.isdisjoint(relies) and needed.isdisjoint(alters)
            if not fits or (taken and one.knows != taken[0].knows):
                left.append(one)
                continue
            altered.update(alters)
            needed.update(relies)
            taken.append(one)
        self._queue.extendleft(reversed(left))
        return taken

    async def _carry_out(self, some: list[_Waiting]) -> None:
        try:
            await self._send(_joined(some), some[0].knows, min(one.until for one in some), patient=False)
        except TooLate as error:  # for some of them; a connection was long in coming
            now = time.monotonic()
            _tell([one for one in some if one.until < now], error)
            self._queue.extendleft(one for one in reversed(some) if one.until >= now)
        except asyncpg.PostgresError as error:
            if isinstance(error, self.ends):
                _tell(some, error)
            else:
                for one in some:
                    self._start(self._alone(one))
        except BaseException as error:
            _tell(some, error)
            if not isinstance(error, Exception):
                raise
        else:
            _tell(some, None)

    async def _alone(self, one: _Waiting) -> None:
        try:
            await self._send(one.parts, one.knows, one.until, patient=True)
        except BaseException as error:
            _tell([one], error)
            if not isinstance(error, Exception):
                raise
        else:
            _tell([one], None)

    async def _send(self, parts: Parts, knows: int, until: float, *, patient: bool) -> None:
        sql, args = statement(parts, knows, patient=patient)
        async with self.connection() as connection:
            if time.monotonic() > until:
                raise TooLate
            await connection.fetch(sql, *args)


def _joined(some: Sequence[_Waiting]) -> Parts:
    kinds: dict[str, list[Part]] = {}
    for one in some:
        for name, part in one.parts.items():
            kinds.setdefault(name, []).append(part)
    return {name: parts[0].with_(parts[1:]) if len(parts) > 1 else parts[0] for name, parts in kinds.items()}


def _tell(some: Sequence[_Waiting], error: BaseException | None) -> None:
    for one in some:
        if one.done.done():
            continue
        if error is None:
            one.done.set_result(None)
        elif isinstance(error, Exception):
            one.done.set_exception(error)
        else:
            one.done.cancel()
