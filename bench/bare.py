"""The floor a read can be compared with: one prepared SELECT on the same PostgreSQL, the bytes returned, nothing else.

The same server software, no sign-in, no scope, no audit. Started as `python -m bench.bare DSN PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg
import uvicorn

BY_ID = "select body from resource where type = $1 and id = $2"


def application(dsn: str) -> Callable[..., Awaitable[None]]:
    pool: Any = None

    async def leave(connection: object) -> None:
        """No reset, as in the server itself."""

    async def app(scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        nonlocal pool
        if scope["type"] == "lifespan":
            await receive()
            pool = await asyncpg.create_pool(dsn, min_size=8, max_size=8, reset=leave)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        _, kind, id = scope["path"].split("/")
        async with pool.acquire() as connection:
            body = await connection.fetchval(BY_ID, int(kind), id)
        data = body.encode()
        headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1]), port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)
