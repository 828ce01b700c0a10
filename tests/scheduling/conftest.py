"""The region of the referral tests, with the room of scheduling wired in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Region, opened
from yilian.scheduling import bookings, slots

WIRED = replace(HOOKS, guards=(*HOOKS.guards, bookings.guard), reactions=(*HOOKS.reactions, slots.follow))


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, WIRED) as made:
        yield made
