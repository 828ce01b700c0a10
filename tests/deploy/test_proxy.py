"""A real nginx with the configuration we hand out, in front of a real server: what passes, what does not, and who is seen behind it."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets

from tests.deploy.proxy import CONFIGURATION, NAME, Proxy, proxied
from tests.http.house import PASSWORD
from tests.http.subscribing import listening, observation
from tests.journeys.serving import serving
from yilian import app, config
from yilian.access import tokens
from yilian.command import steady
from yilian.exchange.subscriptions import listeners

Json = dict[str, Any]
SOMEBODY = "127.0.0.9"
"""Another address of this machine: who calls from there is neither the proxy nor the server."""


class House:
    def __init__(self, dsn: str, server: str, proxy: Proxy) -> None:
        self.dsn = dsn
        self.server = server
        self.proxy = proxy

    async def token(self, who: str) -> str:
        database = app.database(config.Settings(), self.dsn)
        await database.open()
        try:
            async with database.transaction() as tx:
                from yilian.access.settings import AccessSettings

                settings = AccessSettings(public_url=f"https://{NAME}")
                return await (tokens.issue_for_client if who == "bench" else tokens.issue_for_user)(tx, who, settings)
        finally:
            await database.close()

    async def value(self, sql: str) -> Any:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def standing(dsn: str, folder: Path, **instead: str) -> AsyncIterator[House]:
    settings = {"YILIAN_PUBLIC_URL": f"https://{NAME}", "YILIAN_AUDIT_STRICT": "true", "YILIAN_BODY_LIMIT_BYTES": str(32 * 1024**2)}
    async with serving(dsn, **settings) as (_, address), proxied(folder, address.removeprefix("http://"), **instead) as proxy:
        yield House(dsn, address, proxy)


@pytest.fixture
async def house(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    async with standing(furnished_dsn, tmp_path) as found:
        yield found


async def test_who_signs_in_through_the_proxy_is_seen_as_who_it_is(house: House) -> None:
    forged = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9", "x-forwarded-proto": "http", "origin": f"https://{NAME}"}
    async with house.proxy.client(at=SOMEBODY) as browser:
        answer = await browser.post("/oauth2/sign-in", json={"user": "gp", "password": PASSWORD}, headers=forged)
        assert answer.status_code == 204, answer.text
        cookie = answer.headers["set-cookie"].lower()
        assert "; secure" in cookie
        assert "; httponly" in cookie
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"]
        assert "server" not in answer.headers or not re.search(r"\d", answer.headers["server"])
        page = await browser.get("/")
        assert page.headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"]
    token = await house.token("gp")
    async with house.proxy.client(at=SOMEBODY, token=token) as doctor:
        read = await doctor.get("/fhir/Patient/p1", headers=forged)
        assert read.status_code == 200
        found = (await doctor.get("/fhir/Patient?_id=p1", headers=forged)).json()
        assert found["link"][0]["url"].startswith(f"https://{NAME}/fhir/")
    seen = "select string_agg(distinct host(address::inet), ' ') from audit_event where account = 'gp' and address <> ''"
    assert await house.value(seen) == SOMEBODY
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.8"), base_url=house.server) as direct:
        past = await direct.get("/fhir/Patient/p1", headers={**forged, "authorization": f"Bearer {token}"})
        assert past.status_code == 200
    assert await house.value(seen) == f"127.0.0.8 {SOMEBODY}", "who is not the proxy is not believed"


async def test_limits_count_the_caller_and_not_the_proxy(furnished_dsn: str, tmp_path: Path) -> None:
    settings = {"YILIAN_PUBLIC_URL": f"https://{NAME}", "YILIAN_ADDRESS_REFUSED_PER_MIN": "30"}
    async with serving(furnished_dsn, **settings) as (_, address), proxied(tmp_path, address.removeprefix("http://")) as proxy:

        async def refused(at: str) -> list[int]:
            async with proxy.client(at=at) as caller:
                return [(await caller.get("/fhir/Patient/p1", headers={"x-forwarded-for": f"10.1.1.{n}"})).status_code for n in range(12)]

        loud = await refused(SOMEBODY)
        assert loud[0] == 401
        assert loud[-1] == 429, "another address in the header is no other caller"
        assert (await refused("127.0.0.10"))[0] == 401


async def _handshake(proxy: Proxy, change: Any, name: str | None = NAME) -> str:
    context = proxy.tls()
    context.check_hostname = name is not None
    if name is None:
        context.verify_mode = ssl.CERT_NONE
    change(context)
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=context, server_hostname=name or "")
    try:
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return f"{spoken.version()} {(spoken.cipher() or ('',))[0]} {spoken.selected_alpn_protocol()}"
    finally:
        writer.close()


async def test_only_sound_protocols_and_ciphers_are_spoken(house: House) -> None:
    def only(version: ssl.TLSVersion, ciphers: str = "") -> Any:
        def change(context: ssl.SSLContext) -> None:
            context.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version

        return change

    proxy = house.proxy
    assert (await _handshake(proxy, only(ssl.TLSVersion.TLSv1_3))).startswith("TLSv1.3")
    assert "ECDHE" in await _handshake(proxy, only(ssl.TLSVersion.TLSv1_2))
    assert (await _handshake(proxy, lambda context: context.set_alpn_protocols(["h2", "http/1.1"]))).endswith(" h2")
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises(ssl.SSLError), pytest.warns(DeprecationWarning, match="TLSv1"):
            await _handshake(proxy, only(old))
    for weak in ("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0", "AES128-GCM-SHA256:@SECLEVEL=0"):
        with pytest.raises(ssl.SSLError):
            await _handshake(proxy, only(ssl.TLSVersion.TLSv1_2, weak))
    for name in ("other.example", None):
        with pytest.raises(ssl.SSLError):
            await _handshake(proxy, lambda context: None, name)


async def test_plain_http_leads_to_tls_and_numbers_for_the_operator_are_not_shown(house: House) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{house.proxy.plain}") as plain:
        told = await plain.get("/records?patient=p1", headers={"host": NAME})
        assert (told.status_code, told.headers["location"]) == (301, f"https://{NAME}/records?patient=p1")
        with pytest.raises(httpx.HTTPError):
            await plain.get("/", headers={"host": "other.example"})
    async with house.proxy.client() as caller:
        assert (await caller.get("/metrics")).status_code == 404
        assert (await caller.get("/readyz")).status_code == 200


async def test_a_body_may_be_as_large_as_the_server_takes_and_no_larger(house: House) -> None:
    async with house.proxy.client(token=await house.token("bench")) as caller:
        picture = b64encode(bytes(128) + b"DICM" + bytes(12 * 1024**2)).decode()
        large = {"resourceType": "Binary", "contentType": "application/dicom", "data": picture}
        assert (await caller.post("/fhir/Binary", json=large)).status_code == 201
        over = await caller.post("/fhir/Binary", content=b" " * (32 * 1024**2 + 1), headers={"content-type": "application/fhir+json"})
        assert over.status_code == 413
        assert over.headers["strict-transport-security"]
        long = await caller.get("/fhir/Patient", headers={"x-long": "x" * 40_000})
        assert long.status_code == 400


async def test_notifications_pass_while_the_connection_stays_open(house: House) -> None:
    token = await house.token("bench")
    async with house.proxy.client(token=token) as caller:
        made = await caller.post("/fhir/Subscription", json=listening())
        assert made.status_code == 201, made.text
        id = made.json()["id"]

        async def streamed() -> str:
            async with caller.stream("GET", f"/fhir/Subscription/{id}/$stream") as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                begun.set()
                async for line in answer.aiter_lines():
                    if line.startswith("event: event-notification"):
                        return line
            return ""

        begun = asyncio.Event()
        stream = asyncio.create_task(streamed())
        await asyncio.wait_for(begun.wait(), 10)
        binding = (await caller.get(f"/fhir/Subscription/{id}/$get-ws-binding-token")).json()
        secret = next(one["valueString"] for one in binding["parameter"] if one["name"] == "token")
        async with websockets.connect(
            f"wss://{NAME}/subscriptions/websocket", host="127.0.0.1", port=house.proxy.port, ssl=house.proxy.tls(), proxy=None
        ) as socket:
            await socket.send(f"bind-with-token: {secret}")
            first = json.loads(await asyncio.wait_for(socket.recv(), 20))
            assert first["entry"][0]["request"]["url"].startswith(f"https://{NAME}/") or first["type"] == "history"
            assert (await caller.post("/fhir/Observation", json=observation())).status_code == 201
            told = await asyncio.wait_for(socket.recv(), 3 * listeners.LOOK_S + 10)
            assert "event-notification" in str(told)
        assert await asyncio.wait_for(stream, 3 * listeners.LOOK_S + 10)


async def test_who_dawdles_is_cut_off(furnished_dsn: str, tmp_path: Path) -> None:
    async with standing(furnished_dsn, tmp_path, client_header_timeout="1s", client_body_timeout="1s") as house:
        for begin in (b"GET /fhir/metadata HTTP/1.1\r\nHost: ", b"POST /fhir/Patient HTTP/1.1\r\nHost: %b\r\nContent-Length: 900\r\n\r\n{"):
            context = house.proxy.tls()
            reader, writer = await asyncio.open_connection("127.0.0.1", house.proxy.port, ssl=context, server_hostname=NAME)
            writer.write(begin.replace(b"%b", NAME.encode()))
            await writer.drain()
            said = await asyncio.wait_for(reader.read(), 10)
            assert b"200" not in said.split(b"\r\n")[0]
            writer.close()


async def test_no_log_holds_what_was_asked(house: House) -> None:
    async with house.proxy.client(token=await house.token("bench")) as caller:
        assert (await caller.get("/fhir/Patient", params={"identifier": "110101199003078515"})).status_code == 200
        assert (
            await caller.get("/fhir/Patient", params={"name": "李秀英"}, headers={"referer": "https://x/?q=13800138000"})
        ).status_code == 200
        over = await caller.post("/fhir/Patient?name=refused", content=b" " * (32 * 1024**2 + 1))
        assert over.status_code == 413
    logged = house.proxy.logged()
    assert "127.0.0.1 20" in logged
    assert "GET /fhir/Patient" in logged
    for word in ("110101199003078515", "%E6%9D%8E", "李", "13800138000", "refused", "Bearer"):
        assert word not in logged, word


async def test_when_the_server_is_away_nothing_of_the_request_is_logged(tmp_path: Path) -> None:
    async with proxied(tmp_path, "127.0.0.1:9") as proxy, proxy.client() as caller:
        answer = await caller.get("/fhir/Patient", params={"identifier": "110101199003078515"})
        assert answer.status_code == 502
        assert "110101199003078515" not in proxy.logged()


def test_the_limits_of_the_proxy_are_those_of_the_server() -> None:
    text = CONFIGURATION.read_text()
    said = dict(re.findall(r"^\s+(\w+) ([^;]+);", text, re.M)) | {"client_max_body_size": re.findall(r"client_max_body_size (\w+);", text)}
    assert said["client_max_body_size"] == [
        f"{config.Settings().body_limit_bytes // 1024**2}m",
        f"{config.Settings().import_limit_bytes // 1024**2}m",
    ]
    many, size = said["large_client_header_buffers"].split()
    assert int(many) * int(size.removesuffix("k")) * 1024 == steady.HEAD_LIMIT_BYTES
    assert said["client_header_timeout"] == f"{steady.SPELL_S:.0f}s"
