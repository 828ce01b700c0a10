"""What one request to the authorization server finds on the table, and what was decided about it.

Codes and refresh tokens answer the questions authlib puts to them (`get_scope`, `check_client` …); nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from yilian.access.keys import SigningKey
from yilian.access.settings import AccessSettings

if TYPE_CHECKING:
    from yilian.access.launch import Context
    from yilian.access.oauth import Applicant


@dataclass(frozen=True, slots=True)
class Person:
    """The account behind a session, a code or a refresh token; only ever one that may sign in. `amr`: what was proven (RFC 8176)."""

    account: str
    display: str
    agent: str
    patient: str
    institution: str
    session: UUID | None
    session_expires: datetime
    auth_time: datetime
    amr: tuple[str, ...] = ("pwd",)


@dataclass(frozen=True, slots=True)
class Code:
    """A stored authorization code. `spent`: it was presented before, and `grant` is what was issued for it then."""

    hash: bytes
    client: str
    redirect_uri: str
    scope: str
    code_challenge: str
    nonce: str | None
    spent: bool
    alive: bool
    grant: UUID | None
    person: Person | None
    code_challenge_method: str = "S256"
    context: Context | None = None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int | None:
        return int(self.person.auth_time.timestamp()) if self.person else None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str]:
        return list(self.person.amr) if self.person else []


@dataclass(frozen=True, slots=True)
class Refresh:
    """A stored refresh token. `spent`: it was used before. `alive`: its grant, session, account and application are."""

    hash: bytes
    client: str
    scope: str
    grant: UUID
    spent: bool
    alive: bool
    person: Person | None
    context: Context | None = None

    def check_client(self, client: Applicant) -> bool:
        return client.client.id == self.client

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens that were issued: the grant they hang on, new or known, and the refresh token if there is one."""

    grant: UUID
    is_new: bool
    client: str
    person: Person | None
    scope: str
    refresh: str | None
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class NewCode:
    code: str
    client: str
    session: UUID
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None
    context: Context | None = None


@dataclass(slots=True)
class Desk:
    """What one request finds on the table, and below it what was decided.

    applicant    the application it names, None when there is none
    person       who is signed in, at the authorization endpoint
    context      what the application was opened for there, None where nothing is known of that
    revocable    the grant behind the token that is to be revoked, and its application
    told_of      what there is to say of the token that is asked about; None: it is not good
    """

    now: datetime
    settings: AccessSettings
    issuer: str
    keys: Sequence[SigningKey] = ()
    applicant: Applicant | None = None
    person: Person | None = None
    context: Context | None = None
    code: Code | None = None
    refresh: Refresh | None = None
    revocable: tuple[UUID, str] | None = None
    told_of: dict[str, Any] | None = None
    new_code: NewCode | None = None
    code_presented: bool = False
    refresh_presented: bool = False
    issued: Issued | None = None
    ended: list[tuple[UUID, str]] = field(default_factory=list)
