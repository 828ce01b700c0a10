"""The floor a request can be compared with: one prepared statement on the same PostgreSQL, the bytes returned, nothing else.

The same server software, no sign-in, no scope, no validation, no audit. Started as `python -m bench.bare DSN PORT`.

    GET  /read/TYPE/ID            the stored text
    POST /create                  insert the text and commit
    PUT  /update/ID/VERSION       replace it if it is that version, and commit
    GET  /search/CASE/NUMBER      the hand-written SQL of `searches.py`, with the arguments of that number, as a Bundle
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

import asyncpg
import uvicorn

from bench.searches import CASES, Drawn

BY_ID = "select body from resource where type = $1 and id = $2"
TABLE = 'create table if not exists bench_text (id text collate "C" primary key, ver integer not null default 1, body text not null)'
INSERT = "insert into bench_text (id, body) values ($1, $2)"
UPDATE = "update bench_text set body = $2, ver = ver + 1 where id = $1 and ver = $3"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def application(dsn: str) -> Callable[..., Awaitable[None]]:
    pool: Any = None
    drawn: Drawn = {}

    async def leave(connection: object) -> None:
        """No reset, as in the server itself."""

    async def answer(scope: Scope, receive: Receive) -> tuple[int, bytes]:
        way = scope["path"].split("/")[1:]
        if way[0] == "read":
            async with pool.acquire() as connection:
                return 200, (await connection.fetchval(BY_ID, int(way[1]), way[2])).encode()
        if way[0] == "search":
            case = CASES[way[1]]
            async with pool.acquire() as connection:
                rows = await connection.fetch(case.sql, *drawn[way[1]][int(way[2])].args)
            entries = ",".join(f'{{"resource":{row[0]}}}' for row in rows)
            return 200, f'{{"resourceType":"Bundle","type":"searchset","entry":[{entries}]}}'.encode()
        text = (await receive())["body"].decode()
        async with pool.acquire() as connection:
            if way[0] == "create":
                await connection.execute(INSERT, str(uuid4()), text)
                return 201, text.encode()
            done = await connection.execute(UPDATE, way[1], text, int(way[2]))
        return (200 if done == "UPDATE 1" else 412), text.encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal pool, drawn
        if scope["type"] == "lifespan":
            await receive()
            pool = await asyncpg.create_pool(dsn, min_size=8, max_size=8, reset=leave)
            async with pool.acquire() as connection:
                drawn = {name: await case.draw(connection) for name, case in CASES.items()}
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        status, data = await answer(scope, receive)
        headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1]), port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)
