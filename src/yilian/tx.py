"""The transaction that is handed inwards: what is asked of the database and written to it goes through it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, Self

import asyncpg
import asyncpg.transaction

from yilian.meaning import Late, overtaken
from yilian.writers import SENT_WITHIN_S, Part, TooLate, is_overtaken, statement

if TYPE_CHECKING:
    from yilian.db import Database
    from yilian.store.hooks import Hooks

Seen = tuple[bool, int, int, str, str]
"""Who saw (`Scope.sees`), and the type and id of what was seen."""


@dataclass(slots=True)
class Tx:
    """One database transaction (or, from `Database.reading`, one connection on which each statement stands alone).

    It begins with its first statement. What is written without asking for an answer (`later`) goes along with the next statement or, at
    the end, as one: a single resource is then stored in one statement, which is a transaction by itself, and BEGIN and COMMIT are saved.

    now           aware; the same for everything written in this transaction: when it began in the database, or when what is sent as one
                  statement was made
    new_id        makes a logical id for a resource that comes without one
    hooks         what the house was wired with
    after_commit  called, in order, once the transaction is safely stored; never when it is rolled back. For what is kept in memory only
    begun         the transaction under way; None before the first statement, and where each statement stands alone
    alone         each statement stands alone
    knows         the generation of search parameters index rows are made by; 0 where the house is not told (see `store.custom_parameters`)
    hopeful       what it changes may be looked at without locking: when that goes wrong it is done again (`Database.carry_out`). Such a
                  transaction has no connection before it needs one
    relied_on     keys of `Database.seen` it believed
    """

    held: asyncpg.Connection[asyncpg.Record] | None
    now: datetime
    new_id: Callable[[], str]
    hooks: Hooks
    db: Database
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    begun: asyncpg.transaction.Transaction | None = None
    alone: bool = False
    knows: int = 0
    hopeful: bool = False
    relied_on: list[Seen] = field(default_factory=list)
    _waiting: dict[str, Part] = field(default_factory=dict)
    _until: float = inf

    async def __aenter__(self) -> Self:
        """Commits when the block ends, rolls back when it raises."""
        try:
            await self.refresh()
        except BaseException:
            await self._undo()
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            return await self._undo()
        try:
            await self._finish()
        except BaseException:
            await self._undo()
            raise
        for remember in self.after_commit:
            remember()

    @property
    def connection(self) -> asyncpg.Connection[asyncpg.Record]:
        """The connection, once there is one."""
        assert self.held is not None, "ask through the methods of Tx first"
        return self.held

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        await self.settle()
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        await self.settle()
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        await self.settle()
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        await self.settle()
        return await self.connection.execute(sql, *args)

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        await self.settle()
        await self.connection.executemany(sql, rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows by COPY, the quickest way for more than a handful."""
        await self.settle()
        await self.connection.copy_records_to_table(table, columns=list(columns), records=rows)

    @property
    def looks_first(self) -> bool:
        """What is to be changed may be looked at without locking it, and is checked when it is written: nothing has been asked or written
        yet, so what comes may still become one statement."""
        return self.hopeful and self.begun is None and not self._waiting

    async def ahead(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """A look that locks nothing, before the transaction begins if it has not. Whoever relies on the answer checks it when it writes."""
        if self._waiting:
            await self.settle()
        await self._connect()
        return await self.connection.fetch(sql, *args)

    async def later(self, name: str, part: Part) -> None:
        """Write something nobody waits for. `name` says what; it is its own alone.

        Written before whatever is asked next, so the order of writes and reads is the one in the code. What waits together goes as one
        statement, whose parts see the tables as they were before it.
        """
        if name in self._waiting:
            await self.settle()
        self._waiting[name] = part
        if self.alone:
            await self.settle()

    async def settle(self) -> None:
        """Begin, if that has not been done, and write what waits."""
        await self._connect()
        if self.begun is None and not self.alone:
            if not self._waiting:
                self.now = self.db.moment()  # a while may have passed, with checking what is to be written
            elif self.hopeful and time.monotonic() > self._until:
                raise overtaken(Late)
            begun = self.connection.transaction()
            await begun.start()
            self.begun = begun
            if not self._waiting:  # rows that wait already were made by what was known before, and are checked as they are written
                await self.refresh()
        if self._waiting:
            await self._write_what_waits()

    async def _connect(self) -> None:
        if self.held is None:
            self.held = await self.db.acquire()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block writes is undone when it raises; what was written before stays."""
        await self.settle()
        async with self.connection.transaction():
            yield
            if self._waiting:
                await self._write_what_waits()

    async def _undo(self) -> None:
        if self.begun is not None and not self.connection.is_closed():
            await self.begun.rollback()

    async def _finish(self) -> None:
        """Write what waits and commit."""
        if self._waiting and self.begun is None and self.hopeful:
            await self._write_as_one()
        elif self._waiting:
            await self._write_what_waits()
        begun, self.begun = self.begun, None  # a commit that fails has rolled back
        if begun is not None:
            await begun.commit()

    async def refresh(self) -> None:
        """Know what the database knows, as far as this process keeps it in memory."""
        self._until = time.monotonic() + SENT_WITHIN_S
        if self.hooks.refresh is not None:
            self.knows = await self.hooks.refresh(self)

    async def _write_what_waits(self) -> None:
        waiting, self._waiting = self._waiting, {}
        sql, args = statement(waiting, self.knows, patient=True)
        try:
            await self.connection.fetch(sql, *args)
        except asyncpg.PostgresError as error:
            self._was_overtaken(error)
            raise

    async def _write_as_one(self) -> None:
        """All there is to write, as a transaction by itself, together with those of others."""
        waiting, self._waiting = self._waiting, {}
        if self.held is not None:  # whoever waits for a turn must not keep a connection from those whose turn it is
            held, self.held = self.held, None
            await self.db.give_back(held)
        try:
            await self.db.write_together(waiting, self.knows, self._until)
        except TooLate:
            raise overtaken(Late) from None
        except asyncpg.PostgresError as error:
            self._was_overtaken(error)
            raise

    def _was_overtaken(self, error: asyncpg.PostgresError) -> None:
        if is_overtaken(error):
            for key in self.relied_on:
                self.db.seen.pop(key, None)
            if self.hooks.outdated is not None:
                self.hooks.outdated()
