"""A region with people in it, on a database of its own for each test, and a clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.referral.region import HOOKS, Region, opened


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, HOOKS) as made:
        yield made
