"""发送记录: what was sent outside, how it stands, and having it sent again. Nobody is named here but by account; addresses are masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from yilian.access.policy import require_dispatching
from yilian.errors import BadRequest, Conflict, Forbidden, NotFound
from yilian.notifications.sending import enqueue
from yilian.notifications.templates import CHANNELS, SECRETS, templates
from yilian.store import cursor as cursors
from yilian.store.scope import Scope

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

STATES = {
    "waiting": "待发送",
    "sent": "已发送",
    "failed": "发送失败",
    "bounced": "地址无效",
    "withheld": "未外发",
    "gathered": "待汇总",
    "digested": "已汇总",
}
AGAIN = ("failed", "bounced", "withheld", "sent", "gathered", "digested")
"""What may be sent again."""

SECRET = dict.fromkeys(SECRETS, "••••••")
"""What opens something for who has it; whoever looks at the record of what was sent is not meant to."""

COLUMNS = """
d.id, d.channel, d.shown, d.state, d.attempts, d.created, d.changed, d.answer, d.error, d.why, m.event, m.says::text as says, a.display,
r.patient, r.channel as outside, j.run_at, j.state as job_state
"""
FROM = """
message_delivery d join message m on m.id = d.message join message_reader r on r.id = d.reader
left join account a on a.name = d.account left join job j on j.id = d.job and d.state = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One letter. to: the account, "" for others; outside: to an address that is of nobody on the platform;
    shown: the masked address; text: what was sent. next_try: None unless it waits."""

    id: str
    event: str
    title: str
    text: str
    channel: str
    to: str
    outside: bool
    shown: str
    state: str
    attempts: int
    created: datetime
    changed: datetime
    next_try: datetime | None
    answer: str
    error: str


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One page, newest first; `total` of all there are with these filters."""

    entries: tuple[Delivery, ...]
    total: int
    next: str | None


async def deliveries(
    tx: Tx, scope: Scope, *, state: str = "", channel: str = "", count: int = 50, cursor: str | None = None, language: str = "zh"
) -> Deliveries:
    """One page of what the asker may see. Raises Forbidden (not such a post), BadRequest (state, channel or cursor that is none)."""
    require_dispatching(scope)
    args: list[Any] = []
    conditions = [_mine(scope, args)]
    for value, known, column in ((state, STATES, "state"), (channel, CHANNELS, "channel")):
        if value:
            if value not in known:
                raise BadRequest(f"{value[:40]!r} is no {column}; there are {', '.join(known)}.", zh="筛选条件不正确。")
            conditions.append(f"d.{column} = {_add(args, value)}")
    where = " and ".join(conditions)
    total = await tx.fetchval(f"select count(*) from {FROM} where {where}", *args)
    if cursor is not None:
        created, *parts = cursors.unpack(cursor, 5)
        if any(not 0 <= part < 2**32 for part in parts):
            raise BadRequest("_cursor is not from a link of this list.", zh="分页参数无效,请回到第一页。")
        last = UUID(int=sum(part << 32 * place for place, part in enumerate(parts)))
        where += f" and (d.created, d.id) < ({_add(args, cursors.moment(created))}::timestamptz, {_add(args, last)}::uuid)"
    rows = await tx.fetch(f"select {COLUMNS} from {FROM} where {where} order by d.created desc, d.id desc limit {count + 1}", *args)
    here = rows[:count]
    following = None
    if len(rows) > count:
        number = here[-1]["id"].int
        following = cursors.pack(here[-1]["created"], *(number >> 32 * place & 0xFFFFFFFF for place in range(4)))
    return Deliveries(tuple(_delivery(row, language) for row in here), total, following)


async def resend(tx: Tx, scope: Scope, id: str) -> None:
    """Send a letter again, in `tx`: one that failed under the same key, since it may have been taken all the same; one that was taken under
    a new one, or receivers would know it for a repetition.

    Raises Forbidden, NotFound for one the asker does not see, Conflict for one that waits already.
    """
    require_dispatching(scope)
    args: list[Any] = []
    mine = _mine(scope, args)
    row = await tx.fetchrow(f"select d.id, d.state from {FROM} where {mine} and d.id::text = {_add(args, id)} for update of d", *args)
    if row is None:
        raise NotFound("There is no such letter.", zh="没有这条发送记录。")
    if row["state"] not in AGAIN:
        raise Conflict("It waits to be sent already.", zh="该消息正在等待发送,无需重发。")
    await tx.execute(
        "update message_delivery set state = 'waiting', changed = $2, error = '', why = '', answer = '',"
        " again = again + case when state in ('sent', 'bounced') then 1 else 0 end where id = $1",
        row["id"],
        tx.now,
    )
    await enqueue(tx, row["id"])


async def receipt(tx: Tx, scope: Scope, answer: str, *, bounced: bool, why: str = "") -> None:
    """Note what a gateway says of a letter later, by what it called it, in `tx`: that there was nobody at the address.

    For systems of the region. Raises Forbidden, NotFound.
    """
    if scope.roles or scope.reach != "everything" or not scope.may_write:
        raise Forbidden("What became of a letter is said by a gateway, as a system of the region.", zh="仅限区域网关系统回报。")
    found = await tx.fetchval(
        "update message_delivery set state = $2, error = $3, why = $3, changed = $4 where answer = $1 and answer <> ''"
        " and state in ('sent', 'bounced') returning true",
        answer,
        "bounced" if bounced else "sent",
        why[:500],
        tx.now,
    )
    if found is None:
        raise NotFound("No letter was called so by a gateway.", zh="没有对应的发送记录。")


def _mine(scope: Scope, args: list[Any]) -> str:
    """Whose letters these are: an administrator's all; an office's those to its own posts and people, and about its patients."""
    if scope.reach == "nothing":
        return "true"
    here = int(scope.institution_rid)
    people = f"exists (select from post p where p.account = d.account and p.institution = {_add(args, scope.institution)})"
    ground = (
        f"exists (select from access_ground g where g.institution = {here} and g.patient = m.patient"
        " and (g.until is null or g.until > now()) and g.purpose is null)"
    )
    return f"(r.institution = {here} or {people} or {ground})"


def _delivery(row: asyncpg.Record, language: str) -> Delivery:
    template = templates().get(row["event"])
    return Delivery(
        id=str(row["id"]),
        event=row["event"],
        title=template.head(language, own=row["patient"] is not None) if template else row["event"],
        text=template.print_outside(language, msgspec.json.decode(row["says"]) | SECRET) if template else "",
        channel=row["channel"],
        to=row["display"] or "",
        outside=row["outside"] is not None and row["display"] is None,
        shown=row["shown"],
        state=row["state"],
        attempts=row["attempts"],
        created=row["created"],
        changed=row["changed"],
        next_try=row["run_at"] if row["job_state"] in ("waiting", "later", "behind") else None,
        answer=row["answer"],
        error=(row["why"] or row["error"]) if language == "zh" else row["error"],
    )


def _add(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"
