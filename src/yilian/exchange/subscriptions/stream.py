"""The notifications of one subscription for whoever is connected: by websocket or as server-sent events.

Nothing is kept of a connection: it tells what comes after the number it was begun with, so who comes back says the last number it saw and
misses nothing that is still kept. The right to it, and the sign-in of who listens, are looked up before everything that is told, and at
the latest every `LOOK_S`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from time import monotonic

from yilian.access.asker import scope_again
from yilian.audit.note import write
from yilian.db import Database
from yilian.errors import NotSignedIn
from yilian.exchange.subscriptions import events, rows
from yilian.exchange.subscriptions.binding import Listener
from yilian.exchange.subscriptions.deliver import disclosed
from yilian.exchange.subscriptions.listeners import LOOK_S, Listeners
from yilian.exchange.subscriptions.notification import Kind, Sender, bundle

HEARTBEAT_S = 30
"""Where the subscription says nothing: so that what stands between us does not take the connection for dead."""


@dataclass(frozen=True, slots=True)
class Told:
    """One notification. number: the last event number it tells, or that was told before it."""

    kind: Kind
    number: int
    body: bytes


async def stream(
    db: Database, listeners: Listeners, rid: int, base: str, *, who: Callable[[], Listener], after: int | None = None, way: str = ""
) -> AsyncGenerator[Told]:
    """A handshake, then events and heartbeats, until the subscription is over; the last notification says how it stands then.

    who     who listens, as of now; NotSignedIn or Forbidden is raised when that is over
    after   the last event number that was seen; None: only what comes from now on
    way     how it is told and to whom, for the trail
    """
    called = await listeners.attend(rid)
    try:
        begun = False
        last = after
        heard = monotonic()
        while True:
            told, last, over = await _look(db, rid, base, who(), last, way, begun=begun)
            begun = True
            for one in told:
                heard = monotonic()
                yield one
            if over is not None:
                yield over
                return
            if told and told[-1].kind == "event-notification":
                continue
            pause_s = await _pause_s(db, rid)
            if monotonic() - heard >= pause_s:
                beat = await _beat(db, rid, base, last)
                heard = monotonic()
                if beat is not None:
                    yield beat
                    continue
            await listeners.wait(called, max(min(pause_s - (monotonic() - heard), LOOK_S), 0.05))
    finally:
        listeners.leave(rid, called)


async def _look(
    db: Database, rid: int, base: str, listener: Listener, last: int | None, way: str, *, begun: bool
) -> tuple[list[Told], int, Told | None]:
    """What is to be told now, the number reached, and the last word when it is over."""
    async with db.transaction() as tx:
        row = await rows.by_rid(tx, rid)
        sender = Sender(base, tx.now)
        if row is None:
            return [], last or 0, Told("heartbeat", last or 0, b"")
        await listener.require(tx, row)
        reached = row.events if last is None else min(last, row.events)
        why, state = "", row.state
        try:
            scope = await scope_again(tx, row.asker)
        except NotSignedIn as error:
            why, state = str(error), "off"
        if row.ends is not None and row.ends <= tx.now:
            state = "off"
        if why or state in ("off", "error"):
            return [], reached, Told("heartbeat", reached, bundle(sender, row, "heartbeat", state=state))
        told = [] if begun else [Told("handshake", reached, bundle(sender, row, "handshake"))]
        found = []
        if row.state == "active" and reached < row.events:
            found = await events.numbered(tx, scope, rid, reached, row.events, row.definition.max_count)
            if not found:  # cleared away
                reached = row.events
        if found:
            reached = found[-1].number or reached
            await write(tx, disclosed(scope, tx.now, row, found, way))
            told.append(Told("event-notification", reached, bundle(sender, row, "event-notification", found)))
    return told, reached, None


async def _pause_s(db: Database, rid: int) -> float:
    async with db.reading() as tx:
        row = await rows.by_rid(tx, rid)
    return float(row.definition.heartbeat_s or HEARTBEAT_S) if row is not None else 0.0


async def _beat(db: Database, rid: int, base: str, last: int) -> Told | None:
    async with db.reading() as tx:
        row = await rows.by_rid(tx, rid)
        return Told("heartbeat", last, bundle(Sender(base, tx.now), row, "heartbeat")) if row is not None else None
