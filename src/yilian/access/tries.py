"""Counting what went wrong: for each account, and for each network address.

A try is counted before anything is looked at, so that many at once cannot outrun the limit. Nothing here tells the caller whether there is
such an account. An address that keeps failing is answered 429 before any account is looked up. GB/T 22239-2019 8.1.4.1 b).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from yilian.access.rules import Rules
from yilian.errors import TooManyRequests

if TYPE_CHECKING:
    from yilian.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Try:
    """One try that may be looked at. `password` is the stored hash, None where there is none; `attempts` the tries in a row, with this."""

    name: str
    password: str | None
    attempts: int


async def begin(db: Database, name: str, rules: Rules) -> Try | None:
    """Count a try; None where signing in is out of the question: no such account, disabled, over, locked, or one try too many."""
    if not 0 < len(name) <= 64 or "\0" in name:
        return None
    async with db.transaction() as tx:
        row = await tx.fetchrow(
            """
            update account set attempts = case when attempted > $2 then attempts + 1 else 1 end, attempted = $3
            where name = $1 and disabled is null and (expires is null or expires > $3) and (locked_until is null or locked_until <= $3)
              and not (attempts >= $4 and attempted > $2)
              and not (must_change and password_changed < coalesce($5::timestamptz, '-infinity'))
            returning password, attempts
            """,
            name,
            tx.now - rules.lock_for,
            tx.now,
            rules.lock_after,
            tx.now - rules.temporary if rules.temporary else None,
        )
    return None if row is None else Try(name, row["password"], row["attempts"])


async def failed(tx: Tx, one: Try, rules: Rules) -> bool:
    """The try was wrong: the account is locked if that was one too many, each time for twice as long. Whether it was locked by this."""
    if one.attempts < rules.lock_after:
        return False
    row = await tx.fetchrow(
        "select locks, locked_until from account where name = $1 and attempts >= $2 for update", one.name, rules.lock_after
    )
    if row is None:
        return False
    until = row["locked_until"]
    if until is not None and until > tx.now:
        return False  # another try of the same moment has locked it
    in_a_row = row["locks"] if until is not None and (tx.now - until).days < 1 else 0
    await tx.execute(
        "update account set locked_until = $2, locks = $3 where name = $1",
        one.name,
        tx.now + rules.lock(in_a_row),
        min(in_a_row + 1, 1000),
    )
    return True


async def taken_back(tx: Tx, one: Try) -> None:
    """The try was right as far as it went, and more is asked: it does not count, and those before it still do."""
    await tx.execute("update account set attempts = greatest(attempts - 1, 0) where name = $1", one.name)


async def forgotten(tx: Tx, name: str) -> None:
    """Somebody has proven everything: the count begins anew."""
    await tx.execute(
        "update account set attempts = 0, locks = 0, locked_until = null, signed_in = $2 where name = $1",
        name,
        tx.now,
    )


def network_of(address: str) -> str:
    """What is counted as one address: IPv4 as it is, of IPv6 the first 64 bits, which are one subscriber's; "" for what is neither."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


async def require_free(tx: Tx, address: str) -> None:
    """TooManyRequests while an address has to wait."""
    until = await tx.fetchval("select until from refused_address where address = $1 and until > $2", network_of(address), tx.now)
    if until is not None:
        seconds = max(1, math.ceil((until - tx.now).total_seconds()))
        raise TooManyRequests(
            "Too many sign-ins from this network address failed. Wait and try again.",
            zh=f"本网络地址登录失败次数过多,请 {math.ceil(seconds / 60)} 分钟后再试。",
            retry_after_s=seconds,
        )


async def address_failed(tx: Tx, address: str, rules: Rules) -> None:
    """A sign-in from there failed. What was counted longer than `lock_for` ago is forgotten; blocks, after a day."""
    network = network_of(address)
    if not network or not rules.address_failures:
        return
    await tx.execute("delete from refused_address where since < $1::timestamptz - interval '2 days'", tx.now)
    row = await tx.fetchrow(
        """
        insert into refused_address as r (address, failures, since) values ($1, 1, $2::timestamptz)
        on conflict (address) do update set
            failures = case when r.since > $3 then r.failures + 1 else 1 end,
            since = case when r.since > $3 then r.since else $2 end,
            blocks = case when r.until < $2::timestamptz - interval '1 day' then 0 else r.blocks end
        returning failures, blocks
        """,
        network,
        tx.now,
        tx.now - rules.lock_for,
    )
    assert row is not None
    if row["failures"] > rules.address_failures:
        await tx.execute(
            "update refused_address set failures = $4, blocks = $2, until = $3 where address = $1",
            network,
            min(row["blocks"] + 1, 1000),
            tx.now + rules.block(row["blocks"]),
            rules.address_failures // 2,
        )
