"""Applications that may ask for tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from yilian.access import assertions, passwords
from yilian.access.addresses import Allowed
from yilian.access.policy import policy
from yilian.access.settings import NOWHERE_ELSE
from yilian.access.smart import clauses
from yilian.access.subjects import require_its_own
from yilian.errors import BadRequest

if TYPE_CHECKING:
    from yilian.db import Tx

LOOPBACK = ("127.0.0.1", "::1", "localhost")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")


@dataclass(frozen=True, slots=True)
class Client:
    """One application.

    secret         argon2id; None: it has none
    jwks           its public keys, with which it proves itself instead; None: it has none. Without secret and keys it is public: it can
                   keep no secret and must use PKCE (as all must here)
    redirect_uris  compared to the letter; one that begins with "/" stands for this server's own origin
    scope          the most it may be granted, separated by spaces
    agent          "Device/…": who acts when it asks for itself
    institution    "Organization/…" it speaks for when it asks for itself; "": the whole region
    introspects    may ask about tokens of other applications
    jwks_uri       where its public keys lie, in place of `jwks`; None: nowhere
    launches       addresses at which a page of ours opens it; launch_roles: the posts that may, None: all that see patients
    """

    id: str
    name: str
    secret: str | None
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scope: str
    agent: str
    institution: str
    disabled: datetime | None
    jwks: str | None = None
    introspects: bool = False
    jwks_uri: str | None = None
    launches: tuple[str, ...] = ()
    launch_roles: tuple[str, ...] | None = None

    @property
    def public(self) -> bool:
        return self.secret is None and self.jwks is None and self.jwks_uri is None

    def may_return_to(self, uri: str, origin: str) -> bool:
        """Whether the browser may be sent there. To the letter, no patterns (RFC 9700 §4.1)."""
        return uri in self.returns(origin)

    def returns(self, origin: str) -> list[str]:
        """Its redirect URIs, absolute; `origin` is ours, "https://host"."""
        return [origin + uri if uri.startswith("/") else uri for uri in self.redirect_uris]


async def by_id(tx: Tx, id: str) -> Client | None:
    """The application, or None when there is none such or it is disabled."""
    if len(id) > 200 or "\0" in id:
        return None
    row = await tx.fetchrow("select * from client where id = $1 and disabled is null", id)
    return _client(row) if row is not None else None


async def every(tx: Tx) -> list[Client]:
    """All applications by id, disabled ones too."""
    return [_client(row) for row in await tx.fetch("select * from client order by id")]


def _client(row: Any) -> Client:
    return Client(
        row["id"],
        row["name"],
        row["secret"],
        tuple(row["redirect_uris"]),
        tuple(row["grant_types"]),
        row["scope"],
        row["agent"],
        row["institution"],
        row["disabled"],
        row["jwks"],
        row["introspects"],
        row["jwks_uri"],
        tuple(row["launches"]),
        tuple(row["launch_roles"]) if row["launch_roles"] is not None else None,
    )


async def add(
    tx: Tx,
    id: str,
    *,
    name: str,
    secret: str | None,
    scope: str,
    grant_types: Sequence[str],
    redirect_uris: Sequence[str] = (),
    agent: str = "",
    institution: str = "",
    jwks: str | None = None,
    introspects: bool = False,
    jwks_uri: str | None = None,
    launches: Sequence[str] = (),
    launch_roles: Sequence[str] | None = None,
    hosts: Allowed = NOWHERE_ELSE,
) -> None:
    """Register an application, or register it anew. Without `secret` and `jwks` (a JWK Set) or its address it is public.

    BadRequest for what cannot be: an unknown grant type, client credentials without a secret or keys, a redirect URI that is neither https
    nor this machine's. Conflict when an account is called so.
    """
    unknown = sorted(set(grant_types) - set(GRANT_TYPES))
    if unknown:
        raise BadRequest(f"{', '.join(unknown)} is no grant type here; {', '.join(GRANT_TYPES)} are.")
    if jwks is not None and jwks_uri is not None:
        raise BadRequest("Keys come as a set or by its address, not both.")
    if (introspects or "client_credentials" in grant_types) and secret is None and jwks is None and jwks_uri is None:
        raise BadRequest("An application that asks for itself needs a secret, or keys of its own.")
    public_keys = assertions.key_set(jwks) if jwks is not None else None
    if not scope.strip() or ("client_credentials" in grant_types and not any(c.context == "system" for c in clauses(scope))):
        raise BadRequest("The scope is empty, or has no system/… for an application that asks for itself.")
    for uri in redirect_uris:
        if not _can_be_returned_to(uri):
            raise BadRequest(
                f"{uri[:200]!r} cannot be a redirect URI: https, a loopback address, or a path of this server, without a fragment."
            )
    await require_its_own(tx, id, "application")
    if jwks_uri is not None:
        hosts.require(jwks_uri)
    for uri in launches:
        if not _can_be_returned_to(uri) or ("?" in uri and {"iss", "launch"} & dict(parse_qsl(urlsplit(uri).query)).keys()):
            raise BadRequest(f"{uri[:200]!r} cannot be a launch address: https, a loopback address, or a path of this server.")
    if launches and "authorization_code" not in grant_types:
        raise BadRequest("An application that is launched asks for people: it needs the grant authorization_code.")
    if launch_roles is not None and (strange := sorted(set(launch_roles) - policy().roles.keys())):
        raise BadRequest(f"{strange[0]!r} is no role.")
    await tx.execute(
        """
        insert into client (id, name, secret, redirect_uris, grant_types, scope, agent, institution, created, jwks, introspects,
            jwks_uri, launches, launch_roles)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (id) do update set name = excluded.name, secret = excluded.secret, redirect_uris = excluded.redirect_uris,
            grant_types = excluded.grant_types, scope = excluded.scope, agent = excluded.agent, institution = excluded.institution,
            jwks = excluded.jwks, introspects = excluded.introspects, jwks_uri = excluded.jwks_uri, launches = excluded.launches,
            launch_roles = excluded.launch_roles, disabled = null
        """,
        id,
        name,
        await passwords.hashed(secret) if secret is not None else None,
        list(redirect_uris),
        list(grant_types),
        " ".join(scope.split()),
        agent or f"Device/{id}",
        institution,
        tx.now,
        public_keys,
        introspects,
        jwks_uri,
        list(launches),
        list(launch_roles) if launch_roles is not None else None,
    )


async def disable(tx: Tx, id: str) -> None:
    """Its tokens end (those in use within `AccessSettings.recheck`) and it gets no more."""
    await tx.execute("update client set disabled = $2 where id = $1", id, tx.now)
    await tx.execute("update token_grant set ended = $2, reason = 'disabled' where client = $1 and ended is null", id, tx.now)


def _can_be_returned_to(uri: str) -> bool:
    parts = urlsplit(uri)
    if "#" in uri or "\\" in uri or not uri.isascii() or any(c <= " " for c in uri):
        return False
    if uri.startswith("/"):
        return not uri.startswith("//")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
