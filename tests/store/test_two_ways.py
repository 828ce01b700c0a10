"""The short way (look, then one statement, together with others) and the long one (lock, then table by table) leave the same rows.

Compared are all tables the store, its index and the trail keep, with ids in place of keys and at the same moments.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import _command, on_database
from tests.store.region import patient, put
from tests.store.test_index_rows import KIND, TARGETS, observations, patients, risks
from yilian.audit.record import follow_writes
from yilian.db import Database, Tx
from yilian.fhir.json import parse
from yilian.store import rows
from yilian.store.hooks import Hooks
from yilian.store.index_rows import TABLES
from yilian.store.scope import SYSTEM
from yilian.store.write import Change, Written, write

Json = dict[str, Any]
Rows = dict[str, Counter[tuple[Any, ...]]]
Step = list[tuple[str, str, Json | None]]

KEYS = frozenset({"rid", "target", "patient", "confined", "ground_source"})
"""Columns that hold the key of a resource."""

LEADS_SOMEWHERE = re.compile(r'"reference": "[^"]*"')

WITHOUT = {"audit_event": {"seq"}}
"""What counts on by itself."""


class Two:
    """Two databases that are told the same at the same moments."""

    def __init__(self, *addresses: str) -> None:
        self.moment = datetime(2026, 3, 1, tzinfo=UTC)
        self.names = count(1)
        hooks = Hooks(validate=lambda _: [], reactions=(follow_writes,))
        self.short, self.long = (Database(address, hooks, clock=lambda: self.moment) for address in addresses)

    def tick(self) -> None:
        self.moment += timedelta(seconds=1)


@pytest.fixture
async def two(cluster: str, template: str, dsn: str) -> AsyncIterator[Two]:
    other = f"{urlsplit(dsn).path.lstrip('/')}_long"
    await _command(cluster, f'create database "{other}" template "{template}"')
    both = Two(dsn, on_database(cluster, other))
    for database in (both.short, both.long):
        await database.open()
        for id in TARGETS:
            await put(database, patient(id))
    sent: list[int] = []
    together = both.short.write_together

    async def counted(*args: Any) -> None:
        sent.append(1)
        await together(*args)

    both.short.write_together = counted  # type: ignore[method-assign]
    yield both
    assert len(sent) > 20, "the short way was hardly taken"
    for database in (both.short, both.long):
        await database.close()
    await _command(cluster, f'drop database "{other}" with (force)')


def noted(resource: Json) -> Json:
    return {**resource, "language": "zh", "implicitRules": f"http://rules/{len(resource)}"}


def change_of(way: str, id: str, name: str, resource: Json | None, versions: dict[str, int]) -> Change | None:
    """One change as it makes sense now; None where it makes none. `versions`: what is there, by id; 0 once deleted."""
    kind, own = KIND[id[0]], f"{name}-{id}"
    there = versions.get(id, 0)
    if resource is None or way == "DELETE":
        return Change("DELETE", kind, own, None, if_match=there if way == "PUT" else None) if there else None
    if way == "PATCH" and there:
        return Change("PATCH", kind, own, None, if_match=there, patch=noted)
    if way == "POST" and id not in versions:
        return Change("POST", kind, own, resource)
    return Change("PUT", kind, own, {**resource, "id": own}, if_match=there if there and way == "PUT" else None)


changes = st.one_of(
    st.tuples(st.sampled_from(["p1", "p2", "p3"]), patients),
    st.tuples(st.sampled_from(["o1", "o2", "o3"]), observations | st.none()),
    st.tuples(st.sampled_from(["r1", "r2"]), risks | st.none()),
)
ways = st.sampled_from(["PUT", "PUT", "PUT without", "POST", "PATCH", "DELETE"])
steps = st.lists(st.builds(lambda way, change: (way, *change), ways, changes), min_size=1, max_size=6, unique_by=lambda change: change[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(story=st.lists(steps, min_size=1, max_size=5))
async def test_both_ways_leave_the_same_rows(two: Two, story: list[Step]) -> None:
    await compare(two, story)


async def compare(two: Two, story: list[Step]) -> None:
    name = f"e{next(two.names)}"
    versions: dict[str, int] = {}
    for step in story:
        two.tick()
        made = [(id, change) for way, id, resource in step if (change := change_of(way, id, name, resource, versions)) is not None]
        both = [await carried_out(two.short, [change for _, change in made]), await long_way(two.long, [change for _, change in made])]
        assert [told(done) for done in both[0]] == [told(done) for done in both[1]]
        for (id, _), done in zip(made, both[0], strict=True):
            versions[id] = 0 if done.deleted else done.version
        short, long = await everything(two.short, name), await everything(two.long, name)
        assert short == long
    assert await vocabulary(two.short) == await vocabulary(two.long)


def told(done: Written) -> tuple[Any, ...]:
    """What a writer is told, without the keys."""
    return (done.type, done.id, done.version, done.updated, done.created, done.deleted, done.unchanged, done.body, done.previous)


async def carried_out(db: Database, some: list[Change]) -> list[Written]:
    """All at once, each for itself: most of them go together."""

    def step(change: Change) -> Callable[[Tx], Any]:
        async def one(tx: Tx) -> Written:
            (done,) = await write(tx, SYSTEM, [change])
            return done

        return one

    return list(await asyncio.gather(*(db.carry_out(step(change)) for change in some)))


async def long_way(db: Database, some: list[Change]) -> list[Written]:
    """One after the other, locked and by COPY."""
    few, rows.FEW = rows.FEW, 0
    try:
        written: list[Written] = []
        for change in some:
            async with db.transaction() as tx:
                written += await write(tx, SYSTEM, [change])
        return written
    finally:
        rows.FEW = few


async def everything(db: Database, name: str) -> Rows:
    """Every row that belongs to the resources of one story: table → rows, with type/id in place of keys."""
    async with db.reading() as tx:
        keys = {row["rid"]: f"{row['type']}/{row['id']}" for row in await tx.fetch("select rid, type, id from resource")}
        systems = {row["id"]: row["uri"] for row in await tx.fetch("select id, uri from namespace")}
        own = [rid for rid, key in keys.items() if f"/{name}-" in key]
        found: Rows = {}
        for table in ("resource", "history", *TABLES, "audit_event"):
            which = "exists (select from unnest(entities) e where e like $1)" if table == "audit_event" else "rid = any($1)"
            every = await tx.fetch(f"select * from {table} where {which}", f"%/{name}-%" if table == "audit_event" else own)
            found[table] = Counter(named(dict(row), table, keys, systems) for row in every)
    assert found["resource"] or not own
    return found


def named(row: Json, table: str, keys: dict[int, str], systems: dict[int, str]) -> tuple[Any, ...]:
    for column in WITHOUT.get(table, ()):
        del row[column]
    for column in KEYS & row.keys():
        row[column] = keys.get(row[column], row[column])
    if table == "index_identifier":
        row["system"] = systems.get(row["system"])
    if table == "index_pair":
        row["other"] = keys.get(row["other"], row["other"])
    return tuple((column, tuple(value) if isinstance(value, list) else value) for column, value in row.items())


async def vocabulary(db: Database) -> tuple[set[Any], set[Any]]:
    async with db.reading() as tx:
        words = {tuple(row) for row in await tx.fetch("select h, param, system, code from concept")}
        return words, {row["uri"] for row in await tx.fetch("select uri from namespace")}


async def test_both_ways_leave_the_same_rows_of_records_made_elsewhere(two: Two, shared_data: Any) -> None:
    """Whole Synthea records: each resource created, changed and, where nothing points to it, deleted."""
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as lines:
        bundle = parse(next(iter(lines)))
    kinds: Counter[str] = Counter()
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kinds[resource["resourceType"]] += 1
        if kinds[resource["resourceType"]] > 3 or resource["resourceType"] == "Provenance":
            continue
        text = json.dumps(resource, default=str)
        sound = json.loads(LEADS_SOMEWHERE.sub(f'"reference": "Patient/{TARGETS[0]}"', text))
        own = f"s-{kinds[resource['resourceType']]}-{resource['resourceType']}"
        versions: list[Change] = [
            Change("PUT", sound["resourceType"], own, {**sound, "id": own}),
            Change("PUT", sound["resourceType"], own, {**sound, "id": own, "language": "zh"}, if_match=1),
            Change("DELETE", sound["resourceType"], own, None),
        ]
        for change in versions:
            two.tick()
            (short,), (long,) = await carried_out(two.short, [change]), await long_way(two.long, [change])
            assert told(short) == told(long)
            assert await everything(two.short, "s") == await everything(two.long, "s")
    assert len(kinds) > 8
