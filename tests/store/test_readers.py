"""Connections lent for single statements: fair, sound, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

import asyncpg
import pytest

from yilian.readers import ROW, ROWS, ByKey, Readers, Together


@pytest.fixture
async def readers(dsn: str) -> AsyncIterator[Readers]:
    lent = Readers(partial(asyncpg.connect, dsn), 2, waiting_s=5)
    yield lent
    await lent.close()
    assert lent.open == 0


async def pid(readers: Readers, seconds: float = 0.0) -> int:
    row = await readers.ask(ROW, "select pg_backend_pid() as pid, pg_sleep($1)", (seconds,))
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
    assert all(abs(place - number) <= 2 for place, number in enumerate(served))  # two at a time, and either may be told first


async def test_a_refused_statement_leaves_its_connection_as_good_as_before(readers: Readers) -> None:
    before = await pid(readers)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await readers.ask(ROW, "select 1 / $1::integer", (0,))
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


SQUARE = ByKey(
    "select $1::integer * $1 as square, pg_sleep($2)",
    "select n * n as square, nth from unnest($1::integer[], $2::float[]) with ordinality as w (n, pause, nth), pg_sleep(pause)"
    " where n >= 0",
)


async def squares(together: Together, numbers: Iterable[int], pause: float = 0.0) -> list[int | None]:
    rows = await asyncio.gather(*(together.row((n, pause)) for n in numbers))
    return [None if row is None else row["square"] for row in rows]


async def test_who_asks_while_others_ask_goes_along_and_gets_the_own_row(readers: Readers) -> None:
    together = Together(readers, SQUARE, at_once=1, most=8)
    assert await squares(together, range(30), 0.001) == [n * n for n in range(30)]
    assert readers.open == 1
    assert together.under_way == 0


async def test_statements_are_as_few_as_they_may_be(readers: Readers) -> None:
    sent: list[int] = []
    ask = readers.ask

    async def counted(how: Any, sql: str, args: tuple[Any, ...]) -> Any:
        if how is ROWS:
            sent.append(len(args[0]))
        return await ask(how, sql, args)

    readers.ask = counted  # type: ignore[method-assign]
    await squares(Together(readers, SQUARE, at_once=1, most=8), range(20), 0.001)
    assert sent == [8, 8, 3], "the first goes alone, and the others as soon as it has come back"


async def test_of_those_who_go_together_one_may_find_nothing(readers: Readers) -> None:
    together = Together(readers, SQUARE, at_once=1)
    assert await squares(together, [3, -4, 5]) == [9, None, 25]


async def test_what_goes_wrong_is_told_to_everybody_in_the_statement_and_to_nobody_after(readers: Readers) -> None:
    together = Together(readers, SQUARE, at_once=1)
    told = await asyncio.gather(*(together.row((n, 0.0)) for n in (2, 3, 2_000_000_000, 4)), return_exceptions=True)
    assert [type(one) for one in told] == [asyncpg.Record, *[asyncpg.NumericValueOutOfRangeError] * 3]
    assert await squares(together, [6, 7]) == [36, 49]
    assert readers.open == 1


async def test_who_goes_away_is_no_harm_to_those_asked_for_together(readers: Readers) -> None:
    together = Together(readers, SQUARE, at_once=1)
    first, gone, stays = (asyncio.create_task(together.row((n, 0.05))) for n in (2, 3, 4))
    await asyncio.sleep(0.02)
    first.cancel()
    gone.cancel()
    row = await stays
    assert row is not None
    assert row["square"] == 16
    assert first.cancelled() or first.cancelling()
    assert together.under_way == 0


async def test_what_is_asked_after_a_change_sees_the_change(readers: Readers, dsn: str) -> None:
    writer = await asyncpg.connect(dsn)
    try:
        await writer.execute("create table counted (n integer)")
        await writer.execute("insert into counted values (0)")
        question = ByKey(
            "select n from counted, pg_sleep(0.002) where $1::integer = 1",
            "select n, nth from unnest($1::integer[]) with ordinality as w (key, nth), counted, pg_sleep(0.002) where key = 1",
        )
        together = Together(readers, question, at_once=2)

        async def look(least: int) -> None:
            row = await together.row((1,))
            assert row is not None
            assert row["n"] >= least

        looks = []
        for n in range(1, 40):
            await writer.execute("update counted set n = $1", n)
            looks += [asyncio.create_task(look(n)) for _ in range(4)]
        await asyncio.gather(*looks)
    finally:
        await writer.close()
