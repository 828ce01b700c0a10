"""/oauth2/providers and /oauth2/provider/…: signing in by an institution's own OpenID provider.

A browser comes back from there by a GET of another site's making: it gets a session only for a request that this very browser began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import providers
from yilian.access.federation import NotLinked
from yilian.errors import BadRequest, NotSignedIn, TooManyRequests, Unavailable
from yilian.http.oauth.authorize import SIGN_IN
from yilian.http.oauth.edge import caller, cookie, json, of_json
from yilian.http.request import pairs

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge

COOKIE = "yilian-provider"
COOKIE_PATH = "/oauth2/provider"
LINKING = "yilian-linking"
WHY: dict[type[Exception], str] = {
    NotLinked: "not-linked",
    NotSignedIn: "not-completed",
    Unavailable: "unreachable",
    TooManyRequests: "too-many",
}


class Begin(msgspec.Struct, forbid_unknown_fields=True):
    """Which provider; `next`: the query the sign-in page was sent here with."""

    provider: str
    next: str = ""


class Link(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing: who it is, cookies say."""


async def listed(edge: Edge, request: Request) -> Response:
    """GET /oauth2/providers: what the sign-in page offers."""
    async with edge.db.reading() as tx:
        found = await providers.every(tx)
    return of_json({"providers": [{"id": one.id, "name": one.name} for one in found if one.disabled is None]})


async def begin(edge: Edge, request: Request) -> Response:
    """POST /oauth2/provider: where the browser is to go."""
    edge.from_own_page(request)
    edge.limits.sign_in(caller(request).address)
    given: Begin = await json(request, Begin)
    going = await edge.federation.begin(given.provider, given.next.lstrip("?"), edge.origin(request))
    response = of_json({"location": going.location})
    _set(edge, request, response, COOKIE, going.cookie)
    return response


async def back(edge: Edge, request: Request) -> Response:
    """GET /oauth2/provider/{id}/back: into the house, to the next step of signing in, or to the sign-in page with what went wrong."""
    edge.limits.sign_in(caller(request).address)
    found = pairs(request.scope["query_string"].decode("latin-1"))
    answer = dict(found)
    if len(answer) < len(found):
        raise BadRequest("A parameter comes twice (RFC 6749 3.1).")
    id = request.path_params["id"]
    try:
        done = await edge.federation.back(
            id, answer, _of(request, COOKIE), edge.origin(request), caller(request), old_cookie=cookie(request)
        )
    except (NotSignedIn, TooManyRequests, Unavailable) as error:
        why = next(word for kind, word in WHY.items() if isinstance(error, kind))
        response = _to(f"{SIGN_IN}?provider-said={why}")  # a word the page knows: nobody puts sentences on it by an address
        _forget(edge, request, response)
        return response
    query = f"{done.next}&" if done.next else ""
    if done.linking:
        response = _to(f"{SIGN_IN}?{query}link={done.provider}")
        _set(edge, request, response, LINKING, done.linking)
        return response
    assert done.signed is not None
    if done.signed.step:
        response = _to(f"{SIGN_IN}?{query}step={done.signed.step}")
    else:
        response = _to(f"/oauth2/authorize?{done.next}" if done.next else "/")
    edge.set_cookie(request, response, done.signed.cookie)
    _forget(edge, request, response)
    return response


async def link(edge: Edge, request: Request) -> Response:
    """POST /oauth2/provider/link: who came from a provider and has signed in with the local password since is linked from now on."""
    edge.from_own_page(request)
    await json(request, Link)
    await edge.federation.link(_of(request, LINKING), cookie(request), caller(request))
    response = Response(status_code=204)
    _forget(edge, request, response)
    return response


def _to(location: str) -> Response:
    return Response(status_code=302, headers={"location": location})


def _of(request: Request, name: str) -> str:
    value = request.cookies.get(name, "")
    return value if len(value) <= 100 else ""


def _set(edge: Edge, request: Request, response: Response, name: str, value: str) -> None:
    secure = edge.origin(request).startswith("https:")
    response.set_cookie(name, value, path=COOKIE_PATH, secure=secure, httponly=True, samesite="lax", max_age=900)


def _forget(edge: Edge, request: Request, response: Response) -> None:
    for name in (COOKIE, LINKING):
        response.delete_cookie(name, path=COOKIE_PATH, secure=edge.origin(request).startswith("https:"), httponly=True, samesite="lax")
