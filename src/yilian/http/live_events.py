"""GET /events: open pages are called when something they show has changed. Server-sent events, for whoever is signed in.

    event: changed
    data: {"topic": "referrals", "tag": 2774182633}

topic: of `notifications.live.TOPICS`. tag: CRC-32 of what changed ("Task/…"), so that a page of one thing knows whether it is meant; 0 for
several. What has changed a page reads by itself, within its scope. `event: missed` says that calls may have been lost: look at everything.
A comment comes every `HEARTBEAT_S`, and the sign-in is looked at again with it: a token that has run out ends the stream, and the page
comes back with a new one. The token comes in the Authorization header as everywhere, so it never stands in an address.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from yilian.access.policy import require_whole
from yilian.errors import YilianError
from yilian.http.house import House
from yilian.http.oauth.edge import id_of
from yilian.http.outcome import answer_for
from yilian.notifications.callers import Callers, Page
from yilian.store import members
from yilian.store.scope import Scope

ADDRESS = "/events"
HEARTBEAT_S = 15.0
AGAIN_MS = 2000
GATHER_S = 0.1
"""Calls that come together are told together: a page that is called ten times in a moment looks once."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class LiveEvents:
    """The endpoint; one for each server process."""

    def __init__(self, house: House, dsn: str, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.house = house
        self.callers = Callers(dsn)
        self.heartbeat_s = heartbeat_s
        self.over = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        """A stream for who is signed in; an OperationOutcome for everybody else."""
        authorization, address = request.headers.get("authorization", ""), request.client.host if request.client else ""
        try:
            asker = await self.house.verifier.scope_of(authorization, id_of(request), address)
            require_whole(asker, "Being called")
            page = await self._page(asker)
            await self.callers.attend(page)
        except Exception as error:  # every failure leaves as an answer; what is unknown is logged there
            refused = answer_for(error, id_of(request))
            return Response(refused.body, refused.status, dict(_plain(refused.headers)), refused.content_type.decode())
        return _Stream(self, page, authorization, address)

    async def close(self) -> None:
        self.over.set()
        await self.callers.close()

    async def _page(self, asker: Scope) -> Page:
        patients = frozenset[int]()
        if asker.reach == "self" and asker.patient_rid:
            async with self.house.db.reading() as tx:
                patients = frozenset(await members.others_of(tx, asker.patient_rid)) | {asker.patient_rid}
        here = asker.institution_rid if asker.reach == "grounds" or asker.roles else 0
        return Page(asker.user, here, asker.agent, patients)

    async def told(self, page: Page, authorization: str, address: str) -> AsyncGenerator[bytes]:
        """What is sent, until the sign-in is over or the server stops."""
        yield b"retry: %d\n\n: here\n\n" % AGAIN_MS
        while not self.over.is_set():
            await self.callers.wait(page, self.heartbeat_s)
            if not page.called.is_set():
                try:
                    await self.house.verifier.scope_of(authorization, "", address)
                except YilianError:
                    yield b"event: renew\ndata: {}\n\n"
                    return
                yield b": still here\n\n"
                continue
            await asyncio.sleep(GATHER_S)
            heard, missed = page.take()
            if missed:
                yield b"event: missed\ndata: {}\n\n"
            for topic, tag in heard:
                yield b"event: changed\ndata: %s\n\n" % msgspec.json.encode({"topic": topic, "tag": tag})


class _Stream(Response):
    """Sent as it comes, for as long as the page stays."""

    def __init__(self, live: LiveEvents, page: Page, authorization: str, address: str) -> None:
        super().__init__()
        self.live, self.page, self.authorization, self.address = live, page, authorization, address

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive))
        sending = asyncio.create_task(self._send(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.live.callers.leave(self.page)
            for task in (gone, sending):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        async with aclosing(self.live.told(self.page, self.authorization, self.address)) as told:
            async for one in told:
                await send({"type": "http.response.body", "body": one, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _plain(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in headers]
