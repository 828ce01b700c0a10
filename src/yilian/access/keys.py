"""The keys that sign tokens: ES256, made on first start, kept (sealed) in the database so that every worker has them.

One key signs at a time. The next one is published before it begins to sign, longer than others keep our key set, and a retired one is
published and verified with until its last token has expired: nobody meets a token whose key is not known yet or not known any more.
RFC 7517, 7638; RFC 9700 does not say how often, NIST SP 800-57 part 1 5.3.6 allows a signing key one to three years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc.jwk import ECKey

from yilian.errors import Conflict
from yilian.sealing.keyring import open_column

if TYPE_CHECKING:
    from yilian.db import Tx

ALGORITHM = "ES256"
PUBLISHED_AHEAD = timedelta(minutes=15)
"""Others keep our key set for five minutes (`cache-control` of /oauth2/jwks)."""
PUBLISHED_AFTER_RETIRING = timedelta(days=1)
"""Longer than any token lives."""
LIFE = timedelta(days=90)
"""After so long a new key takes over by itself."""
JOB = "access.keys"
SEALED = "signing_key.private"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kid` is the RFC 7638 thumbprint; `key` holds the private part; it signs from `begins` until `retired` (None: until the next)."""

    kid: str
    key: ECKey
    begins: datetime
    retired: datetime | None


async def ensure(tx: Tx) -> None:
    """Make the first key where there is none. Several servers that start at once agree on one."""
    if await tx.fetchval("select true from signing_key where retired is null"):
        return
    await tx.execute(
        "insert into signing_key (kid, private, created, begins) values ($1, $2, $3, $3) on conflict do nothing", *_new(tx), tx.now
    )


async def rotate(tx: Tx) -> str:
    """Make the next key; returns its kid. It is published now and signs after `PUBLISHED_AHEAD`; until then the one before does.

    Conflict while the one made last has not begun yet.
    """
    await _one_at_a_time(tx)
    waiting = await tx.fetchval("select begins from signing_key where retired is null and begins > $1", tx.now)
    if waiting is not None:
        raise Conflict(f"The next key has been made already; it signs from {waiting.isoformat(timespec='seconds')}.")
    begins = tx.now + PUBLISHED_AHEAD
    await tx.execute("update signing_key set retired = $1 where retired is null", begins)
    return await _insert(tx, begins)


async def replace(tx: Tx) -> str:
    """For a key that somebody else may have: a new one signs from now on, no other is believed, and every sign-in ends."""
    await _one_at_a_time(tx)
    await tx.execute("delete from signing_key")
    await tx.execute("update token_grant set ended = $1, reason = 'key-replaced' where ended is null", tx.now)
    await tx.execute("update session set ended = $1 where ended is null", tx.now)
    return await _insert(tx, tx.now)


async def rotate_when_due(tx: Tx) -> None:
    """The next key once the one that signs is `LIFE` old; and proofs of applications that are over are cleared away. Every day."""
    newest = await tx.fetchval("select max(begins) from signing_key where retired is null")
    if newest is not None and newest < tx.now - LIFE:
        await rotate(tx)
    await tx.execute("delete from client_assertion where expires < $1", tx.now)


async def usable(tx: Tx) -> list[SigningKey]:
    """The key that signs, first; then the one that will, and the retired ones whose tokens may still be about."""
    rows = await tx.fetch(
        "select kid, private, begins, retired from signing_key where retired is null or retired > $2"
        " order by (begins <= $1 and (retired is null or retired > $1)) desc, begins desc",
        tx.now,
        tx.now - PUBLISHED_AFTER_RETIRING,
    )
    return [SigningKey(row["kid"], _private(row["kid"], row["private"]), row["begins"], row["retired"]) for row in rows]


def _private(kid: str, stored: str) -> ECKey:
    return ECKey.import_key(msgspec.json.decode(open_column(SEALED, kid, stored.encode())))


def published(keys: list[SigningKey]) -> dict[str, Any]:
    """The JWK set others verify our tokens with: public parts only."""
    return {"keys": [{**one.key.as_dict(private=False), "kid": one.kid, "use": "sig", "alg": ALGORITHM} for one in keys]}


async def _one_at_a_time(tx: Tx) -> None:
    await tx.execute("select pg_advisory_xact_lock(hashtext('yilian signing keys'))")


async def _insert(tx: Tx, begins: datetime) -> str:
    kid, text = _new(tx)
    await tx.execute("insert into signing_key (kid, private, created, begins) values ($1, $2, $3, $4)", kid, text, tx.now, begins)
    return kid


def _new(tx: Tx) -> tuple[str, str]:
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    return kid, tx.db.ring.seal_column(SEALED, kid, msgspec.json.encode(key.as_dict(private=True))).decode()
