"""The link and the one-time code by which an institution outside answers one referral (平台外机构答复链接、一次性验证码).

A link is made in the transaction in which the referral reaches such an institution, and told by message. What opens it is made of a random
seed (HMAC-SHA256) at the moment a letter leaves, so no message, job or log holds it, and a letter that is sent twice says the same twice.
Kept is the seed, sealed, and the digest of the link's secret. The code goes by the window's second way, or is told by telephone by the
sender, who is shown it. Policies `outside.*`: how long a link is good, how many tries, how many codes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from yilian import policy
from yilian.access.sessions import digest
from yilian.directory.institutions import by_rid
from yilian.notifications import Message, Reader, tell
from yilian.referral.informing import URGENT, local, values_of
from yilian.referral.outside import windows
from yilian.sealing.keyring import open_column

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx
    from yilian.referral.register import Referral

LINK, CODE, CALL = "referral.outside-link", "referral.outside-code", "referral.outside-call"
"""Events: the two letters that open something, and the sender who is to telephone."""
MINTED = (LINK, CODE)
PAGE = "/outside"
DIGITS = 6

_COLUMNS = (
    "l.id, l.task_rid, l.institution, l.seed, l.code_number, l.code_used, l.tries, l.made, l.expires, l.opened, l.opened_by, l.ended,"
    " l.ended_why"
)
ADD = "insert into outside_link (id, task_rid, institution, seed, digest, made, made_by, expires) values ($1, $2, $3, $4, $5, $6, $7, $8)"
NEWEST = f"select {_COLUMNS} from outside_link l where l.task_rid = $1 order by l.made desc, l.id limit 1"
ALIVE = f"select {_COLUMNS} from outside_link l where l.task_rid = $1 and l.ended is null and l.expires > $2"
END = "update outside_link set ended = $2, ended_why = $3 where task_rid = $1 and ended is null returning id"
NEW_CODE = """
update outside_link set code_number = code_number + 1, code_used = null where id = $1 and code_number < $2 and ended is null
    and expires > $3 returning code_number
"""


@dataclass(frozen=True, slots=True)
class Link:
    """One link as it stands. code_used: its code opened the referral, None while it is still good; opened_by: the name typed last."""

    id: UUID
    task_rid: int
    institution: int
    seed: str
    code_number: int
    code_used: datetime | None
    tries: int
    made: datetime
    expires: datetime
    opened: datetime | None
    opened_by: str
    ended: datetime | None
    ended_why: str | None

    def is_alive(self, now: datetime) -> bool:
        return self.ended is None and self.expires > now

    @property
    def secret(self) -> str:
        """What stands behind the # of the link: 256 bits, URL-safe."""
        return _made(self.seed, "link").hex()

    @property
    def code(self) -> str:
        """The code that is good now, of `DIGITS` digits."""
        return code_of(self.seed, self.code_number)


def code_of(seed: str, number: int) -> str:
    """The code with this number."""
    return f"{int.from_bytes(_made(seed, f'code {number}')[:8], 'big') % 10**DIGITS:0{DIGITS}d}"


async def follow(tx: Tx, before: Referral | None, after: Referral) -> None:
    """After a step was written, in its transaction: a link for an institution outside that now has the referral; none for one that has not
    any more, or once the referral is closed."""
    newly_sent = after.submitted_at is not None and (before is None or before.submitted_at is None)
    if after.closed_at is not None and (before is None or before.closed_at is None):
        await end(tx, after.task_rid, "closed")
    elif newly_sent and after.to_org is not None:
        known = (await by_rid(tx, [after.to_org])).get(after.to_org)
        if known is not None and known.outside:
            await send(tx, after, by="")


async def send(tx: Tx, referral: Referral, *, by: str) -> bool:
    """A new link for the institution that has this referral, in `tx`; an older one ends. False where no window of it is kept.

    by: agent who asked for it, "" where the referral was sent just now.
    """
    assert referral.to_org is not None  # it was sent
    window = await windows.of(tx, referral.to_org)
    if window is None:
        return False
    await end(tx, referral.task_rid, "anew")
    hours = float(await policy.value(tx, "outside.link_hours", tx.now, referral.from_org))
    id, seed = uuid4(), secrets.token_urlsafe(32)
    until = tx.now + timedelta(hours=hours)
    sealed = tx.db.ring.seal_column("outside_link.seed", id, seed.encode())
    kept = digest(_made(seed, "link").hex())
    await tx.execute(ADD, id, referral.task_rid, referral.to_org, sealed, kept, tx.now, by or referral.referrer, until)
    channel, to = window.ways[0]
    await _letter(tx, referral, LINK, channel, to, {"until": local(until)})
    await _tell_code(tx, referral, window, until)
    return True


async def another_code(tx: Tx, referral: Referral, link: Link) -> bool:
    """The next code of a link whose code was used, in `tx`; told as the first one was. False where it has had as many as policy allows."""
    most = int(await policy.value(tx, "outside.codes", tx.now, referral.from_org))
    if await tx.fetchval(NEW_CODE, link.id, most, tx.now) is None:
        return False
    if (window := await windows.of(tx, link.institution)) is not None:
        await _tell_code(tx, referral, window, link.expires)
    return True


async def end(tx: Tx, task_rid: int, why: str) -> bool:
    """End the link of this referral with everybody who came by it, in `tx`; False where there was none. why: as the table names it."""
    ended = await tx.fetch(END, task_rid, tx.now, why)
    await tx.execute(
        "update outside_session set ended = $2 where link = any($1::uuid[]) and ended is null", [row["id"] for row in ended], tx.now
    )
    return bool(ended)


async def newest(tx: Tx, task_rid: int) -> Link | None:
    """The last link that was made for this referral; None where it never went outside."""
    return read(await tx.fetchrow(NEWEST, task_rid))


def read(row: asyncpg.Record | None) -> Link | None:
    """A row with `COLUMNS`."""
    if row is None:
        return None
    seed = open_column("outside_link.seed", row["id"], bytes(row["seed"])).decode()
    return Link(
        row["id"], row["task_rid"], row["institution"], seed, row["code_number"], row["code_used"], row["tries"], row["made"],
        row["expires"], row["opened"], row["opened_by"], row["ended"], row["ended_why"],
    )  # fmt: skip


async def minted(tx: Tx, base: str, event: str, about: str) -> Mapping[str, str] | None:
    """What a letter of one of `MINTED` says besides, at the moment it leaves. None where its link is not good any more: it must not leave.

    base: address of this platform; about: "Task/…".
    """
    task_rid = await tx.fetchval("select task_rid from referral where task_id = $1", about.removeprefix("Task/"))
    link = read(await tx.fetchrow(ALIVE, task_rid, tx.now)) if task_rid is not None else None
    if link is None:
        return None
    if event == LINK:
        return {"link": f"{base}{PAGE}#{link.secret}"}
    return {"code": link.code} if link.code_used is None else None


async def _tell_code(tx: Tx, referral: Referral, window: windows.Window, until: datetime) -> None:
    """By the second way where there is one; the sender is asked to telephone in any case, since the number is asked for too."""
    for channel, to in window.ways[1:]:
        await _letter(tx, referral, CODE, channel, to, {"until": local(until)})
    values = {name: value for name, value in (await values_of(tx, referral)).items() if name != "until"}
    if len(window.ways) < 2:
        values["text"] = "验证码"
    await tell(tx, Message(CALL, (Reader.account(referral.referrer),), f"Task/{referral.task_id}", referral.patient, values))


async def _letter(tx: Tx, referral: Referral, event: str, channel: str, to: str, values: Mapping[str, str]) -> None:
    await tell(
        tx,
        Message(
            event,
            (Reader.address(channel, to),),
            f"Task/{referral.task_id}",
            referral.patient,
            values,
            urgent=referral.priority in URGENT,
        ),
    )


def _made(seed: str, what: str) -> bytes:
    return hmac.new(seed.encode(), f"yilian outside {what}".encode(), hashlib.sha256).digest()
