"""Secrets of authenticator apps, sealed with the keys of the region (`yilian.sealing`), each for its account alone.

Older versions sealed them with the master key itself (AES-256-GCM; first byte 1); these open still, until they are sealed anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.sealing.keyring import unseal as unsealed

if TYPE_CHECKING:
    from yilian.db import Tx

COLUMN = "totp.secret"
OLDER = b"\x01"


def seal(tx: Tx, secret: bytes, account: str) -> bytes:
    """The sealed secret. Unavailable where there is no key to seal it with: it is never kept as it is."""
    return tx.db.ring.seal(secret, f"{COLUMN}|{account}").encode()


def unseal(tx: Tx, stored: bytes, account: str) -> bytes:
    """What was sealed for this account. Unavailable when it was sealed for another or is damaged, or a key is missing."""
    if stored[:1] != OLDER:
        return unsealed(stored.decode(), f"{COLUMN}|{account}")
    return tx.db.ring.master.opens_older(stored, account)
