"""The connection pool, and what is lent of it: a transaction (`tx.py`), single reads (`readers.py`), single writes (`writers.py`).

One request or one job is one transaction, opened here and committed at the edge. No session state is ever left on a connection, so the
pool does not reset it (that saves a round trip a request).

What PostgreSQL reports is turned into errors of the house (`meaning.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from weakref import WeakSet

import asyncpg

from yilian.disk import Disk
from yilian.errors import Unavailable
from yilian.meaning import OPEN_ENDED, Late, LostARace, Overtaken, meaning
from yilian.pulse import Pulse
from yilian.readers import ROW, ROWS, ByKey, Readers, Together
from yilian.sealing import keyring
from yilian.sealing.keyring import Keyring
from yilian.sealing.master import KeyUnusable
from yilian.store.hooks import Hooks
from yilian.tx import Seen, Tx
from yilian.writers import Part, Writers

Told = TypeVar("Told")
log = logging.getLogger("yilian.db")

CONNECT_S = 2
MOST_READERS = 8
"""Of the connections, for reads: more than one process can keep busy. The others write, and wait for the disk together."""
ACQUIRE_S = 10
HOPES = 3
"""How often a write that waited too long for its turn is made anew, before it gets a transaction of its own."""
RACES = 3
"""How often a write is made anew that the database ended because it and another waited for each other."""


def utc_now() -> datetime:
    """The clock of production; tests hand in another."""
    return datetime.now(UTC)


def random_id() -> str:
    """The id source of production; tests and the demo region hand in another."""
    return str(uuid4())


class Database:
    """A pool of connections and the wiring every transaction carries.

    `dsn` is a PostgreSQL 15+ address; the embedded one is a unix socket and looks no different from here.
    Statements are prepared and PostgreSQL chooses between general and special plans by itself (`plan_cache_mode` auto): statements of the
    store and of search are spelled so that both are the same, and planning each call anew took longer than most calls.

    size         connections at most, up to eight of them for reads; idle ones beyond the first are closed after five minutes
    waiting      requests that may wait for a connection; one more is refused at once (Unavailable)
    statement_s  seconds one statement may take; lock_s: seconds it may wait for another writer
    disk         where it lies, if that is a disk of this machine: nothing is stored when it is nearly full
    keys         file of the master key; None: nothing is sealed, and what is sealed cannot be read
    """

    def __init__(
        self,
        dsn: str,
        hooks: Hooks,
        *,
        size: int = 8,
        waiting: int = 500,
        statement_s: float = 30,
        lock_s: float = 10,
        clock: Callable[[], datetime] = utc_now,
        ids: Callable[[], str] = random_id,
        disk: Disk | None = None,
        keys: Path | None = None,
    ) -> None:
        self.dsn = dsn
        self.ring = Keyring(dsn, keys)
        self.hooks = hooks
        self.size = size
        self.waiting = waiting
        self.statement_s = statement_s
        self.lock_s = lock_s
        self.clock = clock
        self.ids = ids
        self.disk = disk
        self.namespaces: dict[str, int] = {}
        """Identifier systems known to be committed: uri → namespace.id. Filled by `store.dictionaries`."""
        self.concepts: set[int] = set()
        """Token hashes known to be committed in `concept`."""
        self.origins: dict[int, int] = {}
        """Encounters somebody wrote in, and where they come from (0: nowhere in particular), which never changes. See `store.origins`."""
        self.seen: dict[Seen, int] = {}
        """Resources somebody has seen, and their rids, which never change. Whether they are there and may be seen is asked again whenever
        something is written that points to them. Filled by `store.integrity`."""
        self._writers = Writers(self._lent_to_write, OPEN_ENDED)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._readers: Readers | None = None
        self._together: dict[ByKey, Together] = {}
        self.away = False
        """Known not to answer (see `pulse.py`): whoever comes is refused at once."""
        self._pulse: Pulse | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._connections: WeakSet[asyncpg.Connection[asyncpg.Record]] = WeakSet()
        self._queue = 0
        self._rids: deque[int] = deque()
        self._latest = self.told = datetime.min.replace(tzinfo=UTC)
        """What the clock said last; the latest that anybody was told or anything dated by."""
        self.went_back = False
        """The clock may be behind that, or behind what is stored: see `store.moments`, which says when it is over."""

    async def open(self, *, watched: bool = False) -> None:
        """Connect. Raises Unavailable when the database does not answer, KeyUnusable when its keys cannot be unwrapped.

        `watched`: for who is to stay, whatever becomes of the database. Connections are made when they are needed, and it is noticed when
        the database goes and comes back (`pulse.py`).
        """
        readers = min(self.size // 2, MOST_READERS)
        connecting: dict[str, Any] = {
            "timeout": CONNECT_S,
            "command_timeout": self.statement_s + self.lock_s,  # the server gives up first; this is for one that no longer answers
            "statement_cache_size": 200,
            "server_settings": {
                "application_name": "yilian",
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": str(int(self.statement_s * 1000)),
                "lock_timeout": str(int(self.lock_s * 1000)),
                "idle_in_transaction_session_timeout": "120000",
            },
        }
        try:
            self._pool = await asyncpg.create_pool(
                self.dsn,
                min_size=0 if watched else 1,
                max_size=self.size - readers,
                connect=self._connect,
                reset=_leave_as_it_is,
                max_queries=10_000_000,
                **connecting,
            )
            if readers:
                self._readers = Readers(partial(self._connect, self.dsn, **connecting), readers, ACQUIRE_S)
            if watched:
                self.went_back = True  # it may have been while nobody was there to see it
                self._pulse = Pulse(self.dsn, self._went_away, self._came_back, each=self.look_at_clock)
                self._pulse.start()
        except Exception as error:
            if meant := meaning(error, writing=False, connecting=True):
                raise meant from error
            raise
        await self._take_up_keys(watched)

    async def _take_up_keys(self, watched: bool) -> None:
        keyring.begin(self.ring)
        self.ring.is_away = lambda: self.away
        if self.ring.file is None:
            return
        try:
            self.ring.load(await self.fetch(keyring.KEYS))
        except asyncpg.UndefinedTableError:
            pass  # a database no migration has been at yet
        except KeyUnusable:
            await self.close()
            raise
        except Unavailable:
            if not watched:
                await self.close()
                raise
        self._keeping = asyncio.get_running_loop().create_task(self._keep_keys(), name="keyring")

    async def _keep_keys(self) -> None:
        while True:
            await asyncio.sleep(keyring.EVERY_S)
            try:
                self.ring.load(await self.fetch(keyring.KEYS))
            except KeyUnusable as error:
                log.critical("%s", error)
            except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                pass  # who needs a key asks for it himself then, and is told

    async def _connect(self, *args: Any, **how: Any) -> asyncpg.Connection[asyncpg.Record]:
        if self.away:
            raise ConnectionError("the database does not answer")
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(*args, **how)
        self._connections.add(connection)
        return connection

    def _went_away(self) -> None:
        """Those who wait for it are told, and whoever comes. Connections are cut, and made anew when it is back."""
        self.away = True
        for connection in list(self._connections):
            connection.terminate()

    def _came_back(self) -> None:
        self.away = False
        self.origins.clear()
        self.seen.clear()  # it may be a copy that has not seen everything

    def look_at_clock(self) -> datetime:
        """What the clock says; notices when it was set back."""
        now = self.clock()
        if now < self._latest:
            self.went_back = True
        self._latest = now
        return now

    def moment(self) -> datetime:
        """Now, as it is told to somebody or things are dated by: `Tx.now`, and the time of an answer."""
        now = self.look_at_clock()
        if now > self.told:
            self.told = now
        return now

    async def close(self) -> None:
        keyring.end(self.ring)
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        if self._pulse is not None:
            await self._pulse.stop()
            self._pulse = None
        if self._readers is not None:
            await self._readers.close()
            self._readers = None
            self._together.clear()
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """A connection without a transaction, for reads that are one statement each."""
        return _Reading(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction: committed when the block ends, rolled back when it raises. READ COMMITTED; rows are locked where it matters."""
        async with _Lent(self, writing=True) as connection, Tx(connection, self.moment(), self.ids, self.hooks, self) as tx:
            yield tx

    async def carry_out(self, step: Callable[[Tx], Awaitable[Told]]) -> Told:
        """A transaction that may be done again: first in the hope that nobody changes meanwhile what it looks at; when somebody did, once
        more with what it changes locked. `step` leaves no trace but in the transaction. Raises whatever `transaction` and `step` raise."""
        for _ in range(HOPES):
            try:
                return await self._within(Tx(None, self.moment(), self.ids, self.hooks, self, hopeful=True), step)
            except Late:
                continue  # the disk or this machine is busy: making it anew costs them less than a transaction of its own
            except (Overtaken, LostARace):
                break
        return await self.insist(step)

    async def insist(self, step: Callable[[Tx], Awaitable[Told]]) -> Told:
        """A transaction that is done again, a moment later, where it and another waited for each other and the database ended it.

        `step` leaves no trace but in the transaction. Raises whatever `transaction` and `step` raise; LostARace after `RACES` times.
        """
        for turn in range(RACES):
            try:
                return await self._within(Tx(await self.acquire(), self.moment(), self.ids, self.hooks, self), step)
            except LostARace:
                await asyncio.sleep(random.uniform(0.01, 0.05) * (turn + 1))  # not both at the same moment again
        return await self._within(Tx(await self.acquire(), self.moment(), self.ids, self.hooks, self), step)

    async def _within(self, tx: Tx, step: Callable[[Tx], Awaitable[Told]]) -> Told:
        try:
            async with tx:
                return await step(tx)
        except Exception as error:
            if isinstance(error, asyncpg.InternalClientError) and tx.held is not None:
                tx.held.terminate()
            if meant := meaning(error, writing=True):
                raise meant from error
            raise
        finally:
            if tx.held is not None:
                await self.give_back(tx.held)

    async def write_together(self, parts: Mapping[str, Part], knows: int, until: float) -> None:
        """Write `parts` as a transaction by itself, with those of others who come at the same time; `until`: on the steady clock, when they
        are to be sent at the latest. For `Tx.finish`."""
        await self._writers.write(parts, knows, until)

    @asynccontextmanager
    async def _lent_to_write(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await self.acquire()
        try:
            yield connection
        except asyncpg.InternalClientError:
            connection.terminate()
            raise
        finally:
            await self.give_back(connection)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """One read of one row: the shortest way there is. Same errors as `reading`."""
        if self._readers is None:
            async with _Lent(self, writing=False) as connection:
                return await connection.fetchrow(sql, *args)
        return await self._asked(self._readers.ask, ROW, sql, args)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """The same for all rows of one statement. It may take longer than reading one row, so it leaves connections for those who do."""
        readers = self._readers
        if readers is None or not readers.to_spare:
            async with _Lent(self, writing=False) as connection:
                return await connection.fetch(sql, *args)
        return await self._asked(readers.ask, ROWS, sql, args)

    async def by_key(self, question: ByKey, *args: Any) -> asyncpg.Record | None:
        """The same for one row by its key; who asks while others ask goes along with them. Any `args` must be such as PostgreSQL takes."""
        readers = self._readers
        if readers is None:
            return await self.fetchrow(question.one, *args)
        together = self._together.get(question)
        if together is None:
            together = self._together[question] = Together(readers, question, question.at_once or max(readers.size // 2, 1))
        return await self._asked(together.row, args)

    async def _asked(self, ask: Callable[..., Awaitable[Told]], *asked: Any) -> Told:
        self._admit()
        self._queue += 1
        try:
            return await ask(*asked)
        except Exception as error:
            if meant := meaning(error, writing=False, connecting=True):
                raise meant from error
            raise
        finally:
            self._queue -= 1

    async def acquire(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection to write on. For `Tx` and `transaction`, which give it back. Raises Unavailable."""
        self._admit()
        self._queue += 1
        try:
            if self._pool is None:
                raise Unavailable("The database is not open.", zh="数据库未就绪,请稍后重试。", retry_after_s=5)
            return await self._pool.acquire(timeout=ACQUIRE_S)  # type: ignore[return-value]
        except TimeoutError as error:
            raise Unavailable("No database connection came free in time.", zh="系统繁忙,请稍后重试。", retry_after_s=2) from error
        except Exception as error:
            if meant := meaning(error, writing=False, connecting=True):
                raise meant from error
            raise
        finally:
            self._queue -= 1

    def _admit(self) -> None:
        """Unavailable when the database is away, or more wait for a connection than shall."""
        if self.away:
            raise Unavailable("The database does not answer.", zh="数据库暂时无法连接,请稍后重试。", retry_after_s=5)
        if self._queue >= self.waiting:
            raise Unavailable(
                "Too many requests are waiting for the database.", zh="系统繁忙,请稍后重试。", code="throttled", retry_after_s=2
            )

    async def give_back(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        if self._pool is not None:
            await self._pool.release(connection)  # type: ignore[arg-type]

    async def take_rids(self, tx: Tx, count: int) -> list[int]:
        """`count` fresh resource keys. Taken from the sequence in blocks of 1,000 and kept by this process; gaps are harmless."""
        while len(self._rids) < count:
            blocks = (count - len(self._rids) + 999) // 1000
            for row in await tx.ahead("select nextval('resource_rid') as first from generate_series(1, $1)", blocks):
                self._rids.extend(range(row["first"], row["first"] + 1000))
        return [self._rids.popleft() for _ in range(count)]


class _Lent:
    """A connection for the length of a block, from the readers where they have one to spare, else from the pool.

    What PostgreSQL reports in the block is turned into errors of the house. Spelled as a class: three nested generators, which this was
    before, took a search 6 µs.
    """

    __slots__ = ("connection", "db", "readers", "writing")

    def __init__(self, db: Database, *, writing: bool) -> None:
        self.db = db
        self.writing = writing
        self.readers: Readers | None = None

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        readers = self.db._readers
        if self.writing or readers is None or not readers.to_spare:
            self.connection = await self.db.acquire()
        else:
            try:
                self.connection = await readers.borrow()
            except Exception as error:
                if meant := meaning(error, writing=False, connecting=True):
                    raise meant from error
                raise
            self.readers = readers
        return self.connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.InternalClientError):
            self.connection.terminate()
        if self.readers is not None:
            self.readers.give_back(self.connection, error)
        else:
            await self.db.give_back(self.connection)
        if isinstance(error, Exception) and (meant := meaning(error, writing=self.writing)):
            raise meant from error


class _Reading:
    """`Database.reading`."""

    __slots__ = ("db", "lent")

    def __init__(self, db: Database) -> None:
        self.db = db
        self.lent = _Lent(db, writing=False)

    async def __aenter__(self) -> Tx:
        db = self.db
        tx = Tx(await self.lent.__aenter__(), db.moment(), db.ids, db.hooks, db, alone=True)
        try:
            await tx.refresh()
        except BaseException as error:
            await self.lent.__aexit__(type(error), error, error.__traceback__)
            raise
        return tx

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await self.lent.__aexit__(kind, error, trace)


async def _leave_as_it_is(connection: object) -> None:
    """Nothing to reset: no session state is left behind."""


__all__ = ["Database", "Tx", "random_id", "utc_now"]
