"""The queue of reads: in batches, bounded, and nothing is lost or read unlogged."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec import structs

from tests.audit.conftest import Region
from yilian.audit.note import LONGEST_QUERY, Note, by
from yilian.audit.read_log import ReadLog
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def read_of(number: int, **more: object) -> Note:
    return by(SYSTEM, NOW, "read", "R", entities=(f"Patient/{number}",), **more)  # type: ignore[arg-type]


async def test_notes_are_written_in_their_order_within_the_interval(region: Region) -> None:
    log = region.log(interval=0.05)
    for number in range(100):
        await log.add([read_of(number)])
    assert await region.rows("subtype = 'read'") == [], "nobody waits for them"
    await asyncio.sleep(0.5)
    rows = await region.rows("subtype = 'read'")
    assert [row["entities"] for row in rows] == [[f"Patient/{number}"] for number in range(100)]
    assert log.waiting == 0
    await log.close()


async def test_strict_waits_until_it_is_written(region: Region) -> None:
    log = region.log(interval=60)
    await log.add([read_of(1)])
    started = time.monotonic()
    await log.add([read_of(2)], strict=True)
    assert time.monotonic() - started < 5
    assert len(await region.rows("subtype = 'read'")) == 2
    whole = region.log(strict=True, interval=60)
    await asyncio.gather(*(whole.add([read_of(number)]) for number in range(50)))
    assert len(await region.rows("subtype = 'read'")) == 52
    await log.close()
    await whole.close()


async def test_a_full_queue_makes_readers_wait_until_it_is_written(region: Region) -> None:
    log = region.log(capacity=3, interval=60, batch=1000)
    await log.add([read_of(1), read_of(2)])
    with pytest.raises(Unavailable) as refused:
        log.note([read_of(3), read_of(4)])
    assert refused.value.retry_after_s
    assert log.waiting == 2, "taken whole or not at all"
    await asyncio.wait_for(log.add([read_of(3), read_of(4)]), 10)
    assert len(await region.rows("subtype = 'read'")) == 2
    with pytest.raises(Unavailable):  # more at once than there is ever room for
        await log.add([read_of(number) for number in range(4)])
    await log.close()
    assert len(await region.rows("subtype = 'read'")) == 4


async def test_notes_of_many_askers_keep_who_did_what(region: Region) -> None:
    log = region.log(interval=60, batch=1000)
    notes = [structs.replace(read_of(number), account=f"user{number % 3}", query=f"Patient?_id={number}") for number in range(10)]
    await log.add(notes)
    await log.close()
    rows = await region.rows("subtype = 'read'")
    assert [(row["account"], row["query"]) for row in rows] == [(note.account, note.query) for note in notes]


async def test_nothing_is_lost_at_shutdown_and_nothing_is_taken_after_it(region: Region) -> None:
    log = region.log(interval=60, batch=100_000)
    for number in range(3500):
        log.note([read_of(number)])
    await log.close()
    rows = await region.rows("subtype = 'read'")
    assert [row["entities"][0] for row in rows] == [f"Patient/{number}" for number in range(3500)]
    with pytest.raises(Unavailable):
        await log.add([read_of(1)])
    await log.close()


async def test_closing_a_log_that_was_never_used_is_nothing(region: Region) -> None:
    log = region.log()
    await log.close()
    assert (log.waiting, log.failing) == (0, False)
    with pytest.raises(Unavailable):
        await log.add([read_of(1)])


async def test_while_the_database_does_not_take_them_reads_are_refused_and_none_is_lost(
    region: Region, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = region.log(interval=0.02)
    away = True
    connect = asyncpg.connect

    async def maybe(*args: object, **more: object) -> object:
        if away:
            raise ConnectionRefusedError("away")
        return await connect(*args, **more)

    monkeypatch.setattr(asyncpg, "connect", maybe)
    await log.add([read_of(1)])
    await asyncio.sleep(0.2)
    assert log.failing
    with pytest.raises(Unavailable):
        await log.add([read_of(2)])
    with pytest.raises(Unavailable):
        await log.add([read_of(2)], strict=True)
    away = False
    await asyncio.sleep(1.5)
    assert not log.failing
    await log.add([read_of(3)])
    await log.close()
    assert [row["entities"] for row in await region.rows("subtype = 'read'")] == [["Patient/1"], ["Patient/3"]]
    assert "refused until it can" in caplog.text


async def test_who_waits_strictly_is_told_when_it_cannot_be_written(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: object, **more: object) -> object:
        raise ConnectionRefusedError("away")

    monkeypatch.setattr(asyncpg, "connect", away)
    log = region.log(interval=0.02)
    with pytest.raises(Unavailable):
        await log.add([read_of(1)], strict=True)
    await log.close(patience=0.1)


async def test_a_connection_that_breaks_is_made_anew(region: Region) -> None:
    log = region.log(interval=0.02)
    await log.add([read_of(1)], strict=True)
    async with region.db.reading() as tx:
        await tx.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'yilian audit'")
    log.note([read_of(2)])
    await asyncio.sleep(0.5)
    await log.close()
    assert [row["entities"] for row in await region.rows("subtype = 'read'")] == [["Patient/1"], ["Patient/2"]]


async def test_what_cannot_be_written_before_the_end_is_reported(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    away = Database(dsn.rsplit("/", 1)[0] + "/not_there", Hooks(validate=lambda resource: []))
    log = ReadLog(away)
    log.note([read_of(1), read_of(2)])
    await log.close(patience=0.3)
    assert "2 notes of reads could not be written" in caplog.text


async def test_strange_characters_in_a_header_do_not_hold_up_the_others(region: Region) -> None:
    log = region.log()
    await log.add([read_of(1, query="a\x00b\ud800c"), read_of(2), read_of(3, query="中" * (LONGEST_QUERY + 5))])
    await log.close()
    rows = await region.rows("subtype = 'read'")
    assert [row["query"][:5] for row in rows] == ["a\ufffdb?c", "", "中中中中中"]
    assert len(rows[2]["query"]) == LONGEST_QUERY


async def test_one_note_that_cannot_be_stored_does_not_stop_the_rest(region: Region, caplog: pytest.LogCaptureFixture) -> None:
    bad = by(SYSTEM, NOW, "read", "no such action")
    log = region.log()
    with caplog.at_level(logging.CRITICAL):
        await log.add([*(read_of(number) for number in range(20)), bad, *(read_of(number) for number in range(20, 40))])
        await log.close()
    assert [row["entities"] for row in await region.rows("subtype = 'read'")] == [[f"Patient/{number}"] for number in range(40)]
    assert "no such action" in caplog.text


async def test_who_waits_for_a_note_that_cannot_be_stored_gets_no_answer_and_others_do(region: Region) -> None:
    bad = by(SYSTEM, NOW, "read", "no such action")
    log = region.log(interval=60)
    told = await asyncio.gather(
        log.add([read_of(1)], strict=True),
        log.add([read_of(2), bad], strict=True),
        log.add([read_of(3)], strict=True),
        return_exceptions=True,
    )
    assert [type(one) for one in told] == [type(None), Unavailable, type(None)]
    await log.close()
    assert [row["entities"] for row in await region.rows("subtype = 'read'")] == [["Patient/1"], ["Patient/2"], ["Patient/3"]]


async def test_a_strict_answer_waits_so_long_and_no_longer_and_its_note_is_written_all_the_same(region: Region) -> None:
    log = region.log(patience_s=0.3)
    other = await asyncpg.connect(region.db.dsn)
    async with other.transaction():
        await other.execute("lock table audit_event in share mode")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(log.add([read_of(1)], strict=True), 5)
    await other.close()
    await log.close()
    assert [row["entities"] for row in await region.rows("subtype = 'read'")] == [["Patient/1"]]


async def test_under_load_notes_go_in_batches(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    stored = ReadLog._stored

    def counting(self: ReadLog, count: int) -> None:
        sizes.append(count)
        stored(self, count)

    monkeypatch.setattr(ReadLog, "_stored", counting)
    log = region.log(interval=0.1)
    for _ in range(20):
        for number in range(20):
            log.note([read_of(number)])
        await asyncio.sleep(0.02)
    await log.close()
    assert sum(sizes) == 400
    assert len(sizes) <= 8
