"""The region of the matrix is written once for each test process, and each twin when it is first asked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

import httpx
import pytest

from tests.conftest import _command, cheap_passwords, on_database
from tests.http.house import Server
from tests.scope.matrix.posts import Post, furnish, token_of
from tests.scope.matrix.region import Region, region
from tests.scope.matrix.writing import write_region

TOKENS_ARE_GOOD_FOR_S = 600


@dataclass(slots=True)
class Matrix:
    """region: what there is; dsn: all of it; tokens by post; twin(post): the address of what that post may see, and nothing else"""

    region: Region
    dsn: str
    tokens: dict[str, str]
    twin: Callable[[Post], Awaitable[str]]
    made_at: float = field(default_factory=monotonic)

    async def client(self, server: Server, post: Post) -> httpx.AsyncClient:
        """Somebody's client. Every request carries the same X-Request-Id, so that answers can be compared to the byte."""
        old = monotonic() - self.made_at > TOKENS_ARE_GOOD_FOR_S
        server.tokens = {post.account: await token_of(server.dsn, post)} if old else dict(self.tokens)
        client = await server.as_(post.account)
        client.headers["x-request-id"] = "matrix"
        return client


@pytest.fixture(scope="session")
def matrix(cluster: str, prepared: str) -> Iterator[Matrix]:
    base = f"yilian_matrix_{os.getpid()}"
    asyncio.run(_command(cluster, f'create database "{base}" template "{prepared}" strategy file_copy'))
    with cheap_passwords():
        tokens = asyncio.run(furnish(on_database(cluster, base)))
    there = region(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1))

    made: dict[str, str] = {}

    async def copy(word: str) -> str:
        await _command(cluster, f'create database "{base}_{word}" template "{base}" strategy file_copy')
        made[word] = on_database(cluster, f"{base}_{word}")
        return made[word]

    async def twin(post: Post) -> str:
        if post.view not in made:
            asker = post.whole_view
            await write_region(there, await copy(post.view), lambda thing: there.sees(asker, thing))
            await _command(made[post.view], "analyze")
        return made[post.view]

    async def whole() -> None:
        await write_region(there, await copy("all"))
        await _command(made["all"], "analyze")  # as a running server has it; without it some plans take a thousand times as long

    asyncio.run(whole())
    yield Matrix(there, made["all"], tokens, twin)
    for name in (base, *(f"{base}_{word}" for word in made)):
        asyncio.run(_command(cluster, f'drop database "{name}" with (force)'))
