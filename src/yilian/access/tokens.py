"""Access tokens: signed JWTs that say who and which grant, and the way from one back to a `Scope`.

A token is proof that a grant was made; what its holder may do is looked up, so that a disabled account, a changed post or a revoked
grant counts at once where it is looked up, within a second everywhere when somebody ended it for another (`sessions.tell`), and within
`AccessSettings.recheck` (10 s) in any case. RFC 9068, RFC 8725, RFC 9700.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from yilian.access import accounts, keys
from yilian.access.sessions import told
from yilian.access.settings import DEFAULTS, AccessSettings
from yilian.access.standing import Standing, standing
from yilian.access.trail import note_sign_in
from yilian.errors import NotFound, NotSignedIn
from yilian.fhir import urls
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

AUDIENCE = urls.BASE
"""Whom our access tokens are for: this product's own interface."""
TYPE = "at+jwt"
LONGEST = 4096
REMEMBERED = 10_000
LEEWAY_S = 5
KEYS_KNOWN_S = 60
"""So long a key that was replaced (`keys.replace`) may still be believed; what was signed with it has ended anyway."""
LOOK_S = 1.0
"""So often a server process asks whether something was ended from outside."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. `grant` is the row every token of one sign-in hangs on; `expires` is seconds since 1970."""

    grant: UUID
    subject: str
    client: str
    scope: str
    expires: int


@dataclass(slots=True)
class _Known:
    """A token that was verified: trust it from `since` to `until` (seconds since 1970), then ask again; the signature holds on."""

    claims: Claims
    scope: Scope
    since: float
    until: float


def mint(
    key: keys.SigningKey,
    *,
    issuer: str,
    grant: UUID,
    subject: str,
    client: str,
    scope: str,
    now: datetime,
    settings: AccessSettings,
    fhir_user: str = "",
    institution: str = "",
) -> str:
    """A signed access token, good for `settings.access_token` from `now`."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": subject,
        "client_id": client,
        "scope": scope,
        "iat": int(now.timestamp()),
        "exp": int((now + settings.access_token).timestamp()),
        "jti": uuid4().hex,
        "grant": str(grant),
    }
    if fhir_user:
        claims["fhirUser"] = fhir_user
    if institution:
        claims["institution"] = institution
    return jwt.encode({"alg": keys.ALGORITHM, "kid": key.kid, "typ": TYPE}, claims, key.key, [keys.ALGORITHM])


class Verifier:
    """Makes a `Scope` of an Authorization header. One for each process; remembers what it verified for a few seconds."""

    def __init__(self, db: Database, settings: AccessSettings = DEFAULTS) -> None:
        self.db = db
        self.settings = settings
        self._keys: dict[str, keys.SigningKey] = {}
        self._keys_read = 0.0
        self._known: dict[str, _Known] = {}
        self._looked = 0.0
        self._told = 0

    async def scope_of(self, authorization: str, request_id: str = "", address: str = "") -> Scope:
        """The scope of the caller with this Authorization header. NotSignedIn when there is no token or it is not good (any more)."""
        now = self.db.clock().timestamp()
        if abs(now - self._looked) >= LOOK_S:
            await self._look(now)
        known = self._known.get(authorization)
        if known is None or not known.since <= now < known.until:  # before `since`: the clock was set back
            known = await self._verified(authorization, known, now)
        return known.scope.asked(request_id, address)

    async def _look(self, now: float) -> None:
        """Forget what was verified when something that was signed in has been ended since: a disabled account is out within a second."""
        self._looked = now
        async with self.db.reading() as tx:
            number = await told(tx)
        if number != self._told:
            self._told = number
            self._known = {key: replace(one, until=now) for key, one in self._known.items()}

    async def standing_of(self, authorization: str) -> Standing:
        """Who holds this token, looked up now. NotSignedIn as in `scope_of`."""
        claims = await self.claims_of(_token(authorization))
        async with self.db.reading() as tx:
            return await standing(tx, claims.grant, claims.scope)

    async def grant_of(self, authorization: str) -> UUID:
        """The grant behind the token of this Authorization header. NotSignedIn as in `scope_of`."""
        return (await self.claims_of(_token(authorization))).grant

    async def claims_of(self, token: str) -> Claims:
        """What a token says, after its signature, type, audience, issuer and times have been checked. NotSignedIn when one is not right."""
        if not 0 < len(token) <= LONGEST or not token.isascii():
            raise _not_good()
        now = self.db.clock().timestamp()
        try:
            key = await self._key(_kid(token), now)
            decoded = jwt.decode(token, key.key, [keys.ALGORITHM])
            if decoded.header.get("typ") != TYPE or decoded.header.get("kid") != key.kid:
                raise _not_good()
            claims = decoded.claims
            JWTClaimsRegistry(
                now=int(now),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.settings.public_url} if self.settings.public_url else {"essential": True},
                aud={"essential": True, "value": AUDIENCE},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                client_id={"essential": True},
                grant={"essential": True},
                scope={"essential": True},
            ).validate(claims)
            return Claims(UUID(claims["grant"]), str(claims["sub"]), str(claims["client_id"]), str(claims["scope"]), int(claims["exp"]))
        except (JoseError, ValueError, TypeError, AttributeError, KeyError):
            raise _not_good() from None

    async def _verified(self, authorization: str, known: _Known | None, now: float) -> _Known:
        self._known.pop(authorization, None)
        if known is not None and now < known.claims.expires:
            claims = known.claims
        else:
            claims = await self.claims_of(_token(authorization))
        async with self.db.reading() as tx:
            here = await standing(tx, claims.grant, claims.scope)
        found = _Known(claims, here.scope, now, min(now + self.settings.recheck.total_seconds(), claims.expires))
        while len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[authorization] = found
        return found

    async def _key(self, kid: str, now: float) -> keys.SigningKey:
        age = abs(now - self._keys_read)
        if age >= KEYS_KNOWN_S or (kid not in self._keys and age >= 1):
            async with self.db.reading() as tx:
                self._keys = {one.kid: one for one in await keys.usable(tx)}
            self._keys_read = now
        if kid not in self._keys:
            raise _not_good()
        return self._keys[kid]


def _kid(token: str) -> str:
    """The key a token says it was signed with; nothing is verified by that."""
    kid = extract_compact(token.encode("ascii")).headers().get("kid")
    return kid if isinstance(kid, str) else ""


async def issue_for_user(tx: Tx, name: str, settings: AccessSettings = DEFAULTS) -> str:
    """An access token for this account, made at the command line; recorded. NotFound when there is no such account, NotSignedIn when it
    is disabled."""
    name = accounts.canonical(name)
    row = await tx.fetchrow("select name, agent, disabled from account where name = $1", name)
    if row is None:
        raise NotFound(f"There is no account {name[:64]}.", zh=f"没有账号 {name[:64]}。")
    return await _issue(tx, "yilian-cli", name, "user/*.*", settings)


async def issue_for_client(tx: Tx, id: str, settings: AccessSettings = DEFAULTS) -> str:
    """An access token for this application itself, made at the command line; recorded. NotFound when there is no such application."""
    scope = await tx.fetchval("select scope from client where id = $1 and disabled is null", id)
    if scope is None:
        raise NotFound(f"There is no client {id[:64]}, or it is disabled.", zh=f"没有应用 {id[:64]},或已停用。")
    return await _issue(tx, id, None, scope, settings)


async def _issue(tx: Tx, client: str, account: str | None, scope: str, settings: AccessSettings) -> str:
    await keys.ensure(tx)
    grant = uuid4()
    await tx.execute(
        "insert into token_grant (id, client, account, scope, started, expires) values ($1, $2, $3, $4, $5, $6)",
        grant,
        client,
        account,
        scope,
        tx.now,
        tx.now + settings.access_token,
    )
    here = await standing(tx, grant, scope)
    await note_sign_in(tx, here.scope, "token made at the command line")
    key = (await keys.usable(tx))[0]
    return mint(
        key,
        issuer=settings.public_url or urls.BASE,
        grant=grant,
        subject=account or client,
        client=client,
        scope=scope,
        now=tx.now,
        settings=settings,
        fhir_user=here.scope.agent,
        institution=here.scope.institution,
    )


def _token(authorization: str) -> str:
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotSignedIn("This needs a token: Authorization: Bearer … (see /.well-known/openid-configuration).", zh="请先登录。")
    return token.strip()


def _not_good() -> NotSignedIn:
    return NotSignedIn("The token is not good: expired, revoked, or not ours. Sign in again.", zh="登录已失效,请重新登录。")
