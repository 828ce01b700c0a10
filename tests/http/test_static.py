"""Without built pages, whoever opens the server is told what to do."""

from __future__ import annotations

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
