"""A region with people in it, on a database of its own for each test, and a clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.referral.region import HOOKS, Clock, Region, build
from yilian.db import Database


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    clock = Clock()
    database = Database(dsn, HOOKS, clock=clock)
    await database.open()
    try:
        yield await build(database, clock)
    finally:
        await database.close()
