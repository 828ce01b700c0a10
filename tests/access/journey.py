"""The steps of a sign-in as a browser and the pages take them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

PASSWORD = "yilian-demo"
VERIFIER = "v" * 64
SCOPE = "openid fhirUser profile user/*.*"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def query(origin: str, **other: Any) -> dict[str, str]:
    """The query of /oauth2/authorize as the pages send it; a parameter of None is left out."""
    asked: dict[str, Any] = {
        "response_type": "code",
        "client_id": "yilian-web",
        "redirect_uri": f"{origin}/signed-in",
        "scope": SCOPE,
        "state": "s-1",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    } | other
    return {name: value for name, value in asked.items() if value is not None}


def origin_of(browser: httpx.AsyncClient) -> str:
    return str(browser.base_url).rstrip("/")


async def sign_in(browser: httpx.AsyncClient, user: str, password: str = PASSWORD) -> httpx.Response:
    return await browser.post("/oauth2/sign-in", json={"user": user, "password": password}, headers={"origin": origin_of(browser)})


async def authorize(browser: httpx.AsyncClient, **other: Any) -> httpx.Response:
    return await browser.get("/oauth2/authorize", params=query(origin_of(browser), **other))


def answered(response: httpx.Response) -> dict[str, str]:
    """The query of the address the browser is sent to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


async def code_of(browser: httpx.AsyncClient, user: str, **other: Any) -> str:
    assert (await sign_in(browser, user)).status_code == 204
    response = await authorize(browser, **other)
    assert response.status_code == 302, response.text
    return answered(response)["code"]


async def redeem(browser: httpx.AsyncClient, code: str, /, **other: Any) -> httpx.Response:
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": "yilian-web",
        "code": code,
        "redirect_uri": f"{origin_of(browser)}/signed-in",
        "code_verifier": VERIFIER,
    } | other
    return await browser.post("/oauth2/token", data={name: value for name, value in form.items() if value is not None})


async def tokens_of(browser: httpx.AsyncClient, user: str, **other: Any) -> dict[str, Any]:
    response = await redeem(browser, await code_of(browser, user, **other))
    assert response.status_code == 200, response.text
    return dict(response.json())


async def refresh(browser: httpx.AsyncClient, token: str, /, **other: Any) -> httpx.Response:
    return await browser.post(
        "/oauth2/token", data={"grant_type": "refresh_token", "client_id": "yilian-web", "refresh_token": token} | other
    )


def bearer(token: str) -> str:
    return f"Bearer {token}"
