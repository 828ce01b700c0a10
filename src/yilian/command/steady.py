"""HTTP connections that bring what they promised in time: a header of a bounded size at once, and a body without long pauses.

Without this a client could hold connections for ever by sending a byte now and then, or fill the memory with one endless header.
Behind a proxy the proxy does the same and more; a server that is reached directly has to do it itself.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPELL_S = 20.0
"""A header is complete within one spell; in each spell of a body something substantial comes."""
LEAST_BYTES = 16 * 1024
"""Of a body in each spell: under a slow line's 1 KiB a second."""
HEAD_LIMIT_BYTES = 128 * 1024


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
