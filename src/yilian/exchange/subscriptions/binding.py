"""Tokens a websocket is bound with: a browser cannot send an Authorization header there, so it fetches one of these first
($get-ws-binding-token).

Signed as access tokens are, of another type, good for a few minutes and for the subscriptions it names. It opens nothing but their
notifications, and what is told over the socket is looked up in the rights of who asked for the subscription, each time. A socket lives
no longer than the sign-in its token was fetched with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from yilian.access import keys
from yilian.access.standing import require_alive
from yilian.errors import Forbidden, NotSignedIn
from yilian.fhir import urls

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.exchange.subscriptions.rows import Subscription

TYPE = "ws-binding+jwt"
AUDIENCE = urls.BASE + "subscriptions/websocket"
GOOD_FOR = timedelta(minutes=5)
LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens. grant: the sign-in; client: the application; reads: the resource types its token allows, None: every type."""

    grant: UUID
    client: str
    reads: frozenset[str] | None

    async def require(self, tx: Tx, row: Subscription) -> None:
        """NotSignedIn when the sign-in has ended, Forbidden when the subscription is another application's by now, or of more types."""
        await require_alive(tx, self.grant)
        if row.asker["client"] != self.client or (self.reads is not None and not row.definition.types() <= self.reads):
            raise Forbidden("The subscription is not the listener's any more.", zh="该订阅已变更,请重新连接。")


@dataclass(frozen=True, slots=True)
class Binding:
    """A token and what it is for. subscriptions: logical ids; expires: aware; listener: who fetched it."""

    token: str
    subscriptions: tuple[str, ...]
    expires: datetime
    listener: Listener


async def bind(tx: Tx, subscriptions: Sequence[str], listener: Listener) -> Binding:
    """A fresh token for these subscriptions; the caller has seen to it that they are the listener's."""
    await keys.ensure(tx)
    key = (await keys.usable(tx))[0]
    expires = tx.now + GOOD_FOR
    claims = {
        "aud": AUDIENCE,
        "iat": int(tx.now.timestamp()),
        "exp": int(expires.timestamp()),
        "jti": uuid4().hex,
        "subscriptions": list(subscriptions),
        "grant": str(listener.grant),
        "client": listener.client,
        "reads": sorted(listener.reads) if listener.reads is not None else None,
    }
    token = jwt.encode({"alg": keys.ALGORITHM, "kid": key.kid, "typ": TYPE}, claims, key.key, [keys.ALGORITHM])
    return Binding(token, tuple(subscriptions), expires, listener)


async def bound(tx: Tx, token: str) -> Binding:
    """What a token is for. NotSignedIn when it is not good (any more), or the sign-in it was fetched with has ended."""
    try:
        if not 0 < len(token) <= LONGEST or not token.isascii():
            raise ValueError(token[:10])
        kid = extract_compact(token.encode()).headers().get("kid")
        key = next(one for one in await keys.usable(tx) if one.kid == kid)
        decoded = jwt.decode(token, key.key, [keys.ALGORITHM])
        if decoded.header.get("typ") != TYPE:
            raise ValueError(decoded.header.get("typ"))
        JWTClaimsRegistry(now=int(tx.now.timestamp()), aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}).validate(
            decoded.claims
        )
        claims = decoded.claims
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        reads = claims["reads"]
        listener = Listener(UUID(claims["grant"]), str(claims["client"]), None if reads is None else frozenset(reads))
        found = Binding(token, tuple(str(id) for id in claims["subscriptions"]), expires, listener)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, StopIteration):
        raise NotSignedIn("The token is not good; fetch another with $get-ws-binding-token.", zh="连接凭证已失效,请重新获取。") from None
    await require_alive(tx, found.listener.grant)
    return found
