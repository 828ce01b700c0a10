"""The keys that sign the codes of the health card: made on first start, one at a time, of the algorithm policy names.

They are apart from those of tokens (`access.keys`), so neither can ever pass for the other, and others may publish and cache them longer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from yilian import policy
from yilian.errors import BadRequest
from yilian.identity.card_code import ALGORITHMS, Algorithm, Key, PublicKey, generated, imported
from yilian.sealing.keyring import open_column

if TYPE_CHECKING:
    from yilian.db import Tx

PUBLISHED_AFTER_RETIRING = timedelta(days=1)
"""Longer than any code lives."""
SEALED = "card_key.private"
KID = 8
"""Characters of the thumbprint (RFC 7638) that name a key: a region has a handful, and each character makes the QR code larger."""


async def ensure(tx: Tx) -> None:
    """Make the first key where there is none. Several servers that start at once agree on one."""
    if not await tx.fetchval("select true from card_key where retired is null"):
        await _make(tx)


async def rotate(tx: Tx) -> str:
    """Retire the key that signs and make a new one, of the algorithm that holds now; returns its kid. Codes already shown stay good.

    Desks that check without network need the new key: they fetch the published set again.
    """
    await tx.execute("update card_key set retired = $1 where retired is null", tx.now)
    return await _make(tx)


async def signing(tx: Tx) -> PublicKey:
    """The key that signs now, with its private part."""
    return next(iter((await usable(tx)).values()))


async def usable(tx: Tx) -> dict[str, PublicKey]:
    """By kid: the key that signs, first, and the retired ones whose codes may still be about."""
    rows = await tx.fetch(
        "select kid, algorithm, private from card_key where retired is null or retired > $1 order by retired nulls first, created desc",
        tx.now - PUBLISHED_AFTER_RETIRING,
    )
    return {row["kid"]: _key(row["kid"], row["algorithm"], row["private"]) for row in rows}


def _key(kid: str, algorithm: Algorithm, stored: str) -> PublicKey:
    return PublicKey(kid, algorithm, imported(algorithm, msgspec.json.decode(open_column(SEALED, kid, stored.encode()))))


async def _make(tx: Tx) -> str:
    named = await policy.value(tx, "card.algorithm", tx.now)
    if named not in ALGORITHMS:
        raise BadRequest(f"The policy card.algorithm is {named!r}; a card can be signed with {' or '.join(ALGORITHMS)}.")
    algorithm: Algorithm = named
    key: Key = generated(algorithm)
    kid = key.thumbprint()[:KID]
    await tx.execute(
        "insert into card_key (kid, algorithm, private, created) values ($1, $2, $3, $4) on conflict do nothing",
        kid,
        algorithm,
        tx.db.ring.seal_column(SEALED, kid, msgspec.json.encode(key.as_dict(private=True))).decode(),
        tx.now,
    )
    return kid
