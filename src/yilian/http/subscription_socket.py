"""/subscriptions/websocket: notifications of the subscriptions a socket is bound to.

    → bind-with-token: TOKEN [eventsSinceNumber=NUMBER]     may come again, for further subscriptions or with a token of a newer sign-in
    → ping                                                   ← pong
    ← a notification Bundle for each handshake, heartbeat and event notification

What is not understood, and a token that is not good, closes the socket with code 1008 and a reason.
http://hl7.org/fhir/uv/subscriptions-backport/channels.html#websockets
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from yilian.errors import Forbidden, NotSignedIn, YilianError
from yilian.exchange.subscriptions import binding, rows
from yilian.exchange.subscriptions.binding import Listener
from yilian.exchange.subscriptions.stream import stream
from yilian.http.house import House

log = logging.getLogger("yilian.subscriptions")

BIND = re.compile(r"bind-with-token:?[ ]+(\S+)(?:[ ]+eventsSinceNumber=(\d{1,18}))?[ ]*")
MOST_BOUND = 100
"""Subscriptions on one socket."""
BIND_WITHIN_S = 30
NOT_ALLOWED, TRY_AGAIN = 1008, 1013


class Sockets:
    """One for each server process."""

    def __init__(self, house: House, most: int = 1000) -> None:
        self.house = house
        self.most = most
        self.open = 0

    async def answer(self, socket: WebSocket) -> None:
        """One connection, from the handshake until it ends."""
        await socket.accept()
        if self.open >= self.most:
            await socket.close(TRY_AGAIN, "too many connections")
            return
        self.open += 1
        telling: dict[str, asyncio.Task[None]] = {}
        heard_by: dict[str, Listener] = {}
        try:
            async with asyncio.timeout(BIND_WITHIN_S) as first:
                while True:
                    text = await socket.receive_text()
                    if text.strip() == "ping":
                        await socket.send_text("pong")
                        continue
                    await self._bind(socket, text, telling, heard_by)
                    first.reschedule(None)
        except (WebSocketDisconnect, RuntimeError):
            pass
        except TimeoutError:
            await _close(socket, NOT_ALLOWED, "no token came")
        except (YilianError, KeyError) as error:
            reason = str(error) if isinstance(error, YilianError) else "text was expected"
            await _close(socket, NOT_ALLOWED, reason)
        finally:
            self.open -= 1
            for task in telling.values():
                task.cancel()
            await asyncio.gather(*telling.values(), return_exceptions=True)

    async def _bind(self, socket: WebSocket, text: str, telling: dict[str, asyncio.Task[None]], heard_by: dict[str, Listener]) -> None:
        match = BIND.fullmatch(text.strip())
        if match is None:
            raise NotSignedIn("bind-with-token: TOKEN was expected")
        async with self.house.db.reading() as tx:
            bound = await binding.bound(tx, match[1])
            found = await tx.fetch("select rid, id from subscription where id = any($1::text[]) order by rid", list(bound.subscriptions))
        after = max(int(match[2]) - 1, 0) if match[2] else None
        for row in found:
            heard_by[row["id"]] = bound.listener
            before = telling.get(row["id"])
            if before is not None and not before.done():
                if after is None:
                    continue
                before.cancel()
            if len(telling) >= MOST_BOUND and row["id"] not in telling:
                raise NotSignedIn("too many subscriptions on one socket")
            who = partial(heard_by.__getitem__, row["id"])
            telling[row["id"]] = asyncio.create_task(self._tell(socket, row["rid"], who, after, telling))

    async def _tell(
        self, socket: WebSocket, rid: int, who: Callable[[], Listener], after: int | None, telling: dict[str, asyncio.Task[None]]
    ) -> None:
        """One subscription, until it is over; the socket is closed after the last."""
        assert self.house.listeners is not None
        ended = False
        client = socket.client.host if socket.client else ""
        base = self.house.base_of("https" if socket.url.scheme == "wss" else "http", socket.headers.get("host", "localhost"))
        try:
            told = stream(self.house.db, self.house.listeners, rid, base, who=who, after=after, way=f"{client}, websocket")
            async with aclosing(told):
                async for one in told:
                    if one.body:
                        await socket.send_text(one.body.decode())
        except (WebSocketDisconnect, RuntimeError):
            return
        except YilianError as error:
            log.info("a socket is closed: %s", error)
            ended = isinstance(error, (NotSignedIn, Forbidden))
        if any(not task.done() for task in telling.values() if task is not asyncio.current_task()):
            return
        if ended:
            await _close(socket, NOT_ALLOWED, "the sign-in has ended; fetch another token")
        else:
            await _close(socket, TRY_AGAIN if await self._is_on(rid) else NOT_ALLOWED, "the subscription is over, or the server is away")

    async def _is_on(self, rid: int) -> bool:
        with suppress(YilianError):
            async with self.house.db.reading() as tx:
                row = await rows.by_rid(tx, rid)
            return row is not None and row.state in ("requested", "active")
        return True


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason[:100])
