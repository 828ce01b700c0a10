"""Of writers who wait for each other the database ends one; it is done again and nobody is told."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from yilian.db import RACES, Database, Tx
from yilian.meaning import LostARace


async def test_two_who_wait_for_each_other_both_get_through(db: Database) -> None:
    turns = {1: 0, 2: 0}
    met = asyncio.Barrier(2)

    def holds(first: int, second: int) -> asyncio.Task[int]:
        async def step(tx: Tx) -> int:
            turns[first] += 1
            await tx.execute("select pg_advisory_xact_lock($1)", first)
            if turns[first] == 1:
                await met.wait()
            await tx.execute("select pg_advisory_xact_lock($1)", second)
            return first

        return asyncio.ensure_future(db.insist(step))

    async with asyncio.timeout(30):
        assert await asyncio.gather(holds(1, 2), holds(2, 1)) == [1, 2]
    assert sorted(turns.values()) == [1, 2], "one of them was ended and done again"


async def test_who_loses_every_time_is_told(db: Database) -> None:
    turns = 0

    async def step(tx: Tx) -> None:
        nonlocal turns
        turns += 1
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    with pytest.raises(LostARace, match="Send it again"):
        await db.insist(step)
    assert turns == RACES + 1
