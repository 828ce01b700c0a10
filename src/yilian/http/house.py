"""What every interaction is given: the rooms, opened and wired by `app.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from yilian.db import Database
from yilian.http.limits import NONE, Limits
from yilian.http.request import Request

if TYPE_CHECKING:
    from yilian.access.tokens import Verifier
    from yilian.audit.record import ReadLog
    from yilian.exchange.bulk.desk import Desk
    from yilian.exchange.subscriptions.listeners import Listeners


@dataclass(frozen=True, slots=True)
class House:
    """db: the store. verifier: token → Scope. reads: the trail of who read what. zone: the region's. body_limit: bytes of one request.
    bulk: exports and imports. listeners: who is connected to subscriptions. limits: how often one may ask.
    message_channels: the ways outside messages may go by."""

    db: Database
    verifier: Verifier
    reads: ReadLog
    zone: tzinfo
    public_url: str = ""
    body_limit: int = 32 * 1024 * 1024
    bulk: Desk | None = None
    listeners: Listeners | None = None
    limits: Limits = NONE
    message_channels: tuple[str, ...] = ()

    def base_of(self, request_scheme: str, host: str) -> str:
        """Our FHIR address: the configured public one, else the one the caller used."""
        return f"{self.public_url or f'{request_scheme}://{host}'}/fhir"


__all__ = ["House", "Request"]
