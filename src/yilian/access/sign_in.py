"""Signing in step by step, and signing out.

Password, or a passkey alone; then whatever the rules of the region still ask: a second factor where there is one, a new password where the
old one was given by somebody else or is too old, enrolment of a second factor where the post needs one. Only then is the session good.
Whatever is wrong with a name and a password (no such account, wrong password, locked, disabled, over) the answer is the same and takes as
long. GB/T 22239-2019 8.1.4.1 b), d).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from yilian.access import accounts, passwords, sessions, tries
from yilian.access.factors import passkeys, recovery, totp
from yilian.access.rules import Rules, rules, rules_now
from yilian.access.sessions import Session, Step
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


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The cookie of the session, and what is still asked before it is good ("" for nothing)."""

    cookie: str
    step: Step


async def sign_in(db: Database, name: str, password: str, settings: AccessSettings, caller: Caller, *, old_cookie: str = "") -> SignedIn:
    """The first step. NotSignedIn when name and password do not go together, or the account cannot sign in now; TooManyRequests for an
    address that failed too often.

    Opens its own transactions, and none while the password is checked. The session of `old_cookie`, if there is one, ends.
    """
    name = accounts.canonical(name)
    now = await _at_the_door(db, caller)
    one = await tries.begin(db, name, now)
    if not await passwords.matches(one.password if one else None, password) or one is None or one.password is None:
        await _refuse(db, name, one, now, caller)
    renewed = await passwords.hashed(password) if passwords.outdated(one.password) else None
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            "update account set password = coalesce($2, password) where name = $1 and disabled is null and password = $3 returning name",
            name,
            renewed,
            one.password,
        )
        if row is None:  # disabled, or its password changed, while it was being checked
            raise _no()
        step = await next_step(tx, name, ("pwd",), now)
        if step == "second-factor":
            await tries.taken_back(tx, one)
        return await _begin(tx, name, step, ("pwd",), now, settings, caller, old_cookie)


async def second_factor(db: Database, cookie: str, code: str, settings: AccessSettings, caller: Caller) -> SignedIn:
    """The second step: a code of the authenticator app, or a recovery code. NotSignedIn when it is neither, or the first step was too long
    ago. Wrong codes count like wrong passwords."""
    now = await _at_the_door(db, caller)
    async with db.transaction() as tx:
        session = await sessions.on_the_way(tx, cookie, ("second-factor",))
    if session is None:
        raise _again()
    one = await tries.begin(db, session.account, now)
    if one is None:
        await _refuse(db, session.account, None, now, caller)
    async with db.transaction() as tx:
        session = await sessions.on_the_way(tx, cookie, ("second-factor",))
        if session is None:
            raise _again()
        good = await totp.take(tx, session.account, code) or await recovery.take(tx, session.account, code)
        if good:
            return await _go_on(tx, session, (*session.factors, "otp", "mfa"), now, settings, caller)
    await _refuse(db, session.account, one, now, caller, "wrong code", _wrong_code())


async def ask_for_passkey(db: Database, cookie: str, origin: str, caller: Caller) -> dict[str, Any]:
    """What the browser asks the authenticator for: as the second step of who has typed a password, else as the only one of anybody."""
    await _at_the_door(db, caller)
    async with db.transaction() as tx:
        session = await sessions.on_the_way(tx, cookie, ("second-factor",)) if cookie else None
        if session is not None:
            return await passkeys.request(tx, origin=origin, account=session.account, session=session.id)
        return await passkeys.request(tx, origin=origin)


async def by_passkey(
    db: Database, credential: dict[str, Any], origin: str, settings: AccessSettings, caller: Caller, *, cookie: str = ""
) -> SignedIn:
    """The answer of a passkey. NotSignedIn when it is nobody's here, or not that of who has typed a password."""
    now = await _at_the_door(db, caller)
    try:
        async with db.transaction() as tx:
            session = await sessions.on_the_way(tx, cookie, ("second-factor",)) if cookie else None
            proof = await passkeys.prove(tx, credential, origin=origin, session=session.id if session else None)
            if session is not None:
                if proof.account != session.account:
                    raise _no()
                return await _go_on(tx, session, (*session.factors, "hwk", "mfa"), now, settings, caller)
            alive = await tx.fetchval(
                "select true from account where name = $1 and disabled is null and (expires is null or expires > $2)", proof.account, tx.now
            )
            if not alive:
                raise _no()
            done = ("hwk", "mfa")
            return await _begin(tx, proof.account, await next_step(tx, proof.account, done, now), done, now, settings, caller, cookie)
    except NotSignedIn as error:
        await _refuse(db, "", None, now, caller, "a passkey that is not good here", error)


async def sign_out(db: Database, cookie: str, caller: Caller) -> Session | None:
    """End the session of this cookie with all its tokens. The session that was ended; nothing happens when there is none."""
    async with db.transaction() as tx:
        ended = await sessions.end(tx, cookie)
        if ended is not None:
            await note_sign_out(tx, await who(tx, ended.account, caller))
    return ended


async def next_step(tx: Tx, account: str, done: Sequence[str], now: Rules) -> Step:
    """What is asked of this account next, after what was proven."""
    row = await tx.fetchrow(
        """
        select must_change, password_changed,
               exists (select from totp where account = name and confirmed is not null)
               or exists (select from passkey where account = name) as has,
               array(select role from post where account = name) as roles
        from account where name = $1
        """,
        account,
    )
    assert row is not None
    if row["has"] and "mfa" not in done:
        return "second-factor"
    if "pwd" in done and (row["must_change"] or now.is_old(row["password_changed"], tx.now)):
        return "password"
    if not row["has"] and "mfa" not in done and now.second_factor_roles.intersection(row["roles"]):
        return "enrol"
    return ""


async def go_on(tx: Tx, session: Session, factors: Sequence[str], settings: AccessSettings, caller: Caller) -> SignedIn:
    """A step was taken elsewhere (a new password, a second factor enrolled): what comes next, with the new cookie."""
    return await _go_on(tx, session, factors, await rules(tx), settings, caller)


def how(factors: Sequence[str], provider: str | None) -> str:
    """What was proven, for the trail; and by whose word."""
    if provider is not None:
        return f"by provider {provider}: {' '.join(factors)}"
    return "" if tuple(factors) == ("pwd",) else " ".join(factors)


async def who(tx: Tx, name: str, caller: Caller) -> Scope:
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


async def _at_the_door(db: Database, caller: Caller) -> Rules:
    async with db.reading() as tx:
        await tries.require_free(tx, caller.address)
    return await rules_now(db)


async def begin(
    tx: Tx, name: str, at: str, done: Sequence[str], provider: str, settings: AccessSettings, caller: Caller, old: str
) -> SignedIn:
    """Who somebody is was proven elsewhere, by an institution's OpenID provider: what comes next here, with the cookie. `at`: institution
    of the session; `old`: the cookie of the session that ends with it."""
    now = await rules(tx)
    return await _begin(tx, name, await next_step(tx, name, done, now), tuple(done), now, settings, caller, old, at=at, provider=provider)


async def _begin(
    tx: Tx,
    name: str,
    step: Step,
    done: tuple[str, ...],
    now: Rules,
    settings: AccessSettings,
    caller: Caller,
    old_cookie: str,
    *,
    at: str | None = None,
    provider: str | None = None,
) -> SignedIn:
    posts = await accounts.posts_of(tx, name)
    if old_cookie:
        await sessions.end(tx, old_cookie, "signed-in-again")
    _, cookie = await sessions.start(
        tx,
        name,
        at if at is not None else posts[0].institution if posts else "",
        settings,
        address=caller.address,
        browser=caller.browser,
        step=step,
        factors=done,
        at_once=now.sessions_at_once,
        provider=provider,
    )
    if step != "second-factor":
        await tries.forgotten(tx, name)
    if not step:
        await note_sign_in(tx, await who(tx, name, caller), how(done, provider))
    return SignedIn(cookie, step)


async def _go_on(tx: Tx, session: Session, factors: Sequence[str], now: Rules, settings: AccessSettings, caller: Caller) -> SignedIn:
    factors = tuple(dict.fromkeys(factors))
    step = await next_step(tx, session.account, factors, now)
    cookie = await sessions.advance(tx, session, step, factors, settings)
    if step != "second-factor":
        await tries.forgotten(tx, session.account)
    if session.step and not step:
        await note_sign_in(tx, await who(tx, session.account, caller), how(factors, session.provider))
    return SignedIn(cookie, step)


async def _refuse(
    db: Database,
    name: str,
    one: tries.Try | None,
    now: Rules,
    caller: Caller,
    why: str = "wrong password",
    error: NotSignedIn | None = None,
) -> NoReturn:
    async with db.transaction() as tx:
        locked = await tries.failed(tx, one, now) if one is not None else False
        await tries.address_failed(tx, caller.address, now)
        if one is None and name:
            why = "account unknown, locked, disabled, over or without a password"
        await note_failure(tx, await who(tx, name, caller), why + ("; locked" if locked else ""))
    raise error or _no()


def _no() -> NotSignedIn:
    return NotSignedIn(
        "Name and password do not go together, or the account is locked or disabled.",
        zh="用户名或密码不正确。连续输错将暂时锁定账号,请稍后再试或联系管理员。",
    )


def _wrong_code() -> NotSignedIn:
    return NotSignedIn(
        "The code is not right, was used already, or the account is locked.",
        zh="验证码不正确或已使用过。请等待下一个验证码再试;连续输错将暂时锁定账号。",
    )


def _again() -> NotSignedIn:
    return NotSignedIn("This took too long. Sign in again.", zh="登录步骤已超时,请重新登录。")
