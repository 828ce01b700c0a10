"""Names to the addresses a connection may go to: the last step of what `addresses` promises, for aiohttp.

A file of its own, since it needs aiohttp, which is loaded by what sends and fetches when it does so.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from yilian.access.addresses import NOT_PUBLIC, Allowed, NotAllowed, is_private


class Resolver(AbstractResolver):
    """Names to addresses, without the private ones of hosts that are not listed."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.inner = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        if self.allowed.is_listed(host.lower(), port):
            return await self.inner.resolve(host, port, family)
        try:
            found = await self.inner.resolve(host, port, family)
        except OSError:
            raise NotAllowed(NOT_PUBLIC) from None
        public = [one for one in found if not is_private(one["host"])]
        if not public:
            raise NotAllowed(NOT_PUBLIC)
        return public

    async def close(self) -> None:
        await self.inner.close()
