"""A link opened: link, one-time code and the last four digits of the referral's number give a session of its own kind, for this referral.

Why the number and not a name: a family name is personal, one of twenty is held by half of the people, and a page that says whether it fits
tells who is ill. The number says nothing of anybody; it stands on the patient's paper, and the sender tells it by telephone with the code.

Whatever is wrong (no such link, ended, locked, over, code wrong or used, another number), the answer is the same. A try is counted before
it is looked at, so that many at once cannot outrun the limit. GB/T 22239-2019 8.1.4.1 b).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import tries
from yilian.access.rules import rules_now
from yilian.access.sessions import digest, new_secret
from yilian.access.sign_in import Caller
from yilian.audit.note import LOGIN, LOGOUT, MINOR_FAILURE, SUCCESS, USER_AUTHENTICATION, Note
from yilian.audit.record import note_event
from yilian.directory.institutions import by_rid
from yilian.errors import BadRequest, NotSignedIn
from yilian.notifications import Message, Reader, tell
from yilian.referral import register
from yilian.referral.informing import URGENT, values_of
from yilian.referral.outside import links
from yilian.referral.outside.links import Link
from yilian.referral.outside.speaking import CLIENT, OutsideScope, speaker
from yilian.referral.register import Referral

if TYPE_CHECKING:
    from uuid import UUID

    from yilian.db import Database, Tx

LONGEST_NAME = 30
TAIL = 4
"""Digits of the referral's number that are asked for."""

COUNT = """
update outside_link l set tries = tries + 1
where l.digest = $1 and l.ended is null and l.expires > $2 and l.code_used is null and l.tries < $3
returning l.id, l.task_rid, l.institution, l.seed, l.code_number, l.code_used, l.tries, l.made, l.expires, l.opened, l.opened_by, l.ended,
    l.ended_why
"""
OPEN = """
update outside_link set code_used = $2, tries = 0, opened = coalesce(opened, $2), opened_by = $3 where id = $1
"""
BEGIN = "insert into outside_session (cookie, link, name, began, seen) values ($1, $2, $3, $4, $4)"
BY_COOKIE = """
update outside_session s set seen = $2 from outside_link l
where s.cookie = $1 and s.ended is null and s.seen > $3 and l.id = s.link and l.ended is null and l.expires > $2
returning s.name, l.id, l.task_rid, l.institution
"""
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Try:
    """What was typed. secret: from behind the # of the link; number: the last digits of the referral's; name: who answers."""

    secret: str
    code: str
    number: str
    name: str

    def __repr__(self) -> str:
        return "Try()"


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that is alive: who speaks in which referral."""

    scope: OutsideScope
    referral: Referral
    link: UUID


async def enter(db: Database, given: Try, caller: Caller) -> str:
    """The cookie of a new session. BadRequest without a name; NotSignedIn whatever else is wrong; TooManyRequests for an address that
    failed too often. Opens its own transactions."""
    name = " ".join(given.name.split())
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"Say who is answering: a name of 2 to {LONGEST_NAME} characters.", zh="请填写经办人姓名。", expression="name")
    rules = await rules_now(db)
    async with db.transaction() as tx:
        await tries.require_free(tx, caller.address)
    async with db.transaction() as tx:
        most = int(await policy.value(tx, "outside.tries", tx.now))
        link = links.read(await tx.fetchrow(COUNT, digest(given.secret), tx.now, most))
        referral = await register.of_task(tx, link.task_rid) if link is not None else None
        if link is not None and referral is not None and _fits(given, link, referral):
            return await let_in(tx, link, referral, name, caller)
        await _refused(tx, link, referral, most, caller)
        await tries.address_failed(tx, caller.address, rules)
    raise refused()


async def visit(tx: Tx, cookie: str, caller: Caller) -> Visit:
    """Who came by this cookie, in `tx`; it counts as used now. NotSignedIn when it is not good (any more)."""
    idle = timedelta(minutes=float(await policy.value(tx, "outside.idle_minutes", tx.now)))
    row = await tx.fetchrow(BY_COOKIE, digest(cookie), tx.now, tx.now - idle) if cookie else None
    referral = await register.of_task(tx, row["task_rid"]) if row is not None else None
    if row is None or referral is None or referral.to_org != row["institution"]:
        raise over()
    known = await by_rid(tx, [row["institution"]])
    if row["institution"] not in known:
        raise over()
    scope = speaker(row["id"], known[row["institution"]], referral, row["name"], request_id=caller.request_id, address=caller.address)
    return Visit(scope, referral, row["id"])


async def require_good(tx: Tx, visit: Visit) -> None:
    """NotSignedIn unless the link of this visit is still good."""
    if not await tx.fetchval(
        "select exists (select from outside_link where id = $1 and ended is null and expires > $2)", visit.link, tx.now
    ):
        raise over()


async def ask_again(db: Database, secret: str, caller: Caller) -> None:
    """Another code for a link whose code was used; sent as the first one. Nothing tells the caller whether there is such a link."""
    async with db.transaction() as tx:
        await tries.require_free(tx, caller.address)
        row = await tx.fetchrow(
            "select task_rid from outside_link where digest = $1 and ended is null and expires > $2 and code_used is not null for update",
            digest(secret),
            tx.now,
        )
        referral = await register.of_task(tx, row["task_rid"]) if row is not None else None
        link = await links.newest(tx, referral.task_rid) if referral is not None else None
        asked = referral is not None and link is not None and await links.another_code(tx, referral, link)
        await note_event(tx, await _note(tx, referral, caller, "another one-time code" + ("" if asked else " refused"), asked))


async def leave(db: Database, cookie: str, caller: Caller) -> None:
    """End the session of this cookie; nothing happens where there is none."""
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            "update outside_session set ended = $2 where cookie = $1 and ended is null returning name, link", digest(cookie), tx.now
        )
        if row is not None:
            task = await tx.fetchval("select task_rid from outside_link where id = $1", row["link"])
            referral = await register.of_task(tx, task)
            await note_event(tx, await _note(tx, referral, caller, "", True, name=row["name"], subtype=LOGOUT))


def refused() -> NotSignedIn:
    """The one answer to everything that is wrong with a link, a code or a number."""
    return NotSignedIn(
        "Link, code and number do not go together, or they are not good any more. Ask the institution that sent the link.",
        zh="链接、验证码或单号后四位不正确,或已失效。请核对,或联系转出机构重新发送;多次输错后链接将失效。",
    )


def over() -> NotSignedIn:
    return NotSignedIn(
        "This page was open too long, or the link has ended. Open the link again.", zh="页面已超时或链接已失效,请重新打开链接并输入验证码。"
    )


def _fits(given: Try, link: Link, referral: Referral) -> bool:
    """Both are compared, whatever comes of the first."""
    code = "".join(given.code.split()).encode()
    number = given.number.strip()[-TAIL:].encode()
    right_code = hmac.compare_digest(code, link.code.encode())
    return hmac.compare_digest(number, referral.number[-TAIL:].encode()) and right_code


async def let_in(tx: Tx, link: Link, referral: Referral, name: str, caller: Caller) -> str:
    """The cookie of a session for who has shown that they may come in, in `tx`; the code is used up."""
    cookie = new_secret()
    await tx.execute("delete from outside_session where seen < $1", tx.now - KEPT_FOR)
    await tx.execute(OPEN, link.id, tx.now, name)
    await tx.execute(BEGIN, digest(cookie), link.id, name, tx.now)
    await note_event(tx, await _note(tx, referral, caller, "one-time code", True, name=name, link=link))
    return cookie


async def _refused(tx: Tx, link: Link | None, referral: Referral | None, most: int, caller: Caller) -> None:
    why = "no link that is good" if link is None else "wrong code or number"
    if link is not None and referral is not None and link.tries >= most:
        why += "; locked"
        await links.end(tx, referral.task_rid, "locked")
        values = {key: value for key, value in (await values_of(tx, referral)).items() if key != "until"}
        to = (Reader.account(referral.referrer),)
        about = f"Task/{referral.task_id}"
        await tell(tx, Message("referral.outside-locked", to, about, referral.patient, values, urgent=referral.priority in URGENT))
    await note_event(tx, await _note(tx, referral, caller, f"one-time code: {why}", False))


async def _note(
    tx: Tx, referral: Referral | None, caller: Caller, what: str, good: bool, *, name: str = "", subtype: str = LOGIN, link: Any = None
) -> Note:
    """For the trail: of the institution outside once somebody is in; before that, of the sender, whose privacy officer looks after it."""
    known = await by_rid(tx, [rid for rid in (referral.from_org, referral.to_org) if rid is not None]) if referral is not None else {}
    side = None if referral is None else known.get((referral.to_org or 0) if name else referral.from_org)
    return Note(
        tx.now,
        USER_AUTHENTICATION,
        subtype,
        "E",
        SUCCESS if good else MINOR_FAILURE,
        what,
        account=f"outside/{link.id}" if link is not None else "",
        agent=side.reference if side is not None and name else "",
        name=name,
        client=CLIENT,
        institution=side.reference if side is not None else "",
        entities=(f"Task/{referral.task_id}/_history/{referral.task_ver}",) if referral is not None else (),
        request_id=caller.request_id,
        address=caller.address,
    )


__all__ = ["Try", "Visit", "ask_again", "enter", "leave", "let_in", "over", "refused", "visit"]
