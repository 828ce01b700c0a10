"""POST /oauth2/sign-in and /oauth2/sign-out: a session cookie for name and password, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import sign_in as access
from yilian.http.oauth.edge import caller, cookie, json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What the sign-in page sends. The password is in no repr and no log."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


async def sign_in(edge: Edge, request: Request) -> Response:
    """204 with the cookie, or 401 that says nothing of why."""
    edge.from_own_page(request)
    given: Credentials = await json(request, Credentials)
    value = await access.sign_in(edge.db, given.user, given.password, edge.settings, caller(request), old_cookie=cookie(request))
    response = Response(status_code=204)
    edge.set_cookie(request, response, value)
    return response


async def sign_out(edge: Edge, request: Request) -> Response:
    """204; the session and every token of it end. Also when there was none."""
    edge.from_own_page(request)
    if value := cookie(request):
        await access.sign_out(edge.db, value, caller(request))
    response = Response(status_code=204)
    edge.delete_cookie(request, response)
    return response
