"""Quiet hours: when nothing but what is urgent goes outside, by the region's clock and each reader's own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from yilian import policy
from yilian.fhir.dates import region_zone

if TYPE_CHECKING:
    from yilian.db import Tx

POLICY = "notifications.quiet_hours"

Hours = tuple[time, time] | None
"""From, to, by the region's clock; the second may be on the next morning. None: never quiet."""


async def hours_of(tx: Tx, account: str) -> Hours:
    """Those of an account: its own, else the region's."""
    own = await tx.fetchrow("select begins, ends from message_quiet where account = $1", account) if account else None
    if own is not None:
        return (own["begins"], own["ends"]) if own["begins"] is not None else None
    said = await policy.value(tx, POLICY, tx.now)
    return (time.fromisoformat(said["from"]), time.fromisoformat(said["to"])) if said.get("from") else None


def not_before(hours: Hours, now: datetime, zone: ZoneInfo | None = None) -> datetime:
    """`now`, or the end of the quiet hours it lies in (aware, UTC offset of the region's zone).

    The end is that time on the region's clock: where the clock is set forward over it, the first moment after.
    """
    if hours is None or hours[0] == hours[1]:
        return now
    begins, ends = hours
    place = zone or region_zone()
    local = now.astimezone(place)
    at = local.time().replace(tzinfo=None)
    quiet = begins <= at < ends if begins < ends else at >= begins or at < ends
    if not quiet:
        return now
    day = local.date() if at < ends else local.date() + timedelta(days=1)
    return max(now, datetime.combine(day, ends, place))
