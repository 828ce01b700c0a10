"""A furnished database is made once for each test process; every test gets its own copy and a server on it."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher

from tests.conftest import _command, on_database
from tests.http.house import Server, furnish, running
from yilian.access import passwords

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def furnished(cluster: str, template: str) -> Iterator[str]:
    """Name of a prepared database with the small region in it. Every folder that uses it has one of its own."""
    name = f"yilian_furnished_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_command(cluster, f'create database "{name}" template "{template}" strategy file_copy'))
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", lambda: quick)
        asyncio.run(furnish(on_database(cluster, name)))
    yield name
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


@pytest.fixture
def furnished_dsn(cluster: str, furnished: str) -> Iterator[str]:
    name = f"yilian_http_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_command(cluster, f'create database "{name}" template "{furnished}" strategy file_copy'))
    yield on_database(cluster, name)
    asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))


@pytest.fixture
async def server(furnished_dsn: str) -> AsyncIterator[Server]:
    async with running(furnished_dsn) as started:
        yield started
