"""Server-sent events as an answer: sent as they come, for as long as the caller stays. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from yilian.errors import YilianError
from yilian.exchange.subscriptions.stream import Told
from yilian.http.answer import Answer, Send
from yilian.http.request import Request

log = logging.getLogger("yilian.subscriptions")

AGAIN_MS = 2000
"""When a browser whose connection broke comes back."""


@dataclass(slots=True)
class EventStream(Answer):
    """`told`: what is sent; closed when the caller has gone."""

    told: Any = None
    request: Request | None = None

    @staticmethod
    def of(told: AsyncGenerator[Told], request: Request) -> EventStream:
        headers = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        return EventStream(200, b"", headers, b"text/event-stream; charset=utf-8", told, request)

    async def send(self, send: Send, *, head: bool = False, extra: list[tuple[bytes, bytes]] | None = None) -> None:
        headers = [*self.headers, *(extra or []), (b"content-type", self.content_type)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        assert self.request is not None
        gone = asyncio.create_task(self.request.until_gone())
        coming: asyncio.Task[Told] | None = None
        try:
            async with aclosing(self.told) as told:
                await send({"type": "http.response.body", "body": b"retry: %d\n\n" % AGAIN_MS, "more_body": True})
                while not head:
                    coming = asyncio.ensure_future(anext(told))
                    await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done():
                        break
                    try:
                        one = coming.result()
                    except StopAsyncIteration:
                        break
                    except YilianError as error:  # the sign-in has ended, or the database is away: who comes back is told which
                        log.info("a stream is closed: %s", error)
                        break
                    if one.body:
                        await send({"type": "http.response.body", "body": _event(one), "more_body": True})
                if coming is not None and not coming.done():
                    coming.cancel()
                    with suppress(asyncio.CancelledError, StopAsyncIteration):
                        await coming
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone


def _event(one: Told) -> bytes:
    """Stored JSON has no line breaks, so a notification is one line."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (one.kind.encode(), one.number, one.body)
