"""What stands in the QR code of the health card, and how anybody with the public key checks it. Pure: no I/O, no clock.

A code is a compact JWS (RFC 7515) with four claims (RFC 7519), written in digits alone:

    iss   the region (policy `region.code`)         exp   when it ends, in seconds since 1970
    sub   the number of the card                    jti   a number of this one code, so that it opens something once

No name, no identifier and no birth date stand in it. Digits alone, two for each character (its code less 45, as SMART Health Cards have
it), because that is the densest mode of a QR code (ISO/IEC 18004, 7.4.3), and because a scanner that types then works whatever input
method and Caps Lock are at. https://hl7.org/fhir/uv/smart-health-cards-and-links/cards-specification.html

The header names its algorithm, but the key decides: each has one, so neither `none` nor another is taken (RFC 8725, 3.1).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from yilian.errors import Issue, YilianError
from yilian.fhir import urls

Algorithm = Literal["ES256", "Ed25519"]
ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "Ed25519")
"""SM2 with SM3 (GB/T 32918) is to join them as soon as a library we use has it as a JWS algorithm; the header's `alg` is where it shows."""

Key: TypeAlias = "ECKey | OKPKey"
TYPE = "hc"
LONGEST = 2000
LEEWAY = timedelta(seconds=5)
"""How far the clocks of two servers of the region may differ."""

_DIGITS = re.compile(r"(?:[0-9]{2}){60,1000}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CARD = re.compile(r"[0-9]{16}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16}")
_OFFSET = 45

Reason = Literal["no-card", "forged", "other-region", "expired", "used", "withdrawn"]

REASONS: Mapping[Reason, tuple[int, str, str, str]] = {
    # reason: HTTP status, FHIR issue type, for engineers, for the person at the desk
    "no-card": (422, "structure", "This is not the code of a health card.", "这不是健康卡二维码,请重新扫描。"),
    "forged": (422, "security", "The signature of this code does not hold.", "健康卡二维码无效(签名不符),请核对证件,不要据此办理。"),
    "other-region": (422, "security", "No key of this region signed this code.", "不是本区域签发的健康卡,请核对证件后人工登记。"),
    "expired": (422, "business-rule", "This code has ended; ask for a fresh one.", "二维码已过期,请对方刷新后再扫。"),
    "used": (409, "duplicate", "This code was used already; each opens something once.", "该二维码已被使用过,请对方刷新后再扫。"),
    "withdrawn": (409, "business-rule", "The holder has withdrawn this card.", "该健康卡已被持卡人停用,请核对证件后人工登记。"),
}


class CardRefused(YilianError):
    """A code that opens nothing. `reason` is a key of `REASONS`; `patient`: rid of whose card it is, where that is certain."""

    def __init__(self, reason: Reason, *, patient: int | None = None) -> None:
        self.status, self.code, diagnostics, zh = REASONS[reason]
        place = "Parameters.parameter.where(name='code')"
        issue = Issue("error", self.code, diagnostics, place, zh, (urls.ERROR, f"card-{reason}"))
        super().__init__(diagnostics, issues=(issue,))
        self.reason: Reason = reason
        self.patient = patient


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key codes are checked with. `algorithm` is the only one it is good for."""

    kid: str
    algorithm: Algorithm
    key: Key


@dataclass(frozen=True, slots=True)
class Claims:
    """What a code says. `expires` is UTC, in whole seconds."""

    region: str
    card: str
    nonce: str
    expires: datetime
    kid: str = ""


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    iss: str
    sub: str
    exp: int
    jti: str


def sign(claims: Claims, key: PublicKey) -> str:
    """The code for these claims, in digits. `key` holds the private part."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": TYPE}
    payload = {"iss": claims.region, "sub": claims.card, "exp": int(claims.expires.timestamp()), "jti": claims.nonce}
    token = jws.serialize_compact(header, msgspec.json.encode(payload), key.key, algorithms=[key.algorithm])
    return digits_of(token)


def verify(code: str, keys: Mapping[str, PublicKey], *, now: datetime, region: str = "", leeway: timedelta = LEEWAY) -> Claims:
    """What a code says, once its form, key, signature and time hold; `now` is aware, `region` "" takes any region whose key is given.

    Whether it was used before and whether the card is withdrawn, only the region's database knows (`card.scan`).
    Raises CardRefused: no-card, other-region, forged, expired, in this order.
    """
    token = token_of(code)
    header = _header_of(token)
    if header is None or header.typ != TYPE:
        raise CardRefused("no-card")
    key = keys.get(header.kid)
    if key is None:
        raise CardRefused("other-region")
    if header.alg != key.algorithm:
        raise CardRefused("forged")
    try:
        payload = msgspec.json.decode(jws.deserialize_compact(token, key.key, algorithms=[key.algorithm]).payload, type=_Payload)
        expires = datetime.fromtimestamp(payload.exp, UTC)
    except (JoseError, msgspec.DecodeError, ValueError, OverflowError, OSError):
        raise CardRefused("forged") from None
    if not _CARD.fullmatch(payload.sub) or not _NONCE.fullmatch(payload.jti):
        raise CardRefused("forged")
    if region and payload.iss != region:
        raise CardRefused("other-region")
    if now > expires + leeway:
        raise CardRefused("expired")
    return Claims(payload.iss, payload.sub, payload.jti, expires, header.kid)


def digits_of(token: str) -> str:
    """A compact JWS in digits, two for each character."""
    return "".join(f"{ord(character) - _OFFSET:02d}" for character in token)


def token_of(code: str) -> str:
    """The compact JWS behind the digits. Raises CardRefused."""
    text = code.strip()
    if len(text) > LONGEST or not _DIGITS.fullmatch(text):
        raise CardRefused("no-card")
    token = "".join(chr(int(text[place : place + 2]) + _OFFSET) for place in range(0, len(text), 2))
    if not _TOKEN.fullmatch(token):
        raise CardRefused("no-card")
    return token


def _header_of(token: str) -> _Header | None:
    part = token.partition(".")[0]
    try:
        return msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=_Header)
    except (msgspec.DecodeError, ValueError):
        return None


def published(keys: Mapping[str, PublicKey]) -> dict[str, list[dict[str, str]]]:
    """The JWK set (RFC 7517) codes are checked with: public parts only."""
    return {
        "keys": [{**_texts(one.key.as_dict(private=False)), "kid": one.kid, "use": "sig", "alg": one.algorithm} for one in keys.values()]
    }


def read_published(document: bytes) -> dict[str, PublicKey]:
    """The keys of a set as `published` writes it. Raises ValueError for anything else; keys for other algorithms are left out."""
    try:
        listed = msgspec.json.decode(document, type=dict[str, list[dict[str, str]]])["keys"]
    except (msgspec.DecodeError, KeyError):
        raise ValueError("This is no set of public keys as the server publishes it (a JWK set).") from None
    keys: dict[str, PublicKey] = {}
    for one in listed:
        for algorithm in ALGORITHMS:
            if one.get("alg") == algorithm and one.get("kid"):
                keys[one["kid"]] = PublicKey(one["kid"], algorithm, imported(algorithm, one))
    return keys


def imported(algorithm: Algorithm, jwk: Mapping[str, str]) -> Key:
    """The key of a JWK. Raises ValueError when it is none for this algorithm."""
    wanted = ("EC", "P-256") if algorithm == "ES256" else ("OKP", "Ed25519")
    if (jwk.get("kty"), jwk.get("crv")) != wanted:
        raise ValueError(f"A key for {algorithm} is {wanted[0]} on {wanted[1]}.")
    try:
        return ECKey.import_key(dict(jwk)) if algorithm == "ES256" else OKPKey.import_key(dict(jwk))
    except JoseError as error:
        raise ValueError(f"A key for {algorithm} cannot be read: {error}.") from None


def generated(algorithm: Algorithm) -> Key:
    """A new key."""
    return ECKey.generate_key("P-256") if algorithm == "ES256" else OKPKey.generate_key("Ed25519")


def _texts(jwk: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if isinstance(value, str)}
