"""The web pages: files made by the web build, with the one page answering every address the browser router knows."""

from __future__ import annotations

import secrets
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from yilian.http.oauth.edge import HSTS

FOR_EVER = "public, max-age=31536000, immutable"
NONCE = "@yilian-nonce@"
"""What the build puts into the page where the nonce of each answer goes (`html.cspNonce` in vite.config.ts)."""
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; script-src 'self'; connect-src 'self'; frame-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'; "
    "style-src-elem 'self'{nonce}; style-src-attr 'unsafe-inline'"
)
"""No script but our files. Style sheets that the pages make as they run carry the nonce of the page; a style attribute can neither load nor
run anything, and charts draw with them. W3C Content Security Policy Level 3."""
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "geolocation=(self), camera=(self), microphone=(self), publickey-credentials-get=(self)",
}
NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>医联</title>
<p>网页尚未构建。请在源码目录运行 <code>make web</code>,然后刷新。</p>
<p>The web pages are not built yet: run <code>make web</code>.</p></html>"""


class Pages(StaticFiles):
    """Static files with a year's caching for hashed names, and `index.html` for the addresses of the pages themselves."""

    def __init__(self, folder: Path, *, secure: bool = False) -> None:
        """`secure`: people reach us over https, whatever the proxy speaks to us."""
        super().__init__(directory=folder, html=True, check_dir=False)
        self.folder = folder
        self.secure = secure
        self.config_checked = True  # a folder that is not there yet is told in words, see `_page`

    async def get_response(self, path: str, scope: Scope) -> Response:
        nonce = ""
        if path in (".", "index.html"):
            nonce, response = self._page()
        else:
            try:
                response = await super().get_response(path, scope)
            except HTTPException as error:
                if error.status_code != 404 or "." in path.rpartition("/")[2].strip("."):
                    raise
                nonce, response = self._page()
        response.headers["cache-control"] = FOR_EVER if path.startswith("assets/") else "no-store" if nonce else "no-cache"
        response.headers.update(SECURITY)
        response.headers["content-security-policy"] = POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "")
        if self.secure or scope.get("scheme") == "https":
            response.headers["strict-transport-security"] = HSTS
        return response

    def _page(self) -> tuple[str, Response]:
        """The one page, with a nonce of its own for each answer, so that it is never kept."""
        try:
            page = (self.folder / "index.html").read_text(encoding="utf-8")
        except FileNotFoundError:
            return "", HTMLResponse(NOT_BUILT, status_code=503)
        nonce = secrets.token_urlsafe(16)
        return nonce, HTMLResponse(page.replace(NONCE, nonce))


def folder() -> Path:
    """Where the built pages are: inside the installed package, or in the checkout beside it."""
    packaged = Path(__file__).parent.parent / "web"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "web" / "dist"
