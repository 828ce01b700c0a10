"""What the database says becomes what the caller can act on, and the pool recovers by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from tests.store.region import observation, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, Conflict, TooLarge, Unavailable
from yilian.store import find
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, write

HOOKS = Hooks(validate=lambda resource: [])


async def test_a_database_that_is_away_is_told_at_once(tmp_path: Path) -> None:
    for dsn in (f"postgresql://nobody@/none?host={tmp_path}", "postgresql://nobody@127.0.0.1:1/none"):
        database = Database(dsn, HOOKS)
        start = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            await database.open()
        assert time.monotonic() - start < 2
        with pytest.raises(Unavailable, match="not open"):
            await database.fetchrow("select 1")


async def test_the_pool_recovers_when_its_connections_are_cut(db: Database) -> None:
    await put(db, patient("a"))
    with pytest.raises(Unavailable) as refused:
        await write_and_cut(db)
    assert refused.value.retry_after_s
    assert (await put(db, patient("b"))).created
    await cut_all_connections(db)
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from resource") == 2


async def cut_all_connections(db: Database) -> None:
    connection = await asyncpg.connect(db.dsn)
    await connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()
    await asyncio.sleep(0.1)


async def write_and_cut(db: Database) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "x", patient("x", identifier=[{"system": "http://new", "value": "1"}]))])
        await cut_all_connections(db)
        await tx.fetchval("select 1")


async def test_nothing_of_a_cut_transaction_is_stored_or_remembered(db: Database) -> None:
    with pytest.raises(Unavailable):
        await write_and_cut(db)
    assert db.namespaces == {}
    assert db.concepts == set()
    assert (await put(db, patient("a", identifier=[{"system": "http://new", "value": "1"}]))).created
    assert list(db.namespaces) == ["http://new"]


async def test_a_transaction_that_fails_leaves_a_usable_connection(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction() as tx:
            await tx.execute("insert into namespace (uri) values ('x')")
            raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            await fail()
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from namespace") == 0


async def test_a_search_that_takes_too_long_is_stopped(dsn: str) -> None:
    database = Database(dsn, HOOKS, statement_s=0.2)
    await database.open()
    with pytest.raises(TooLarge, match="ask for less"):
        async with database.reading() as tx:
            await tx.fetchval("select pg_sleep(5)")
    with pytest.raises(Unavailable, match="nothing was stored"):
        async with database.transaction() as tx:
            await tx.fetchval("select pg_sleep(5)")
    await database.close()


async def test_a_writer_does_not_wait_for_another_for_ever(dsn: str) -> None:
    database = Database(dsn, HOOKS, lock_s=0.2)
    await database.open()
    await put(database, patient("a"))
    async with database.transaction() as tx:
        await tx.fetch("select from resource for update")
        with pytest.raises(Unavailable, match="Another writer"):
            await put(database, patient("a", gender="other"))
    await database.close()


async def test_too_many_who_wait_are_turned_away_at_once(dsn: str) -> None:
    database = Database(dsn, HOOKS, size=1, waiting=3)
    await database.open()

    async def one() -> int:
        async with database.reading() as tx:
            return int(await tx.fetchval("select 1 from pg_sleep(0.05)"))

    results = await asyncio.gather(*(one() for _ in range(10)), return_exceptions=True)
    await database.close()
    served = [result for result in results if result == 1]
    turned_away = [result for result in results if isinstance(result, Unavailable)]
    assert len(served) + len(turned_away) == 10
    assert len(served) >= 3
    assert all(error.issues[0].code == "throttled" for error in turned_away)
    assert turned_away


async def test_a_value_the_database_cannot_hold_is_the_callers_fault(db: Database) -> None:
    for sql, value in (("select $1::text", "a\0b"), ("select $1::integer", 2**40), ("select $1::timestamptz", "x")):
        with pytest.raises(BadRequest):
            async with db.reading() as tx:
                await tx.fetchval(sql, value)


async def test_a_rule_of_the_store_that_is_broken_is_named(db: Database) -> None:
    with pytest.raises(Conflict, match="namespace_uri_key"):
        async with db.transaction() as tx:
            await tx.execute("insert into namespace (uri) values ('x'), ('x')")


async def test_a_fault_of_ours_is_not_dressed_up(db: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with db.reading() as tx:
            await tx.fetchval("select from nothing_like_that")
    with pytest.raises(asyncpg.InterfaceError):
        async with db.reading() as tx:
            await tx.fetchval("select $1::int")


async def test_what_waits_for_the_commit_is_called_after_it(db: Database) -> None:
    called: list[int] = []
    async with db.transaction() as tx:
        tx.after_commit.append(lambda: called.append(1))
        assert called == []
    assert called == [1]


async def test_keys_are_never_given_twice(db: Database) -> None:
    async def take(count: int) -> list[int]:
        async with db.transaction() as tx:
            return await db.take_rids(tx, count)

    taken = [rid for some in await asyncio.gather(*(take(n) for n in (1, 7, 1500, 3, 999, 1, 2001))) for rid in some]
    assert len(set(taken)) == len(taken) == 1 + 7 + 1500 + 3 + 999 + 1 + 2001


async def test_a_name_too_long_for_an_index_is_still_stored_and_found(db: Database) -> None:
    long = "王" * 300_000
    await put(db, patient("a", name=[{"family": long}], identifier=[{"system": "http://id", "value": long}]))
    await put(db, observation("a", code={"coding": [{"system": long, "code": long}]}, valueString=long))
    async with db.reading() as tx:
        by_name = await find.only(tx, SYSTEM, "Patient", [("family", "王" * 50)])
    assert by_name is not None
    assert by_name.id == "a"
