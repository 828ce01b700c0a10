"""GET /oauth2/authorize: back to the application with a code, or first to the sign-in page. RFC 6749 §4.1.1, OpenID Connect Core §3.1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from yilian.access import flow
from yilian.http.oauth.edge import cookie
from yilian.http.request import pairs

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge

SIGN_IN = "/sign-in"
"""The page that asks for name and password and comes back here with the same query."""


async def authorize(edge: Edge, request: Request) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    async with edge.db.transaction() as tx:
        reply = await flow.authorize(tx, pairs(query), cookie(request), origin=edge.origin(request), settings=edge.settings)
    if reply is None:
        return Response(status_code=302, headers={"location": f"{SIGN_IN}?{query}"})
    return Response(status_code=reply.status, headers={"location": reply.location or ""})
