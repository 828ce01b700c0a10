"""A database whose writes are followed by terminology, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from yilian.db import Database
from yilian.store.hooks import Hooks
from yilian.terminology import follow


@pytest.fixture
async def followed(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, Hooks(validate=lambda resource: [], reactions=(follow,)))
    await database.open()
    yield database
    await database.close()
