"""The suites of algorithms data keys are of. Both seal with an AEAD of 96-bit nonces and 128-bit tags, and hash with a keyed hash.

    aes   AES-256-GCM (NIST SP 800-38D), HMAC-SHA-256 (RFC 2104, FIPS 180-4)
    sm    SM4-GCM (GB/T 32907-2016, RFC 8998), HMAC-SM3 (GB/T 32905-2016)

Nonces are random: by SP 800-38D 8.3 a key is good for 2^32 of them, more than a region writes before it rotates.
"""

from __future__ import annotations

import hmac as of_python
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

NONCE = 12
TAG = 16


class Sealer(Protocol):
    """An AEAD with its key; `decrypt` raises `cryptography.exceptions.InvalidTag`."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...


class SM4GCM:
    """SM4 in Galois/Counter Mode, in the shape of `AESGCM`: the tag stands behind the ciphertext."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        encryptor = Cipher(self._cipher, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        if len(data) < TAG:
            raise InvalidTag
        decryptor = Cipher(self._cipher, modes.GCM(nonce, data[-TAG:])).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-TAG]) + decryptor.finalize()


def _sm3(key: bytes, text: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SM3())
    made.update(text)
    return made.finalize()


@dataclass(frozen=True, slots=True)
class Suite:
    """code: as it stands in the database. key_bytes: of a sealer's key. mac: (key, text) → 32 bytes."""

    code: str
    key_bytes: int
    sealer: Callable[[bytes], Sealer]
    mac: Callable[[bytes, bytes], bytes]
    words: str


SUITES: Mapping[str, Suite] = {
    suite.code: suite
    for suite in (
        Suite("aes", 32, AESGCM, lambda key, text: of_python.digest(key, text, "sha256"), "AES-256-GCM, HMAC-SHA-256"),
        Suite("sm", 16, SM4GCM, _sm3, "SM4-GCM, HMAC-SM3"),
    )
}
