"""Browsers that are signed in. The cookie is a random secret; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from yilian.access.settings import AccessSettings

if TYPE_CHECKING:
    from yilian.db import Tx

KEPT_FOR = timedelta(days=30)
"""How long what is over is kept before it is cleared away, so that an investigation finds it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is alive. `institution` is that of the post picked for it."""

    id: UUID
    account: str
    institution: str
    started: datetime
    expires: datetime


def digest(secret: str) -> bytes:
    """How a random secret of 256 bits is kept: its SHA-256. (Guessing it is hopeless, so no slow hash is needed.)"""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def new_secret() -> str:
    """256 bits from the system's random source, URL-safe."""
    return secrets.token_urlsafe(32)


async def start(tx: Tx, account: str, institution: str, settings: AccessSettings, *, address: str, browser: str) -> tuple[Session, str]:
    """A new session and its cookie. Clears away what has long been over."""
    await _clear(tx)
    cookie = new_secret()
    session = Session(uuid4(), account, institution, tx.now, tx.now + settings.session)
    await tx.execute(
        "insert into session (id, cookie, account, institution, started, seen, expires, address, browser)"
        " values ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        session.id,
        digest(cookie),
        account,
        institution,
        session.started,
        session.expires,
        address,
        browser[:200].replace("\0", ""),
    )
    return session, cookie


async def by_cookie(tx: Tx, cookie: str, settings: AccessSettings) -> Session | None:
    """The session of this cookie if it is alive; it counts as used now. None otherwise."""
    row = await tx.fetchrow(
        """
        update session s set seen = $2 from account a
        where s.cookie = $1 and a.name = s.account and a.disabled is null and s.ended is null and s.expires > $2 and s.seen > $3
        returning s.id, s.account, s.institution, s.started, s.expires
        """,
        digest(cookie),
        tx.now,
        tx.now - settings.idle,
    )
    return None if row is None else Session(row["id"], row["account"], row["institution"], row["started"], row["expires"])


async def end(tx: Tx, cookie: str, reason: str = "signed-out") -> Session | None:
    """End the session of this cookie and every token that hangs on it. The session that was ended, None when there was none."""
    row = await tx.fetchrow(
        "update session set ended = $2 where cookie = $1 and ended is null returning id, account, institution, started, expires",
        digest(cookie),
        tx.now,
    )
    if row is None:
        return None
    await tx.execute("update token_grant set ended = $2, reason = $3 where session = $1 and ended is null", row["id"], tx.now, reason)
    return Session(row["id"], row["account"], row["institution"], row["started"], row["expires"])


async def _clear(tx: Tx) -> None:
    long_ago = tx.now - KEPT_FOR
    await tx.execute("delete from authorization_code where expires < $1", long_ago)
    await tx.execute("delete from token_grant where expires < $1", long_ago)
    await tx.execute("delete from session where expires < $1", long_ago)
