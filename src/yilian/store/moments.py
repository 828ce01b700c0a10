"""meta.lastUpdated never goes back, not even when the clock does.

Who asks for what changed since (`_since` of history and `$export`, `_lastUpdated` of searches) would otherwise miss for good what is
written after the clock was set back: it would carry a time that was asked for already. So from then on, until the clock has caught up, what
is written is dated a millisecond after the newest there is or anybody was told. Everything else (the trail, tokens, rules that end) goes by
the clock as it is.

One look at the newest for each write, and only in that time: `Database.went_back`. Clocks of several machines are kept together by NTP;
what they differ by is not made up for here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

NEWEST = "select greatest((select max(updated) from resource), (select max(at) from bulk))"
"""The latest that is stored, and the latest instant of an export: these outlive the process."""
MILLISECOND = timedelta(milliseconds=1)


async def to_date_by(tx: Tx) -> datetime:
    """The moment (UTC, whole milliseconds) that is lastUpdated of what `tx` writes."""
    now = _whole(tx.now)
    if not tx.db.went_back:
        return now
    latest = await until(tx)
    if latest <= tx.db.look_at_clock():  # not tx.now: others may have begun since
        tx.db.went_back = False
        return now
    return _whole(latest) + MILLISECOND


async def until(tx: Tx) -> datetime:
    """Now, or the latest moment that anything is dated by or anybody was told, where the clock is behind that."""
    newest: datetime | None = await tx.fetchval(NEWEST)
    latest = max(tx.now, tx.db.told)
    return latest if newest is None else max(latest, newest)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
