"""Codes for who has lost the second factor: ten, shown once, each good once. Only their SHA-256 is kept; 50 bits and the lock of the
account make guessing hopeless."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that are read for one another."""


async def renew(tx: Tx, account: str) -> list[str]:
    """New codes, "abcde-fghjk"; the old ones are no longer good."""
    codes = ["".join(secrets.choice(LETTERS) for _ in range(10)) for _ in range(CODES)]
    await tx.execute("delete from recovery_code where account = $1", account)
    await tx.execute(
        "insert into recovery_code (account, hash) select $1, unnest($2::bytea[])", account, [_hash(account, code) for code in codes]
    )
    return [f"{code[:5]}-{code[5:]}" for code in codes]


async def take(tx: Tx, account: str, code: str) -> bool:
    """Whether this is a code that was not used yet; it is used now."""
    plain = "".join(one for one in code.lower() if one.isalnum())
    done = await tx.fetchval(
        "update recovery_code set used = $3 where account = $1 and hash = $2 and used is null returning true",
        account,
        _hash(account, plain),
        tx.now,
    )
    return bool(done)


def _hash(account: str, code: str) -> bytes:
    return hashlib.sha256(f"{account}\n{code}".encode("utf-8", "replace")).digest()
