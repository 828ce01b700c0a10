"""The transaction that is handed inwards: what is asked of the database and written to it goes through it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import asyncpg
import asyncpg.transaction

from yilian.store.hooks import Hooks

if TYPE_CHECKING:
    from yilian.db import Database


@dataclass(slots=True)
class Tx:
    """One database transaction (or, from `Database.reading`, one connection on which each statement stands alone).

    It begins with its first statement. What is written without asking for an answer (`later`) goes along with the next statement or, at
    the end, as one: a single resource is then stored in one statement, which is a transaction by itself, and BEGIN and COMMIT are saved.

    now           aware; the same for everything written in this transaction
    new_id        makes a logical id for a resource that comes without one
    hooks         what the house was wired with
    after_commit  called, in order, once the transaction is safely stored; never when it is rolled back. For what is kept in memory only
    begun         the transaction under way; None before the first statement, and where each statement stands alone
    alone         each statement stands alone
    knows         the generation of search parameters index rows are made by; 0 where the house is not told (see `store.custom_parameters`)
    """

    connection: asyncpg.Connection[asyncpg.Record]
    now: datetime
    new_id: Callable[[], str]
    hooks: Hooks
    db: Database
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    begun: asyncpg.transaction.Transaction | None = None
    alone: bool = False
    knows: int = 0
    _waiting: dict[str, tuple[str, Sequence[Any]]] = field(default_factory=dict)

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
    def at_hand(self) -> bool:
        """Nothing has been asked or written yet, so what comes may still become one statement."""
        return self.begun is None and not self.alone and not self._waiting

    async def ahead(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """A look that locks nothing, before the transaction begins if it has not. Whoever relies on the answer checks it when it writes."""
        if self._waiting:
            await self.settle()
        return await self.connection.fetch(sql, *args)

    async def later(self, name: str, clauses: str, args: Sequence[Any]) -> None:
        """Write something nobody waits for: `clauses` are parts of a WITH, arguments from $1. `name` is theirs alone.

        Written before whatever is asked next, so the order of writes and reads is the one in the code. What waits together goes as one
        statement, whose parts see the tables as they were before it.
        """
        if name in self._waiting:
            await self.settle()
        self._waiting[name] = (clauses, args)
        if self.alone:
            await self.settle()

    async def settle(self) -> None:
        """Begin, if that has not been done, and write what waits."""
        if self.begun is None and not self.alone:
            begun = self.connection.transaction()
            await begun.start()
            self.begun = begun
            if not self._waiting:  # rows that wait already were made by what was known before, and are checked as they are written
                await self.refresh()
        if self._waiting:
            await self._write_what_waits()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block writes is undone when it raises; what was written before stays."""
        await self.settle()
        async with self.connection.transaction():
            yield
            if self._waiting:
                await self._write_what_waits()

    async def finish(self) -> None:
        """Write what waits and commit. For `Database.transaction` alone."""
        if self._waiting:
            await self._write_what_waits()
        begun, self.begun = self.begun, None  # a commit that fails has rolled back
        if begun is not None:
            await begun.commit()

    async def refresh(self) -> None:
        """Know what the database knows, as far as this process keeps it in memory."""
        if self.hooks.refresh is not None:
            self.knows = await self.hooks.refresh(self)

    async def _write_what_waits(self) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        sql = _together(tuple(clauses for clauses, _ in waiting), tuple(len(args) for _, args in waiting), bool(self.knows))
        knows = (self.knows,) if self.knows else ()
        try:
            await self.connection.fetch(sql, *(argument for _, args in waiting for argument in args), *knows)
        except asyncpg.DivisionByZeroError:
            if self.hooks.outdated is not None:
                self.hooks.outdated()
            raise


_place = re.compile(r"\$(\d+)")


@lru_cache(maxsize=1000)
def _together(texts: tuple[str, ...], arities: tuple[int, ...], checked: bool = False) -> str:
    """One statement of several parts, their arguments numbered on.

    `checked`: the last argument is the generation the rows were made by; the statement fails (division by zero) when it is another by now.
    """
    parts: list[str] = []
    before = 0
    for text, arity in zip(texts, arities, strict=True):
        parts.append(_place.sub(lambda place, before=before: f"${int(place[1]) + before}", text) if before else text)  # type: ignore[misc]
        before += arity
    check = f" 1 / (select (generation = ${before + 1})::integer from parameter_generation)" if checked else ""
    return f"with {', '.join(parts)} select{check}"
