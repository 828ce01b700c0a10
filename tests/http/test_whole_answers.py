"""Answers leave in one piece, and byte for byte as uvicorn would send them in two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from yilian.command.steady import AT_ONCE_BYTES, SteadyProtocol

GET = b"GET /a HTTP/1.1\r\nHost: here\r\n\r\n"
ETAG = (b"etag", b'W/"1"')


class Wire:
    """A connection that remembers what was written to it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, piece: bytes) -> None:
        assert not self.closed
        if piece:
            self.pieces.append(bytes(piece))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def exchange(kind: type[HttpToolsProtocol], app: Any, *requests: bytes) -> Wire:
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False, date_header=False)
    config.load()
    protocol = kind(config, ServerState(), {})
    wire = Wire()
    protocol.connection_made(wire)  # type: ignore[arg-type]
    for request in requests:
        if not wire.closed:
            protocol.data_received(request)
        for _ in range(20):
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    return wire


def answering(status: int, headers: list[tuple[bytes, bytes]], *parts: bytes) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for nth, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": nth < len(parts)})

    return app


def length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


LONG = b"x" * (AT_ONCE_BYTES + 1)
CASES: dict[str, tuple[Any, list[bytes], int]] = {
    "a resource": (answering(200, [ETAG, length(b"abc")], b"abc"), [GET], 1),
    "nothing": (answering(200, [length(b"")], b""), [GET], 1),
    "HEAD": (answering(200, [ETAG, length(b"abc")], b"abc"), [b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"], 1),
    "204": (answering(204, [ETAG], b""), [GET], 1),
    "304": (answering(304, [ETAG], b""), [GET], 1),
    "a status without a name": (answering(299, [length(b"a")], b"a"), [GET], 1),
    "in pieces": (answering(200, [ETAG], b"ab", b"c"), [GET], 3),
    "in pieces of a stated length": (answering(200, [length(b"abc")], b"ab", b"c"), [GET], 3),
    "long": (answering(200, [length(LONG)], LONG), [GET], 2),
    "the last one": (answering(200, [length(b"abc"), (b"connection", b"close")], b"abc"), [GET], 2),
    "asked to be the last one": (answering(200, [length(b"a")], b"a"), [b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"], 1),
    "HTTP/1.0": (answering(200, [length(b"a")], b"a"), [b"GET / HTTP/1.0\r\nHost: h\r\n\r\n"], 1),
    "names in capitals": (answering(200, [(b"ETag", b"1"), (b"Content-Length", b"1")], b"a"), [GET], 2),
    "one after the other": (answering(200, [length(b"a")], b"a"), [GET, GET], 2),
    "at once": (answering(200, [length(b"a")], b"a"), [GET + GET + GET], 3),
    "a body that is waited for": (
        answering(201, [length(b"a")], b"a"),
        [b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", b"xy"],
        2,
    ),
    "longer than stated": (answering(200, [length(b"a")], b"ab"), [GET], 1),
    "shorter than stated": (answering(200, [length(b"abc")], b"ab"), [GET], 2),
    "a line break in a value": (answering(200, [length(b"a"), (b"location", b"a\r\nset-cookie: b")], b"a"), [GET], 0),
    "a line break in a name": (answering(200, [length(b"a"), (b"a\r\nb", b"c")], b"a"), [GET], 0),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_bytes_are_those_uvicorn_sends(name: str) -> None:
    app, requests, pieces = CASES[name]
    ours, theirs = await exchange(SteadyProtocol, app, *requests), await exchange(HttpToolsProtocol, app, *requests)
    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert ours.closed == theirs.closed
    assert len(ours.pieces) == pieces <= len(theirs.pieces)
    assert b"set-cookie" not in b"".join(ours.pieces)


@pytest.mark.parametrize("breaks", [True, False])
async def test_an_answer_that_ends_after_its_head_is_an_error_and_not_half_an_answer(breaks: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [ETAG, (b"content-length", b"3")]})
        if breaks:
            raise ValueError("no body after all")

    wire = await exchange(SteadyProtocol, app, GET)
    assert b"".join(wire.pieces).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


async def test_the_head_of_a_stream_does_not_wait_for_its_first_event() -> None:
    event = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await event.wait()

    wire = await exchange(SteadyProtocol, app, GET)
    assert b"".join(wire.pieces).startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    event.set()


async def test_an_answer_is_not_written_to_who_has_gone() -> None:
    gone = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gone.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"a"})

    wire = await exchange(SteadyProtocol, app, GET)
    gone.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert wire.pieces == []
