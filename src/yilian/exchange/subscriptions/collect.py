"""Numbers for events, once they are committed: in their order, without gaps, for those the owner may see at that moment and no others.

What the owner may not see gets no number: not even that something happened can be told from a gap. See `outbox` for why the order holds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from yilian import jobs, policy
from yilian.access.asker import scope_again
from yilian.errors import NotSignedIn
from yilian.exchange.subscriptions import events, rows
from yilian.jobs import Job, NewJob

if TYPE_CHECKING:
    from yilian.db import Database, Tx

DELIVER = "subscription.deliver"
CHANNEL = "yilian_subscription"
"""On which processes with listeners are told that there is something new."""
AT_ONCE = 1000
FIRST_PAUSE = timedelta(seconds=2)

WAITING = "select distinct subscription from subscription_event where number is null order by subscription"

GIVE = """
update subscription_event e set number = n.number from unnest($1::bigint[], $2::bigint[]) as n (id, number) where e.id = n.id
"""


async def collect(db: Database, job: Job) -> None:
    """Number whatever waits, of every subscription."""
    async with db.reading() as tx:
        waiting = [row["subscription"] for row in await tx.fetch(WAITING)]
    for rid in waiting:
        while await _some(db, rid):
            pass


async def _some(db: Database, rid: int) -> bool:
    """Number some events of one subscription; whether there may be more."""
    async with db.transaction() as tx:
        row = await rows.by_rid(tx, rid, lock=True)
        if row is None or row.state == "off":
            await tx.execute("delete from subscription_event where subscription = $1 and number is null", rid)
            return False
        try:
            scope = await scope_again(tx, row.asker)
        except NotSignedIn as error:
            gone = str(error)
        else:
            found = await events.pending(tx, scope, rid, AT_ONCE)
            seen = [one.id for one in found if one.found is not None]
            unseen = [one.id for one in found if one.found is None]
            if unseen:
                await tx.execute("delete from subscription_event where id = any($1::bigint[])", unseen)
            if seen:
                numbers = list(range(row.events + 1, row.events + 1 + len(seen)))
                await tx.execute(GIVE, seen, numbers)
                await tx.execute("update subscription set events = $2 where rid = $1", rid, numbers[-1])
                await announce(tx, row)
            return len(found) == AT_ONCE
    await rows.put_state(db, row, "off", gone)
    return False


async def announce(tx: Tx, row: rows.Subscription) -> None:
    """Have new events told: enqueue their delivery, or wake those who listen."""
    if row.definition.channel == "rest-hook":
        await jobs.enqueue_many(tx, [await delivery(row, tx)])
    else:
        await tx.execute("select pg_notify($1, $2)", CHANNEL, str(row.rid))


async def delivery(row: rows.Subscription, tx: Tx) -> NewJob:
    """The job that tells a receiver what there is; not before a pause that it was given is over."""
    return NewJob(DELIVER, {"subscription": row.rid}, await held(row, tx), key=str(row.rid), subject=f"subscription {row.rid}")


async def held(row: rows.Subscription, tx: Tx) -> timedelta:
    """How long a receiver that did not answer is still left alone. No longer than its pause was, though the clock was set back in it."""
    if row.retry_at is None or row.retry_at <= tx.now:
        return timedelta()
    return min(row.retry_at - tx.now, await pause(tx, max(row.failures - 1, 0)))


async def pause(tx: Tx, failures: int) -> timedelta:
    """How long a receiver is left alone after it failed once more, having failed so often before."""
    longest: int = await policy.value(tx, "subscription.longest_pause_minutes", tx.now)
    return min(timedelta(seconds=FIRST_PAUSE.seconds * 2 ** min(failures, 30)), timedelta(minutes=longest))
