"""Connections lent for single statements: fair, sound, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from yilian.readers import Readers


@pytest.fixture
async def readers(dsn: str) -> AsyncIterator[Readers]:
    lent = Readers(partial(asyncpg.connect, dsn), 2, waiting_s=5)
    yield lent
    await lent.close()
    assert lent.open == 0


async def pid(readers: Readers, seconds: float = 0.0) -> int:
    row = await readers.fetchrow("select pg_backend_pid() as pid, pg_sleep($1)", (seconds,))
    assert row is not None
    return int(row["pid"])


async def test_many_reads_share_a_few_connections(readers: Readers) -> None:
    pids = await asyncio.gather(*(pid(readers, 0.005) for _ in range(40)))
    assert len(set(pids)) == 2
    assert readers.open == 2


async def test_who_waits_longest_is_served_first(readers: Readers) -> None:
    served: list[int] = []

    async def read(number: int) -> None:
        await pid(readers, 0.01)
        served.append(number)

    await asyncio.gather(*(read(number) for number in range(12)))
    assert all(abs(place - number) <= 1 for place, number in enumerate(served))


async def test_a_refused_statement_leaves_its_connection_as_good_as_before(readers: Readers) -> None:
    before = await pid(readers)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await readers.fetchrow("select 1 / $1::integer", (0,))
    assert await pid(readers) == before


async def test_a_cancelled_read_gives_its_place_back(readers: Readers) -> None:
    for _ in range(5):
        task = asyncio.create_task(pid(readers, 30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await pid(readers) > 0


async def test_a_waiting_read_that_is_cancelled_passes_its_turn_on(readers: Readers) -> None:
    slow = [asyncio.create_task(pid(readers, 0.1)) for _ in range(2)]
    await asyncio.sleep(0.02)
    waiting = [asyncio.create_task(pid(readers)) for _ in range(4)]
    await asyncio.sleep(0.02)
    waiting[0].cancel()
    assert len(await asyncio.gather(*slow, *waiting[1:])) == 5


async def test_a_connection_that_was_cut_is_replaced(readers: Readers) -> None:
    first = await pid(readers)
    other = await asyncpg.connect(readers.connect.args[0])  # type: ignore[attr-defined]
    await other.execute("select pg_terminate_backend($1)", first)
    await other.close()
    await asyncio.sleep(0.05)
    assert await pid(readers) != first


async def test_nobody_waits_for_ever(dsn: str) -> None:
    lent = Readers(partial(asyncpg.connect, dsn), 1, waiting_s=0.05)
    slow = asyncio.create_task(pid(lent, 0.5))
    await asyncio.sleep(0.02)
    with pytest.raises(ConnectionError):
        await pid(lent)
    await slow
    await lent.close()


async def test_one_is_lent_for_longer_while_half_of_them_stay(readers: Readers) -> None:
    spared = [readers.to_spare]
    connection = await readers.borrow()
    spared.append(readers.to_spare)
    assert await connection.fetchval("select 1") == 1
    assert await connection.fetchval("select 2") == 2
    readers.give_back(connection, None)
    assert [*spared, readers.to_spare] == [True, False, True]
    assert readers.open == 1


async def failing(readers: Readers, statement: str, error: type[Exception] | None = None) -> None:
    connection = await readers.borrow()
    ended: BaseException | None = None
    try:
        await connection.execute(statement)
        if error is not None:
            raise error
    except BaseException as why:
        ended = why
        raise
    finally:
        readers.give_back(connection, ended)


async def test_what_fails_in_a_loan_closes_the_connection_only_where_it_may_be_unsound(readers: Readers) -> None:
    with pytest.raises(KeyError):
        await failing(readers, "select 1", KeyError)
    assert readers.open == 1
    with pytest.raises(asyncpg.PostgresError):
        await failing(readers, "select 1 / 0")
    assert readers.open == 1
    with pytest.raises(KeyError):
        await failing(readers, "begin", KeyError)
    assert readers.open == 0
    task = asyncio.create_task(failing(readers, "select pg_sleep(60)"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert readers.open == 0
