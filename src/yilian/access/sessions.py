"""Browsers that are signed in, or on the way to it. The cookie is a random secret; only its SHA-256 is kept.

A sign-in may take several steps (password, second factor, a new password, enrolment of a second factor). Until the last one is done the
session has a `step`, is good for nothing else, and lasts for minutes only; with each step done the cookie is a new one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

from yilian.access.rules import idle
from yilian.access.settings import AccessSettings

if TYPE_CHECKING:
    from yilian.db import Tx

KEPT_FOR = timedelta(days=30)
"""How long what is over is kept before it is cleared away, so that an investigation finds it."""
ON_THE_WAY = timedelta(minutes=15)
"""How long the steps of a sign-in may take."""

Step = Literal["", "second-factor", "password", "enrol"]


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is alive. `institution` is that of the post picked for it; `step`: what is still asked, "" for nothing; `factors`:
    what was proven, in the words of RFC 8176; `provider`: the OpenID provider that said who it is, None where it was proven here."""

    id: UUID
    account: str
    institution: str
    started: datetime
    expires: datetime
    step: Step = ""
    factors: tuple[str, ...] = ("pwd",)
    provider: str | None = None


def digest(secret: str) -> bytes:
    """How a random secret of 256 bits is kept: its SHA-256. (Guessing it is hopeless, so no slow hash is needed.)"""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def new_secret() -> str:
    """256 bits from the system's random source, URL-safe."""
    return secrets.token_urlsafe(32)


async def start(
    tx: Tx,
    account: str,
    institution: str,
    settings: AccessSettings,
    *,
    address: str,
    browser: str,
    step: Step = "",
    factors: Sequence[str] = ("pwd",),
    at_once: int = 0,
    provider: str | None = None,
) -> tuple[Session, str]:
    """A new session and its cookie. Clears away what has long been over. Of more than `at_once` (0: any number) the one that was used least
    recently ends."""
    await _clear(tx)
    cookie = new_secret()
    until = tx.now + (ON_THE_WAY if step else settings.session)
    session = Session(uuid4(), account, institution, tx.now, until, step, tuple(factors), provider)
    await tx.execute(
        "insert into session (id, cookie, account, institution, started, seen, expires, address, browser, step, factors, provider)"
        " values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)",
        session.id,
        digest(cookie),
        account,
        institution,
        session.started,
        session.expires,
        address,
        browser[:200].replace("\0", ""),
        step,
        list(factors),
        provider,
    )
    if at_once:
        await _end_those_beyond(tx, account, at_once)
    return session, cookie


async def advance(tx: Tx, session: Session, step: Step, factors: Sequence[str], settings: AccessSettings) -> str:
    """A step of the sign-in was taken: what is asked next, and the new cookie. The session begins when nothing is asked any more."""
    cookie = new_secret()
    done = session.step and not step
    await tx.execute(
        "update session set cookie = $2, step = $3, factors = $4, started = $5, expires = $6, seen = $7 where id = $1",
        session.id,
        digest(cookie),
        step,
        list(factors),
        tx.now if done else session.started,
        tx.now + settings.session if done else session.expires,
        tx.now,
    )
    return cookie


async def by_cookie(tx: Tx, cookie: str) -> Session | None:
    """The session of this cookie if it is alive and nothing more is asked; it counts as used now. None otherwise."""
    return await on_the_way(tx, cookie, ("",))


async def on_the_way(tx: Tx, cookie: str, steps: Sequence[Step]) -> Session | None:
    """The session of this cookie if it is alive and at one of these steps; it counts as used now. None otherwise."""
    row = await tx.fetchrow(
        """
        update session s set seen = $2 from account a
        where s.cookie = $1 and a.name = s.account and a.disabled is null and (a.expires is null or a.expires > $2) and s.ended is null
          and s.expires > $2 and s.seen > $3 and s.step = any($4::text[])
        returning s.id, s.account, s.institution, s.started, s.expires, s.step, s.factors, s.provider
        """,
        digest(cookie),
        tx.now,
        tx.now - await idle(tx),
        list(steps),
    )
    return None if row is None else _session(row)


async def end(tx: Tx, cookie: str, reason: str = "signed-out") -> Session | None:
    """End the session of this cookie and every token that hangs on it. The session that was ended, None when there was none."""
    row = await tx.fetchrow(
        "update session set ended = $2 where cookie = $1 and ended is null"
        " returning id, account, institution, started, expires, step, factors, provider",
        digest(cookie),
        tx.now,
    )
    if row is None:
        return None
    await tx.execute("update token_grant set ended = $2, reason = $3 where session = $1 and ended is null", row["id"], tx.now, reason)
    return _session(row)


async def end_others(tx: Tx, account: str, keep: UUID | None, reason: str) -> int:
    """End every session of an account but `keep`, and every token but those that hang on it. How many sessions ended."""
    ended = await tx.fetch(
        "update session set ended = $2 where account = $1 and ended is null and id is distinct from $3 returning id", account, tx.now, keep
    )
    await tx.execute(
        "update token_grant set ended = $2, reason = $3"
        " where account = $1 and ended is null and (session is distinct from $4 or $4 is null)",
        account,
        tx.now,
        reason,
        keep,
    )
    await tell(tx)
    return len(ended)


async def tell(tx: Tx) -> None:
    """Let every server process know that something ended which its owner may go on using: tokens it knows are looked up again within a
    second (`tokens.Verifier`), once this transaction is committed."""
    await tx.execute("update access_change set number = number + 1")


async def told(tx: Tx) -> int:
    """How often `tell` was called."""
    number: int = await tx.fetchval("select number from access_change")
    return number


async def _end_those_beyond(tx: Tx, account: str, most: int) -> None:
    await tx.execute(
        """
        with beyond as (
            select id from session where account = $1 and ended is null and expires > $2 order by seen desc, started desc, id offset $3
        ), over as (
            update session set ended = $2 where id in (select id from beyond) returning id
        )
        update token_grant set ended = $2, reason = 'too-many-sessions' where session in (select id from over) and ended is null
        """,
        account,
        tx.now,
        most,
    )


def _session(row: Any) -> Session:
    return Session(
        row["id"], row["account"], row["institution"], row["started"], row["expires"], row["step"], tuple(row["factors"]), row["provider"]
    )


async def _clear(tx: Tx) -> None:
    long_ago = tx.now - KEPT_FOR
    await tx.execute("delete from authorization_code where expires < $1", long_ago)
    await tx.execute("delete from token_grant where expires < $1", long_ago)
    await tx.execute("delete from session where expires < $1", long_ago)
