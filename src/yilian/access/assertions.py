"""How an application proves itself with a key of its own instead of a secret: a short-lived, signed statement, good once.

RFC 7523 3 and OpenID Connect Core 9 (private_key_jwt); HL7 SMART App Launch 2.2, "Client Authentication: Asymmetric". RFC 8725: the
algorithm is one of three, whatever the statement says; a key of the application's own set is used, never one the statement brings along.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from yilian.access import key_sets
from yilian.access.fetching import NotFetched
from yilian.errors import BadRequest

if TYPE_CHECKING:
    from yilian.access.clients import Client
    from yilian.access.settings import AccessSettings
    from yilian.db import Database, Tx

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "ES384", "RS384")
"""SMART asks for RS384 and ES384."""
LONGEST_LIFE = timedelta(minutes=5)
"""SMART: no more than five minutes in the future."""
LEEWAY_S = 5
MOST_KEYS = 20
LEAST_RSA_BITS = 2048


class NotProven(Exception):
    """The text says why, for the trail; the application learns only that it was not believed."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A statement whose signature and words are right. The transaction that relies on it finds out whether it comes for the first time."""

    client: str
    jti: str
    expires: datetime


async def with_keys(db: Database, client: Client, assertion: str, settings: AccessSettings) -> Client:
    """The application with the keys that lie at its address just now, where they do; those among them that may sign. NotProven where they
    cannot be read."""
    if client.jwks_uri is None:
        return client
    kid = kid_of(assertion)
    try:
        found = await key_sets.of(db).having(client.jwks_uri, settings.hosts, db.clock(), lambda key: key.get("kid") == kid)
    except NotFetched as error:
        raise NotProven(f"the keys at its address cannot be read: {error}") from None
    usable = []
    for one in found[:MOST_KEYS]:
        with suppress(BadRequest, JoseError, ValueError, TypeError, KeyError):
            usable.append(_public(one))
    return replace(client, jwks=msgspec.json.encode({"keys": usable}).decode())


def kid_of(assertion: str) -> str:
    """The key a statement says it was signed with; nothing is verified by that. "" where it cannot be read."""
    try:
        kid = extract_compact(assertion.encode("ascii")).headers().get("kid")
        return kid if isinstance(kid, str) else ""
    except (JoseError, ValueError, UnicodeError, AttributeError):
        return ""


def named(assertion: str) -> str:
    """The application a statement says it is from; nothing is verified by that. "" where it cannot be read."""
    try:
        claims = msgspec.json.decode(extract_compact(assertion.encode("ascii")).payload)
        return claims["sub"] if isinstance(claims, dict) and isinstance(claims.get("sub"), str) else ""
    except (JoseError, ValueError, UnicodeError, msgspec.DecodeError):
        return ""


def issuer(assertion: str) -> str:
    """The same by its `iss`, for statements that name no subject (CDS Hooks). "" where it cannot be read."""
    try:
        claims = msgspec.json.decode(extract_compact(assertion.encode("ascii")).payload)
        return claims["iss"] if isinstance(claims, dict) and isinstance(claims.get("iss"), str) else ""
    except (JoseError, ValueError, UnicodeError, msgspec.DecodeError):
        return ""


def proof(client: Client, assertion: str, audiences: Collection[str], now: datetime, *, names_subject: bool = True) -> Proof:
    """What a good statement of this application proves. `audiences`: how it may call us; `names_subject`: it must say whom it is about,
    which is the application itself. Raises NotProven."""
    if client.jwks is None:
        raise NotProven("the application has no key registered")
    try:
        header = extract_compact(assertion.encode("ascii")).headers()
        if header.get("alg") not in ALGORITHMS:
            raise NotProven(f"the algorithm is none of {', '.join(ALGORITHMS)}")
        key = _key(client.jwks, header.get("kid"), header["alg"])
        claims = jwt.decode(assertion, key, [header["alg"]]).claims
        JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": client.id},
            sub={"essential": names_subject, "value": client.id},
            aud={"essential": True, "values": list(audiences)},
            exp={"essential": True},
            jti={"essential": True},
        ).validate(claims)
        expires, jti = claims["exp"], claims["jti"]
        if not isinstance(jti, str) or not 0 < len(jti) <= 200 or "\0" in jti:
            raise NotProven("jti is not a text of 1 to 200 characters")
        if expires > now.timestamp() + LONGEST_LIFE.total_seconds() + LEEWAY_S:
            raise NotProven("it is good for more than five minutes")
        return Proof(client.id, jti, datetime.fromtimestamp(expires, UTC))
    except (JoseError, ValueError, TypeError, KeyError, UnicodeError, OverflowError, AttributeError) as error:
        raise NotProven(f"the statement is not good ({type(error).__name__})") from None


async def first_time(tx: Tx, proven: Proof) -> bool:
    """Whether this proof was not used before; from now on it was. Of several at once one is the first: the others wait for `tx`."""
    return bool(
        await tx.fetchval(
            "insert into client_assertion (client, jti, expires) values ($1, $2, $3) on conflict do nothing returning true",
            proven.client,
            proven.jti,
            proven.expires + timedelta(seconds=LEEWAY_S),
        )
    )


def key_set(text: str) -> str:
    """A JWK Set that can be registered, its public parts alone. BadRequest says what is wrong with it."""
    try:
        given = msgspec.json.decode(text)
        keys = given["keys"] if isinstance(given, dict) else None
        if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS:
            raise BadRequest(f'The keys are a JWK Set, {{"keys": […]}}, of 1 to {MOST_KEYS}.')
        public = [_public(one) for one in keys]
    except (JoseError, msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
        raise BadRequest(f"The keys cannot be read as a JWK Set: {error}"[:300]) from None
    kids = [one["kid"] for one in public]
    if len(set(kids)) < len(kids):
        raise BadRequest("Two keys have the same kid.")
    return msgspec.json.encode({"keys": public}).decode()


def _public(one: Any) -> dict[str, Any]:
    if not isinstance(one, dict) or not isinstance(one.get("kid"), str) or not one["kid"]:
        raise BadRequest("Every key needs a kid.")
    key: ECKey | RSAKey
    if one.get("kty") == "EC" and one.get("crv") in ("P-256", "P-384"):
        key = ECKey.import_key(one)
    elif one.get("kty") == "RSA":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # refused below, in words
            key = RSAKey.import_key(one)
        if key.raw_value.key_size < LEAST_RSA_BITS:
            raise BadRequest(f"An RSA key has {LEAST_RSA_BITS} bits at least.")
    else:
        raise BadRequest("A key is EC on P-256 or P-384, or RSA.")
    return {**key.as_dict(private=False), "kid": one["kid"]}


def _key(jwks: str, kid: object, algorithm: str) -> ECKey | RSAKey:
    """The key of the set with this kid, if it is one for this algorithm."""
    kind = {"ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "RS384": ("RSA", None)}[algorithm]
    for one in KeySet.import_key_set(msgspec.json.decode(jwks)).keys:
        raw = one.as_dict(private=False)
        if one.kid == kid and (raw["kty"], raw.get("crv")) == kind and isinstance(one, (ECKey, RSAKey)):
            return one
    raise NotProven("there is no key of that kid and algorithm registered")
