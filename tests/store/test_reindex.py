"""Reindexing: the rows come out as a fresh load makes them, whoever writes meanwhile and wherever it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.search.world import world
from yilian.db import Database, Tx
from yilian.errors import Conflict, NotSupported, Unavailable
from yilian.store import reindex
from yilian.store.change import Change
from yilian.store.index_rows import TABLES
from yilian.store.reindex import Run
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Resource = dict[str, Any]
DERIVED = [*TABLES]


async def put(db: Database, resources: list[Resource]) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])


def records() -> list[Resource]:
    """What the search tests load, in an order in which references lead back."""
    return [one for one in world() if one.get("subject", {}).get("reference") != "Patient/none"]


async def rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the index tables hold, in an order of its own; numbers to the digit."""
    async with db.reading() as tx:
        return {name: sorted((tuple(map(str, row)) for row in await tx.fetch(f"select * from {name}")), key=repr) for name in DERIVED}


async def request(db: Database, types: list[str] | None = None, **more: Any) -> int:
    async with db.transaction() as tx:
        return await reindex.request(tx, types, "a test", **more)


async def test_rows_come_out_as_a_fresh_load_makes_them(db: Database) -> None:
    await put(db, records())
    fresh = await rows(db)
    assert sum(bool(fresh[name]) for name in DERIVED) >= 9
    async with db.transaction() as tx:
        for name in DERIVED:
            await tx.execute(f"delete from {name} where rid % 2 = 0")  # half of them are lost,
        await tx.execute("insert into index_number values (9, 9, (select min(rid) from resource))")  # one is too many,
        await tx.execute("update index_clinical set lo = '2001-01-01', code = 7 where rid % 3 = 0")  # and some are wrong
    run = await reindex.carry_out(db, await request(db), batch=50)
    assert await rows(db) == fresh
    assert (run.state, run.done, run.total, run.share, run.failed) == ("done", run.total, run.total, 1.0, 0)
    assert 0 < run.changed <= run.done
    again = await reindex.carry_out(db, await request(db))
    assert (again.done, again.changed) == (run.done, 0)


async def test_only_the_types_that_were_named_are_gone_through(db: Database) -> None:
    await put(db, records())
    async with db.transaction() as tx:
        await tx.execute("delete from index_token")
    run = await reindex.carry_out(db, await request(db, ["Patient", "ValueSet"]))
    assert run.done == 42
    async with db.reading() as tx:
        kinds = await tx.fetch("select distinct r.type from index_token t join resource r using (rid)")
    assert len(kinds) == 2
    with pytest.raises(NotSupported):
        await request(db, ["Petient"])


async def test_deleted_resources_stay_without_rows(db: Database) -> None:
    await put(db, [{"resourceType": "Patient", "id": "gone", "name": [{"family": "Gone"}]}])
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Patient", "gone", None)])
    run = await reindex.carry_out(db, await request(db))
    assert (run.done, run.total) == (0, 0)
    assert not any((await rows(db)).values())


class Killed(Exception):
    pass


async def test_a_run_that_was_interrupted_goes_on_where_it_was(db: Database) -> None:
    await put(db, records())
    fresh = await rows(db)
    async with db.transaction() as tx:
        await tx.execute("delete from index_string")
    seen: list[int] = []

    async def until_half(tx: Tx, run: Run) -> None:
        seen.append(run.done)
        if run.done > 100:
            raise Killed  # the batch is lost with it

    number = await request(db)
    with pytest.raises(Killed):
        await reindex.carry_out(db, number, until_half, batch=40)
    async with db.reading() as tx:
        half = await reindex.run_of(tx, number)
    assert half is not None
    assert (half.state, half.done) == ("running", 80)
    assert 0 < half.share < 1
    rest: list[int] = []

    async def watch(tx: Tx, run: Run) -> None:
        rest.append(run.done)

    (ended,) = await reindex.carry_out_due(db, watch)
    assert ended.id == number
    assert rest[0] > 80
    assert rest == sorted(rest)
    assert await rows(db) == fresh


async def test_a_run_can_be_cancelled_unless_something_waits_for_it(db: Database) -> None:
    await put(db, records())
    number = await request(db)

    async def stop(tx: Tx, run: Run) -> None:
        raise Killed

    with pytest.raises(Killed):
        await reindex.carry_out(db, number, stop, batch=10)
    async with db.transaction() as tx:
        assert await reindex.cancel(tx, number)
        assert not await reindex.cancel(tx, number)
        assert not await reindex.cancel(tx, 999)
    assert (await reindex.carry_out(db, number)).state == "cancelled"
    held = await request(db, withheld=["quantity"])
    async with db.transaction() as tx:
        with pytest.raises(Conflict, match="quantity"):
            await reindex.cancel(tx, held)


async def test_two_processes_share_one_run(db: Database) -> None:
    await put(db, records())
    fresh = await rows(db)
    async with db.transaction() as tx:
        await tx.execute("delete from index_date")
    number = await request(db)
    one, other = await asyncio.gather(reindex.carry_out(db, number, batch=20), reindex.carry_out(db, number, batch=20))
    assert one.done == other.done == one.total
    assert await rows(db) == fresh


@asynccontextmanager
async def second(db: Database) -> AsyncIterator[Database]:
    """Another process."""
    other = Database(db.dsn, db.hooks)
    await other.open()
    try:
        yield other
    finally:
        await other.close()


async def test_writers_and_a_run_do_not_undo_each_other(db: Database) -> None:
    """Patients are renamed and Observations remeasured all the time; in the end every row is that of the text."""
    patients = [{"resourceType": "Patient", "id": f"p{n}", "name": [{"family": "start"}]} for n in range(30)]
    await put(db, patients)
    stop = asyncio.Event()
    written = 0

    def version(random: Random, n: int) -> Resource:
        if n % 2:
            return {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"name{random.randrange(10**6)}"}]}
        return {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "subject": {"reference": f"Patient/p{random.randrange(30)}"},
            "code": {"coding": [{"system": "urn:x", "code": str(random.randrange(5))} for _ in range(random.randrange(3))]},
            "valueQuantity": {"value": Decimal(random.randrange(100)), "unit": "mg"},
        }

    async def writer(seed: int) -> None:
        nonlocal written
        random = Random(seed)
        async with second(db) as own:
            while not stop.is_set():
                some = random.sample(range(30), random.randrange(1, 8))
                try:
                    await put(own, [version(random, n) for n in some])
                    written += len(some)
                except (Unavailable, Conflict):  # another writer was in the way
                    pass

    writers = [asyncio.create_task(writer(seed)) for seed in (1, 2)]
    try:
        for _ in range(6):
            await asyncio.sleep(0.2)
            async with db.transaction() as tx:
                await tx.execute("delete from index_string where rid in (select rid from resource where type = 103 limit 9)")
            run = await reindex.carry_out(db, await request(db), batch=7)
            assert run.state == "done"
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert written > 100
    now = await rows(db)
    last = await reindex.carry_out(db, await request(db))
    assert last.changed == 0, "every row was right before this run already, or a writer undid the run, or it a writer"
    assert await rows(db) == now


async def test_a_run_gives_way_to_a_writer_who_holds_a_resource(db: Database) -> None:
    await put(db, records())
    number = await request(db)
    async with second(db) as own, own.transaction() as tx:
        await tx.execute("select from resource where type = 103 for no key update")
        working = asyncio.create_task(reindex.carry_out(db, number))
        await asyncio.sleep(1.5)
        assert not working.done()
        # The writer is served though the run waits for it: it may even lock what the run had locked.
        await tx.execute("select from resource for no key update")
    assert (await asyncio.wait_for(working, 20)).state == "done"


async def test_what_cannot_be_indexed_keeps_its_rows_and_is_counted(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    await put(
        db, [{"resourceType": "Patient", "id": "a", "birthDate": "1970"}, {"resourceType": "Patient", "id": "b", "birthDate": "1971"}]
    )
    before = await rows(db)
    async with db.transaction() as tx:
        await tx.execute("""update resource set body = replace(body, '"1970"', '"in spring"') where id = 'a'""")
    run = await reindex.carry_out(db, await request(db))
    assert (run.done, run.failed, run.changed) == (2, 1, 0)
    assert await rows(db) == before
    assert "Patient/a" in caplog.text
