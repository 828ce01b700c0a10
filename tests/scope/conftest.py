"""The world of these tests is made once for each test process; tests read one copy of it, and change a copy of their own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest

from tests.conftest import cheap_passwords, copied, on_database
from tests.http.house import Server, running
from tests.scope import world as worlds

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def made(cluster: str, furnished: str) -> Iterator[tuple[str, worlds.World]]:
    """Name of the database with the world in it, and what is in it."""
    with copied(cluster, furnished) as name:
        with cheap_passwords():
            world = asyncio.run(worlds.build(on_database(cluster, name)))
        yield name, world


@pytest.fixture
def world(made: tuple[str, worlds.World]) -> worlds.World:
    return made[1]


TOKENS_ARE_GOOD_FOR_S = 600


def _copy(cluster: str, made: tuple[str, worlds.World]) -> Iterator[str]:
    with copied(cluster, made[0]) as name:
        yield on_database(cluster, name)


@pytest.fixture(scope="session")
def dsn_to_read(cluster: str, made: tuple[str, worlds.World]) -> Iterator[str]:
    yield from _copy(cluster, made)


@pytest.fixture
def dsn_to_change(cluster: str, made: tuple[str, worlds.World]) -> Iterator[str]:
    yield from _copy(cluster, made)


@pytest.fixture
async def server(dsn_to_read: str, world: worlds.World) -> AsyncIterator[Server]:
    """A server on a copy all these tests share: for those that read, or are refused."""
    async with running(dsn_to_read) as started:
        yield _with_tokens(started, world)


@pytest.fixture
async def own_server(dsn_to_change: str, world: worlds.World) -> AsyncIterator[Server]:
    """A server on a copy of the test's own: for those that write, or read the trail."""
    async with running(dsn_to_change) as started:
        yield _with_tokens(started, world)


def _with_tokens(server: Server, world: worlds.World) -> Server:
    if monotonic() - world.made_at < TOKENS_ARE_GOOD_FOR_S:
        server.tokens = dict(world.tokens)
    return server
