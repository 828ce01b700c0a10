"""The region of the referral tests, in which the room of scheduling is wired in too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.referral.region import HOOKS, Region, opened


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, HOOKS) as made:
        yield made
