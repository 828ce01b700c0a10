"""Short ways to enqueue, look and wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from yilian import jobs
from yilian.db import Database
from yilian.jobs import Job

Json = dict[str, Any]


SECOND = timedelta(seconds=1)


async def nothing(db: Database, job: Job) -> None:
    return None


async def enqueue(db: Database, kind: str, payload: Json | None = None, **more: Any) -> int:
    async with db.transaction() as tx:
        return await jobs.enqueue(tx, kind, payload or {}, **more)


async def entry(db: Database, id: int) -> jobs.Entry:
    async with db.reading() as tx:
        found = await jobs.entry(tx, id)
    assert found is not None
    return found


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 it happens in the database
            await asyncio.sleep(0.01)


async def until_idle(db: Database, seconds: float = 60) -> None:
    async def idle() -> bool:
        async with db.reading() as tx:
            return not await tx.fetchval("select exists (select from job where state in ('waiting', 'later', 'behind', 'running'))")

    await until(idle, seconds)
