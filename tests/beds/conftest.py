"""The region of the referral tests, with the room of beds wired in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Region, opened
from yilian import beds

WIRED = replace(HOOKS, reactions=(*HOOKS.reactions, beds.follow))


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, WIRED) as made:
        yield made
