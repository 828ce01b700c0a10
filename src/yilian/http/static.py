"""The web pages: files made by the web build, with the one page answering every address the browser router knows."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
SECURITY = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
        "frame-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "geolocation=(self), camera=(self), microphone=(self)",
}
NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>医联</title>
<p>网页尚未构建。请在源码目录运行 <code>make web</code>,然后刷新。</p>
<p>The web pages are not built yet: run <code>make web</code>.</p></html>"""


class Pages(StaticFiles):
    """Static files with a year's caching for hashed names, and `index.html` for the addresses of the pages themselves."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self.folder = folder
        self.config_checked = True  # a folder that is not there yet is told in words, see `_page`

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path.rpartition("/")[2].strip("."):
                raise
            response = self._page()
        if path.startswith("assets/"):
            response.headers["cache-control"] = FOR_EVER
        else:
            response.headers["cache-control"] = "no-cache"
        response.headers.update(SECURITY)
        return response

    def _page(self) -> Response:
        index = self.folder / "index.html"
        return FileResponse(index) if index.is_file() else HTMLResponse(NOT_BUILT, status_code=503)


def folder() -> Path:
    """Where the built pages are: inside the installed package, or in the checkout beside it."""
    packaged = Path(__file__).parent.parent / "web"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "web" / "dist"
