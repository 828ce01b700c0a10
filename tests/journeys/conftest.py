"""The whole house as for tests/http, with a trail that is written before the answer leaves, and a journey through it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from tests.http.conftest import furnished, furnished_dsn
from tests.http.house import Server, running
from tests.journeys.steps import Journey
from yilian.access import passwords

__all__ = ["furnished", "furnished_dsn"]


@pytest.fixture
async def server(furnished_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    async with running(furnished_dsn, audit_strict=True) as started:
        yield started


@pytest.fixture
async def journey(server: Server) -> AsyncIterator[Journey]:
    found = Journey(server)
    await found.put_the_record_in()
    yield found
    await found.leave()
