"""Tokens a websocket is bound with: a browser cannot send an Authorization header there, so it fetches one of these first
($get-ws-binding-token).

Signed as access tokens are, of another type, good for a few minutes and for the subscriptions it names. It opens nothing but their
notifications, and what is told over the socket is looked up in the rights of who asked for the subscription, each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from yilian.access import keys
from yilian.errors import NotSignedIn
from yilian.fhir import urls

if TYPE_CHECKING:
    from yilian.db import Tx

TYPE = "ws-binding+jwt"
AUDIENCE = urls.BASE + "subscriptions/websocket"
GOOD_FOR = timedelta(minutes=5)
LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Binding:
    """A token and what it is for. subscriptions: logical ids; expires: aware."""

    token: str
    subscriptions: tuple[str, ...]
    expires: datetime


async def bind(tx: Tx, subscriptions: Sequence[str]) -> Binding:
    """A fresh token for these subscriptions; the caller has seen to it that they are the holder's."""
    await keys.ensure(tx)
    key = (await keys.usable(tx))[0]
    expires = tx.now + GOOD_FOR
    claims = {
        "aud": AUDIENCE,
        "iat": int(tx.now.timestamp()),
        "exp": int(expires.timestamp()),
        "jti": uuid4().hex,
        "subscriptions": list(subscriptions),
    }
    token = jwt.encode({"alg": keys.ALGORITHM, "kid": key.kid, "typ": TYPE}, claims, key.key, [keys.ALGORITHM])
    return Binding(token, tuple(subscriptions), expires)


async def bound(tx: Tx, token: str) -> tuple[str, ...]:
    """The subscriptions a token is for. NotSignedIn when it is not good (any more)."""
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
        return tuple(str(id) for id in decoded.claims["subscriptions"])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, StopIteration):
        raise NotSignedIn("The token is not good; fetch another with $get-ws-binding-token.", zh="连接凭证已失效,请重新获取。") from None
