"""The numbers of sign-in: how long things last and how often one may try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from yilian.access.addresses import SIGN_IN, Allowed

if TYPE_CHECKING:
    from yilian.config import Settings

NOWHERE_ELSE = Allowed(frozenset(), SIGN_IN)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """What is the operator's to set. What the region sets (locks, idle sessions, passwords, second factor) is policy: `rules.py`.

    public_url     address under which people reach this server, "https://…" without a slash at the end; "": the one they used
    session        a session is over then at the latest
    access_token, code   how long a token and an authorization code are good
    recheck        a verified token is trusted so long without asking the database: the longest a disabled account or revoked token
        still works
    hosts          whom key sets and OpenID providers' documents are fetched from besides the public internet
    """

    public_url: str = ""
    session: timedelta = timedelta(hours=12)
    access_token: timedelta = timedelta(minutes=15)
    code: timedelta = timedelta(seconds=60)
    recheck: timedelta = timedelta(seconds=10)
    hosts: Allowed = NOWHERE_ELSE

    @classmethod
    def of(cls, settings: Settings) -> AccessSettings:
        """The part of the server's settings that concerns sign-in."""
        return cls(
            public_url=settings.public_url.rstrip("/"),
            session=settings.session,
            access_token=settings.access_token,
            hosts=Allowed.of(settings.sign_in_hosts, SIGN_IN),
        )


DEFAULTS = AccessSettings()
