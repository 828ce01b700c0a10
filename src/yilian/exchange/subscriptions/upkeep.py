"""What is done for all subscriptions every few seconds: ends that have come, heartbeats, what was not told, clearing away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from yilian import jobs, policy
from yilian.access.asker import scope_again
from yilian.errors import NotSignedIn, Unavailable, YilianError
from yilian.exchange.subscriptions import rows
from yilian.exchange.subscriptions.collect import delivery
from yilian.exchange.subscriptions.matching import watches
from yilian.exchange.subscriptions.outbox import COLLECT, beginning
from yilian.exchange.subscriptions.rows import Subscription
from yilian.fhir.dates import region_zone
from yilian.jobs import Job, NewJob

if TYPE_CHECKING:
    from yilian.db import Database, Tx

HEARTBEAT = "subscription.heartbeat"
CLEARED_AT_ONCE = 10_000

LIVE = f"select {rows.COLUMNS} from subscription s where s.state <> 'off' order by s.rid"
OLD = """
delete from subscription_event where id in (select id from subscription_event where at < $1 order by at limit $2)
"""


async def look_after(db: Database, job: Job) -> None:
    """One round. Every step bears being done twice."""
    async with db.reading() as tx:
        keep = timedelta(days=await policy.value(tx, "subscription.keep_events_days", tx.now))
        live = [rows.subscription(row) for row in await tx.fetch(LIVE)]
        ended = {row.rid: why for row in live if (why := await _why_over(tx, row, keep))}
        broken = {row.rid: why for row in live if row.state != "error" and (why := _why_broken(row))}
    for row in live:
        if row.rid in ended:
            await rows.put_state(db, row, "off", ended[row.rid])
        elif row.rid in broken:
            await rows.put_state(db, row, "error", broken[row.rid])
    async with db.transaction() as tx:
        await jobs.enqueue_many(tx, [one for row in live if row.rid not in ended if (one := await _due(row, tx)) is not None])
        if await tx.fetchval("select exists (select from subscription_event where number is null)"):
            await jobs.enqueue(tx, COLLECT, {}, key="all")
        await tx.execute(OLD, tx.now - keep, CLEARED_AT_ONCE)


async def _why_over(tx: Tx, row: Subscription, keep: timedelta) -> str:
    if row.ends is not None and row.ends <= tx.now:
        return "The end of the subscription has passed."
    if row.state == "error" and row.failing_since is not None and tx.now - row.failing_since > keep:
        return "Nobody has taken its notifications for as long as events are kept."
    try:
        await scope_again(tx, row.asker)
    except NotSignedIn as error:
        return str(error)
    return ""


def _why_broken(row: Subscription) -> str:
    try:
        watches(row.rid, row.definition, region_zone())
    except Unavailable:
        return ""  # a parameter is just being taken up
    except YilianError as error:
        return f"It cannot be followed any more: {error}"
    return ""


async def _due(row: Subscription, tx: Tx) -> NewJob | None:
    if row.state == "requested":
        return beginning(row.rid, row.version)
    if row.state != "active" or row.definition.channel != "rest-hook":
        return None
    if row.delivered < row.events:
        return await delivery(row, tx)
    every = timedelta(seconds=row.definition.heartbeat_s)
    if every and (
        row.last_sent is None or not row.last_sent <= tx.now < row.last_sent + every
    ):  # sent later than now: the clock was set back
        return NewJob(HEARTBEAT, {"subscription": row.rid}, key=str(row.rid), subject=f"subscription {row.rid}")
    return None
