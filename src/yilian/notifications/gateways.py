"""The ways outside, behind one interface: mail by SMTP, SMS and WeChat through an HTTP gateway of the region's, and a folder for all three.

A gateway is handed a `Letter` and says what became of it. It may be handed the same letter again (a server was killed before it could note
that it had been taken): `key` is then the same, as Message-ID of a mail, as `Idempotency-Key` and `id` of a request, as the name of a file.

    POST to the gateway, JSON: {"id": key, "channel": "sms", "to": "138…", "text": "…", "title": "…", "at": "2026-…Z"}
    X-Yilian-Signature   a detached JWS over the body (RFC 7515 appendix F), by a key of /oauth2/jwks, as for subscriptions
    answer               2xx: taken, {"id": "…"} is kept as what the gateway calls it; 400, 404, 410, 422: never; else: again later

What speaks SMTP and HTTP is loaded with the first letter: most processes send none.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol

import msgspec
from joserfc import jws

from yilian.access.keys import ALGORITHM, SigningKey
from yilian.errors import YilianError

TIMEOUT_S = 20
MOST_OF_ANSWER = 8192
SIGNATURE_TYPE = "yilian-message+jws"
NEVER = frozenset({400, 404, 410, 422})
"""What an HTTP gateway says of a letter it will never take."""
MAILBOX = re.compile(r"[^@\s<>\"',;:]+@[^@\s<>\"',;:]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """key: the same for each repetition. to: mail address, telephone number or WeChat openid. at: aware. key_to_sign: of the platform."""

    key: str
    channel: str
    to: str
    title: str
    text: str
    at: datetime
    sign_with: SigningKey | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """It was taken; `answer` is what the other side calls it, "" where it does not say."""

    answer: str = ""


class NotSent(YilianError):
    """It was not taken. `never`: it will not be, so it is not tried again; `bounced`: because there is nobody at that address. zh: for
    whoever looks at the record of what was sent."""

    status, code = 503, "transient"

    def __init__(self, why: str, *, never: bool = False, bounced: bool = False, zh: str = "") -> None:
        super().__init__(why, zh=zh)
        self.zh = zh
        self.never = never or bounced
        self.bounced = bounced


class Gateway(Protocol):
    """One way outside."""

    async def send(self, letter: Letter) -> Sent:
        """Hand it over. Raises NotSent."""


@dataclass(frozen=True, slots=True)
class Mail:
    """Mail by SMTP (RFC 5321). security: none | starttls | tls. sender: the address answers and bounces go to."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    security: str = "starttls"

    async def send(self, letter: Letter) -> Sent:
        import aiosmtplib

        if not MAILBOX.fullmatch(letter.to):
            raise NotSent("That is no mail address.", bounced=True, zh="邮箱地址格式不正确。")
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = letter.to
        mail["Subject"] = letter.title
        mail["Date"] = format_datetime(letter.at)
        mail["Message-ID"] = f"<{letter.key}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        mail.set_content(letter.text, cte="base64")
        try:
            _, answer = await aiosmtplib.send(
                mail,
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password or None,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",
                tls_context=ssl.create_default_context() if self.security != "none" else None,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else 0
            raise NotSent(
                f"The mail server does not take this address ({code}).", bounced=500 <= code < 600, zh="邮件服务器不接受该地址。"
            ) from error
        except aiosmtplib.SMTPResponseException as error:
            raise NotSent(
                f"The mail server answered {error.code}.", never=error.code in (552, 554), zh=f"邮件服务器拒收(代码 {error.code})。"
            ) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotSent("The mail server cannot be reached.", zh="无法连接邮件服务器。") from error
        return Sent(answer[:200])


@dataclass(frozen=True, slots=True)
class Post:
    """A gateway of the region's for SMS or WeChat, at an address the operator has set."""

    url: str

    async def send(self, letter: Letter) -> Sent:
        import aiohttp

        body = msgspec.json.encode(
            {
                "id": letter.key,
                "channel": letter.channel,
                "to": letter.to,
                "title": letter.title,
                "text": letter.text,
                "at": letter.at.isoformat(timespec="milliseconds"),
            }
        )
        headers = {"content-type": "application/json", "user-agent": "Yilian", "idempotency-key": letter.key}
        if letter.sign_with is not None:
            headers["x-yilian-signature"] = signature(letter.sign_with, self.url, letter, body)
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                said = await answer.content.read(MOST_OF_ANSWER)
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise NotSent("The gateway cannot be reached.", zh="无法连接发送网关。") from error
        if 200 <= status < 300:
            return Sent(_called(said))
        raise NotSent(f"The gateway answered {status}.", never=status in NEVER, zh=f"发送网关拒收(代码 {status})。")


def signature(key: SigningKey, url: str, letter: Letter, body: bytes) -> str:
    """The detached JWS over a body: by whom (`kid`), when (`iat`), for which address (`aud`), of which letter (`sub`)."""
    protected = {
        "alg": ALGORITHM,
        "kid": key.kid,
        "typ": SIGNATURE_TYPE,
        "iat": int(letter.at.timestamp()),
        "aud": url,
        "sub": letter.key,
    }
    head, _, tail = jws.serialize_compact(protected, body, key.key, [ALGORITHM], _REGISTRY).split(".")
    return f"{head}..{tail}"


_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


def _called(said: bytes) -> str:
    """What the gateway calls it: `id` of its answer."""
    try:
        found = msgspec.json.decode(said)
    except msgspec.DecodeError:
        return ""
    return str(found.get("id", ""))[:200] if isinstance(found, dict) else ""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder: each letter is a file, so that a region can be tried out without a mail server and without troubling anybody."""

    folder: Path

    async def send(self, letter: Letter) -> Sent:
        said = {"to": letter.to, "title": letter.title, "text": letter.text, "at": letter.at.isoformat(timespec="seconds")}
        name = f"{letter.channel}-{letter.key}.json"
        try:
            await asyncio.to_thread(self._write, name, msgspec.json.format(msgspec.json.encode(said), indent=2))
        except OSError as error:
            raise NotSent("The outbox folder cannot be written.", zh="外发文件夹无法写入。") from error
        return Sent(name)

    def _write(self, name: str, text: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f".{name}"
        fresh.write_bytes(text)
        fresh.replace(self.folder / name)


Gateways = Mapping[str, Gateway]
"""By channel; one that is not there is not offered."""


def gateways(
    *, mail: str = "", sender: str = "", user: str = "", password: str = "", security: str = "starttls", sms: str = "", wechat: str = "",
    outbox: Path | None = None,
) -> Gateways:  # fmt: skip
    """Those of this house. mail: host:port of the SMTP server; sms, wechat: addresses of gateways; outbox: for the channels without one."""
    found: dict[str, Gateway] = {}
    if outbox is not None:
        found |= {channel: Outbox(outbox) for channel in ("email", "sms", "wechat")}
    if mail:
        host, _, port = mail.rpartition(":")
        found["email"] = Mail(host, int(port), sender, user, password, security)
    if sms:
        found["sms"] = Post(sms)
    if wechat:
        found["wechat"] = Post(wechat)
    return found
