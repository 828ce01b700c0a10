"""OpenID providers as real HTTP servers on this machine: another house of ours, and one that says whatever a test has it say."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

Json = dict[str, Any]


@asynccontextmanager
async def served(application: Any, port: int) -> AsyncIterator[str]:
    """An ASGI application on a port of this machine; its origin."""
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def of_another_make(port: int) -> AsyncIterator[None]:
    """oidc-provider-mock on a port of this machine, as a program of its own."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
            for _ in range(200):
                with suppress(httpx.TransportError):
                    if (await client.get("/.well-known/openid-configuration")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield
    finally:
        program.terminate()
        await program.wait()


@dataclass(slots=True)
class Liar:
    """A provider of the test's own. `claims`: put over those of an honest ID token; None takes one out. `about`: the same of its
    description. `key`: what it signs with; `published`: what it says it signs with. `asked`: how often each address was asked for."""

    issuer: str
    nonce: str = ""
    claims: Json = field(default_factory=dict)
    about: Json = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))
    published: list[ECKey] = field(default_factory=list)
    token: str | None = None
    asked: dict[str, int] = field(default_factory=dict)
    forms: list[Json] = field(default_factory=list)
    now: Any = None

    def id_token(self, **other: Any) -> str:
        seconds = int(self.now().timestamp())
        said = {"iss": self.issuer, "aud": "yilian-here", "sub": "s-1", "nonce": self.nonce, "iat": seconds, "exp": seconds + 300}
        said |= self.claims | other
        header = {"alg": "ES256", "kid": self.key.kid}
        return jwt.encode(header, {name: value for name, value in said.items() if value is not None}, self.key, ["ES256"])

    async def described(self, request: web.Request) -> web.Response:
        return self._answer(
            request,
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            | self.about,
        )

    async def keys(self, request: web.Request) -> web.Response:
        return self._answer(request, {"keys": [one.as_dict(private=False) for one in self.published or [self.key]]})

    async def tokens(self, request: web.Request) -> web.Response:
        self.forms.append(dict(await request.post()) | {"authorization": request.headers.get("authorization", "")})
        token = self.id_token() if self.token is None else self.token
        return self._answer(request, {"token_type": "Bearer", "access_token": "a", "id_token": token})

    def _answer(self, request: web.Request, body: Json) -> web.Response:
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        return web.json_response(body)


@asynccontextmanager
async def lying(now: Any) -> AsyncIterator[Liar]:
    """The provider, running. `now`: the clock of the test."""
    port = free_port()
    liar = Liar(f"http://127.0.0.1:{port}", now=now)
    application = web.Application()
    application.add_routes(
        [
            web.get("/.well-known/openid-configuration", liar.described),
            web.get("/keys", liar.keys),
            web.post("/token", liar.tokens),
        ]
    )
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield liar
    finally:
        await runner.cleanup()


async def begun(browser: httpx.AsyncClient, provider: str = "hospital", next: str = "") -> tuple[str, dict[str, str]]:
    """The browser on its way to the provider: the address it is sent to, and what that asks."""
    origin = str(browser.base_url).rstrip("/")
    answer = await browser.post("/oauth2/provider", json={"provider": provider, "next": next}, headers={"origin": origin})
    assert answer.status_code == 200, answer.text
    location = answer.json()["location"]
    return location, {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
