"""Signing in by the word of an institution's own OpenID provider.

The browser goes there with a request that is bound to it (state, nonce, PKCE and a cookie), and comes back with a code, which this server
redeems for an ID token. Who the token is about counts only if every word of it is right; who that is here, a link says (`providers`).
OpenID Connect Core 1.0 3.1, Discovery 1.0, RFC 7636, RFC 9207, RFC 9700 4.4 (mix-up: each provider has an address of its own to come back
to, and the answer says who it is from), 4.5, 4.7.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from yilian.access import providers, sessions, sign_in, tries
from yilian.access.addresses import Allowed
from yilian.access.fetching import NotFetched, fetched, sent
from yilian.access.key_sets import KeySets
from yilian.access.providers import Provider
from yilian.access.rules import rules
from yilian.access.sessions import digest, new_secret
from yilian.access.settings import AccessSettings
from yilian.access.sign_in import Caller, SignedIn
from yilian.access.trail import note_failure
from yilian.errors import BadRequest, NotFound, NotSignedIn, Unavailable

if TYPE_CHECKING:
    from datetime import datetime

    from yilian.db import Database, Tx

ON_THE_WAY = timedelta(minutes=10)
KEPT = timedelta(hours=1)
"""How long a provider's own description is kept."""
LEEWAY_S = 60
"""Clocks of two houses."""
OLDEST_S = 600
"""An ID token is made when the code is redeemed: one that is older was made for somebody else."""
ALGORITHMS = ("RS256", "ES256", "PS256", "RS384", "ES384", "PS384", "RS512", "ES512", "PS512", "EdDSA", "Ed25519")
"""Signatures by a key pair alone: never "none", and never one that a shared secret or a public key could make."""
TWO_FACTORS = frozenset({"mfa"})
"""RFC 8176: what a provider says that asked for more than one factor."""
SCOPE = "openid profile"
LONGEST_NEXT = 4096


class NotBelieved(Exception):
    """The text says why, for the trail; the person learns only that it did not work."""


class NotLinked(NotSignedIn):
    """Who it is at the provider is known, and is nobody who may sign in here."""


@dataclass(frozen=True, slots=True)
class Going:
    """Where the browser goes, and the cookie it is known by when it comes back."""

    location: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Back:
    """What came of it. signed: the session; next: the query of /oauth2/authorize to go on with. linking: whom a local password would link
    now, the cookie of that; "" where nothing is to be linked."""

    provider: str
    next: str
    signed: SignedIn | None = None
    linking: str = ""


class Federation:
    """One for each process: remembers what providers say of themselves, and their keys."""

    def __init__(self, db: Database, settings: AccessSettings) -> None:
        self.db = db
        self.settings = settings
        self.keys = KeySets()
        self._about: dict[str, tuple[datetime, dict[str, Any]]] = {}

    async def begin(self, id: str, next: str, origin: str) -> Going:
        """Send the browser to a provider. NotFound for one there is not, Unavailable when it cannot be reached."""
        if not next.isascii() or not next.isprintable() or len(next) > LONGEST_NEXT:
            raise BadRequest("next is the query the sign-in page came with.", zh="登录请求中的参数无效。")
        async with self.db.reading() as tx:
            provider = await _known(tx, id)
        about = await self._described(provider)
        state, nonce, verifier, cookie = (new_secret() for _ in range(4))
        async with self.db.transaction() as tx:
            await tx.execute("delete from provider_sign_in where expires < $1", tx.now)
            await tx.execute(
                "insert into provider_sign_in (hash, provider, browser, nonce, verifier, next, expires)"
                " values ($1, $2, $3, $4, $5, $6, $7)",
                digest(state), provider.id, digest(cookie), nonce, verifier, next, tx.now + ON_THE_WAY,
            )  # fmt: skip
        asked = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": came_back_to(origin, provider.id),
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),  # type: ignore[no-untyped-call]
            "code_challenge_method": "S256",
        }
        there = about["authorization_endpoint"]
        return Going(f"{there}{'&' if urlsplit(there).query else '?'}{urlencode(asked)}", cookie)

    async def back(self, id: str, answer: dict[str, str], cookie: str, origin: str, caller: Caller, *, old_cookie: str) -> Back:
        """The browser is back with `answer` (the query). NotSignedIn when it is not what was asked for, or nobody's here."""
        now = self.db.clock()
        async with self.db.transaction() as tx:
            await tries.require_free(tx, caller.address)
            row = await tx.fetchrow(
                "delete from provider_sign_in where hash = $1 and expires > $2 and subject is null returning *",
                digest(answer.get("state", "")),
                now,
            )
            provider = await providers.by_id(tx, id)
        ours = row is not None and bool(cookie) and hmac.compare_digest(row["browser"], digest(cookie))
        try:
            if row is None:
                raise NotBelieved("the state is unknown, over or was used before")
            if provider is None or row["provider"] != provider.id:
                raise NotBelieved("the answer came to the address of another provider")
            if not ours:
                raise NotBelieved("another browser began this")
            about = await self._described(provider)
            _from(provider, about, answer)
            if answer.get("error"):
                raise NotBelieved("the provider said no")
            claims = await self._token(provider, about, answer.get("code", ""), row["verifier"], row["nonce"], origin, now)
            subject = claims.get(provider.claim)
            if not isinstance(subject, str) or not 0 < len(subject) <= providers.LONGEST_SUBJECT or not subject.isprintable():
                raise NotBelieved(f"the ID token has no claim {provider.claim}")
        except NotBelieved as error:
            # Any page can lead a browser here with something made up: only what this browser began counts against its address.
            await self._refused(caller, id, str(error), address=ours)
            raise _no() from None
        return await self._signed_in(provider, subject, done_by(provider, claims), row["next"], caller, old_cookie)

    async def link(self, cookie: str, session_cookie: str, caller: Caller) -> None:
        """Who came from a provider and was nobody here has signed in with the local password since: from now on they are linked.
        NotSignedIn where one of the two is missing; Conflict and BadRequest as `providers.link`."""
        async with self.db.transaction() as tx:
            session = await sessions.by_cookie(tx, session_cookie) if session_cookie else None
            row = await tx.fetchrow(
                "delete from provider_sign_in where hash = $1 and browser = $1 and expires > $2 and subject is not null"
                " returning provider, subject, expires",
                digest(cookie),
                tx.now,
            )
            provider = await providers.by_id(tx, row["provider"]) if row is not None else None
            if row is None or provider is None or not provider.first_time or session is None or not _is_fresh(session, row["expires"]):
                raise NotSignedIn("Begin at the provider again: this took too long.", zh="关联已超时,请重新用机构账号登录。")
            await providers.link(tx, provider, row["subject"], session.account, await sign_in.who(tx, session.account, caller))

    async def sign_out_at(self, id: str, origin: str) -> dict[str, str] | None:
        """Where who signed in by a provider signs out there too: {"name", "location"}; None where it has no such address. OpenID Connect
        RP-Initiated Logout 1.0."""
        try:
            async with self.db.reading() as tx:
                provider = await _known(tx, id)
            there = (await self._described(provider)).get("end_session_endpoint")
        except (NotFound, Unavailable, NotBelieved):
            return None
        if not isinstance(there, str) or not there.startswith(("https://", "http://")):
            return None
        asked = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": f"{origin}/signed-out"})
        return {"name": provider.name, "location": f"{there}{'&' if urlsplit(there).query else '?'}{asked}"}

    # --- what the provider says

    def _allowed(self, provider: Provider) -> Allowed:
        """The issuer's own host may lie inside, as a hospital's does: the operator wrote it down. What it names besides may not."""
        return self.settings.hosts.and_host_of(provider.issuer)

    async def _described(self, provider: Provider) -> dict[str, Any]:
        now, known = self.db.clock(), self._about.get(provider.issuer)
        if known is not None and timedelta(0) <= now - known[0] < KEPT:
            return known[1]
        try:
            about = await fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", self._allowed(provider))
        except NotFetched as error:
            raise Unavailable(
                f"The provider {provider.id} cannot be reached: {error}",
                zh=f"暂时无法连接“{provider.name}”的登录服务,请改用本系统密码登录。",
            ) from None
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if about.get("issuer") != provider.issuer or not all(_is_address(about.get(name)) for name in needed):
            raise Unavailable(
                f"What {provider.id} says of itself is another issuer's, or not whole.",
                zh=f"“{provider.name}”的登录服务配置有误,请联系管理员。",
            )
        self._about[provider.issuer] = (now, about)
        return about

    async def _token(
        self, provider: Provider, about: dict[str, Any], code: str, verifier: str, nonce: str, origin: str, now: datetime
    ) -> dict[str, Any]:
        """The claims of the ID token this code is redeemed for."""
        if not code:
            raise NotBelieved("there is no code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": came_back_to(origin, provider.id),
            "code_verifier": verifier,
        }
        headers = {}
        secret = provider.secret_text()
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret is not None and "client_secret_basic" in methods:
            pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749 2.3.1
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = provider.client_id
            if secret is not None:
                form["client_secret"] = secret
        try:
            answer = await sent(about["token_endpoint"], self._allowed(provider), form, headers)
        except NotFetched as error:
            raise NotBelieved(f"the code was not redeemed: {error}") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotBelieved("there is no ID token")
        return await self._claims(provider, about, token, nonce, now)

    async def _claims(self, provider: Provider, about: dict[str, Any], token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """What a good ID token says. OpenID Connect Core 3.1.3.7."""
        try:
            header = extract_compact(token.encode("ascii")).headers()
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise NotBelieved("the ID token is not signed with a key pair")
            claims = await self._verified(provider, about, token, algorithm, header.get("kid"), now)
            JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": provider.issuer},
                aud={"essential": True, "value": provider.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            ).validate(claims)
            audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
            if (len(audiences) > 1 and claims.get("azp") != provider.client_id) or claims.get(
                "azp", provider.client_id
            ) != provider.client_id:
                raise NotBelieved("the ID token was made for another application")
            if not isinstance(claims["nonce"], str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
                raise NotBelieved("the nonce is another one's")
            if abs(now.timestamp() - float(claims["iat"])) > OLDEST_S:
                raise NotBelieved("the ID token was not made just now")
            return claims
        except NotFetched as error:
            raise NotBelieved(f"the provider's keys cannot be read: {error}") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, UnicodeError, OverflowError) as error:
            raise NotBelieved(f"the ID token is not good ({type(error).__name__})") from None

    async def _verified(
        self, provider: Provider, about: dict[str, Any], token: str, algorithm: str, kid: object, now: datetime
    ) -> dict[str, Any]:
        """The claims, once a key of the provider's own set has been found to have signed them. A token without kid may be signed by any."""
        kinds = {"R": "RSA", "P": "RSA", "E": "OKP" if algorithm.startswith("Ed") else "EC"}

        def fits(key: dict[str, Any]) -> bool:
            use = key.get("use") in (None, "sig") and key.get("alg") in (None, algorithm)
            return use and key.get("kty") == kinds[algorithm[0]] and (kid is None or key.get("kid") == kid)

        for one in (await self.keys.having(about["jwks_uri"], self._allowed(provider), now, fits))[:10]:
            key = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}[one["kty"]].import_key(one)  # type: ignore[attr-defined]
            try:
                return dict(jwt.decode(token, key, [algorithm]).claims)
            except JoseError:
                continue
        raise NotBelieved("no key of the provider has signed the ID token")

    # --- who that is here

    async def _signed_in(self, provider: Provider, subject: str, done: Sequence[str], next: str, caller: Caller, old_cookie: str) -> Back:
        why = ""
        async with self.db.transaction() as tx:
            account = await providers.linked(tx, provider, subject)
            if account is None and provider.first_time:
                waiting = new_secret()
                await tx.execute(
                    "insert into provider_sign_in (hash, provider, browser, nonce, verifier, next, expires, subject)"
                    " values ($1, $2, $1, '', '', $3, $4, $5)",
                    digest(waiting), provider.id, next, tx.now + sessions.ON_THE_WAY, subject,
                )  # fmt: skip
                return Back(provider.id, next, linking=waiting)
            if account is None:
                why = "linked to no account"
            else:
                alive = await tx.fetchval(
                    "select true from account where name = $1 and disabled is null and (expires is null or expires > $2)", account, tx.now
                )
                place = await providers.place_of(tx, provider, account) if alive else None
                if place is not None:
                    taken = await sign_in.begin(tx, account, place, done, provider.id, self.settings, caller, old_cookie)
                    return Back(provider.id, next, taken)
                why = "the account has no post there any more" if alive else "the account is disabled or over"
        await self._refused(caller, provider.id, why, account=account or "")
        raise _nobody(provider)

    async def _refused(self, caller: Caller, provider: str, why: str, *, account: str = "", address: bool = False) -> None:
        async with self.db.transaction() as tx:
            if address:
                await tries.address_failed(tx, caller.address, await rules(tx))
            await note_failure(tx, await sign_in.who(tx, account, caller), f"by provider {provider[:40]}: {why}")


def came_back_to(origin: str, id: str) -> str:
    """Our redirect URI at this provider: each has its own."""
    return f"{origin}/oauth2/provider/{id}/back"


def done_by(provider: Provider, claims: dict[str, Any]) -> tuple[str, ...]:
    """What was proven, as our sessions say it: that somebody else vouches, and where its word counts that there was a second factor."""
    said = claims.get("amr")
    factors = frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset[str]()
    return ("fed", "mfa") if provider.trusts_factor and factors & TWO_FACTORS else ("fed",)


def _from(provider: Provider, about: dict[str, Any], answer: dict[str, str]) -> None:
    """RFC 9207: the answer says who it is from, where the provider promises so or says it all the same."""
    said = answer.get("iss")
    if said is None and about.get("authorization_response_iss_parameter_supported") is True:
        raise NotBelieved("the answer does not say who it is from")
    if said is not None and said != provider.issuer:
        raise NotBelieved("the answer is from another issuer")


def _is_fresh(session: sessions.Session, until: datetime) -> bool:
    """Whether somebody signed in here, by what this house itself asks for, since they came from the provider."""
    return session.provider is None and session.started >= until - sessions.ON_THE_WAY


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


async def _known(tx: Tx, id: str) -> Provider:
    provider = await providers.by_id(tx, id)
    if provider is None:
        raise NotFound(f"There is no provider {id[:40]!r} here.", zh="没有这个登录方式。")
    return provider


def _no() -> NotSignedIn:
    return NotSignedIn("The sign-in at the provider was not completed. Begin again.", zh="机构账号登录未完成,请重新登录。")


def _nobody(provider: Provider) -> NotSignedIn:
    return NotLinked(
        f"Nobody here is linked to this account of {provider.id}, or the account may not sign in. Ask who looks after accounts.",
        zh=f"“{provider.name}”的该账号未关联可用的本系统账号,请联系本机构账号管理员。",
    )


__all__ = ["Back", "Federation", "Going", "NotLinked"]
