"""The trail in a chain: what is sealed is whole, and whatever is done to it afterwards shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.audit import chain
from yilian.audit.chain import Connection
from yilian.audit.note import Note, write
from yilian.audit.sealer import Sealer
from yilian.db import Database

NOW = datetime(2026, 11, 22, 8, 30, 15, 123456, UTC)
REST = chain.COLUMNS.removeprefix("seq, recorded, ")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    made = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    yield made
    await made.close()


async def leave(db: Database, count: int, **how: object) -> None:
    notes = [Note(NOW, "rest", "read", "R", entities=("Patient/甲",), query=f"第 {n} 次", **how) for n in range(count)]  # type: ignore[arg-type]
    async with db.transaction() as tx:
        await write(tx, notes)


async def sealed(connection: Connection) -> int:
    """Seal all there is; how many rows that was."""
    here = await chain.mark(connection)
    assert await chain.passed(connection, here)
    return sum(block.rows for block in await chain.seal(connection, here.seq, NOW))


async def problems(connection: Connection, anchor: Path | None = None) -> list[str]:
    return (await chain.verify(connection, anchor)).problems


async def tampered(connection: Connection, *statements: str) -> None:
    """As somebody would who owns the tables."""
    guarded = await connection.fetch("select distinct tgrelid::regclass::text from pg_trigger where tgname like '%append_only'")
    async with connection.transaction():
        for (table,) in guarded:
            await connection.execute(f"alter table {table} disable trigger user")
        for one in statements:
            await connection.execute(one)
        for (table,) in guarded:
            await connection.execute(f"alter table {table} enable trigger user")


async def test_what_is_sealed_is_whole_and_what_is_not_is_counted(db: Database, connection: Connection) -> None:
    await leave(db, 5)
    assert await sealed(connection) == 5
    await leave(db, 3)
    assert await sealed(connection) == 3
    await leave(db, 2)
    found = await chain.verify(connection)
    assert (found.whole, found.blocks, found.rows, found.unsealed) == (True, 2, 8, 2)


async def test_an_empty_trail_is_whole(connection: Connection) -> None:
    assert await sealed(connection) == 0
    assert (await chain.verify(connection)).whole


async def test_a_changed_event_is_named(db: Database, connection: Connection) -> None:
    await leave(db, 4)
    await sealed(connection)
    await tampered(connection, "update audit_event set query = 'nothing' where seq = 3")
    assert [text for text in await problems(connection) if text.startswith("Event 3 ") and text.endswith("was changed.")]


@pytest.mark.parametrize("column", [name for name in chain.COLUMNS.split(", ") if name != "seq"])
async def test_no_column_can_be_changed_unseen(db: Database, connection: Connection, column: str) -> None:
    await leave(db, 1)
    await sealed(connection)
    other = {
        "recorded": "recorded + interval '1 microsecond'",
        "ground_source": "7",
        "patient": "7",
        "entities": "entities || 'Patient/乙'::text",
        "action": "'D'",
        "outcome": "'8'",
    }.get(column, f"{column} || 'x'")
    await tampered(connection, f"update audit_event set {column} = {other}")
    assert await problems(connection)


async def test_a_missing_event_is_named(db: Database, connection: Connection) -> None:
    await leave(db, 4)
    await sealed(connection)
    await tampered(connection, "delete from audit_event where seq in (2, 4)")
    assert [text for text in await problems(connection) if text.startswith("2 of block 1 ") and text.endswith("are missing: 2, 4.")]


async def test_an_event_put_in_afterwards_is_named(db: Database, connection: Connection) -> None:
    await leave(db, 2)
    async with db.transaction() as tx:
        await tx.execute("select nextval('audit_seq')")  # a number that was never used
    await leave(db, 1)
    await sealed(connection)
    await tampered(
        connection,
        f"insert into audit_event ({chain.COLUMNS}) select {chain.COLUMNS.replace('seq', '3', 1)} from audit_event where seq = 2",
    )
    assert [text for text in await problems(connection) if text.startswith("Event 3 ") and "was put in" in text]


async def test_a_block_that_was_taken_out_shows(db: Database, connection: Connection) -> None:
    for _ in range(3):
        await leave(db, 2)
        await sealed(connection)
    await tampered(connection, "delete from audit_block where nr = 2", "delete from audit_event where seq in (3, 4)")
    assert "The chain has no blocks between 1 and 3." in await problems(connection)


async def test_a_block_that_was_made_to_fit_breaks_the_chain(db: Database, connection: Connection) -> None:
    for _ in range(2):
        await leave(db, 2)
        await sealed(connection)
    await tampered(
        connection,
        "delete from audit_event where seq = 2",
        "update audit_block set seqs = '{1}', marks = marks[1:1], digest = (select sha256(audit_event_digest(e)) from audit_event e"
        " where seq = 1) where nr = 1",
    )
    assert [text for text in await problems(connection) if text.startswith("Block 1 ") and "was changed" in text]


async def test_a_chain_that_was_made_anew_shows_against_its_anchor(db: Database, connection: Connection, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.log"
    await leave(db, 2)
    here = await chain.mark(connection)
    for block in await chain.seal(connection, here.seq, NOW):
        await asyncio.to_thread(chain.anchor_to, anchor, block)
    assert not await problems(connection, anchor)
    await tampered(connection, "delete from audit_event where seq = 2", "delete from audit_block")
    assert await sealed(connection) == 1
    assert not await problems(connection)
    assert await problems(connection, anchor) == ["Block 1 is not the one anchor.log knows: the chain was made anew."]
    await tampered(connection, "delete from audit_event", "delete from audit_block")
    assert await problems(connection, anchor) == ["Block 1, which anchor.log knows, is not there any more."]


async def test_events_that_were_swapped_are_named(db: Database, connection: Connection) -> None:
    """All that was there still is, under other numbers."""
    await leave(db, 4)
    await sealed(connection)
    swap = "update audit_event set seq = {} where seq = {}"
    await tampered(connection, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert [text[:8] for text in await problems(connection) if text.endswith("was changed.")] == ["Event 2 ", "Event 3 "]


async def test_blocks_that_were_swapped_show(db: Database, connection: Connection) -> None:
    for _ in range(3):
        await leave(db, 2)
        await sealed(connection)
    swap = "update audit_block set nr = {} where nr = {}"
    await tampered(connection, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert await problems(connection)


@pytest.mark.parametrize("column", ["seqs", "marks", "months", "digest", "hash", "sealed"])
async def test_nothing_of_a_seal_can_be_changed_unseen(db: Database, connection: Connection, column: str) -> None:
    """The first, one between others, and the newest, to which nothing is chained yet."""
    for _ in range(3):
        await leave(db, 2)
        await sealed(connection)
    for number in (1, 2, 3):
        before = dict(await connection.fetchrow("select * from audit_block where nr = $1", number) or {})
        other = {
            "seqs": "array_replace(seqs, seqs[1], 77)",
            "marks": "array_replace(marks, marks[1], 77)",
            "months": "array[date '2026-10-01']",
            "sealed": "sealed + interval '1 s'",
        }
        changed = other.get(column, f"overlay({column} placing '\\x00ff'::bytea from 3)")
        await tampered(connection, f"update audit_block set {column} = {changed} where nr = {number}")
        assert await problems(connection), number
        await tampered(connection, f"delete from audit_block where nr = {number}")
        names = ", ".join(before)
        async with connection.transaction():
            places = ", ".join(f"${place}" for place in range(1, len(before) + 1))
            await connection.execute(f"insert into audit_block ({names}) values ({places})", *before.values())
        assert not await problems(connection)


async def test_the_newest_events_taken_out_with_their_seal_show_against_the_anchor(
    db: Database, connection: Connection, tmp_path: Path
) -> None:
    """What is left is a whole chain, only shorter; and it goes on as if nothing had been."""
    anchor = tmp_path / "anchor.log"
    for _ in range(3):
        await leave(db, 2)
        here = await chain.mark(connection)
        for block in await chain.seal(connection, here.seq, NOW):
            await asyncio.to_thread(chain.anchor_to, anchor, block)
    await tampered(connection, "delete from audit_event where seq > 4", "delete from audit_block where nr = 3")
    assert not await problems(connection)
    assert await problems(connection, anchor) == ["Block 3, which anchor.log knows, is not there any more."]
    await leave(db, 2)
    assert await sealed(connection) == 2
    assert not await problems(connection)
    assert await problems(connection, anchor) == ["Block 3 is not the one anchor.log knows: the chain was made anew."]


async def test_the_newest_events_taken_out_without_their_seal_are_named(db: Database, connection: Connection) -> None:
    await leave(db, 4)
    await sealed(connection)
    await tampered(connection, "delete from audit_event where seq > 2")
    assert [text for text in await problems(connection) if text.endswith("are missing: 3, 4.")]


async def test_what_a_transaction_under_way_will_bring_is_waited_for(db: Database, dsn: str, connection: Connection) -> None:
    sealer = Sealer(dsn, lambda: NOW, None)
    async with db.transaction() as tx:
        await write(tx, [Note(NOW, "rest", "create", "C"), Note(NOW, "rest", "update", "U")])
        await tx.settle()  # numbers are taken, nothing is committed
        await leave(db, 1)
        for _ in range(3):
            assert await sealer.step(connection) == []
    blocks = [*await sealer.step(connection), *await sealer.step(connection)]
    assert sum(block.rows for block in blocks) == 3
    assert (await chain.verify(connection)).whole


async def test_numbers_that_were_rolled_back_leave_no_hole(db: Database, dsn: str, connection: Connection) -> None:
    await leave(db, 1)
    connection_of_its_own = await asyncpg.connect(dsn)
    await connection_of_its_own.execute("begin; select nextval('audit_seq'); rollback")
    await connection_of_its_own.close()
    await leave(db, 1)
    assert await sealed(connection) == 2
    assert (await chain.verify(connection)).whole


async def test_many_writers_at_once_and_a_sealer_leave_a_whole_chain(
    db: Database, dsn: str, connection: Connection, tmp_path: Path
) -> None:
    sealer = Sealer(dsn, lambda: NOW, tmp_path / "anchor.log", every_s=0.01)
    sealer.start()

    async def some(count: int) -> None:
        for n in range(count):
            await leave(db, 1 + n % 3)
            await asyncio.sleep(0)

    await asyncio.gather(*(some(20) for _ in range(6)))
    for _ in range(500):
        found = await chain.verify(connection)
        if not found.unsealed:
            break
        await asyncio.sleep(0.02)
    await sealer.stop()
    found = await chain.verify(connection, tmp_path / "anchor.log")
    assert (found.problems, found.rows, found.unsealed) == ([], 6 * (7 * 1 + 7 * 2 + 6 * 3), 0)
    assert found.anchors


async def test_one_of_several_seals(dsn: str, db: Database, connection: Connection) -> None:
    sealers = [Sealer(dsn, lambda: NOW, None, every_s=0.01) for _ in range(3)]
    for one in sealers:
        one.start()
    await leave(db, 20)
    for _ in range(500):
        if not (await chain.verify(connection)).unsealed:
            break
        await asyncio.sleep(0.02)
    for one in sealers:
        await one.stop()
    found = await chain.verify(connection)
    assert (found.whole, found.rows) == (True, 20)


async def test_blocks_are_no_larger_than_they_may_be(db: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "TO_SEAL", chain.TO_SEAL.replace(str(chain.LARGEST), "4"))
    await leave(db, 10)
    here = await chain.mark(connection)
    assert [block.rows for block in await chain.seal(connection, here.seq, NOW)] == [4, 4, 2]
    assert (await chain.verify(connection)).whole


@pytest.mark.parametrize("table", ["audit_event", "audit_event_other", "audit_block"])
@pytest.mark.parametrize("what", ["update {0} set {1} = {1}", "delete from {0}", "truncate {0}"])
async def test_nothing_of_it_is_changed_by_mistake(db: Database, connection: Connection, table: str, what: str) -> None:
    await leave(db, 1)
    await sealed(connection)
    column = "hash" if table == "audit_block" else "query"
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(what.format(table, column))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXT, min_size=4, max_size=4),
    entities=st.lists(TEXT.filter(bool), max_size=3),
    patient=st.none() | st.integers(1, 2**62),
)
async def test_the_digest_here_is_the_one_of_the_database(
    connection: Connection, texts: list[str], entities: list[str], patient: int | None
) -> None:
    row = await connection.fetchrow(
        f"with e as (insert into audit_event (recorded, {REST}) values ($1, 'rest', 'read', '', 'R', '0', $2, $3, $4, $5, '', '', '', '',"
        f" '', null, $6, $7, '', '', '') returning *) select {chain.COLUMNS}, audit_event_digest(e::audit_event) as told from e",
        NOW,
        *texts,
        patient,
        entities,
    )
    assert row is not None
    told = row["told"]
    assert told == chain.digest({name: value for name, value in row.items() if name != "told"})
