"""The whole house as for tests/http with a record in it, a trail that is written before the answer leaves, and a journey through it."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest
from argon2 import PasswordHasher

from tests.conftest import _command, on_database
from tests.http.house import Server, furnish, running
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
def begun(cluster: str, template: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name of a database where the journeys begin, everybody's tokens, and when it was made (monotonic seconds)."""
    name = f"yilian_journeys_{os.getpid()}"
    asyncio.run(_command(cluster, f'create database "{name}" template "{template}" strategy file_copy'))
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", lambda: quick)
        tokens = asyncio.run(_begin(on_database(cluster, name)))
    yield name, tokens, monotonic()
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


async def _begin(dsn: str) -> dict[str, str]:
    await furnish(dsn)
    async with running(dsn) as server:
        await put_the_record_in(server)
        for who in EVERYBODY:
            await server.as_(who)
        return server.tokens


@pytest.fixture
def dsn_of_journey(cluster: str, begun: tuple[str, dict[str, str], float]) -> Iterator[str]:
    name = f"{begun[0]}_{next(_numbers)}"
    asyncio.run(_command(cluster, f'create database "{name}" template "{begun[0]}" strategy file_copy'))
    yield on_database(cluster, name)
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


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
