"""Without built pages, whoever opens the server is told what to do."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from yilian.http.static import Pages


@pytest.mark.parametrize("there", [True, False])
async def test_pages_that_are_not_built_say_so(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "dist"
    if there:
        folder.mkdir()
    app = Starlette(routes=[Mount("/", Pages(folder))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as browser:
        for path in ("/", "/patients/p1"):
            answer = await browser.get(path)
            assert answer.status_code == 503
            assert "网页尚未构建" in answer.text


async def test_each_page_has_a_nonce_of_its_own_and_files_have_none(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<html><style nonce="@yilian-nonce@"></style></html>', encoding="utf-8")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.js").write_text("1", encoding="utf-8")
    app = Starlette(routes=[Mount("/", Pages(tmp_path))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as browser:
        nonces = set()
        for path in ("/", "/index.html", "/patients/p1", "/account"):
            answer = await browser.get(path)
            policy = answer.headers["content-security-policy"]
            nonce = re.search(r"style-src-elem 'self' 'nonce-([\w-]{20,})'", policy)
            assert nonce, path
            assert f'nonce="{nonce[1]}"' in answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
            for directive in ("default-src 'self'", "script-src 'self';", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'"):
                assert directive in policy
            assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "same-origin")
            nonces.add(nonce[1])
        assert len(nonces) == 4
        script = await browser.get("/assets/a.js")
        assert "nonce-" not in script.headers["content-security-policy"]
        assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize(("address", "secure", "there"), [("http://h", False, False), ("https://h", False, True), ("http://h", True, True)])
async def test_tls_is_made_to_stay_where_people_come_over_it(tmp_path: Path, address: str, secure: bool, there: bool) -> None:
    (tmp_path / "index.html").write_text("<html></html>", encoding="utf-8")
    app = Starlette(routes=[Mount("/", Pages(tmp_path, secure=secure))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=address) as browser:
        assert ("strict-transport-security" in (await browser.get("/")).headers) is there
