"""A region with people in it, on a database of its own for each test, and a clock the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Region, opened
from yilian import beds
from yilian.directory import columns
from yilian.referral import circumstances

WIRED = replace(HOOKS, reactions=(*HOOKS.reactions, beds.follow, columns.follow, circumstances.follow))
"""With beds, what services ask of referrals, and what makes one void."""


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    async with opened(dsn, WIRED) as made:
        yield made
