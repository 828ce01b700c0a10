"""What goes back: a status, headers and bytes that are never parsed again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from yilian.fhir.json import dump
from yilian.store.read import Stored

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
FHIR_JSON = b"application/fhir+json; charset=utf-8"


@dataclass(slots=True)
class Answer:
    """One response. `headers` are lower-case byte pairs, as ASGI wants them."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content_type: bytes = FHIR_JSON

    async def send(self, send: Send, *, head: bool = False, extra: list[tuple[bytes, bytes]] | None = None) -> None:
        headers = [*self.headers, *(extra or [])]
        if self.status not in (204, 304):
            headers.append((b"content-type", self.content_type))
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head or self.status in (204, 304) else self.body})


def of_json(value: Any, status: int = 200) -> Answer:
    return Answer(status, dump(value))


def etag(version: int) -> bytes:
    return f'W/"{version}"'.encode()


def http_date(moment: datetime) -> bytes:
    """As headers have it: whole seconds, GMT. `moment` is UTC."""
    return _http_date(moment.replace(microsecond=0))


@lru_cache(maxsize=4096)
def _http_date(second: datetime) -> bytes:
    return format_datetime(second, usegmt=True).encode()


def version_headers(version: int, updated: datetime) -> list[tuple[bytes, bytes]]:
    return [(b"etag", etag(version)), (b"last-modified", http_date(updated)), (b"cache-control", b"private, no-cache")]


def of_stored(found: Stored, status: int = 200) -> Answer:
    """A stored resource exactly as it is stored."""
    return Answer(status, found.body, version_headers(found.version, found.updated))
