"""The server without sign-in and audit, to tell what those cost: every request is the platform's own, and no read is noted.

Nobody can start the product like this; it reads nothing to anybody unsigned. Started as `python -m bench.unsigned DSN PORT`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn

from yilian import app
from yilian.config import Settings
from yilian.store.scope import SYSTEM, Scope


class _Anybody:
    async def scope_of(self, authorization: str, request_id: str = "", address: str = "") -> Scope:
        return SYSTEM


class _Nothing:
    def __init__(self, db: Any) -> None:
        self.db = db

    async def add(self, notes: Sequence[Any], *, strict: bool = False) -> None:
        """Not noted."""


def application(dsn: str) -> Any:
    front = app.build(Settings(), dsn)
    house = front.fhir.house
    front.fhir.house = dataclasses.replace(house, verifier=_Anybody(), reads=_Nothing(house.db))  # type: ignore[arg-type]
    return front


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[1]), port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)
