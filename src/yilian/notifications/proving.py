"""That an address is the account's own: a code is sent there and typed in here. Until then nothing else is sent there.

A code is good for `GOOD_FOR` and `MOST_TRIES` tries, and only the newest counts. Neither the code nor the address stands in the database
but as a keyed hash (the code besides in the sealed values of the message that carries it). GB/T 22239-2019 8.1.4.1 b), OWASP ASVS 2.7.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from secrets import randbelow
from typing import TYPE_CHECKING

from yilian.errors import Conflict, NotFound, TooManyRequests
from yilian.notifications.messages import Message, Reader
from yilian.notifications.telling import tell
from yilian.sealing.keyring import open_column

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx
    from yilian.store.scope import Scope

EVENT = "account.verify-address"
GOOD_FOR = timedelta(minutes=15)
MOST_TRIES = 5
AGAIN_AFTER = timedelta(seconds=60)
MOST_AN_HOUR = 5
"""Codes for one account, and to one address, whoever asks."""
DIGITS = 6


async def send_code(tx: Tx, scope: Scope, channel: str) -> None:
    """Send a code to the address the asker's account gave for this channel, in `tx`.

    Raises NotFound (none was given), Conflict (it is proven already), TooManyRequests.
    """
    row = await _address(tx, scope, channel)
    if row["verified"] is not None:
        raise Conflict("This address is verified already.", zh="该地址已通过验证。")
    address = open_column("message_address.address", row["id"], row["address"]).decode()
    receiver = _hash(tx, f"{channel} {address}")
    of_late = await tx.fetchrow(
        "select count(*) filter (where account = $1) as mine, count(*) filter (where receiver = $2) as there,"
        " max(sent) filter (where account = $1 and address = $4) as last"
        " from message_code where (account = $1 or receiver = $2) and sent > $3",
        scope.user,
        receiver,
        tx.now - timedelta(hours=1),
        row["id"],
    )
    assert of_late is not None  # it counts
    if of_late["last"] is not None and tx.now - of_late["last"] < AGAIN_AFTER:
        raise TooManyRequests("A code was just sent; wait a minute.", zh="验证码刚刚发出,请一分钟后再试。", retry_after_s=60)
    if max(of_late["mine"], of_late["there"]) >= MOST_AN_HOUR:
        raise TooManyRequests("Too many codes were sent in an hour.", zh="一小时内发送验证码次数过多,请稍后再试。", retry_after_s=3600)
    id, code = tx.new_id(), f"{randbelow(10**DIGITS):0{DIGITS}}"
    await tx.execute(
        "insert into message_code (id, account, address, receiver, hash, sent, until) values ($1::text::uuid, $2, $3, $4, $5, $6, $7)",
        id, scope.user, row["id"], receiver, _hash(tx, f"{id} {code}"), tx.now, tx.now + GOOD_FOR,
    )  # fmt: skip
    says = {"code": code, "minutes": str(int(GOOD_FOR.total_seconds() // 60))}
    await tell(tx, Message(EVENT, (Reader.address(channel, address),), scope.agent, None, says, urgent=True))


async def prove(tx: Tx, scope: Scope, channel: str, code: str) -> bool:
    """Whether this is the newest code that was sent to the address of this channel; if so, the address is verified. A try is counted in
    `tx` either way, so that the caller commits before it refuses. Raises NotFound (no address), Conflict (verified already)."""
    row = await _address(tx, scope, channel)
    if row["verified"] is not None:
        raise Conflict("This address is verified already.", zh="该地址已通过验证。")
    sent = await tx.fetchrow(
        """
        update message_code set tries = tries + 1
        where id = (select id from message_code where account = $1 and address = $2 order by sent desc, id limit 1)
            and until > $3 and tries < $4
        returning id, hash
        """,
        scope.user,
        row["id"],
        tx.now,
        MOST_TRIES,
    )
    if sent is None or not hmac.compare_digest(sent["hash"], _hash(tx, f"{sent['id']} {code.strip()}")):
        return False
    await tx.execute("update message_address set verified = $2 where id = $1", row["id"], tx.now)
    await tx.execute("update message_code set until = $2 where id = $1", sent["id"], tx.now)
    return True


async def clear(tx: Tx) -> None:
    """Forget codes of yesterday."""
    await tx.execute("delete from message_code where sent < $1", tx.now - timedelta(days=1))


async def _address(tx: Tx, scope: Scope, channel: str) -> asyncpg.Record:
    row = await tx.fetchrow(
        "select id, address, verified from message_address where account = $1 and channel = $2 for update", scope.user, channel
    )
    if row is None:
        raise NotFound("Give an address for this channel first.", zh="请先填写并保存地址。")
    return row


def _hash(tx: Tx, text: str) -> bytes:
    return hashlib.sha256(tx.db.ring.fingerprint(text).encode()).digest()


__all__ = ["DIGITS", "EVENT", "GOOD_FOR", "MOST_AN_HOUR", "MOST_TRIES", "clear", "prove", "send_code"]
