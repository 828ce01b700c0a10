"""Writes that go together: one statement for many, and nobody is hurt or held up by his company."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.store.region import delete, observation, patient, put
from tests.store.test_overtaken import change, hopefully, named
from yilian.db import Database
from yilian.errors import InvalidResource, VersionStale
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, write


@asynccontextmanager
async def lanes_taken(db: Database) -> AsyncIterator[None]:
    """Until the block ends every statement seems to be under way, so whoever writes waits; then they go together."""
    writers = db._writers
    taken, writers.under_way = writers.at_once, writers.at_once
    try:
        yield
    finally:
        writers.under_way -= taken - 1
        await writers._all_that_wait()


@pytest.fixture
async def roomy(dsn: str) -> AsyncIterator[Database]:
    """With connections for those who wait for locks, too."""
    database = Database(dsn, Hooks(validate=lambda resource: []), size=20)
    await database.open()
    yield database
    await database.close()


async def transactions(db: Database) -> int:
    """How many transactions the rows of `resource` were written by."""
    async with db.reading() as tx:
        return int(await tx.fetchval("select count(distinct xmin::text) from resource"))


async def test_who_comes_together_is_written_together(db: Database) -> None:
    await put(db, patient("wang"))
    for status in ("final", "amended"):  # who brings a new word begins a transaction of his own
        await hopefully(db, change(observation("wang", status=status)))
    before = await transactions(db)
    async with lanes_taken(db):
        tasks = [asyncio.create_task(hopefully(db, change(observation("wang", status=status)))) for status in ("final", "amended") * 10]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in tasks)
    done = await asyncio.gather(*tasks)
    assert await transactions(db) == before + 1
    async with db.reading() as tx:
        bodies = await tx.fetch("select body from resource where rid = any($1)", [one.rid for one in done])
        assert sorted(row["body"] for row in bodies) == sorted(one.body.decode() for one in done)
        assert await tx.fetchval("select count(*) from index_clinical where rid = any($1)", [one.rid for one in done]) == 20


async def test_one_that_fails_takes_nobody_along(db: Database) -> None:
    for id in ("wang", "li"):
        await put(db, patient(id))
    await put(db, named("x", "1"))
    async with lanes_taken(db):
        sound = [asyncio.create_task(hopefully(db, change(observation("wang")))) for _ in range(5)]
        gone = asyncio.create_task(hopefully(db, change(observation("li"))))
        stale = asyncio.create_task(hopefully(db, change(named("x", "mine"), if_match=1)))
        await asyncio.sleep(0.3)
        await delete(db, "Patient", "li")
        await put(db, named("x", "2"))
    assert all(done.created for done in await asyncio.gather(*sound))
    with pytest.raises(InvalidResource):
        await gone
    with pytest.raises(VersionStale):
        await stale
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from resource where type = 96") == 5
        assert await tx.fetchval("select ver from resource where id = 'x'") == 2


async def test_two_changes_of_one_resource_go_one_after_the_other(db: Database) -> None:
    await put(db, patient("wang"))
    async with lanes_taken(db):
        tasks = [asyncio.create_task(hopefully(db, change(named("wang", str(n)), if_match=1))) for n in range(4)]
        pointing = [asyncio.create_task(hopefully(db, change(observation("wang")))) for _ in range(3)]
        await asyncio.sleep(0.3)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["VersionStale"] * 3 + ["Written"]
    assert all(done.created for done in await asyncio.gather(*pointing))
    async with db.reading() as tx:
        assert await tx.fetchval("select array_agg(ver) from history") == [1]


async def test_who_waits_for_a_lock_holds_nobody_up(roomy: Database) -> None:
    for id in ("wang", "li"):
        await put(roomy, patient(id))
    await hopefully(roomy, change(observation("li")))
    async with roomy.transaction() as tx:
        await tx.fetch("select from resource where id = 'wang' for update")
        waiting = [asyncio.create_task(hopefully(roomy, change(named("wang", str(n))))) for n in range(3)]
        waiting += [asyncio.create_task(hopefully(roomy, change(observation("wang")))) for n in range(2)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            for _ in range(10):
                await hopefully(roomy, change(observation("li")))
        assert not any(task.done() for task in waiting)
    done = await asyncio.gather(*waiting)
    assert sorted(one.version for one in done) == [1, 1, 2, 3, 4]


async def test_who_waits_for_the_same_new_id_holds_nobody_up(roomy: Database) -> None:
    await put(roomy, patient("li"))
    await hopefully(roomy, change(observation("li")))
    async with roomy.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "new", patient("new"))])
        await tx.settle()
        waiting = [asyncio.create_task(hopefully(roomy, change(named("new", str(n))))) for n in range(3)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await asyncio.gather(*(hopefully(roomy, change(observation("li"))) for _ in range(10)))
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_who_goes_away_while_waiting_is_not_written(db: Database) -> None:
    await put(db, patient("wang"))
    await hopefully(db, change(observation("wang")))
    async with lanes_taken(db):
        tasks = [asyncio.create_task(hopefully(db, change(observation("wang")))) for _ in range(4)]
        await asyncio.sleep(0.3)
        tasks[1].cancel()
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Written", "CancelledError", "Written", "Written"]
    async with db.reading() as tx:
        assert await tx.fetchval("select count(*) from resource where type = 96") == 4


async def test_a_connection_that_is_cut_is_told_to_everybody_in_the_statement(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(db, patient("wang"))
    await hopefully(db, change(observation("wang")))
    sent = 0

    @asynccontextmanager
    async def cut() -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        nonlocal sent
        sent += 1
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        yield

    monkeypatch.setattr(db._writers, "connection", cut)
    async with lanes_taken(db):
        tasks = [asyncio.create_task(hopefully(db, change(observation("wang")))) for _ in range(4)]
        await asyncio.sleep(0.3)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sent == 1, "what may have been stored is not sent again"
    assert all("may or may not have been stored" in str(result) for result in results)
