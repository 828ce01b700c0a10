"""What an account wants told by which way, at which address, and when not: the settings of messages under 我的账号."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING
from uuid import uuid4

from yilian.access.policy import require_whole
from yilian.errors import BadRequest, Forbidden
from yilian.notifications import digest, quiet
from yilian.notifications.addresses import address_of, is_mobile
from yilian.notifications.gateways import MAILBOX
from yilian.notifications.templates import CHANNELS, KINDS, templates
from yilian.sealing.keyring import open_column
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST = 200
NOT_CHOSEN = frozenset({"link", "code", "kinds"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind by one channel. fixed: some messages of this kind come by it whatever is chosen."""

    kind: str
    channel: str
    wanted: bool
    fixed: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """addresses: by channel, in full: they are the asker's own. own: channels whose address the account gave itself; unverified: those
    of them it has not proven yet, where nothing is sent. digest: when what is not urgent is told collected; None: each by itself."""

    choices: tuple[Choice, ...]
    addresses: Mapping[str, str]
    own: frozenset[str]
    unverified: frozenset[str]
    quiet: quiet.Hours
    quiet_is_own: bool
    digest: time | None
    digest_is_own: bool


async def choices(tx: Tx, scope: Scope, offered: Iterable[str]) -> Choices:
    """As they stand for the asker's account. offered: channels this house has a gateway for."""
    _require_person(scope)
    channels = [channel for channel in CHANNELS if channel in set(offered)]
    rows = await tx.fetch("select kind, channel, wanted from message_preference where account = $1", scope.user)
    said = {(row["kind"], row["channel"]): row["wanted"] for row in rows}
    found = []
    for kind in KINDS:
        # with a link in it, it is for somebody who has no account; a code was asked for, and a digest chosen as such
        of_kind = [one for one in templates().values() if one.kind == kind and one.outside and not one.values & NOT_CHOSEN]
        for channel in channels if of_kind else ():
            usual = any(channel in one.channels for one in of_kind)
            fixed = any(channel in one.channels and one.must for one in of_kind)
            found.append(Choice(kind, channel, said.get((kind, channel), usual), fixed))
    given = await tx.fetch("select id, channel, address, verified from message_address where account = $1", scope.user)
    unproven = {row["channel"]: row for row in given if row["verified"] is None}
    addresses = {
        channel: open_column("message_address.address", unproven[channel]["id"], unproven[channel]["address"]).decode()
        if channel in unproven
        else await address_of(tx, scope.user, scope.agent, channel)
        for channel in channels
    }
    digest_is_own = await tx.fetchval("select true from message_digest where account = $1", scope.user) or False
    quiet_is_own = await tx.fetchval("select true from message_quiet where account = $1", scope.user) or False
    return Choices(
        tuple(found),
        addresses,
        frozenset(row["channel"] for row in given),
        frozenset(unproven),
        await quiet.hours_of(tx, scope.user),
        quiet_is_own,
        await digest.time_of(tx, scope.user),
        digest_is_own,
    )


async def choose(tx: Tx, scope: Scope, wanted: Sequence[tuple[str, str, bool]]) -> None:
    """Say which kinds are wanted by which channels, in `tx`. Raises BadRequest, Forbidden."""
    _require_person(scope)
    for kind, channel, _ in wanted:
        if kind not in KINDS or channel not in CHANNELS:
            raise BadRequest(f"There is no {kind[:40]!r} by {channel[:40]!r}.", zh="没有这种消息或发送方式。")
    await tx.executemany(
        "insert into message_preference (account, kind, channel, wanted) values ($1, $2, $3, $4)"
        " on conflict (account, kind, channel) do update set wanted = excluded.wanted",
        [(scope.user, kind, channel, yes) for kind, channel, yes in wanted],
    )


async def put_address(tx: Tx, scope: Scope, channel: str, address: str) -> None:
    """Be reached there by this channel once that is proven (`proving`), "" for what the record says, in `tx`. The same address again
    changes nothing. Raises BadRequest, Forbidden."""
    _require_person(scope)
    address = address.strip()
    if channel not in CHANNELS:
        raise BadRequest(f"There is no way {channel[:40]!r}.", zh="没有这种发送方式。")
    if not address:
        await tx.execute("delete from message_address where account = $1 and channel = $2", scope.user, channel)
        return
    if len(address) > LONGEST or (channel == "email" and not MAILBOX.fullmatch(address)) or (channel == "sms" and not is_mobile(address)):
        raise BadRequest(
            "That is no address of this kind.",
            zh={"email": "邮箱地址格式不正确。", "sms": "手机号格式不正确。"}.get(channel, "微信标识格式不正确。"),
        )
    before = await tx.fetchrow("select id, address from message_address where account = $1 and channel = $2", scope.user, channel)
    if before is not None and open_column("message_address.address", before["id"], before["address"]).decode() == address:
        return
    id = uuid4()
    sealed = tx.db.ring.seal_column("message_address.address", id, address.encode())
    await tx.execute("delete from message_address where account = $1 and channel = $2", scope.user, channel)
    await tx.execute(
        "insert into message_address (id, account, channel, address, changed) values ($1, $2, $3, $4, $5)",
        id,
        scope.user,
        channel,
        sealed,
        tx.now,
    )


async def put_quiet(tx: Tx, scope: Scope, hours: quiet.Hours, *, as_region: bool = False) -> None:
    """Be told nothing outside in these hours; None: never quiet; `as_region`: as the region has it. In `tx`. Raises Forbidden."""
    _require_person(scope)
    await tx.execute("delete from message_quiet where account = $1", scope.user)
    if not as_region:
        begins, ends = hours or (None, None)
        await tx.execute("insert into message_quiet (account, begins, ends) values ($1, $2, $3)", scope.user, begins, ends)


async def put_digest(tx: Tx, scope: Scope, at: time | None, *, as_region: bool = False) -> None:
    """Be told collected at this time, None: each by itself; `as_region`: as the region has it. In `tx`. Raises Forbidden."""
    _require_person(scope)
    await tx.execute("delete from message_digest where account = $1", scope.user)
    if not as_region:
        await tx.execute("insert into message_digest (account, at) values ($1, $2)", scope.user, at)


def clock_time(text: str) -> time:
    """HH:MM. BadRequest for anything else."""
    try:
        if len(text) != 5:
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{text[:20]!r} is no time of the day; write 22:00.", zh="时间应写成 22:00 的形式。") from None


def require_channel(scope: Scope, channel: str, offered: Iterable[str]) -> None:
    """Raises Forbidden for who is no person, BadRequest for a channel this house has no gateway for."""
    _require_person(scope)
    if channel not in set(offered):
        raise BadRequest(f"There is no way {channel[:40]!r} here.", zh="本平台未开通这种发送方式。")


def _require_person(scope: Scope) -> None:
    require_whole(scope, "Settings of messages")
    if not scope.roles:
        raise Forbidden("Settings of messages are a person's own.", zh="消息设置仅限本人账号。")
