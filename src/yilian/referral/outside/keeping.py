"""What the sender and the consortium office see of a referral that went outside, and what they may do: send the link anew, end it, and (the
sender) read the code out on the telephone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.audit.note import SUCCESS, Note
from yilian.audit.record import note_event
from yilian.directory.institutions import Institution, by_rid
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.referral import register, rules, states
from yilian.referral.outside import links, windows
from yilian.referral.outside.links import Link
from yilian.referral.register import Referral
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

OFFICE = "office"
SENT = """
select m.event, d.channel, d.shown, d.state, d.changed from message m join message_delivery d on d.message = m.id
where m.about = $1 and m.event = any($2::text[]) and m.created >= $3 order by d.created desc
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it stands. event: of `links.MINTED`; shown: the masked address."""

    event: str
    channel: str
    shown: str
    state: str


@dataclass(frozen=True, slots=True)
class Outside:
    """How a referral that went outside stands.

    link     the newest; None where no window was kept when it was sent
    ways     channels of the window
    letters  what was sent with this link
    may_send, may_end, may_tell   what the asker may do: send it anew, end it, see the code
    """

    task: Stored
    institution: Institution
    link: Link | None
    ways: tuple[str, ...]
    letters: tuple[Letter, ...]
    may_send: bool
    may_end: bool
    may_tell: bool


async def look(tx: Tx, scope: Scope, task_id: str) -> Outside:
    """Raises NotFound (no such Task for this user, or it is with no institution outside), BadRequest (no referral), Forbidden."""
    stored, referral, institution = await _of(tx, scope, task_id)
    link = await links.newest(tx, referral.task_rid)
    window = await windows.of(tx, institution.rid)
    rows = await tx.fetch(SENT, f"Task/{task_id}", list(links.MINTED), link.made) if link is not None else []
    alive = link is not None and link.is_alive(tx.now)
    writes = referral.is_open and scope.may_write
    return Outside(
        stored,
        institution,
        link,
        tuple(channel for channel, _ in window.ways) if window is not None else (),
        tuple(Letter(row["event"], row["channel"], row["shown"], row["state"]) for row in rows),
        may_send=writes and window is not None,
        may_end=writes and alive,
        may_tell=alive and link is not None and link.code_used is None and _is_sender(scope, referral),
    )


async def send_anew(tx: Tx, scope: Scope, task_id: str) -> None:
    """A new link; the old one, and whoever came by it, is out. In `tx`. Raises as `look`, Conflict where there is nothing to send."""
    _, referral, institution = await _of(tx, scope, task_id, write=True)
    if not await links.send(tx, referral, by=scope.agent):
        raise Conflict(
            f"No referral window of {institution.name} is kept; ask the consortium office.",
            zh=f"{institution.name}尚未登记转诊窗口联系方式,请联系医联体办公室。",
        )


async def take_back(tx: Tx, scope: Scope, task_id: str) -> None:
    """End the link, in `tx`; the referral stays where it is. Raises as `look`, Conflict where there is none."""
    _, referral, _ = await _of(tx, scope, task_id, write=True)
    if not await links.end(tx, referral.task_rid, "taken-back"):
        raise Conflict("There is no link that is good.", zh="当前没有有效的链接。")


async def code(tx: Tx, scope: Scope, task_id: str) -> tuple[str, str]:
    """The code that is good now and the digits of the number, to be told by telephone; noted in the trail, in `tx`.

    For the sender alone. It opens nothing without the link, which the sender never sees. Raises as `look`, Conflict where there is none.
    """
    stored, referral, _ = await _of(tx, scope, task_id)
    if not _is_sender(scope, referral):
        raise Forbidden("The code is told by who sent the referral.", zh="验证码仅限转出方经办人查看。")
    link = await links.newest(tx, referral.task_rid)
    if link is None or not link.is_alive(tx.now) or link.code_used is not None:
        raise Conflict("There is no code that is good now.", zh="当前没有可用的验证码:已使用或链接已失效,请重新发送链接。")
    await note_event(
        tx,
        Note(
            tx.now, "rest", "operation", "E", SUCCESS, operation="outside-code", account=scope.user, agent=scope.agent, name=scope.name,
            client=scope.client, roles=" ".join(sorted(scope.roles)), institution=scope.institution, institution_rid=scope.institution_rid,
            purpose=scope.purpose, patient=referral.patient, entities=(f"Task/{stored.id}/_history/{stored.version}",),
            request_id=scope.request_id, address=scope.address,
        ),
    )  # fmt: skip
    return link.code, referral.number[-4:]


async def _of(tx: Tx, scope: Scope, task_id: str, *, write: bool = False) -> tuple[Stored, Referral, Institution]:
    stored = await read.by_id(tx, scope, "Task", task_id)
    referral = await (register.lock(tx, stored.rid) if write else register.of_task(tx, stored.rid))
    if referral is None:
        raise BadRequest(f"Task/{task_id} is no referral.", zh="该任务不是转诊。", code="not-supported")
    known = (await by_rid(tx, [referral.to_org])).get(referral.to_org) if referral.to_org is not None else None
    if known is None or not known.outside or referral.submitted_at is None:
        raise NotFound("This referral is with no institution outside the platform.", zh="该转诊未发往平台外机构。")
    if not (_is_sender(scope, referral) or OFFICE in scope.roles):
        raise Forbidden("This is for the sender of the referral and the consortium office.", zh="仅限转出方和医联体办公室操作。")
    if write and not scope.may_write:
        raise Forbidden("Your sign-in does not allow moving referrals.", zh="您的登录权限不允许办理转诊。")
    if write and not referral.is_open:
        raise Conflict("The referral is closed; nothing is answered any more.", zh="转诊已结束,无需再发送链接。")
    return stored, referral, known


def _is_sender(scope: Scope, referral: Referral) -> bool:
    return states.REFERRER in rules.parts(scope, referral)


__all__ = ["Letter", "Outside", "code", "look", "send_anew", "take_back"]
