"""The master key: 32 random bytes, base64url, in a file its owner alone may read (`key_file`). It wraps data keys and does nothing else.

Whoever has the database without this file reads no number and no secret; whoever has lost this file has lost them too.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yilian.errors import Unavailable
from yilian.sealing.suites import NONCE, Suite

BYTES = 32


class KeyUnusable(Unavailable):
    """The master key is not there, cannot be read, or is not the one of this database; the text says what to do."""


class Master:
    """A master key; `file` is only what messages call it."""

    def __init__(self, key: bytes, file: Path) -> None:
        self._key = key
        self.file = file

    def wrap(self, suite: Suite, id: str, purpose: str, key: bytes) -> bytes:
        """A data key as it stands in the database."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + suite.sealer(self._own(suite)).encrypt(nonce, key, _about(suite, id, purpose))

    def unwrap(self, suite: Suite, id: str, purpose: str, wrapped: bytes) -> bytes:
        """Raises KeyUnusable when it was wrapped with another master key."""
        try:
            return suite.sealer(self._own(suite)).decrypt(wrapped[:NONCE], wrapped[NONCE:], _about(suite, id, purpose))
        except InvalidTag:
            raise KeyUnusable(
                f"The master key in {self.file} is not the one the keys of this database are wrapped with. Put the region's own key file"
                " there, or name it with key_file; a copy should lie where the backups of keys lie.",
                zh="主密钥与数据库不匹配,请联系系统管理员。",
            ) from None

    def opens_older(self, sealed: bytes, account: str) -> bytes:
        """A secret of an authenticator app that an older version sealed with this key itself: 1, nonce, AES-256-GCM. Unavailable when it
        does not open."""
        try:
            return AESGCM(self._key).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], account.encode())
        except InvalidTag:
            raise Unavailable(
                "The secret does not open: is it the region's own key, and the account's own secret?", zh="密钥不可用,请联系系统管理员。"
            ) from None

    def _own(self, suite: Suite) -> bytes:
        """The key that wraps keys of this suite: derived, so that none is used with two algorithms."""
        return suite.mac(self._key, b"yilian master key, " + suite.code.encode())[: suite.key_bytes]


def _about(suite: Suite, id: str, purpose: str) -> bytes:
    return f"sealing_key|{id}|{suite.code}|{purpose}".encode()


def read(file: Path) -> Master:
    """Raises KeyUnusable, also for a file that others than its owner may read."""
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except FileNotFoundError:
        raise KeyUnusable(
            f"There is no master key in {file}, and this database is sealed with one. Put the region's key file there, or name it with"
            " key_file; without it what is sealed cannot be read by anybody.",
            zh="缺少主密钥文件,请联系系统管理员。",
        ) from None
    except OSError as error:
        raise KeyUnusable(
            f"The master key in {file} cannot be read: {error.strerror}.", zh="主密钥文件无法读取,请联系系统管理员。"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyUnusable(
            f"Others than its owner may read the master key in {file}: chmod 600 {file}, and think of who may have it by now.",
            zh="主密钥文件权限过宽,请联系系统管理员。",
        )
    try:
        key = base64.b64decode(text.strip(), b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != BYTES:
        raise KeyUnusable(f"{file} is no master key: it should hold {BYTES} bytes in base64url.", zh="主密钥文件无效,请联系系统管理员。")
    return Master(key, file)


def make(file: Path) -> bool:
    """Make a master key where there is none, on disk when it returns. Several at once agree on one; a file that is there is never changed.

    False when there was one.
    """
    if file.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(base64.urlsafe_b64encode(secrets.token_bytes(BYTES)))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
            return True
        return False
    finally:
        draft.unlink()
