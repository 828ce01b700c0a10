"""The region of the referral tests, with the room of scheduling wired in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Clock, Region, build
from yilian.db import Database
from yilian.scheduling import bookings, slots

WIRED = replace(HOOKS, guards=(*HOOKS.guards, bookings.guard), reactions=(*HOOKS.reactions, slots.follow))


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    clock = Clock()
    database = Database(dsn, WIRED, clock=clock)
    await database.open()
    try:
        yield await build(database, clock)
    finally:
        await database.close()
