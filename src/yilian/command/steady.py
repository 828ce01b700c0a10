"""HTTP connections that bring what they promised in time: a header of a bounded size at once, and a body without long pauses.

Without this a client could hold connections for ever by sending a byte now and then, or fill the memory with one endless header.
Behind a proxy the proxy does the same and more; a server that is reached directly has to do it itself.

An answer that is there as a whole leaves in one piece, head and body: uvicorn hands them to the kernel one after the other, which takes
more time here and wakes the receiver twice.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

SPELL_S = 20.0
"""A header is complete within one spell; in each spell of a body something substantial comes."""
LEAST_BYTES = 16 * 1024
"""Of a body in each spell: under a slow line's 1 KiB a second."""
HEAD_LIMIT_BYTES = 128 * 1024


CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What no value of a header may hold, RFC 9110 5.5."""
PLAIN = re.compile(rb"[a-z0-9-]+")
AT_ONCE_BYTES = 256 * 1024
"""Longer bodies are not copied behind their head."""


@lru_cache(maxsize=256)
def _is_plain(name: bytes) -> bool:
    """A header name written as we write them, of a header that says nothing about the connection."""
    return PLAIN.fullmatch(name) is not None and name not in (b"connection", b"transfer-encoding")


class WholeAnswer(RequestResponseCycle):
    """uvicorn's answer, its head held back until the body is there.

    What comes in pieces, has no stated length or says something about the connection goes uvicorn's way, and so does what is wrong with
    an answer: there it is told.
    """

    held: Any = None

    async def send(self, message: Any) -> None:
        if not self.response_started and not self.flow.write_paused:
            if message["type"] == "http.response.start":
                self.held = None
                for name, _ in message.get("headers", ()):  # without a length it may be a stream, and whoever listens waits for its head
                    if name == b"content-length":
                        self.held = message
                        return
            start, self.held = self.held, None
            if start is not None:
                if self._sent_whole(start, message):
                    return
                await super().send(start)
        await super().send(message)

    def _sent_whole(self, start: Any, message: Any) -> bool:
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or message.get("more_body") or self.disconnected or len(body) > AT_ONCE_BYTES:
            return False
        head = [STATUS_LINE[start["status"]]]
        length = -1
        for name, value in [*self.default_headers, *start.get("headers", ())]:
            if name == b"content-length":
                length = int(value)
            if CONTROL.search(value) or not _is_plain(name):
                return False
            head += (name, b": ", value, b"\r\n")
        if self.scope["method"] == "HEAD":
            body = b""
        elif length != len(body):
            return False
        head.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        head.append(body)
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join(head))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


class SteadyProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a clock for each request that is coming in."""

    spell_s = SPELL_S
    _clock: asyncio.TimerHandle | None = None
    _in_head = True
    _came = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        if self._clock is None:
            self._begin()
        self._came += len(data)
        super().data_received(data)
        if self._in_head and self._came > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", b"The header of a request is at most 128 KiB.")

    def on_headers_complete(self) -> None:
        if self._clock is None:  # it came with the end of the request before
            self._begin()
        self._in_head = False
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = WholeAnswer  # uvicorn makes its own and cannot be told of another
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        self._stop()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._in_head, self._came = True, 0
        self._clock = asyncio.get_running_loop().call_later(self.spell_s, self._look)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look(self) -> None:
        """The spell is over: go on with a body that comes, or that we ourselves hold up; end everything else."""
        self._clock = None
        if self.transport.is_closing():
            return
        if not self._in_head and (self._came >= LEAST_BYTES or self.flow.read_paused):
            self._came = 0
            self._clock = asyncio.get_running_loop().call_later(self.spell_s, self._look)
        elif self._came:
            self._refuse(b"408 Request Timeout", b"The request did not come in time.")
        else:
            self.transport.close()

    def _refuse(self, status: bytes, text: bytes) -> None:
        self._stop()
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            head = b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self.transport.write(head % (status, len(text)) + text)
        self.transport.close()
