"""The rules of sign-in a region sets for itself: policy (`policy.toml`, [access.*]) as one value.

GB/T 22239-2019 (等保 2.0) 8.1.4.1 a), b), d). Passwords, locks, addresses, sessions, and who needs a second factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy

if TYPE_CHECKING:
    from yilian.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Rules:
    """One value for each policy of the group; see there what each means. A zero `timedelta` or number is "no such rule"."""

    length: int
    classes: int
    history: int
    longest_age: timedelta
    temporary: timedelta
    lock_after: int
    lock_for: timedelta
    lock_longest: timedelta
    address_failures: int
    address_longest: timedelta
    idle: timedelta
    sessions_at_once: int
    second_factor_roles: frozenset[str]

    def lock(self, locks: int) -> timedelta:
        """How long the lock lasts that comes after `locks` others in a row."""
        return min(self.lock_for * (1 << min(locks, 20)), max(self.lock_longest, self.lock_for))

    def block(self, blocks: int) -> timedelta:
        """How long an address waits that was made to wait `blocks` times before."""
        return min(timedelta(minutes=1) * (1 << min(blocks, 20)), self.address_longest)

    def is_old(self, changed: datetime | None, now: datetime) -> bool:
        """Whether a password that was chosen then has to be changed."""
        return bool(self.longest_age) and changed is not None and changed + self.longest_age <= now


async def rules(tx: Tx) -> Rules:
    """The rules that hold today in the region; at most `policy.KEEP_S` seconds old."""

    async def of(name: str) -> Any:
        return await policy.value(tx, f"access.{name}", tx.now)

    return Rules(
        length=await of("password_length"),
        classes=await of("password_classes"),
        history=await of("password_history"),
        longest_age=timedelta(days=await of("password_days")),
        temporary=timedelta(hours=await of("temporary_password_hours")),
        lock_after=await of("lock_after"),
        lock_for=timedelta(minutes=await of("lock_minutes")),
        lock_longest=timedelta(minutes=await of("lock_longest_minutes")),
        address_failures=await of("address_failures"),
        address_longest=timedelta(minutes=await of("address_longest_minutes")),
        idle=timedelta(minutes=await of("idle_minutes")),
        sessions_at_once=await of("sessions_at_once"),
        second_factor_roles=frozenset(await of("second_factor_roles")),
    )


async def rules_now(db: Database) -> Rules:
    """The same, outside any transaction."""
    async with db.reading() as tx:
        return await rules(tx)


async def idle(tx: Tx) -> timedelta:
    """A session nobody used for so long is over."""
    return timedelta(minutes=await policy.value(tx, "access.idle_minutes", tx.now))
