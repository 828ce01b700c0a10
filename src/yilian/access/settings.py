"""The numbers of sign-in: how long things last and how often one may try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.config import Settings


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Defaults of 2026-01-01. GB/T 22239-2019 8.1.4.1 b) asks for a limit on failures and for ending idle sessions but gives no numbers;
    5 failures, 15 to 30 minutes are what is customary for level three (三级).

    public_url     address under which people reach this server, "https://…" without a slash at the end; "": the one they used
    lock_after     failures in a row after which an account is locked for `lock_for`; failures older than `lock_for` are forgotten
    idle           a session nobody used for so long is over; session: it is over then at the latest
    access_token, code   how long a token and an authorization code are good
    recheck        a verified token is trusted so long without asking the database: the longest a disabled account or revoked token
        still works
    """

    public_url: str = ""
    lock_after: int = 5
    lock_for: timedelta = timedelta(minutes=15)
    idle: timedelta = timedelta(minutes=30)
    session: timedelta = timedelta(hours=12)
    access_token: timedelta = timedelta(minutes=15)
    code: timedelta = timedelta(seconds=60)
    recheck: timedelta = timedelta(seconds=10)

    @classmethod
    def of(cls, settings: Settings) -> AccessSettings:
        """The part of the server's settings that concerns sign-in."""
        return cls(
            public_url=settings.public_url.rstrip("/"),
            lock_after=settings.lock_after,
            lock_for=settings.lock_for,
            idle=settings.session_idle,
            session=settings.session,
            access_token=settings.access_token,
        )


DEFAULTS = AccessSettings()
