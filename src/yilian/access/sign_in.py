"""Signing in with name and password, and signing out.

Whatever is wrong (no such account, wrong password, locked, disabled) the answer is the same and takes as long. A try is counted before
the password is looked at, so that many at once cannot outrun the limit. GB/T 22239-2019 8.1.4.1 b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.access import accounts, passwords, sessions
from yilian.access.settings import AccessSettings
from yilian.access.trail import note_failure, note_sign_in, note_sign_out
from yilian.errors import NotSignedIn
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

PAGES = "yilian-web"


@dataclass(frozen=True, slots=True)
class Caller:
    """The browser: where it is, what it calls itself, and the id of its request."""

    address: str = ""
    browser: str = ""
    request_id: str = ""


async def sign_in(db: Database, name: str, password: str, settings: AccessSettings, caller: Caller, *, old_cookie: str = "") -> str:
    """The cookie of a new session. NotSignedIn when name and password do not go together, or the account cannot sign in now.

    Opens its own transactions, and none while the password is checked. The session of `old_cookie`, if there is one, ends.
    """
    name = accounts.canonical(name)
    stored, attempts = await _attempt(db, name, settings)
    if not await passwords.matches(stored, password) or stored is None:
        await _refuse(db, name, stored, attempts, settings, caller)
    renewed = await passwords.hashed(password) if passwords.outdated(stored or "") else None
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            "update account set attempts = 0, locked_until = null, password = coalesce($2, password)"
            " where name = $1 and disabled is null and password = $3 returning name",
            name,
            renewed,
            stored,
        )
        if row is None:  # disabled, or its password changed, while it was being checked
            raise _no()
        posts = await accounts.posts_of(tx, name)
        if old_cookie:
            await sessions.end(tx, old_cookie, "signed-in-again")
        _, cookie = await sessions.start(
            tx, name, posts[0].institution if posts else "", settings, address=caller.address, browser=caller.browser
        )
        await note_sign_in(tx, await _who(tx, name, caller))
    return cookie


async def sign_out(db: Database, cookie: str, caller: Caller) -> None:
    """End the session of this cookie with all its tokens. Nothing happens when there is none."""
    async with db.transaction() as tx:
        ended = await sessions.end(tx, cookie)
        if ended is not None:
            await note_sign_out(tx, await _who(tx, ended.account, caller))


async def _attempt(db: Database, name: str, settings: AccessSettings) -> tuple[str | None, int]:
    """Count a try and give the stored hash, None where signing in is out of the question; and how many tries there were in a row."""
    if not 0 < len(name) <= 64 or "\0" in name:
        return None, 0
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            """
            update account set attempts = case when attempted > $2 then attempts + 1 else 1 end, attempted = $3
            where name = $1 and disabled is null and (locked_until is null or locked_until <= $3)
              and not (attempts >= $4 and attempted > $2)
            returning password, attempts
            """,
            name,
            tx.now - settings.lock_for,
            tx.now,
            settings.lock_after,
        )
    return (None, 0) if row is None else (row["password"], row["attempts"])


async def _refuse(db: Database, name: str, stored: str | None, attempts: int, settings: AccessSettings, caller: Caller) -> None:
    async with db.transaction() as tx:
        if stored is not None and attempts >= settings.lock_after:
            await tx.execute(
                "update account set locked_until = $2 where name = $1 and attempts >= $3",
                name,
                tx.now + settings.lock_for,
                settings.lock_after,
            )
        why = "wrong password" if stored is not None else "account unknown, locked, disabled or without a password"
        await note_failure(tx, await _who(tx, name, caller), why)
    raise _no()


async def _who(tx: Tx, name: str, caller: Caller) -> Scope:
    """Somebody for the trail; nameless when there is no such account."""
    known = 0 < len(name) <= 64 and "\0" not in name
    row = await tx.fetchrow("select display, agent from account where name = $1", name) if known else None
    if row is None:
        return Scope("nothing", "", "", "", client=PAGES, request_id=caller.request_id, address=caller.address)
    posts = await accounts.posts_of(tx, name)
    at = posts[0].institution if posts else ""
    return Scope(
        "nothing",
        name,
        row["agent"],
        row["display"],
        frozenset(post.role for post in posts if post.institution == at),
        at,
        client=PAGES,
        request_id=caller.request_id,
        address=caller.address,
    )


def _no() -> NotSignedIn:
    return NotSignedIn(
        "Name and password do not go together, or the account is locked or disabled..",
        zh="用户名或密码不正确。连续输错将暂时锁定账号,请稍后再试或联系管理员。",
    )
