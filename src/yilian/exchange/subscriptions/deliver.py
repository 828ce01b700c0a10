"""Rest-hooks: the handshake, then notifications in the order of their numbers, tried again with growing pauses, given up after a while.

One job at a time delivers for a subscription, so its events arrive in order, whoever they are about; a receiver that was told twice sees it
by the number. What has been taken is noted after the answer: a server that is killed in between tells it again. The disclosure is
noted in the trail before it is sent for the first time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from yilian import jobs, policy
from yilian.access import keys
from yilian.access.addresses import Allowed, host_of
from yilian.access.asker import scope_again
from yilian.audit.note import Note, by, write
from yilian.errors import NotSignedIn, Unavailable
from yilian.exchange.subscriptions import events, rows
from yilian.exchange.subscriptions.collect import delivery, held, pause
from yilian.exchange.subscriptions.events import Event
from yilian.exchange.subscriptions.notification import Kind, Sender, bundle
from yilian.exchange.subscriptions.post import Letter, Sent, send
from yilian.exchange.subscriptions.rows import Subscription
from yilian.jobs import Job
from yilian.store.reindex import SETTLED, SETTLING_S
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

GONE = 410
"""The receiver says that it will not be there again."""
KNOWN_WITHIN_S, LOOK_S = 20.0, 0.2
ROUNDS = 200
"""Notifications one job sends before others get a turn."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A notification to be sent. last: the highest number in it, 0 for a handshake or heartbeat."""

    row: Subscription
    letter: Letter
    key: keys.SigningKey
    last: int = 0
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Postman:
    """base: our FHIR address, "" where it is not known; allowed: where notifications may be sent."""

    base: str
    allowed: Allowed

    async def begin(self, db: Database, job: Job) -> None:
        """Make a subscription active that was asked for: once the receiver has taken a handshake, and every process knows of it."""
        rid, version = job.payload["subscription"], job.payload["version"]
        async with db.transaction() as tx:
            row = await rows.by_rid(tx, rid)
            known_at = await tx.fetchval("select clock_timestamp()")
            if row is None or row.state != "requested" or row.version != version:
                return
            ready = await self._ready(tx, row, "handshake") if row.definition.channel == "rest-hook" else None
        if isinstance(ready, str):
            await rows.put_state(db, row, "off", ready)
            return
        if ready is not None:
            sent = await send(ready.letter, self.allowed, ready.key, db.clock())
            if not sent.is_taken:
                await rows.put_state(db, row, "error", f"The handshake was not taken: {sent.error}.")
                return
        await _until_known(db, known_at)
        if await rows.put_state(db, row, "active"):
            await self._go_on(db, rid)

    async def deliver(self, db: Database, job: Job) -> None:
        """Send what there is, notification after notification."""
        rid = job.payload["subscription"]
        for _ in range(ROUNDS):
            ready = await self._next(db, rid)
            if ready is None:
                return
            sent = await send(ready.letter, self.allowed, ready.key, db.clock())
            if not await self._after(db, ready, sent):
                return
        await self._go_on(db, rid)

    async def heartbeat(self, db: Database, job: Job) -> None:
        """Tell a receiver that has heard nothing for a while that there was nothing to tell."""
        async with db.transaction() as tx:
            row = await rows.by_rid(tx, job.payload["subscription"])
            if row is None or row.state != "active" or row.delivered < row.events or await held(row, tx):
                return
            ready = await self._ready(tx, row, "heartbeat")
        if isinstance(ready, str):
            await rows.put_state(db, row, "off", ready)
        else:
            await self._after(db, ready, await send(ready.letter, self.allowed, ready.key, db.clock()))

    async def resend(self, db: Database, job: Job) -> dict[str, Any]:
        """Send events again that were sent before, those of `since` to `until`. Raises Unavailable when the receiver does not take them."""
        rid, since, until = (job.payload[name] for name in ("subscription", "since", "until"))
        told = job.memo.get("told", since - 1)
        while told < until:
            async with db.transaction() as tx:
                row = await rows.by_rid(tx, rid)
                if row is None or row.state != "active":
                    return {"told": told}
                ready = await self._ready(tx, row, "event-notification", told, until, again=True)
            if isinstance(ready, str) or not ready.last:
                return {"told": told}
            sent = await send(ready.letter, self.allowed, ready.key, db.clock())
            if not sent.is_taken:
                raise Unavailable(sent.error)
            told = ready.last
            async with db.transaction() as tx:
                await jobs.note(tx, job, memo={"told": told})
        return {"told": told}

    async def _go_on(self, db: Database, rid: int) -> None:
        async with db.transaction() as tx:
            row = await rows.by_rid(tx, rid)
            if row is not None and row.definition.channel == "rest-hook":
                await jobs.enqueue_many(tx, [await delivery(row, tx)])

    async def _next(self, db: Database, rid: int) -> Ready | None:
        """The next notification, None when there is none to be sent now."""
        async with db.transaction() as tx:
            row = await rows.by_rid(tx, rid, lock=True)
            if row is None or row.state != "active":
                return None
            if row.delivered >= row.events:
                return None
            if await held(row, tx):
                await jobs.enqueue_many(tx, [await delivery(row, tx)])
                return None
            ready: Ready | str = "The end of the subscription has passed." if _is_over(row, tx.now) else ""
            if not ready:
                ready = await self._ready(tx, row, "event-notification", row.delivered, row.events)
            if isinstance(ready, Ready) and not ready.last:  # cleared away because nobody took them for too long
                await tx.execute("update subscription set delivered = events where rid = $1", rid)
                return None
        if isinstance(ready, str):
            await rows.put_state(db, row, "off", ready)
            return None
        return ready

    async def _ready(self, tx: Tx, row: Subscription, kind: Kind, after: int = 0, until: int = 0, *, again: bool = False) -> Ready | str:
        """What is to be sent, its disclosure noted; or why this subscription is over."""
        try:
            scope = await scope_again(tx, row.asker)
        except NotSignedIn as error:
            return str(error)
        wanted = row.definition
        found = await events.numbered(tx, scope, row.rid, after, until, wanted.max_count) if until else []
        last = found[-1].number or 0 if found else 0
        if found:
            await write(tx, disclosed(scope, tx.now, row, [one for one in found if again or (one.number or 0) > row.audited]))
            if last > row.audited:
                await tx.execute("update subscription set audited = $2 where rid = $1", row.rid, last)
        body = bundle(Sender(self.base, tx.now), row, kind, found) if wanted.payload else b""
        text = await tx.fetchval("select headers::text from subscription_header where id = $1", row.id)
        headers = [(name, value) for name, value in msgspec.json.decode(text)] if text else []
        await keys.ensure(tx)
        key = (await keys.usable(tx))[0]
        return Ready(row, Letter(row.id, wanted.endpoint, wanted.payload, body, headers, wanted.timeout_s), key, last)

    async def _after(self, db: Database, ready: Ready, sent: Sent) -> bool:
        """Note what became of it; whether to go on at once."""
        row = ready.row
        async with db.transaction() as tx:
            if sent.is_taken:
                await tx.execute(
                    """
                    update subscription set delivered = greatest(delivered, $2), failures = 0, failing_since = null, retry_at = null,
                        last_sent = $3, error = null where rid = $1
                    """,
                    row.rid,
                    ready.last,
                    tx.now,
                )
                return True
            patience = timedelta(minutes=await policy.value(tx, "subscription.error_after_minutes", tx.now))
            since = row.failing_since or tx.now
            wait = await pause(tx, row.failures)
            await tx.execute(
                "update subscription set failures = failures + 1, failing_since = $2, retry_at = $3, error = $4 where rid = $1",
                row.rid,
                since,
                tx.now + wait,
                sent.error,
            )
            here = await rows.by_rid(tx, row.rid)
            # counted as well as timed: a clock that was set forward alone makes nobody's patience end
            over = sent.status == GONE or (tx.now + wait - since > patience and await _tried_for(tx, row.failures + 1) >= patience)
            if here is not None and not over:
                await jobs.enqueue_many(tx, [await delivery(here, tx)])
        if over and here is not None:
            state = "off" if sent.status == GONE else "error"
            await rows.put_state(
                db, here, state, f"{host_of(row.definition.endpoint)}: {sent.error}, since {since.isoformat(timespec='seconds')}."
            )
        return False


def disclosed(scope: Scope, now: datetime, row: Subscription, told: list[Event], to: str = "") -> list[Note]:
    """The trail of a notification: one note for each patient, on behalf of who asked for the subscription. What names nothing discloses
    nothing."""
    if row.definition.content == "empty":
        return []
    concerned: dict[int | None, list[str]] = {}
    for event in told:
        if event.found is not None:
            found = event.found
            patient = found.patient if found.patient is not None and found.patient > 0 else None
            concerned.setdefault(patient, []).append(f"{found.type}/{found.id}/_history/{found.version}")
    where = f"Subscription/{row.id} → {to or host_of(row.definition.endpoint)}"
    return [
        by(scope, now, "operation", "R", operation="notification", patient=patient, entities=tuple(entities), query=where)
        for patient, entities in concerned.items()
    ]


async def _until_known(db: Database, since: datetime) -> None:
    """Wait until every process knows what was committed at `since`, and what was begun before has ended. Unavailable after a while."""
    for _ in range(int(KNOWN_WITHIN_S / LOOK_S)):
        async with db.reading() as tx:
            if await tx.fetchval(SETTLED, since, f"{SETTLING_S} seconds"):
                return
        await asyncio.sleep(LOOK_S)
    raise Unavailable("Transactions begun before the subscription was known are still open.")


async def _tried_for(tx: Tx, failures: int) -> timedelta:
    """How long so many failures take at least: the sum of the pauses after them."""
    spent, longest = timedelta(), await pause(tx, 30)
    for number in range(failures):
        one = await pause(tx, number)
        if one == longest:
            return spent + longest * (failures - number)
        spent += one
    return spent


def _is_over(row: Subscription, now: datetime) -> bool:
    return row.ends is not None and row.ends <= now
