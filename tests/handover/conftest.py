"""The region of the referral tests, with everything a referral is written with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Region, opened
from yilian import handover
from yilian.access import consent, sensitivity


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    hooks = replace(
        HOOKS, guards=(*HOOKS.guards, consent.guard, handover.guard), reactions=(*HOOKS.reactions, consent.follow), sensitive=sensitivity.of
    )
    async with opened(dsn, hooks) as made:
        yield made
