"""The whole house as for tests/http with a record in it, a trail that is written before the answer leaves, and a journey through it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest
from argon2 import PasswordHasher

from tests.conftest import cheap_passwords, copied, on_database
from tests.http.house import Server, running
from tests.journeys.serving import Killable
from tests.journeys.steps import EVERYBODY, Journey, put_the_record_in
from yilian.access import passwords

TOKENS_ARE_GOOD_FOR_S = 600

_numbers = itertools.count(1)


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the smallest cost."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)


@pytest.fixture
def house(dsn: str) -> Killable:
    """A fresh database on which servers are killed; a file that wants more in it overrides `dsn`."""
    return Killable(dsn)


@pytest.fixture(scope="session")
def begun(cluster: str, furnished: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name of a database where the journeys begin, everybody's tokens, and when it was made (monotonic seconds)."""
    with copied(cluster, furnished) as name:
        with cheap_passwords():
            tokens = asyncio.run(_begin(on_database(cluster, name)))
        yield name, tokens, monotonic()


async def _begin(dsn: str) -> dict[str, str]:
    async with running(dsn) as server:
        await put_the_record_in(server)
        for who in EVERYBODY:
            await server.as_(who)
        return server.tokens


@pytest.fixture
def dsn_of_journey(cluster: str, begun: tuple[str, dict[str, str], float]) -> Iterator[str]:
    with copied(cluster, begun[0]) as name:
        yield on_database(cluster, name)


@pytest.fixture
async def server(dsn_of_journey: str, begun: tuple[str, dict[str, str], float], quick_passwords: None) -> AsyncIterator[Server]:
    async with running(dsn_of_journey, audit_strict=True) as started:
        if monotonic() - begun[2] < TOKENS_ARE_GOOD_FOR_S:
            started.tokens = dict(begun[1])
        yield started


@pytest.fixture
async def journey(server: Server) -> AsyncIterator[Journey]:
    found = Journey(server)
    yield found
    await found.leave()
