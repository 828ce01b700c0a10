"""Connections for single statements, lent without a pool's ceremony.

Reading by id is the most frequent thing the server does, and the general pool spends a timer, a shield and a task on every loan: about a
quarter of such a read. Here a loan is an append and a pop. Reads of a few statements borrow here too, as long as half of the connections
are left for those of one. A connection whose statement did not end properly is closed, never lent again.

Reads that ask the same way for different keys and come while others of their kind are under way wait for these and then go as one
statement (`Together`): eight of them cost hardly more than two. Who comes alone never waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Told = TypeVar("Told")

ROW: Callable[..., Awaitable[asyncpg.Record | None]] = asyncpg.Connection.fetchrow
ROWS: Callable[..., Awaitable[list[asyncpg.Record]]] = asyncpg.Connection.fetch


class Readers:
    """At most `size` connections, opened when they are first needed. `waiting_s`: how long a read waits for one; then ConnectionError."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, waiting_s: float) -> None:
        self.connect = connect
        self.size = size
        self.waiting_s = waiting_s
        self.open = 0
        self.idle: list[Connection] = []
        self.waiting: deque[asyncio.Future[Connection | None]] = deque()

    async def ask(self, how: Callable[..., Awaitable[Told]], sql: str, args: tuple[Any, ...]) -> Told:
        """What one statement tells. `how`: `ROW`, the first row or None, or `ROWS`, all of them."""
        connection = self._sound() or await self._another()
        sound = False
        try:
            found = await how(connection, sql, *args)
            sound = True
            return found
        except asyncpg.PostgresError:
            sound = not connection.is_closed()  # the statement was refused; the connection is as good as before
            raise
        finally:
            self._back(connection, sound)

    async def borrow(self) -> Connection:
        """A connection for a few reads that belong together, to be given back. Ask only when there is some `to_spare`."""
        return self._sound() or await self._another()

    def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """`error`: what ended the reads, if anything did. The connection is closed where a statement or transaction may still be open."""
        unsound = isinstance(error, TimeoutError) or not (error is None or isinstance(error, Exception))
        self._back(connection, not unsound and not connection.is_closed() and not connection.is_in_transaction())

    @property
    def to_spare(self) -> bool:
        """Whether one can be lent for longer: one is idle, or may be opened, and enough stay for single statements."""
        return not self.waiting and self.size - self.open + len(self.idle) > self.size // 2

    async def close(self) -> None:
        """Close those that are not in use. Called when no more reads come."""
        idle, self.idle = self.idle, []
        self.open -= len(idle)
        for connection in idle:
            await connection.close(timeout=2)

    def _sound(self) -> Connection | None:
        """An idle one that the database has not closed meanwhile."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.is_closed():
                return connection
            self.open -= 1
        return None

    async def _another(self) -> Connection:
        """One that somebody gives back, first come first served, or a new one while there may be more."""
        while self.open >= self.size:
            turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            try:
                given = await asyncio.wait_for(turn, self.waiting_s)
            except TimeoutError:
                raise ConnectionError("no connection came free in time") from None
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._give(turn.result())  # our turn came and we go without it
                raise
            if given is not None:
                return given
        self.open += 1
        try:
            return await self.connect()
        except BaseException:
            self.open -= 1
            self._give(None)
            raise

    def _back(self, connection: Connection, sound: bool) -> None:
        if sound and not connection.is_closed():
            self._give(connection)
        else:
            self.open -= 1
            connection.terminate()
            self._give(None)

    def _give(self, connection: Connection | None) -> None:
        """To whoever has waited longest; None: there is room for a new one."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is not None:
            self.idle.append(connection)


@dataclass(frozen=True, slots=True, eq=False)
class ByKey:
    """A question for one row, spelled twice.

    one   arguments $1 … are the key and whatever else is asked with it; at most one row
    many  the same arguments, each as an array with one element for each asker; the last column, `nth`, counts the askers from 1
    at_once   statements under way; 0: as many as half of the readers. One for those who write next and will wait for each other anyhow
    """

    one: str
    many: str
    at_once: int = 0


class Together:
    """Lends `readers` to questions of one kind: `at_once` statements at a time, each of at most `most` askers.

    A statement is sent after everybody in it has asked, so each sees what was committed before. It fails for all of them alike: the
    arguments are to be such that the database takes any of them.
    """

    def __init__(self, readers: Readers, question: ByKey, at_once: int, most: int = 64) -> None:
        self.readers = readers
        self.question = question
        self.at_once = at_once
        self.most = most
        self.under_way = 0
        self._waiting: deque[tuple[tuple[Any, ...], asyncio.Future[asyncpg.Record | None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def row(self, args: tuple[Any, ...]) -> asyncpg.Record | None:
        """The row for these arguments; None where there is none. Raises what `Readers.ask` raises."""
        if self.under_way >= self.at_once:
            turn: asyncio.Future[asyncpg.Record | None] = asyncio.get_running_loop().create_future()
            self._waiting.append((args, turn))
            return await turn
        self.under_way += 1
        try:
            return await self.readers.ask(ROW, self.question.one, args)
        finally:
            if self._waiting:
                # A task, since our own caller shall have its answer and may be cancelled while others wait.
                task = asyncio.get_running_loop().create_task(self._all_that_wait())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self.under_way -= 1

    async def _all_that_wait(self) -> None:
        """In the place of a statement that has ended, until nobody waits."""
        try:
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(self.most, len(self._waiting)))]
                some = [(args, turn) for args, turn in some if not turn.done()]  # who went away meanwhile is not asked for
                if some:
                    await self._ask(some)
        finally:
            self.under_way -= 1

    async def _ask(self, some: list[tuple[tuple[Any, ...], asyncio.Future[asyncpg.Record | None]]]) -> None:
        try:
            rows = await self.readers.ask(ROWS, self.question.many, tuple(zip(*(args for args, _ in some), strict=True)))
        except BaseException as error:
            for _, turn in some:
                if not turn.done():
                    turn.set_exception(error) if isinstance(error, Exception) else turn.cancel()
            if not isinstance(error, Exception):
                raise
            return
        found = {row["nth"]: row for row in rows}
        for nth, (_, turn) in enumerate(some, 1):
            if not turn.done():
                turn.set_result(found.get(nth))
