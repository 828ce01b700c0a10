"""POST /oauth2/token, /oauth2/revoke and /oauth2/introspect. RFC 6749 §5, RFC 7009, RFC 7662."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from yilian.access import flow
from yilian.access.oauth import Reply
from yilian.http.oauth.edge import caller, form, of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


async def token(edge: Edge, request: Request) -> Response:
    who = caller(request)
    edge.limits.sign_in(who.address)
    reply = await flow.exchange(
        edge.db,
        await form(request),
        request.headers.get("authorization", ""),
        origin=edge.origin(request),
        settings=edge.settings,
        request_id=who.request_id,
        address=who.address,
    )
    return _response(reply)


async def revoke(edge: Edge, request: Request) -> Response:
    reply = await flow.revoke(
        edge.db,
        await form(request),
        request.headers.get("authorization", ""),
        verifier=edge.verifier,
        origin=edge.origin(request),
        settings=edge.settings,
    )
    return _response(reply)


async def introspect(edge: Edge, request: Request) -> Response:
    reply = await flow.introspect(
        edge.db,
        await form(request),
        request.headers.get("authorization", ""),
        verifier=edge.verifier,
        origin=edge.origin(request),
        settings=edge.settings,
    )
    return _response(reply)


def _response(reply: Reply) -> Response:
    headers = {name.lower(): value for name, value in reply.headers.items() if name.lower() != "content-type"}
    return of_json(reply.body, reply.status, headers)
