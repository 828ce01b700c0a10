"""What is sealed in a store that is measured, opened here as well: questions are made of what stands there."""

from __future__ import annotations

from typing import Any

from yilian.config import Settings
from yilian.sealing import keyring
from yilian.sealing.keyring import Keyring


async def known(connection: Any) -> Keyring:
    """The keys of an embedded database, by the master key that `ground.environment` gives every server. From now on
    `opened` and `blinds` know them."""
    ring = Keyring("", Settings().key_path)
    ring.load(await connection.fetch(keyring.KEYS))
    return ring
