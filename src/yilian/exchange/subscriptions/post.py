"""One notification sent by rest-hook: signed, bounded in time and size, never redirected, and to the address that was checked.

    X-Yilian-Signature   a detached JWS (RFC 7515 appendix F) over the body: ES256, by the key of /oauth2/jwks that `kid` names. Its header
                         also says when (`iat`, seconds since 1970), for which address (`aud`) and of which subscription (`sub`)
    X-Yilian-Subscription   the id, for receivers of several

A receiver puts base64url(body) between the two dots and verifies that; it refuses what is older than it likes, or for another address.
aiohttp is loaded with the first letter.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from joserfc import jws

from yilian.access.addresses import NOT_PUBLIC, Allowed, NotAllowed
from yilian.access.keys import ALGORITHM, SigningKey

log = logging.getLogger("yilian.subscriptions")

SIGNATURE_TYPE = "yilian-notification+jws"
MOST_OF_ANSWER = 8192
"""Bytes of the answer that are read; what it says is of no interest, its status is."""
CONNECT_S = 5


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. headers: those the subscriber asked for; body b"" for R4's notification without one."""

    subscription: str
    url: str
    payload: str
    body: bytes
    headers: Sequence[tuple[str, str]]
    timeout_s: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of it: status of the answer, 0 when there was none; error: "" when it was taken."""

    status: int
    error: str = ""

    @property
    def is_taken(self) -> bool:
        return not self.error


def signature(key: SigningKey, letter: Letter, now: datetime) -> str:
    """The detached JWS."""
    protected = {
        "alg": ALGORITHM,
        "kid": key.kid,
        "typ": SIGNATURE_TYPE,
        "iat": int(now.timestamp()),
        "aud": letter.url,
        "sub": letter.subscription,
    }
    head, _, tail = jws.serialize_compact(protected, letter.body, key.key, [ALGORITHM], _REGISTRY).split(".")
    return f"{head}..{tail}"


_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


async def send(letter: Letter, allowed: Allowed, key: SigningKey, now: datetime) -> Sent:
    """Send it once. Every way it can fail is an answer; nothing is raised but cancellation."""
    import aiohttp

    if why := allowed.may_send(letter.url):
        return Sent(0, why)
    headers: list[tuple[str, str]] = [
        *letter.headers,
        ("user-agent", "Yilian"),
        ("x-yilian-subscription", letter.subscription),
        ("x-yilian-signature", signature(key, letter, now)),
    ]
    if letter.payload:
        headers.append(("content-type", letter.payload))
    try:
        async with asyncio.timeout(letter.timeout_s):
            return await _post(letter, allowed, headers)
    except TimeoutError:
        return Sent(0, f"no answer within {letter.timeout_s} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        log.info("Subscription/%s: %s: %s", letter.subscription, type(error).__name__, error)
        return Sent(0, _what_failed(error))


def _what_failed(error: Exception) -> str:
    """In words of ours. What a library says may repeat what the other side sent, and a subscriber reads this: with it the inside of a
    network could be looked at."""
    for kind, text in _failures():
        if isinstance(error, kind):
            return text
    return "it could not be sent"


@cache
def _failures() -> Sequence[tuple[type[Exception], str]]:
    """The first that fits."""
    import aiohttp

    return (
        (aiohttp.ClientConnectorDNSError, NOT_PUBLIC),
        (NotAllowed, NOT_PUBLIC),
        (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted here"),
        (aiohttp.ClientSSLError, "TLS did not come about"),
        (aiohttp.ClientConnectorError, "no connection came about"),
        (aiohttp.ClientResponseError, "what answered does not speak HTTP"),
        (aiohttp.ClientError, "the connection broke off"),
    )


async def _post(letter: Letter, allowed: Allowed, headers: list[tuple[str, str]]) -> Sent:
    import aiohttp

    from yilian.access.resolving import Resolver

    connector = aiohttp.TCPConnector(resolver=Resolver(allowed), ssl=_tls(), use_dns_cache=False, limit=1, force_close=True)
    timeout = aiohttp.ClientTimeout(total=letter.timeout_s, sock_connect=CONNECT_S)
    async with (
        aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
        session.post(letter.url, data=letter.body, headers=headers, allow_redirects=False, skip_auto_headers=_NOT_ADDED) as answer,
    ):
        await answer.content.read(MOST_OF_ANSWER)
        if 200 <= answer.status < 300:
            return Sent(answer.status)
        more = "; redirects are not followed" if 300 <= answer.status < 400 else ""
        return Sent(answer.status, f"answered with {answer.status}{more}")


_NOT_ADDED: Sequence[str] = ("Content-Type", "Accept-Encoding", "User-Agent")


@cache
def _tls() -> ssl.SSLContext:
    """The certificates the machine trusts; SSL_CERT_FILE names others."""
    return ssl.create_default_context()


__all__ = ["Letter", "Sent", "send", "signature"]
