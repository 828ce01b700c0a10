"""What is sealed in a store that is measured, opened here as well: questions are made of what stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yilian.sealing import keyring
from yilian.sealing.keyring import Keyring


async def known(connection: Any) -> Keyring:
    """The keys of an embedded database, by the master key in its data folder; from now on `opened` and `blinds` know them."""
    sockets = str(await connection.fetchval("show unix_socket_directories")).split(",")[0]
    ring = Keyring("", Path(sockets).parent / "region.key")
    ring.load(await connection.fetch(keyring.KEYS))
    return ring
