"""Passkeys: a key pair in somebody's phone, computer or USB key, opened by a finger, a face or a PIN. W3C Web Authentication Level 2.

The authenticator has to verify its user each time, so a passkey alone is two factors. It belongs to this server's own host name and is no
good anywhere else. Each challenge is answered once, within five minutes, and kept as a hash. The cryptography is py_webauthn's,
which is loaded when somebody has a passkey to show or to register: every command loads this file.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from yilian.errors import BadRequest, Conflict, NotFound, NotSignedIn

if TYPE_CHECKING:
    from webauthn.helpers import structs

    from yilian.db import Tx

T = TypeVar("T")
Json = dict[str, Any]
Purpose = Literal["sign-in", "enrol"]

GOOD_FOR = timedelta(minutes=5)
MOST = 10
LONGEST_LABEL = 40
NAME = "医联"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose passkey was shown."""

    account: str


async def creation(tx: Tx, account: str, display: str, *, origin: str, session: UUID) -> Json:
    """What `navigator.credentials.create` is called with. Conflict when there are as many as there may be."""
    import webauthn
    from webauthn.helpers import structs

    known = await _known(tx, account)
    if len(known) >= MOST:
        raise Conflict(f"There are {MOST} passkeys already; remove one first.", zh=f"最多登记 {MOST} 个通行密钥,请先删除一个。")
    handle = await tx.fetchval("select handle from account where name = $1", account)
    options = webauthn.generate_registration_options(
        rp_id=_host(origin),
        rp_name=NAME,
        user_id=handle.bytes,
        user_name=account,
        user_display_name=display,
        challenge=await _challenge(tx, "enrol", session),
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED, user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=known,
    )
    return _json(options)


async def add(tx: Tx, account: str, label: str, credential: Json, *, origin: str, session: UUID) -> None:
    """Keep the passkey the authenticator made. BadRequest when it does not answer our challenge, or the label is none."""
    import webauthn

    label = " ".join(label.split())
    if not 0 < len(label) <= LONGEST_LABEL or not label.isprintable():
        raise BadRequest(f"Give the passkey a name of 1 to {LONGEST_LABEL} characters.", zh=f"请填写 1 至 {LONGEST_LABEL} 个字的名称。")
    challenge = await _answered(tx, credential, "enrol", session)
    made = _verified(
        lambda: webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(origin),
            expected_origin=origin,
            require_user_verification=True,
        )
    )
    transports = [one for one in (credential.get("response") or {}).get("transports") or () if isinstance(one, str)][:8]
    added = await tx.fetchval(
        """
        insert into passkey (id, account, public_key, sign_count, transports, label, created) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (id) do nothing returning true
        """,
        made.credential_id,
        account,
        made.credential_public_key,
        made.sign_count,
        transports,
        label,
        tx.now,
    )
    if not added:
        raise Conflict("This passkey is registered already.", zh="该通行密钥已登记。")


async def request(tx: Tx, *, origin: str, account: str = "", session: UUID | None = None) -> Json:
    """What `navigator.credentials.get` is called with. Without an account: whichever passkey for this server the person picks."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=_host(origin),
        challenge=await _challenge(tx, "sign-in", session),
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        allow_credentials=await _known(tx, account) if account else [],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return _json(options)


async def prove(tx: Tx, credential: Json, *, origin: str, session: UUID | None = None) -> Proof:
    """Whose passkey answered. NotSignedIn when it is nobody's, was copied (its counter went back), or does not answer our challenge."""
    import webauthn

    challenge = await _answered(tx, credential, "sign-in", session)
    id = _bytes(credential.get("id"))
    row = await tx.fetchrow("select account, public_key, sign_count from passkey where id = $1 for update", id)
    if row is None:
        raise _no()
    try:
        shown = _verified(
            lambda: webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                credential_public_key=row["public_key"],
                credential_current_sign_count=row["sign_count"],
                require_user_verification=True,
            )
        )
    except BadRequest:
        raise _no() from None
    await tx.execute("update passkey set sign_count = $2, used = $3 where id = $1", id, shown.new_sign_count, tx.now)
    return Proof(row["account"])


async def remove(tx: Tx, account: str, id: str) -> None:
    """NotFound when the account has no such passkey."""
    if not await tx.fetchval("delete from passkey where account = $1 and id = $2 returning true", account, _bytes(id)):
        raise NotFound("There is no such passkey.", zh="没有这个通行密钥。")


def text_of(id: bytes) -> str:
    return base64.urlsafe_b64encode(id).decode().rstrip("=")


async def _known(tx: Tx, account: str) -> list[structs.PublicKeyCredentialDescriptor]:
    from webauthn.helpers import structs

    rows = await tx.fetch("select id, transports from passkey where account = $1 order by created, id", account)
    known = {one.value for one in structs.AuthenticatorTransport}
    return [
        structs.PublicKeyCredentialDescriptor(
            id=row["id"], transports=[structs.AuthenticatorTransport(one) for one in row["transports"] if one in known]
        )
        for row in rows
    ]


async def _challenge(tx: Tx, purpose: Purpose, session: UUID | None) -> bytes:
    await tx.execute("delete from passkey_challenge where expires < $1", tx.now)
    challenge = secrets.token_bytes(32)
    await tx.execute(
        "insert into passkey_challenge (hash, purpose, session, expires) values ($1, $2, $3, $4)",
        hashlib.sha256(challenge).digest(),
        purpose,
        session,
        tx.now + GOOD_FOR,
    )
    return challenge


async def _answered(tx: Tx, credential: Json, purpose: Purpose, session: UUID | None) -> bytes:
    """The challenge the authenticator says it answers, if it is one of ours and nobody has answered it yet."""
    try:
        client_data = msgspec.json.decode(_bytes((credential.get("response") or {}).get("clientDataJSON")))
        challenge = _bytes(client_data.get("challenge"))
    except (msgspec.DecodeError, AttributeError, UnicodeError):
        raise _unreadable() from None
    ours = await tx.fetchval(
        "delete from passkey_challenge"
        " where hash = $1 and purpose = $2 and session is not distinct from $3 and expires > $4 returning true",
        hashlib.sha256(challenge).digest(),
        purpose,
        session,
        tx.now,
    )
    if not ours:
        raise BadRequest("This took too long, or was sent before; begin again.", zh="操作已超时,请重新开始。")
    return challenge


def _verified(verify: Callable[[], T]) -> T:
    try:
        return verify()
    except Exception as error:  # py_webauthn and the parsers beneath it have no exception of their own that covers malformed input
        raise BadRequest("The authenticator's answer does not hold.", zh="验证未通过,请重试。") from error


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > 8192:
        raise _unreadable()
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise _unreadable() from None


def _json(options: Any) -> Json:
    import webauthn

    made: Json = msgspec.json.decode(webauthn.options_to_json(options))
    return made


def _unreadable() -> BadRequest:
    return BadRequest("This is not what an authenticator answers.", zh="通行密钥数据无法识别。")


def _no() -> NotSignedIn:
    return NotSignedIn("This passkey does not sign in here.", zh="该通行密钥无法登录,请改用密码或联系管理员。")
