"""The connection pool and the transaction that is handed inwards.

One request or one job is one transaction, opened here and committed at the edge. No session state is ever left on a connection, so the
pool does not reset it (that saves a round trip a request).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from yilian.errors import Unavailable
from yilian.store.hooks import Hooks


def utc_now() -> datetime:
    """The clock of production; tests hand in another."""
    return datetime.now(UTC)


def random_id() -> str:
    """The id source of production; tests and the demo region hand in another."""
    return str(uuid4())


@dataclass(slots=True)
class Tx:
    """One database transaction (or, from `Database.reading`, one connection on which each statement stands alone).

    now     aware; the same for everything written in this transaction
    new_id  makes a logical id for a resource that comes without one
    hooks   what the house was wired with
    """

    connection: asyncpg.Connection[asyncpg.Record]
    now: datetime
    new_id: Callable[[], str]
    hooks: Hooks
    db: Database

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        return await self.connection.execute(sql, *args)

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        await self.connection.executemany(sql, rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows by COPY, the quickest way for more than a handful."""
        await self.connection.copy_records_to_table(table, columns=list(columns), records=rows)


class Database:
    """A pool of connections and the wiring every transaction carries.

    `dsn` is a PostgreSQL 15+ address; the embedded one is a unix socket and looks no different from here.
    """

    def __init__(
        self,
        dsn: str,
        hooks: Hooks,
        *,
        size: int = 8,
        clock: Callable[[], datetime] = utc_now,
        ids: Callable[[], str] = random_id,
    ) -> None:
        self.dsn = dsn
        self.hooks = hooks
        self.size = size
        self.clock = clock
        self.ids = ids
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._rids: list[int] = []

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self.dsn, min_size=1, max_size=self.size, reset=_leave_as_it_is, command_timeout=60, server_settings={"timezone": "UTC", "jit": "off"}
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection without a transaction, for reads that are one statement each."""
        async with self._connection() as connection:
            yield Tx(connection, self.clock(), self.ids, self.hooks, self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction: committed when the block ends, rolled back when it raises. READ COMMITTED; rows are locked where it matters."""
        async with self._connection() as connection, connection.transaction():
            yield Tx(connection, self.clock(), self.ids, self.hooks, self)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        if self._pool is None:
            raise Unavailable("The database is not open.", zh="数据库未就绪,请稍后重试。", retry_after_s=5)
        try:
            connection = await self._pool.acquire(timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
            raise Unavailable("The database does not answer.", zh="数据库暂时无法连接,请稍后重试。", retry_after_s=5) from error
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def take_rids(self, tx: Tx, count: int) -> list[int]:
        """`count` fresh resource keys. Taken from the sequence in blocks of 1,000 and kept by this process; gaps are harmless."""
        while len(self._rids) < count:
            blocks = (count - len(self._rids) + 999) // 1000
            for row in await tx.fetch("select nextval('resource_rid') as first from generate_series(1, $1)", blocks):
                self._rids.extend(range(row["first"], row["first"] + 1000))
        taken, self._rids = self._rids[:count], self._rids[count:]
        return taken


async def _leave_as_it_is(connection: object) -> None:
    """Nothing to reset: no session state is left behind."""
