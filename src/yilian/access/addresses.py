"""Whom this server itself speaks to because others named the address (a subscriber's endpoint, an application's key set): https anywhere
on the public internet, and the hosts the administrator lists.

A server that sends to what callers name could be made to speak to things inside the hospital's network that the caller cannot reach (OWASP:
server-side request forgery). So names are resolved when it is sent, private addresses are refused, and the connection goes to the very
address that was checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from yilian.errors import InvalidResource, Issue

LONGEST = 2000
NOT_PUBLIC = "the host is not found on the public internet"
"""Said alike of a name nobody knows and of one that leads into a private network: which names a hospital has inside is its own matter."""
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
"""A name as it goes over the wire. No %: the client that connects would take `127.0.0.%31` for something else than we do."""
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is really spoken to."""


class NotAllowed(OSError):
    """The name leads to no address that anything is sent to."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is done with an address, for the words of a refusal. setting: which lists the hosts; place: FHIRPath of the address, or ""."""

    done: str
    setting: str
    place: str
    zh: str


NOTIFICATIONS = Use("Notifications are sent", "subscription_hosts", "Subscription.channel.endpoint", "不能向该地址发送通知。")
SIGN_IN = Use("Keys and sign-ins are fetched", "sign_in_hosts", "", "不能从该地址读取密钥或登录信息。")


@dataclass(frozen=True, slots=True)
class Allowed:
    """hosts: `host` or `host:port` that may be spoken to by plain http too, and whose addresses may be private."""

    hosts: frozenset[str]
    use: Use = NOTIFICATIONS

    @staticmethod
    def of(text: str, use: Use = NOTIFICATIONS) -> Allowed:
        """`text`: hosts with commas, as the setting has them."""
        return Allowed(frozenset(host.strip().lower() for host in text.split(",") if host.strip()), use)

    def and_host_of(self, url: str) -> Allowed:
        """The same and the host of this address, which somebody who may has written down."""
        parts = _parts(url)
        if parts is None or not parts.hostname:
            return self
        return Allowed(self.hosts | {f"{parts.hostname.lower()}:{parts.port or _standard(parts)}"}, self.use)

    def is_listed(self, host: str, port: int | None) -> bool:
        return host in self.hosts or f"{host}:{port}" in self.hosts

    def require(self, url: str) -> None:
        """Raises InvalidResource for an address that nothing will ever be sent to."""
        parts = _parts(url)
        if parts is None:
            raise self._refused(f"{url[:200]!r} is no address; write https://host/path, without a user and a fragment.")
        host = (parts.hostname or "").lower()
        if self.is_listed(host, parts.port or _standard(parts)):
            return
        if parts.scheme != "https":
            raise self._refused(f"{self.use.done} by https; plain http only to hosts the administrator lists ({self.use.setting}).")
        if is_private(host):
            raise self._refused(
                f"This is an address of a private network; the administrator lists such hosts (setting {self.use.setting})."
            )

    def _refused(self, text: str) -> InvalidResource:
        return InvalidResource(text, issues=[Issue("error", "invalid", text, self.use.place, self.use.zh)])

    def may_send(self, url: str) -> str:
        """Why nothing is sent there now, "" where it may; the list may be another than when it was written."""
        try:
            self.require(url)
        except InvalidResource as error:
            return str(error)
        return ""


def host_of(url: str) -> str:
    """`host` or `host:port`, for people to read."""
    parts = _parts(url)
    return parts.netloc if parts is not None else ""


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and not set(' "<>\\^`{|}') & set(url) and len(url) <= LONGEST
    if not fine or not plain or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    named = "[" not in parts.netloc and HOST.fullmatch(parts.hostname)
    return parts if named or _address(parts.hostname) is not None else None


def _standard(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80


def is_private(host: str) -> bool:
    """An address that is not of the public internet; `localhost` too. Other names are looked at when they are resolved."""
    address = _address(host)
    if address is None:
        name = host.rstrip(".").lower()
        return name == "localhost" or name.endswith((".localhost", ".local", ".internal")) or _is_number(name)
    if isinstance(address, IPv6Address):
        if address in NAT64:
            return is_private(str(IPv4Address(int(address) & 0xFFFF_FFFF)))
        mapped = address.ipv4_mapped or address.sixtofour
        if address.is_site_local or (mapped is not None and not mapped.is_global):
            return True
    return not address.is_global or address.is_multicast or address.is_reserved


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that stands there itself, None for a name."""
    try:
        return ip_address(host)  # also fe80::1%eth0
    except ValueError:
        return None


def _is_number(host: str) -> bool:
    """127.1, 0x7f000001 and the like, which the system's resolver takes for addresses."""
    last = host.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")
