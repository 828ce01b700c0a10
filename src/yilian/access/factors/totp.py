"""Codes of an authenticator app: six digits, SHA-1, every 30 seconds, which is what every app can do. RFC 6238, RFC 4226.

One step earlier and one later is taken too, for clocks that are off by up to half a minute. A code is good once: neither it nor an earlier
one is taken again.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from yilian.access.factors.sealing import seal, unseal
from yilian.errors import Conflict

if TYPE_CHECKING:
    from yilian.db import Tx

STEP_S = 30
DIGITS = 6
DRIFT = 1
SECRET_BYTES = 20
ISSUER = "医联"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs to know. `secret` is base32, to be typed; `uri` otpauth://…; `picture` the same as a QR code, a data: URI."""

    secret: str
    uri: str
    picture: str


async def begin(tx: Tx, account: str, display: str) -> Enrolment:
    """A new secret, which counts once a code of it was given. Conflict when there is an app already: that one has to be removed first."""
    secret = secrets.token_bytes(SECRET_BYTES)
    added = await tx.fetchval(
        """
        insert into totp as t (account, secret, created) values ($1, $2, $3)
        on conflict (account) do update set secret = excluded.secret, created = excluded.created, last_step = 0 where t.confirmed is null
        returning true
        """,
        account,
        seal(tx, secret, account),
        tx.now,
    )
    if not added:
        raise Conflict("There is an authenticator app already; remove it first.", zh="已绑定动态口令,请先解除再重新绑定。")
    uri = _app(secret).get_provisioning_uri(f"{display}({account})", ISSUER)
    text = base64.b32encode(secret).decode()
    return Enrolment(text, uri, segno.make(uri, error="m").svg_data_uri(scale=5, border=2))


async def confirm(tx: Tx, account: str, code: str) -> bool:
    """Whether the code is one of the new secret's; from now on the app counts."""
    return await _take(tx, account, code, confirmed=False)


async def take(tx: Tx, account: str, code: str) -> bool:
    """Whether this is a code of the account's app that was not taken yet."""
    return await _take(tx, account, code, confirmed=True)


async def remove(tx: Tx, account: str) -> None:
    await tx.execute("delete from totp where account = $1", account)


async def _take(tx: Tx, account: str, code: str, *, confirmed: bool) -> bool:
    digits = "".join(code.split())
    row = await tx.fetchrow(
        "select secret, last_step from totp where account = $1 and (confirmed is not null) = $2 for update", account, confirmed
    )
    if row is None or len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return False
    step = step_of(unseal(tx, row["secret"], account), digits, tx.now)
    if step is None or step <= row["last_step"]:
        return False
    await tx.execute("update totp set last_step = $2, confirmed = coalesce(confirmed, $3) where account = $1", account, step, tx.now)
    return True


def step_of(secret: bytes, digits: str, now: datetime) -> int | None:
    """The time step near `now` that these digits belong to. Every one is looked at, so the time it takes tells nothing."""
    app, here, found = _app(secret), int(now.timestamp()) // STEP_S, None
    for step in range(here - DRIFT, here + DRIFT + 1):
        if hmac.compare_digest(app.generate(step * STEP_S), digits.encode()):
            found = step
    return found


def code_at(secret: str, now: datetime) -> str:
    """What an app with this secret (base32) shows at that moment."""
    return _app(base64.b32decode(secret)).generate(int(now.timestamp())).decode()


def _app(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_S)
