"""Who calls a CDS service: an application that is registered here, by a statement signed with its own key, good once.

CDS Hooks 2.0, "Trusting CDS Clients": a JWT whose `iss` is the client and whose `aud` is the very address that is called. The client is
registered like any application (`yilian client add`, docs/reference/applications.md), its id being that issuer; its keys are registered or
lie at its address. A `jku` in the statement is believed only where it is that address. What the client may see is what its scope
(`system/…`) and its institution give it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from yilian.access import assertions, clients
from yilian.access.assertions import NotProven
from yilian.access.settings import AccessSettings
from yilian.access.standing import of_client
from yilian.errors import NotSignedIn
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database

LONGEST = 8192


async def caller(db: Database, settings: AccessSettings, authorization: str, audiences: Collection[str]) -> Scope:
    """The scope of whoever sent this Authorization header. Raises NotSignedIn; why, is not told."""
    kind, _, statement = authorization.partition(" ")
    statement = statement.strip()
    if kind.lower() != "bearer" or not 0 < len(statement) <= LONGEST or not statement.isascii():
        raise _unknown()
    async with db.reading() as tx:
        client = await clients.by_id(tx, assertions.issuer(statement))
    if client is None or not _same_keys(statement, client.jwks_uri):
        raise _unknown()
    try:
        keyed = await assertions.with_keys(db, client, statement, settings)
        proven = assertions.proof(keyed, statement, audiences, db.clock(), names_subject=False)
    except NotProven:
        raise _unknown() from None
    async with db.transaction() as tx:
        if not await assertions.first_time(tx, proven):
            raise _unknown()
        return (await of_client(tx, client.id, client.name, client.agent, client.institution, client.scope)).scope


def _same_keys(statement: str, jwks_uri: str | None) -> bool:
    try:
        jku = extract_compact(statement.encode("ascii")).headers().get("jku")
    except (JoseError, ValueError, AttributeError):
        return False
    return jku is None or jku == jwks_uri


def _unknown() -> NotSignedIn:
    return NotSignedIn(
        "The statement of the CDS client is not good: unknown issuer, key, audience or time, or used before.",
        zh="决策支持客户端未通过验证。",
    )
