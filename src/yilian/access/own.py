"""What people do about their own account: password, second factor, sessions.

Everything is proven by the session cookie of a browser, and what would let somebody else stay in by the password once more. Each function
opens its own transactions, none while a password is checked, and each change leaves an AuditEvent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from yilian.access import accounts, factors, password_rules, passwords, sessions, tries
from yilian.access.factors import Factors, passkeys, recovery, totp
from yilian.access.rules import Rules, rules, rules_now
from yilian.access.sessions import Session, Step
from yilian.access.settings import AccessSettings
from yilian.access.sign_in import Caller, SignedIn, go_on, who
from yilian.access.trail import note_change, note_failure, note_sign_out
from yilian.errors import BadRequest, Conflict, NotFound, NotSignedIn

if TYPE_CHECKING:
    from yilian.db import Database, Tx

T = TypeVar("T")

FULL: tuple[Step, ...] = ("",)
ENROLLING: tuple[Step, ...] = ("", "enrol")


@dataclass(frozen=True, slots=True)
class Own:
    """An account as its owner sees it. `password_until`: when the password has to be changed, None for never."""

    name: str
    display: str
    step: Step
    password_changed: datetime | None
    password_until: datetime | None
    factors: Factors
    needs_second_factor: bool
    rules: Rules


@dataclass(frozen=True, slots=True)
class App:
    """An application that was given tokens in a session."""

    client: str
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A session that is alive, as its owner sees it. `here`: the one that asks."""

    id: UUID
    browser: str
    address: str
    started: datetime
    seen: datetime
    factors: tuple[str, ...]
    apps: tuple[App, ...]
    here: bool


async def view(db: Database, cookie: str) -> Own:
    """The account of this browser; while a sign-in is under way too. NotSignedIn when there is none."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ("", "second-factor", "password", "enrol"))
        now = await rules(tx)
        row = await tx.fetchrow("select display, password_changed from account where name = $1", session.account)
        assert row is not None
        roles = await tx.fetch("select role from post where account = $1", session.account)
        changed = row["password_changed"]
        return Own(
            session.account,
            row["display"],
            session.step,
            changed,
            changed + now.longest_age if changed and now.longest_age else None,
            await factors.of(tx, session.account),
            bool(now.second_factor_roles.intersection(one["role"] for one in roles)),
            now,
        )


async def change_password(
    db: Database, cookie: str, current: str | None, new: str, settings: AccessSettings, caller: Caller
) -> SignedIn | None:
    """A password of one's own choice. Every other session of the account ends. BadRequest when it breaks a rule, was used before, or
    `current` is wrong. Without `current` this is the step of signing in that asks for a new password, which was proven a moment ago: then
    the new cookie is returned."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ("password",) if current is None else FULL)
        now = await rules(tx)
        row = await tx.fetchrow("select display, password from account where name = $1", session.account)
        old = await tx.fetch(
            "select password from old_password where account = $1 order by replaced desc limit $2", session.account, max(now.history - 1, 0)
        )
    assert row is not None
    if current is not None:
        await _prove(db, session, current, now, caller)
    password_rules.require(new, name=session.account, display=row["display"], rules=now)
    used = [row["password"], *(one["password"] for one in old)] if now.history else []
    await password_rules.require_new(new, [one for one in used if one])
    async with db.transaction() as tx:
        session = await _session(tx, cookie, (session.step,))
        await accounts.set_password(tx, session.account, new, by=await who(tx, session.account, caller), keep=session.id)
        return await go_on(tx, session, session.factors, settings, caller) if session.step else None


# --- the second factor


async def begin_app(db: Database, cookie: str, password: str, caller: Caller) -> totp.Enrolment:
    """The secret for an authenticator app. It counts once `confirm_app` was given a code of it."""

    async def begin(tx: Tx, session: Session) -> totp.Enrolment:
        display = await tx.fetchval("select display from account where name = $1", session.account)
        return await totp.begin(tx, session.account, display)

    return await _proven(db, cookie, password, caller, begin)


async def confirm_app(db: Database, cookie: str, code: str, settings: AccessSettings, caller: Caller) -> tuple[list[str], SignedIn | None]:
    """The app shows the right codes: it counts. Recovery codes where there were none, and the new cookie where this was a step of signing
    in. BadRequest when the code is wrong."""
    now = await rules_now(db)
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ENROLLING)
    one = await tries.begin(db, session.account, now)
    if one is None:
        raise _too_often()
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ENROLLING)
        if await totp.confirm(tx, session.account, code):
            await tries.taken_back(tx, one)
            return await _enrolled(tx, session, "authenticator app added", ("otp", "mfa"), settings, caller)
    await _wrong(db, session, one, now, caller, "wrong code")
    raise BadRequest(
        "The code is not right. Is the clock of the phone?", zh="验证码不正确,请确认手机时间准确后重新输入。", expression="code"
    )


async def remove_app(db: Database, cookie: str, password: str, caller: Caller) -> None:
    async def remove(tx: Tx, session: Session) -> None:
        await totp.remove(tx, session.account)
        await factors.tidy(tx, session.account)
        await _changed(tx, session, caller, "authenticator app removed")

    await _proven(db, cookie, password, caller, remove)


async def begin_passkey(db: Database, cookie: str, password: str, origin: str, caller: Caller) -> dict[str, Any]:
    """What the browser makes a passkey of."""

    async def begin(tx: Tx, session: Session) -> dict[str, Any]:
        display = await tx.fetchval("select display from account where name = $1", session.account)
        return await passkeys.creation(tx, session.account, display, origin=origin, session=session.id)

    return await _proven(db, cookie, password, caller, begin)


async def add_passkey(
    db: Database, cookie: str, label: str, credential: dict[str, Any], origin: str, settings: AccessSettings, caller: Caller
) -> tuple[list[str], SignedIn | None]:
    """Keep the passkey; answers as `confirm_app` does."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ENROLLING)
        await passkeys.add(tx, session.account, label, credential, origin=origin, session=session.id)
        return await _enrolled(tx, session, "passkey added", ("hwk", "mfa"), settings, caller)


async def remove_passkey(db: Database, cookie: str, id: str, password: str, caller: Caller) -> None:
    """NotFound when there is no such passkey."""

    async def remove(tx: Tx, session: Session) -> None:
        await passkeys.remove(tx, session.account, id)
        await factors.tidy(tx, session.account)
        await _changed(tx, session, caller, "passkey removed")

    await _proven(db, cookie, password, caller, remove)


async def renew_codes(db: Database, cookie: str, password: str, caller: Caller) -> list[str]:
    """New recovery codes; the old ones are no longer good. Conflict without a second factor they could stand for."""

    async def renew(tx: Tx, session: Session) -> list[str]:
        if not (await factors.of(tx, session.account)).any:
            raise Conflict("There is no second factor to recover.", zh="请先绑定动态口令或通行密钥。")
        await _changed(tx, session, caller, "recovery codes renewed")
        return await recovery.renew(tx, session.account)

    return await _proven(db, cookie, password, caller, renew)


# --- sessions


async def devices(db: Database, cookie: str) -> list[Device]:
    """The sessions of the account that are alive, the one that asks first, then by last use."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, FULL)
        rows = await tx.fetch(
            """
            select s.id, s.browser, s.address, s.started, s.seen, s.factors from session s
            where s.account = $1 and s.ended is null and s.expires > $2 and s.seen > $3 and s.step = ''
            order by s.id = $4 desc, s.seen desc
            """,
            session.account,
            tx.now,
            tx.now - (await rules(tx)).idle,
            session.id,
        )
        apps = await tx.fetch(
            """
            select g.session, g.client, c.name, min(g.started) as since from token_grant g join client c on c.id = g.client
            where g.account = $1 and g.ended is null and g.expires > $2 and g.session is not null
            group by g.session, g.client, c.name order by min(g.started)
            """,
            session.account,
            tx.now,
        )
    of: dict[UUID, list[App]] = {}
    for app in apps:
        of.setdefault(app["session"], []).append(App(app["client"], app["name"], app["since"]))
    return [
        Device(
            row["id"], row["browser"], row["address"], row["started"], row["seen"], tuple(row["factors"]), tuple(of.get(row["id"], ())),
            row["id"] == session.id,
        )
        for row in rows
    ]  # fmt: skip


async def end_device(db: Database, cookie: str, id: UUID, caller: Caller) -> None:
    """Sign out one browser. NotFound when the account has no such session."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, FULL)
        ended = await tx.fetchval(
            "update session set ended = $3 where id = $1 and account = $2 and ended is null returning true", id, session.account, tx.now
        )
        if not ended:
            raise NotFound("There is no such session.", zh="该登录已退出。")
        await tx.execute("update token_grant set ended = $2, reason = 'signed-out' where session = $1 and ended is null", id, tx.now)
        await sessions.tell(tx)
        await note_sign_out(tx, await who(tx, session.account, caller))


async def end_others(db: Database, cookie: str, caller: Caller) -> int:
    """Sign out everywhere but here. How many browsers that were."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, FULL)
        ended = await sessions.end_others(tx, session.account, session.id, "signed-out-everywhere")
        await _changed(tx, session, caller, "signed out everywhere else")
        return ended


# --- what all of them need


async def _session(tx: Tx, cookie: str, steps: Sequence[Step]) -> Session:
    session = await sessions.on_the_way(tx, cookie, steps) if cookie else None
    if session is None:
        raise NotSignedIn("The sign-in has ended. Sign in again.", zh="登录已失效,请重新登录。")
    return session


async def _proven(db: Database, cookie: str, password: str, caller: Caller, then: Callable[[Tx, Session], Awaitable[T]]) -> T:
    """Do it once the password was proven, by who is enrolling a moment ago, by others here."""
    async with db.transaction() as tx:
        session = await _session(tx, cookie, ENROLLING)
        now = await rules(tx)
    if not session.step:
        await _prove(db, session, password, now, caller)
    async with db.transaction() as tx:
        return await then(tx, await _session(tx, cookie, (session.step,)))


async def _prove(db: Database, session: Session, password: str, now: Rules, caller: Caller) -> None:
    """BadRequest unless this is the password of the session's account. Counts as a try to sign in."""
    one = await tries.begin(db, session.account, now)
    if one is None:
        raise _too_often()
    if not await passwords.matches(one.password, password):
        await _wrong(db, session, one, now, caller, "wrong password")
        raise BadRequest("The password is not right.", zh="当前密码不正确。", expression="current")
    async with db.transaction() as tx:
        await tries.taken_back(tx, one)


async def _wrong(db: Database, session: Session, one: tries.Try, now: Rules, caller: Caller, why: str) -> None:
    async with db.transaction() as tx:
        await tries.failed(tx, one, now)
        await note_failure(tx, await who(tx, session.account, caller), f"{why}, in a session")


async def _enrolled(
    tx: Tx, session: Session, what: str, proven: tuple[str, ...], settings: AccessSettings, caller: Caller
) -> tuple[list[str], SignedIn | None]:
    await _changed(tx, session, caller, what)
    codes = [] if (await factors.of(tx, session.account)).codes else await recovery.renew(tx, session.account)
    further = await go_on(tx, session, (*session.factors, *proven), settings, caller) if session.step else None
    return codes, further


async def _changed(tx: Tx, session: Session, caller: Caller, what: str) -> None:
    await tx.execute("update account set changed = $2 where name = $1", session.account, tx.now)
    await note_change(tx, await who(tx, session.account, caller), session.account, what)


def _too_often() -> BadRequest:
    return BadRequest("Too many wrong tries; wait a while.", zh="输错次数过多,请稍后再试。")
