"""The region of the referral tests, with the rooms that look after patients afterwards; and an office."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.referral.region import HOOKS, Region, opened
from yilian import aftercare, handover
from yilian.access import accounts
from yilian.access.accounts import Post
from yilian.store.scope import SYSTEM


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    hooks = replace(HOOKS, guards=(*HOOKS.guards, handover.guard, aftercare.guard), reactions=(*HOOKS.reactions, aftercare.follow))
    async with opened(dsn, hooks) as made:
        async with made.db.transaction() as tx:
            posts = [Post("office", "Organization/first")]
            await accounts.add(tx, "office", "yilian-demo", display="冯涛", agent="Practitioner/office", posts=posts, by=SYSTEM)
        yield made
