"""The second factor: authenticator apps (`totp`), passkeys (`passkeys`), and codes for who has lost both (`recovery`).

`standing` says what an account has. GB/T 22239-2019 8.1.4.1 d): two kinds of proof, at least one of them cryptographic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its owner sees it; `id` is base64url."""

    id: str
    label: str
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has besides its password. `app`: since when an authenticator app counts; `codes`: recovery codes left."""

    app: datetime | None
    passkeys: tuple[Passkey, ...]
    codes: int

    @property
    def any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


async def of(tx: Tx, account: str) -> Factors:
    """The second factors of this account."""
    from yilian.access.factors.passkeys import text_of

    app = await tx.fetchval("select confirmed from totp where account = $1", account)
    keys = await tx.fetch("select id, label, created, used from passkey where account = $1 order by created, id", account)
    codes = await tx.fetchval("select count(*) from recovery_code where account = $1 and used is null", account)
    return Factors(app, tuple(Passkey(text_of(row["id"]), row["label"], row["created"], row["used"]) for row in keys), codes)


async def tidy(tx: Tx, account: str) -> None:
    """Something was removed: recovery codes go with the last factor they stand for."""
    if not (await of(tx, account)).any:
        await tx.execute("delete from recovery_code where account = $1", account)


async def remove_all(tx: Tx, account: str) -> None:
    """An administrator's last resort for who has lost everything; the next sign-in asks for a new one where one is needed."""
    for table in ("totp", "passkey", "recovery_code"):
        await tx.execute(f"delete from {table} where account = $1", account)
