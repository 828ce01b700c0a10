"""Requests inside a transaction: they are answered by the same rooms as others, but see what the transaction has written so far."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yilian.audit.note import Note
from yilian.audit.read_log import ReadLog
from yilian.db import Database, Told, Tx
from yilian.http.house import House

if TYPE_CHECKING:
    import asyncpg


class OfOneTransaction(Database):
    """A database whose every connection is the one of `tx`. Nothing is committed here: that is for whoever opened it."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx.db.dsn, tx.hooks, size=tx.db.size, clock=lambda: tx.now, ids=tx.new_id, disk=tx.db.disk)
        self.tx = tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        yield self.tx

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        yield self.tx

    async def carry_out(self, step: Callable[[Tx], Awaitable[Told]]) -> Told:
        return await step(self.tx)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        return await self.tx.fetchrow(sql, *args)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        return await self.tx.fetch(sql, *args)


class Collected(ReadLog):
    """Notes of reads, kept until the transaction writes them itself: what was not committed was not answered either."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.notes: list[Note] = []

    async def add(self, notes: Sequence[Note], *, strict: bool = False) -> None:
        self.notes.extend(notes)


def within(house: House, tx: Tx) -> tuple[House, Collected]:
    """The house as it is from inside `tx`, and the notes of what is read there; the caller writes them in `tx`."""
    db = OfOneTransaction(tx)
    reads = Collected(db)
    return replace(house, db=db, reads=reads), reads
