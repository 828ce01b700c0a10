"""What an export holds: exactly what stood at its instant, each once, also when it is taken up again or the store changes meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.db import Database
from yilian.errors import BadRequest, NotFound
from yilian.exchange.bulk import export, records, snapshot
from yilian.exchange.bulk.ask import Ask, understood
from yilian.exchange.bulk.export import Keeping
from yilian.exchange.bulk.records import Bulk
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
KEEP = timedelta(hours=1)


class Clock:
    """Every write a second after the one before."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2026-11-23T09:00:00+00:00")

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, Hooks(validate=lambda resource: []), clock=Clock())
    await database.open()
    yield database
    await database.close()


def observation(id: str, value: int) -> Json:
    return {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": str(value)}}


async def put(db: Database, *resources: Json) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])


async def delete(db: Database, *ids: str) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Observation", id, None) for id in ids])


async def accepted(db: Database, ask: Ask | None = None, at: datetime | None = None) -> Bulk:
    async with db.transaction() as tx:
        id = await records.accept(tx, SYSTEM, "export", "test", (ask or Ask("system")).as_json(), job=False)
        if at is not None:
            await tx.execute("update bulk set at = $2 where id = $1", id, at)
        return await records.by_id(tx, id)


async def run(db: Database, bulk: Bulk, folder: Path, part: int = 100) -> list[Json]:
    async with db.reading() as tx:
        bulk = await records.by_id(tx, bulk.id)
    await export.run(db, bulk, folder, export_zone(), Keeping(KEEP, part))
    return await told(db, bulk, folder)


def export_zone() -> Any:
    from yilian.fhir.dates import region_zone

    return region_zone()


async def told(db: Database, bulk: Bulk, folder: Path, section: str = "output") -> list[Json]:
    async with db.reading() as tx:
        files = await records.files(tx, bulk.id)
    found = []
    for file in files:
        if file.section == section:
            text = await asyncio.to_thread((folder / file.name).read_bytes)
            assert len(text) == file.bytes
            lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
            assert len(lines) == file.count
            found += lines
    return found


async def standing(db: Database) -> list[str]:
    async with db.reading() as tx:
        return sorted(row["body"] for row in await tx.fetch("select body from resource where type = 96 and not deleted"))


def values(resources: list[Json]) -> dict[str, str]:
    found = {one["id"]: one["code"]["text"] for one in resources}
    assert len(found) == len(resources), "something came twice"
    return found


async def test_what_changed_after_the_instant_is_exported_as_it_was(db: Database, tmp_path: Path) -> None:
    await put(db, *(observation(f"o{n}", 1) for n in range(6)))
    await put(db, observation("o1", 2))
    await delete(db, "o2", "o3")
    at = db.clock()
    bulk = await accepted(db, at=at)
    await put(db, observation("o1", 3), observation("o4", 3))
    await put(db, observation("o1", 4), observation("later", 4), observation("o2", 4))
    await delete(db, "o5")
    assert values(await run(db, bulk, tmp_path)) == {"o0": "1", "o1": "2", "o4": "1", "o5": "1"}


async def test_parts_follow_each_other_without_a_gap(db: Database, tmp_path: Path) -> None:
    for start in range(0, 40, 10):
        await put(db, *(observation(f"o{n}", n) for n in range(start, start + 10)))
    bulk = await accepted(db)
    assert values(await run(db, bulk, tmp_path, part=7)) == {f"o{n}": str(n) for n in range(40)}
    assert len({path.name for path in tmp_path.iterdir()}) == 6  # noqa: ASYNC240


async def test_it_goes_on_after_the_last_finished_part_and_does_not_touch_those(db: Database, tmp_path: Path, monkeypatch: Any) -> None:
    await put(db, *(observation(f"o{n}", n) for n in range(40)))
    bulk = await accepted(db)
    copied = 0
    real = export._copy

    async def breaking(*args: Any) -> Any:
        nonlocal copied
        copied += 1
        if copied == 3:
            raise ConnectionError("killed")
        return await real(*args)

    monkeypatch.setattr(export, "_copy", breaking)
    with pytest.raises(Exception, match=r"killed|answer"):
        await run(db, bulk, tmp_path, part=10)
    (tmp_path / "Observation.3.part").write_bytes(b"half a file")
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.ndjson")}  # noqa: ASYNC240
    assert set(first) == {"Observation.1.ndjson", "Observation.2.ndjson"}
    await put(db, *(observation(f"o{n}", 99) for n in range(40)))
    assert values(await run(db, bulk, tmp_path, part=10)) == {f"o{n}": str(n) for n in range(40)}
    assert first.items() <= {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.ndjson")}.items()  # noqa: ASYNC240


steps = st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 5)), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=steps, after=steps, part=st.integers(1, 4), whole=st.booleans())
async def test_whatever_happens_around_it_an_export_is_what_stood_then(
    db: Database, tmp_path: Path, before: list[Any], after: list[Any], part: int, whole: bool
) -> None:
    async def play(some: list[Any]) -> None:
        for number, (what, id) in enumerate(some):
            if what == "put":
                await put(db, observation(f"h{id}", number))
            else:
                with suppress(NotFound):
                    await delete(db, f"h{id}")

    async with db.reading() as tx:
        known = await tx.fetch("select id from resource where type = 96")
    await delete(db, *(row["id"] for row in known))
    await play(before)
    then = await standing(db)
    bulk = await accepted(db, at=db.clock())
    if whole:
        await play(after)
        found = await run(db, bulk, tmp_path, part)
    else:  # the store changes between parts
        task = asyncio.create_task(run(db, bulk, tmp_path, part))
        await play(after)
        found = await task
    assert sorted(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in found) == sorted(
        json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")) for body in then
    )


@pytest.mark.parametrize("hours", [0, 1, -1, 24])
async def test_the_instant_waits_for_what_was_begun_before_it_whatever_the_servers_clock_says(db: Database, hours: int) -> None:
    db.clock = lambda: datetime.now(UTC) + timedelta(hours=hours)
    async with db.transaction() as tx:
        await tx.fetch("select 1")
        called = db.clock()
        task = asyncio.create_task(snapshot.settled(db))
        await asyncio.sleep(snapshot.BEGIN_S + 0.6)
        assert not task.done()
    assert called <= await task <= db.clock()


@pytest.mark.parametrize("hours", [0, 1])
async def test_the_instant_is_earlier_where_a_transaction_does_not_end(db: Database, monkeypatch: Any, hours: int) -> None:
    monkeypatch.setattr(snapshot, "SETTLE_S", 0.3)
    db.clock = lambda: datetime.now(UTC) + timedelta(hours=hours)
    async with db.transaction() as tx:
        await tx.fetch("select 1")
        assert timedelta() <= tx.now - await snapshot.settled(db) < timedelta(seconds=10)


def test_an_ask_outlives_the_database() -> None:
    ask = understood(
        "patient",
        "",
        [
            ("_type", "Observation,Patient"),
            ("_since", "2026-01-01"),
            ("_typeFilter", "Observation?status=final,Observation?code=a,b"),
            ("patient", "Patient/1"),
        ],
        zone=export_zone(),
    )
    assert ask.filters == (("Observation", "status=final"), ("Observation", "code=a,b"))
    assert ask.since is not None
    assert ask.since.utcoffset() is not None
    assert Ask.of_json(json.loads(json.dumps(ask.as_json()))) == ask
    with pytest.raises(BadRequest):
        understood("patient", "", [("patient", "Group/1")], zone=export_zone())
    assert replace(ask, types=()) != ask
