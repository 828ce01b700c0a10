"""/healthz: the process is alive. /readyz: the database answers and its tables are of this version."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from yilian.db import Database
from yilian.errors import YilianError
from yilian.store.migrate import migrations


class Health:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.newest = migrations()[-1].number

    async def alive(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """200 when requests can be served, 503 with the reason when not."""
        try:
            async with self.db.reading() as tx:
                there = await tx.fetchval("select max(number) from migration")
        except (YilianError, OSError) as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, status_code=503, headers={"retry-after": "5"})
        if there != self.newest:
            return JSONResponse(
                {"status": "not ready", "reason": f"the database is at migration {there}, this server needs {self.newest}"}, status_code=503
            )
        return JSONResponse({"status": "ready"})
