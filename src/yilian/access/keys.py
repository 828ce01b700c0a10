"""The keys that sign tokens: ES256, made on first start, kept in the database so that every worker has them.

One key signs at a time; a retired one is still published and verified with until its last token has expired. RFC 7517, 7638.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from yilian.db import Tx

ALGORITHM = "ES256"
PUBLISHED_AFTER_RETIRING = timedelta(days=1)
"""Longer than any token lives."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kid` is the RFC 7638 thumbprint; `key` holds the private part."""

    kid: str
    key: ECKey
    retired: bool


async def ensure(tx: Tx) -> None:
    """Make the first key where there is none. Several servers that start at once agree on one."""
    if await tx.fetchval("select true from signing_key where retired is null"):
        return
    kid, text = _new()
    await tx.execute("insert into signing_key (kid, private, created) values ($1, $2, $3) on conflict do nothing", kid, text, tx.now)


async def rotate(tx: Tx) -> str:
    """Retire the key that signs and make a new one; returns its kid. Tokens already issued stay good until they expire."""
    await tx.execute("update signing_key set retired = $1 where retired is null", tx.now)
    kid, text = _new()
    await tx.execute("insert into signing_key (kid, private, created) values ($1, $2, $3)", kid, text, tx.now)
    return kid


async def usable(tx: Tx) -> list[SigningKey]:
    """The key that signs, first, and the retired ones whose tokens may still be about."""
    rows = await tx.fetch(
        "select kid, private, retired from signing_key where retired is null or retired > $1 order by retired nulls first, created desc",
        tx.now - PUBLISHED_AFTER_RETIRING,
    )
    return [SigningKey(row["kid"], ECKey.import_key(msgspec.json.decode(row["private"])), row["retired"] is not None) for row in rows]


def published(keys: list[SigningKey]) -> dict[str, Any]:
    """The JWK set others verify our tokens with: public parts only."""
    return {"keys": [{**one.key.as_dict(private=False), "kid": one.kid, "use": "sig", "alg": ALGORITHM} for one in keys]}


def _new() -> tuple[str, str]:
    key = ECKey.generate_key("P-256")
    return key.thumbprint(), msgspec.json.encode(key.as_dict(private=True)).decode()
