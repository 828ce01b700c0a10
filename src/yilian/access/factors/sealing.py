"""Sealing what has to be read back: AES-256-GCM with a key that lies beside the database, not in it.

The key is a file of 32 random bytes, base64url, readable by the server's account alone (`key_file`). Whoever has a copy of the database
alone has no secrets of authenticator apps. What is sealed for one account does not open for another: its name is authenticated with it.
NIST SP 800-38D.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yilian.errors import Unavailable

NONCE = 12
FIRST = b"\x01"
"""Of everything sealed in this way, so that another way can be told from it."""


def make_first(file: Path | None) -> None:
    """Make the key where there is none; called before the first secret is sealed, never when there are some. Several at once agree on one;
    a file that is there is never changed."""
    if file is None or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(base64.urlsafe_b64encode(secrets.token_bytes(32)))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()


def seal(file: Path | None, text: bytes, account: str) -> bytes:
    """The sealed text. Unavailable when the key cannot be read."""
    nonce = secrets.token_bytes(NONCE)
    return FIRST + nonce + _key(file).encrypt(nonce, text, account.encode())


def unseal(file: Path | None, sealed: bytes, account: str) -> bytes:
    """What was sealed for this account. Unavailable when the key is another one, or cannot be read."""
    try:
        if sealed[:1] != FIRST:
            raise InvalidTag
        return _key(file).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], account.encode())
    except InvalidTag:
        raise _unusable("does not open what was sealed: is it the region's own key?") from None


def _key(file: Path | None) -> AESGCM:
    if file is None:
        raise _unusable("is not set")
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, ValueError):
        raise _unusable(f"({file.name}) cannot be read") from None


@lru_cache(maxsize=8)
def _read(file: Path, changed: int) -> AESGCM:
    key = base64.urlsafe_b64decode(file.read_bytes().strip())
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return AESGCM(key)


def _unusable(what: str) -> Unavailable:
    return Unavailable(f"The key file {what}. Tell the operator.", zh="服务器密钥不可用,请联系系统管理员。")
