"""What is told each day: agreements that end soon, and days to rectify that have passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.consortium import agreements, rectifying

if TYPE_CHECKING:
    from yilian.db import Database
    from yilian.jobs import Job

WARN = "consortium.warn"


async def warn(db: Database, job: Job) -> dict[str, int]:
    """The job of each day."""
    async with db.transaction() as tx:
        return {"agreements": await agreements.warn(tx), "overdue": await rectifying.warn(tx)}
