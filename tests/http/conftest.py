"""Every test gets a copy of the furnished database, and a server on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.house import Server, running


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    async with running(furnished_dsn) as started:
        yield started
