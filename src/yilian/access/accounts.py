"""Accounts: who may sign in, and the posts each holds.

Everything here is written in the caller's transaction and leaves an AuditEvent. `by` says who did it (`store.scope.SYSTEM` for the
command line). GB/T 22239-2019 8.1.4.1 身份鉴别, 8.1.4.2 访问控制.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from yilian.access import passwords
from yilian.access.policy import joint, require_apart
from yilian.access.sessions import end_others, tell
from yilian.access.subjects import require_its_own
from yilian.access.trail import note_change
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.fhir.references import Local, parse
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

APART = "YL002"
"""What the trigger of `post` refuses two offices of one person with."""
REMEMBERED = 24
"""Old passwords kept for an account; how many of them are refused is policy."""
_NAME = re.compile(r"[\w][\w.@\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Post:
    """A role (`urls.ROLE` code) in an institution ("Organization/…"; "" for a post that speaks for none)."""

    role: str
    institution: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One account as an administrator sees it; times are aware. `posts` in their order: the first is the one a session starts with."""

    name: str
    display: str
    agent: str
    patient: str
    posts: tuple[Post, ...]
    disabled: datetime | None
    locked_until: datetime | None
    created: datetime
    changed: datetime


def canonical(name: str) -> str:
    """How an account name is kept and looked up: width and case folded, without spaces around it."""
    return unicodedata.normalize("NFKC", name).strip().lower()


async def add(
    tx: Tx,
    name: str,
    password: str | None,
    *,
    display: str,
    agent: str,
    posts: Sequence[Post],
    patient: str = "",
    by: Scope = SYSTEM,
    must_change: bool = False,
    expires: datetime | None = None,
    stored: str | None = None,
) -> str:
    """Make an account and return its name as it is kept.

    `must_change`: the password is somebody else's choice, to be changed at the first sign-in. `expires`: nobody signs in from then on.
    `stored`: the hash, where it was made beforehand. Whether the password keeps to the rules of the region is the caller's to ask
    (`password_rules.require`).
    `agent` is the reference of who acts ("Practitioner/gp"), `patient` that of the person's own record. Without a password nobody can
    sign in by one. BadRequest for a name, reference, role or combination of posts that cannot be; Conflict when the name is taken,
    by an account or an application.
    """
    name = canonical(name)
    if not _NAME.fullmatch(name):
        raise BadRequest(
            "An account name has 1 to 64 letters, digits, '.', '-', '_' or '@'.", zh="账号名应为 1 至 64 个字母、数字或 . - _ @。"
        )
    _reference(agent, "")
    if patient:
        _reference(patient, "Patient")
    _check_posts(posts)
    await require_its_own(tx, name, "account")
    if stored is None and password is not None:
        stored = await passwords.hashed(password)
    added = await tx.fetchval(
        """
        insert into account (name, password, display, agent, patient, created, changed, password_changed, must_change, expires)
        values ($1, $2, $3, $4, $5, $6, $6, case when $2::text is not null then $6::timestamptz end, $7, $8)
        on conflict (name) do nothing returning name
        """,
        name,
        stored,
        display.strip() or name,
        agent,
        patient or None,
        tx.now,
        must_change,
        expires,
    )
    if added is None:
        raise Conflict(f"There is an account {name} already.", zh=f"账号 {name} 已存在。")
    await _write_posts(tx, name, posts)
    await note_change(tx, by, name, "account added")
    return name


async def set_posts(tx: Tx, name: str, posts: Sequence[Post], *, by: Scope = SYSTEM) -> None:
    """Replace the posts of an account. Sessions that spoke for an institution it no longer has a post in are ended."""
    name = canonical(name)
    _check_posts(posts)
    await _lock(tx, name)
    await tx.execute("delete from post where account = $1", name)
    await _write_posts(tx, name, posts)
    await tx.execute("update account set changed = $2 where name = $1", name, tx.now)
    kept = [post.institution for post in posts]
    await tx.execute(
        "update session set ended = $2 where account = $1 and ended is null and institution <> all($3::text[])", name, tx.now, kept
    )
    await tell(tx)
    await note_change(tx, by, name, "posts changed")


async def set_password(
    tx: Tx,
    name: str,
    password: str,
    *,
    by: Scope = SYSTEM,
    must_change: bool = False,
    keep: UUID | None = None,
    what: str = "password changed",
) -> None:
    """Give an account a new password; it is unlocked, and everything signed in with the old one is signed out, but the session `keep`. The
    old password is remembered, so that it is not chosen again."""
    name = canonical(name)
    stored = await passwords.hashed(password)
    await _lock(tx, name)
    await tx.execute(
        "insert into old_password (account, replaced, password)"
        " select name, $2, password from account where name = $1 and password is not null on conflict do nothing",
        name,
        tx.now,
    )
    await tx.execute(
        "delete from old_password where account = $1 and replaced not in"
        " (select replaced from old_password where account = $1 order by replaced desc limit $2)",
        name,
        REMEMBERED,
    )
    await tx.execute(
        "update account set password = $2, password_changed = $3, must_change = $4, changed = $3,"
        " attempts = 0, locks = 0, locked_until = null where name = $1",
        name,
        stored,
        tx.now,
        must_change,
    )
    await end_others(tx, name, keep, "password-changed")
    await note_change(tx, by, name, what)


async def disable(tx: Tx, name: str, *, by: Scope = SYSTEM) -> None:
    """From now on this account cannot sign in; its sessions and tokens end (tokens in use within `AccessSettings.recheck`). NotFound
    when there is none."""
    name = canonical(name)
    await _lock(tx, name)
    await tx.execute("update account set disabled = coalesce(disabled, $2), changed = $2 where name = $1", name, tx.now)
    await end_others(tx, name, None, "disabled")
    await note_change(tx, by, name, "account disabled")


async def enable(tx: Tx, name: str, *, by: Scope = SYSTEM) -> None:
    """Undo `disable`, and unlock. What was signed in before stays signed out."""
    name = canonical(name)
    await _lock(tx, name)
    await tx.execute(
        "update account set disabled = null, attempts = 0, locks = 0, locked_until = null, changed = $2 where name = $1", name, tx.now
    )
    await note_change(tx, by, name, "account enabled")


async def every(tx: Tx) -> list[Account]:
    """All accounts by name."""
    rows = await tx.fetch(
        """
        select a.*, coalesce(p.roles, '{}') as roles, coalesce(p.institutions, '{}') as institutions
        from account a
        left join lateral (
            select array_agg(role order by nth) as roles, array_agg(institution order by nth) as institutions
            from post where account = a.name
        ) p on true
        order by a.name
        """
    )
    return [
        Account(
            row["name"],
            row["display"],
            row["agent"],
            row["patient"] or "",
            tuple(Post(role, institution) for role, institution in zip(row["roles"], row["institutions"], strict=True)),
            row["disabled"],
            row["locked_until"],
            row["created"],
            row["changed"],
        )
        for row in rows
    ]


async def posts_of(tx: Tx, name: str) -> tuple[Post, ...]:
    """The posts of an account in their order."""
    rows = await tx.fetch("select role, institution from post where account = $1 order by nth", name)
    return tuple(Post(row["role"], row["institution"]) for row in rows)


def _check_posts(posts: Sequence[Post]) -> None:
    if not posts:
        raise BadRequest("An account needs at least one post.", zh="账号至少需要一个岗位。")
    for post in posts:
        if post.institution:
            _reference(post.institution, "Organization")
    require_apart(post.role for post in posts)
    for institution in {post.institution for post in posts}:
        joint(post.role for post in posts if post.institution == institution)


def _reference(text: str, kind: str) -> None:
    target = parse(text)
    if not isinstance(target, Local) or target.version or (kind and target.type != kind):
        wanted = f"{kind}/…" if kind else "Practitioner/…"
        raise BadRequest(f"{text[:80]!r} is not a reference of the form {wanted}.", zh=f"应写成 {wanted} 的形式。")


async def _write_posts(tx: Tx, name: str, posts: Sequence[Post]) -> None:
    try:
        await tx.execute(
            "insert into post (account, nth, institution, role) select $1, nth, institution, role"
            " from unnest($2::text[], $3::text[]) with ordinality as p (institution, role, nth)",
            name,
            [post.institution for post in posts],
            [post.role for post in posts],
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate != APART:
            raise
        raise Conflict(
            "Who acts with this account holds another office by another account: admin, security and privacy are three people.",
            zh="该人员已以其他账号担任系统管理员、安全管理员或隐私与信息安全专员,三者须由不同人员担任(三员分立)。",
        ) from None


async def _lock(tx: Tx, name: str) -> None:
    if await tx.fetchval("select name from account where name = $1 for update", name) is None:
        raise NotFound(f"There is no account {name[:64]}.", zh=f"没有账号 {name[:64]}。")
