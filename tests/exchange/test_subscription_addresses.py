"""Where notifications may go: nothing inside a hospital's network is reached, or learnt of, through what a subscriber writes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.resolver import ThreadedResolver
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from yilian.access.addresses import NOT_PUBLIC, Allowed
from yilian.access.keys import SigningKey
from yilian.access.resolving import Resolver
from yilian.errors import InvalidResource
from yilian.exchange.subscriptions.definition import headers_of
from yilian.exchange.subscriptions.post import Letter, Sent, send

NOBODY = Allowed(frozenset())
INSIDE = (
    "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0x7f.0.0.0x1", "127.0.0.1.", "0", "0.0.0.0",
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fec0::1]", "[fc00::1]",
    "[ff02::1]", "localhost", "LOCALHOST", "localhost.", "a.localhost", "db.internal", "printer.local", "printer.LOCAL.",
)  # fmt: skip
NO_ADDRESS = (
    "https://127.0.0.%31/", "https://%31%32%37.0.0.1/", "https://a.%6cocalhost/", "https://me@example.org/", "https://a:b@example.org/",
    "https://example.org#x", "https://example.org\\@127.0.0.1/", "https://exa mple.org/", "https://example.org/\r\nHost: x",
    "https://example.org/\tx", "https://ⓛocalhost/", "https://１２７.0.0.1/", "https:///told", "https://:443/", "https://-x.org/",
    "https://example.org:0/", "https://example.org:99999/", "https://example.org:x/", "ftp://example.org/", "file:///etc/passwd",
    "gopher://example.org/", "//example.org/", "example.org", "https://[::1", "https://[v1.x]/", "https://" + "a" * 3000 + ".org/",
)  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_refused_whatever_it_is_written_like(host: str) -> None:
    for url in (f"https://{host}/told", f"https://{host}:8443/told"):
        with pytest.raises(InvalidResource, match="private network"):
            NOBODY.require(url)


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_what_two_programs_could_read_differently_is_no_address(url: str) -> None:
    with pytest.raises(InvalidResource):
        NOBODY.require(url)


@pytest.mark.parametrize("host", ["example.org", "my_host.example.org.", "1.1.1.1", "[2606:4700::1111]", "[64:ff9b::101:101]", "a.cn:8443"])
def test_what_is_public_may_be_sent_to_by_https_alone(host: str) -> None:
    NOBODY.require(f"https://{host}/told?by=us")
    with pytest.raises(InvalidResource, match="https"):
        NOBODY.require(f"http://{host}/told?by=us")


def test_a_listed_host_is_listed_with_its_port_or_with_all_of_them() -> None:
    allowed = Allowed.of("his.hospital.internal:8080, 10.1.2.3")
    for fine in ("http://his.hospital.internal:8080/x", "https://HIS.hospital.internal:8080/x", "http://10.1.2.3:99/x", "https://10.1.2.3"):
        allowed.require(fine)
    for other in ("http://his.hospital.internal/x", "https://his.hospital.internal:8081/x", "http://10.1.2.4/x", "http://x.10.1.2.3/x"):
        with pytest.raises(InvalidResource):
            allowed.require(other)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@asynccontextmanager
async def answering(with_: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A program on loopback that says the same to everybody, and what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100_000))
        writer.write(with_)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def key() -> SigningKey:
    return SigningKey("k1", ECKey.generate_key("P-256"), datetime(2025, 1, 1, tzinfo=UTC), None)


async def sent(url: str, allowed: Allowed, headers: tuple[tuple[str, str], ...] = ()) -> Sent:
    return await send(Letter("s1", url, "application/fhir+json", b"{}", headers, 5), allowed, key(), datetime(2026, 1, 1, tzinfo=UTC))


def resolved_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> list[str]:
    """Every name leads there; the names that were asked for."""
    asked: list[str] = []

    async def resolve(self: ThreadedResolver, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[object]:
        asked.append(host)
        if not hosts:
            raise OSError(-2, "Name or service not known")
        kinds = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in hosts]
        rest = {"port": port, "proto": 0, "flags": socket.AI_NUMERICHOST}
        return [{"hostname": host, "host": one, "family": kind, **rest} for one, kind in zip(hosts, kinds, strict=True)]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    return asked


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.8", "64:ff9b::a00:8"])
async def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    """Also one that led outside when it was written: names are looked up anew for every notification."""
    NOBODY.require("https://rebound.example.org/told")
    asked = resolved_to(monkeypatch, inside)
    refused = await sent("https://rebound.example.org/told", NOBODY)
    assert asked == ["rebound.example.org"]
    assert (refused.status, refused.error) == (0, NOT_PUBLIC)


async def test_of_a_names_addresses_the_private_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved_to(monkeypatch, "10.0.0.8", "1.1.1.1", "::1")
    resolver = Resolver(NOBODY)
    assert [one["host"] for one in await resolver.resolve("mixed.example.org", 443)] == ["1.1.1.1"]
    await resolver.close()


async def test_an_unknown_name_is_told_like_one_of_the_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a subscriber could ask which names the hospital has."""
    resolved_to(monkeypatch)
    unknown = await sent("https://nobody.example.org/told", NOBODY)
    resolved_to(monkeypatch, "10.0.0.8")
    assert await sent("https://nobody.example.org/told", NOBODY) == unknown


async def test_a_host_taken_from_the_list_is_sent_to_no_more() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (port, heard):
        refused = await sent(f"http://127.0.0.1:{port}/told", NOBODY)
        assert "https" in refused.error
        assert heard == []


@pytest.mark.parametrize(
    "banner",
    [
        b"SSH-2.0-OpenSSH_9 geheim\r\n",
        b"-ERR geheim command\r\n",
        b"HTTP/1.1 200 OK\r\ngeheim\x00: x\r\n\r\n",
        b"",
        b"HTTP/1.1 geheim\r\n\r\n",
    ],
)
async def test_what_the_other_side_says_is_not_repeated(banner: bytes) -> None:
    async with answering(banner) as (port, _):
        told = await sent(f"http://127.0.0.1:{port}/told", Allowed(frozenset({f"127.0.0.1:{port}"})))
    assert not told.is_taken
    assert "geheim" not in told.error
    assert "127.0.0.1" not in told.error
    assert told.error in ("what answered does not speak HTTP", "the connection broke off")


async def test_where_nobody_answers_is_told_without_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = await sent(f"http://127.0.0.1:{port}/told", Allowed(frozenset({f"127.0.0.1:{port}"})))
    assert told == Sent(0, "no connection came about")


async def test_headers_of_the_subscriber_do_not_become_others_or_replace_ours() -> None:
    wanted = headers_of({"channel": {"header": ["Authorization: Bearer a:b  c", "User-Agent: other", "X-Empty:", "X-Tab: a\tb"]}})
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n") as (port, heard):
        task = asyncio.create_task(sent(f"http://127.0.0.1:{port}/told", Allowed(frozenset({f"127.0.0.1:{port}"})), tuple(wanted)))
        await task
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    names = [name.lower().decode() for name, _, _ in lines]
    assert body == b"{}"
    assert sorted(names) == sorted(set(names)), "each once"
    assert (b"Authorization", b":", b" Bearer a:b  c") in lines
    assert {name for name in names if name.startswith("x-yilian")} == {"x-yilian-signature", "x-yilian-subscription"}


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sampled_from(["\r", "\n", "\r\n", "\0", "\x0b", "\x85", " ", "é", "\x7f"]))
def test_no_header_ends_before_it_ends(text: str, evil: str) -> None:
    for header in (f"X-A: {text}{evil}X-B: 1", f"X-A{evil}: {text}", f"{evil}X-A: {text}", f"X-A: 1{evil} {text}z"):
        for name, value in understood({"channel": {"header": [header]}}):
            assert value.isascii()
            assert not set(name + value) & set("\r\n\0\x0b\x7f")


def understood(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """The headers, none where they are refused."""
    with suppress(InvalidResource):
        return headers_of(resource)
    return []


def test_a_header_that_is_refused_is_not_repeated() -> None:
    for header in ("Authorization Bearer geheim", "X-A: geheim\r\nX-B: 1", "Host: geheim", "X-A: geheim é", "geheim"):
        with pytest.raises(InvalidResource) as refused:
            headers_of({"channel": {"header": [header]}})
        assert "geheim" not in str(refused.value)
