"""The small world of `world.py` in a fresh database, and a way to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from tests.conftest import REGION_ZONE
from tests.search.loader import Shelf, load
from tests.search.wide_world import BODY, ENDLESS, HIERARCHY, VALUE_SETS, wide_world
from tests.search.world import world
from yilian.fhir.dates import region_zone, use_region_zone
from yilian.search.query import parse
from yilian.search.statement import count, page
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo(REGION_ZONE)
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class World:
    connection: asyncpg.Connection
    shelf: Shelf

    async def ids(self, kind: str, *pairs: tuple[str, str], scope: Scope = SYSTEM) -> list[str]:
        """The ids of the first page of 1,000, in order."""
        asked = page(parse(kind, [*pairs, ("_count", "1000")], zone=ZONE), scope)
        return [row["id"] for row in await self.connection.fetch(asked.sql, *asked.args)]

    async def walk(self, kind: str, pairs: Pairs, size: int, scope: Scope = SYSTEM) -> list[str]:
        """The ids of all pages, following the cursors."""
        found: list[str] = []
        cursor: list[tuple[str, str]] = []
        while True:
            asked = page(parse(kind, [*pairs, ("_count", str(size)), *cursor], zone=ZONE), scope)
            rows = await self.connection.fetch(asked.sql, *asked.args)
            found += [row["id"] for row in rows[:size]]
            if len(rows) <= size:
                return found
            cursor = [("_cursor", asked.cursor_after(rows[size - 1]))]

    async def total(self, kind: str, *pairs: tuple[str, str], scope: Scope = SYSTEM) -> int:
        asked = count(parse(kind, pairs, zone=ZONE), scope)
        return int(await self.connection.fetchval(asked.sql, *asked.args))


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    before = str(region_zone())
    use_region_zone(REGION_ZONE)
    opened = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "jit": "off"})
    yield opened
    await opened.close()
    use_region_zone(before)


@pytest.fixture
async def small_world(connection: asyncpg.Connection) -> World:
    return World(connection, await load(connection, world()))


@pytest.fixture
async def wide(connection: asyncpg.Connection) -> World:
    """The wide world, and what the terminology tables hold of its value sets and its hierarchy."""
    shelf = await load(connection, wide_world())
    await terminology(connection)
    return World(connection, shelf)


async def terminology(connection: asyncpg.Connection) -> None:
    members = [(url, system, code) for url, codes in VALUE_SETS.items() for system, code in codes]
    await connection.copy_records_to_table("value_set_code", records=members)
    states = [*((url, True, None) for url in VALUE_SETS), (ENDLESS, False, "it is all of a system that is not listed here")]
    await connection.copy_records_to_table("value_set_state", records=states)
    lines = []
    for code in HIERARCHY:
        above = code
        while above:
            lines.append((BODY, code, above))
            above = HIERARCHY[above]
    await connection.copy_records_to_table("code_ancestor", records=lines)
    await connection.execute("analyze")
