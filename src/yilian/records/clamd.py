"""Asking a clamd whether a content is malware: its INSTREAM, over TCP or a socket file. clamd(8), https://docs.clamav.net/manual/Usage/Scanning.html#clamd

What is sent is the content alone, without a name or whose it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass

from yilian.errors import Unavailable

PIECE = 64 * 1024
PATIENCE_S = 120.0
FOUND, WELL = " FOUND", ": OK"


@dataclass(frozen=True, slots=True)
class Verdict:
    """signature: what was found, "" for nothing. engine: the version of clamd and of its signatures, as it says them."""

    signature: str
    engine: str


async def scan(address: str, content: bytes) -> Verdict:
    """`address`: "host:port", or the path of a socket file. Unavailable when it is not reached or could not scan this."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            engine = await _ask(address, b"zVERSION\0")
            sizes = range(0, len(content), PIECE)
            pieces = b"".join(struct.pack("!I", len(content[at : at + PIECE])) + content[at : at + PIECE] for at in sizes)
            said = await _ask(address, b"zINSTREAM\0" + pieces + struct.pack("!I", 0))
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise Unavailable(f"clamd at {address} does not answer: {error or type(error).__name__}.") from error
    if said.endswith(FOUND):
        return Verdict(said.partition(": ")[2].removesuffix(FOUND) or "unnamed", engine)
    if said.endswith(WELL):
        return Verdict("", engine)
    raise Unavailable(f"clamd at {address} could not scan: {said[:200]}")


async def _ask(address: str, command: bytes) -> str:
    if "/" in address:
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        with contextlib.suppress(ConnectionError):  # what is too large it refuses while it comes, and has said so
            writer.write(command)
            await writer.drain()
        return (await reader.readuntil(b"\0")).rstrip(b"\0\n").decode("utf-8", "replace")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
