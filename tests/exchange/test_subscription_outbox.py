"""Numbers of events, whoever commits when; held against the store itself, with the owner's scope and without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from yilian.db import Database, Tx
from yilian.exchange.subscriptions import events, known, outbox, upkeep
from yilian.exchange.subscriptions.collect import collect
from yilian.exchange.subscriptions.definition import Definition
from yilian.exchange.subscriptions.topics import CANONICAL
from yilian.jobs import Job
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import write

JOB = Job(0, "", {}, None, 1, {}, "")
ASKED = Definition(CANONICAL + "resource-changed", (("Basic", ""),), "websocket", "", "application/fhir+json", "id-only")


async def _known(tx: Tx) -> int:
    await known.keep_fresh(tx)
    return 0


@pytest.fixture
async def told(dsn: str) -> AsyncIterator[Database]:
    """A store whose writes are noted for one subscription, number 1, of everything that is a Basic."""
    database = Database(dsn, Hooks(validate=lambda resource: [], reactions=(outbox.follow,), refresh=_known))
    await database.open()
    async with database.transaction() as tx:  # what is written first spells out words others would wait for
        await write(tx, SYSTEM, [basic(id) for id in ("b0", "b1", "b2")])
    async with database.transaction() as tx:
        await tx.execute(
            "insert into subscription (rid, id, version, state, definition, asker)"
            " values (1, 's', 1, 'active', $1::text::jsonb, $2::text::jsonb)",
            json.dumps(ASKED.as_json()),
            json.dumps({"kind": "platform"}),
        )
        await known.changed(tx)
    yield database
    await database.close()


def basic(id: str, text: str = "") -> Change:
    return Change("PUT", "Basic", id, {"resourceType": "Basic", "id": id, "code": {"text": text or id}})


async def numbers(db: Database) -> list[tuple[int | None, str, int]]:
    async with db.reading() as tx:
        found = await events.numbered(tx, SYSTEM, 1, 0, 10_000, 10_000)
    return [(one.number, one.found.id if one.found else "", one.ver) for one in found]


async def test_what_is_committed_later_never_gets_a_smaller_number_than_what_was_told(told: Database) -> None:
    async with told.transaction() as slow:
        await write(slow, SYSTEM, [basic("slow")])
        async with told.transaction() as quick:
            await write(quick, SYSTEM, [basic("quick")])
        await collect(told, JOB)
        assert await numbers(told) == [(1, "quick", 1)]
    await collect(told, JOB)
    assert await numbers(told) == [(1, "quick", 1), (2, "slow", 1)]


async def test_what_is_rolled_back_leaves_no_gap(told: Database) -> None:
    async def lost() -> None:
        async with told.transaction() as tx:
            await write(tx, SYSTEM, [basic("lost")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lost()
    async with told.transaction() as tx:
        await write(tx, SYSTEM, [basic("kept")])
    await collect(told, JOB)
    assert await numbers(told) == [(1, "kept", 1)]


async def test_many_writers_and_several_who_number_keep_every_resource_in_order(told: Database) -> None:
    done = False

    async def writer(start: int) -> None:
        for n in range(12):
            async with told.transaction() as tx:
                await write(tx, SYSTEM, [basic(f"b{(start + n) % 3}", f"{start} {n}"), basic(f"own-{start}", str(n))])

    async def numbering() -> None:
        while not done:
            await collect(told, JOB)
            await asyncio.sleep(0.005)

    others = [asyncio.create_task(numbering()) for _ in range(2)]
    await asyncio.gather(*(writer(start) for start in range(4)))
    done = True
    await asyncio.gather(*others)
    await collect(told, JOB)
    found = await numbers(told)
    assert [number for number, _, _ in found] == list(range(1, 97))
    for id in {id for _, id, _ in found}:
        versions = [ver for _, named, ver in found if named == id]
        assert versions == list(range(versions[0], versions[0] + len(versions))), id
        assert versions[0] == (2 if id.startswith("b") else 1)


async def test_what_was_deleted_and_made_again_is_told_as_such(told: Database) -> None:
    for change in (basic("a"), Change("DELETE", "Basic", "a", None), basic("a", "again"), basic("a", "again")):
        async with told.transaction() as tx:
            await write(tx, SYSTEM, [change])
    await collect(told, JOB)
    async with told.reading() as tx:
        found: list[Any] = await tx.fetch("select interaction, ver from subscription_event order by number")
    assert [tuple(row) for row in found] == [("create", 1), ("delete", 2), ("create", 3)]


async def test_events_are_cleared_away_when_they_are_old(told: Database) -> None:
    async with told.transaction() as tx:
        await write(tx, SYSTEM, [basic("a"), basic("b")])
        await tx.execute(
            "update subscription_event set at = now() - interval '31 days' where rid = (select rid from resource where id = 'a')"
        )
    await collect(told, JOB)
    await upkeep.look_after(told, JOB)
    assert await numbers(told) == [(2, "b", 1)]


async def test_another_process_takes_up_what_is_asked_for_within_a_second(told: Database, dsn: str) -> None:
    async with told.reading() as tx:
        await known.keep_fresh(tx)
    assert set(known.by_type(dsn)) == {"Basic"}
    async with told.transaction() as tx:  # as another process would, whose commit this one is not told of
        wider = Definition(**{**ASKED.as_json(), "filters": (("Basic", ""), ("Patient", ""))})
        await tx.execute("update subscription set definition = $1::text::jsonb", json.dumps(wider.as_json()))
        await tx.execute(known.COUNT_UP)
    await asyncio.sleep(known.EVERY_S)
    async with told.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "p", {"resourceType": "Patient", "id": "p"})])
    await collect(told, JOB)
    assert await numbers(told) == [(1, "p", 1)]
