"""Files in and out without holding them in memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yilian.disk import Disk
from yilian.errors import TooLarge
from yilian.http.answer import Answer, Send
from yilian.http.request import Request

CHUNK = 1 << 18
EFFORT = 1
"""Of compressing: the lowest is several times as quick as the usual one and nearly as good on JSON."""


@dataclass(slots=True)
class FileAnswer(Answer):
    """A file, sent piece by piece, compressed on its way where `gzip`."""

    path: Path = Path()
    gzip: bool = False

    @staticmethod
    def of(path: Path, content_type: bytes, *, gzip: bool) -> FileAnswer:
        return FileAnswer(200, b"", [(b"cache-control", b"private, no-store"), (b"vary", b"accept-encoding")], content_type, path, gzip)

    async def send(self, send: Send, *, head: bool = False, extra: list[tuple[bytes, bytes]] | None = None) -> None:
        file = await asyncio.to_thread(self.path.open, "rb")
        try:
            headers = [*self.headers, *(extra or []), (b"content-type", self.content_type)]
            if self.gzip:
                headers.append((b"content-encoding", b"gzip"))
            else:
                headers.append((b"content-length", str(await asyncio.to_thread(_size, file)).encode()))
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            pieces = iter(()) if head else (_packed(file) if self.gzip else _plain(file))
            while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await asyncio.to_thread(file.close)


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield piece


def _packed(file: BinaryIO) -> Iterator[bytes]:
    packing = zlib.compressobj(EFFORT, zlib.DEFLATED, 31)
    for piece in _plain(file):
        if packed := packing.compress(piece):
            yield packed
    yield packing.flush()


async def keep_body(request: Request, path: Path, most: int, disk: Disk | None = None) -> int:
    """The body of a request into a file; its size. TooLarge beyond `most` bytes, BadRequest when the connection ends before it, NoRoom when
    only the reserve of `disk` is left; nothing is left behind then."""
    half = path.with_suffix(".part")
    out = await asyncio.to_thread(half.open, "wb")
    size = 0
    try:
        async for piece in request.pieces():
            size += len(piece)
            if size > most:
                raise TooLarge(f"The body is larger than the {most} bytes one file may have.", zh="文件过大,请分批导入。")
            if disk is not None:
                disk.require()
            await asyncio.to_thread(out.write, piece)
        await asyncio.to_thread(out.close)
    except BaseException:
        with suppress(OSError):  # what it still held finds no room either
            out.close()
        half.unlink()
        raise
    await asyncio.to_thread(half.replace, path)
    return size
