"""`yilian token`: an access token for scripts, for whoever may use the database anyway."""

from __future__ import annotations

import uvloop

from yilian.access import tokens
from yilian.access.settings import AccessSettings
from yilian.command import house
from yilian.config import Settings


def token(settings: Settings, *, user: str | None, client: str | None) -> int:
    """Print a token for an account or a system client. Raises NotFound for one that is not there; the audit trail records it."""

    async def run(dsn: str) -> str:
        async with house.database(settings, dsn) as db, db.transaction() as tx:
            chosen = AccessSettings.of(settings)
            return await (
                tokens.issue_for_user(tx, user, chosen) if user is not None else tokens.issue_for_client(tx, client or "", chosen)
            )

    with house.address(settings, alone=False, purpose="yilian token") as dsn:
        print(uvloop.run(run(dsn)))
    return 0
