"""POST /oauth2/sign-in and what follows it, step by step, and /oauth2/sign-out. Each step sets a new session cookie.

204 when the person is signed in; 200 with `{"next": …}` when more is asked: "second-factor", "password" (a new one) or "enrol".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import own
from yilian.access import sign_in as access
from yilian.access.sign_in import SignedIn
from yilian.http.oauth.edge import caller, cookie, json, of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What the sign-in page sends. The password is in no repr and no log."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """A code of an authenticator app, or a recovery code."""

    code: str


class Shown(msgspec.Struct, forbid_unknown_fields=True):
    """What the authenticator answered, as PublicKeyCredential.toJSON() has it."""

    credential: dict[str, Any]


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A password in place of the one that has to be changed."""

    password: str

    def __repr__(self) -> str:
        return "NewPassword()"


async def sign_in(edge: Edge, request: Request) -> Response:
    """POST /oauth2/sign-in: the first step, or 401 that says nothing of why."""
    edge.from_own_page(request)
    edge.limits.sign_in(caller(request).address)
    given: Credentials = await json(request, Credentials)
    taken = await access.sign_in(edge.db, given.user, given.password, edge.settings, caller(request), old_cookie=cookie(request))
    return further(edge, request, taken)


async def second_factor(edge: Edge, request: Request) -> Response:
    """POST /oauth2/sign-in/second-factor"""
    edge.from_own_page(request)
    edge.limits.sign_in(caller(request).address)
    given: Code = await json(request, Code)
    return further(edge, request, await access.second_factor(edge.db, cookie(request), given.code, edge.settings, caller(request)))


async def passkey_options(edge: Edge, request: Request) -> Response:
    """POST /oauth2/sign-in/passkey-options: what the browser asks the authenticator for."""
    edge.from_own_page(request)
    edge.limits.sign_in(caller(request).address)
    return of_json(await access.ask_for_passkey(edge.db, cookie(request), edge.origin(request), caller(request)))


async def passkey(edge: Edge, request: Request) -> Response:
    """POST /oauth2/sign-in/passkey: the authenticator's answer."""
    edge.from_own_page(request)
    edge.limits.sign_in(caller(request).address)
    given: Shown = await json(request, Shown)
    origin = edge.origin(request)
    taken = await access.by_passkey(edge.db, given.credential, origin, edge.settings, caller(request), cookie=cookie(request))
    return further(edge, request, taken)


async def new_password(edge: Edge, request: Request) -> Response:
    """POST /oauth2/sign-in/password: where the old one has to be changed before anything else."""
    edge.from_own_page(request)
    given: NewPassword = await json(request, NewPassword)
    taken = await own.change_password(edge.db, cookie(request), None, given.password, edge.settings, caller(request))
    return further(edge, request, taken) if taken else Response(status_code=204)


async def sign_out(edge: Edge, request: Request) -> Response:
    """204; the session and every token of it end. Also when there was none. 200 with `{"provider": …}` for who signed in by a provider that
    has an address to sign out at, too."""
    edge.from_own_page(request)
    ended = await access.sign_out(edge.db, value, caller(request)) if (value := cookie(request)) else None
    response = Response(status_code=204)
    if ended is not None and ended.provider is not None:
        there = await edge.federation.sign_out_at(ended.provider, edge.origin(request))
        response = of_json({"provider": there}) if there is not None else response
    edge.delete_cookie(request, response)
    return response


def further(edge: Edge, request: Request, taken: SignedIn) -> Response:
    """The new cookie, and what is asked next."""
    response = of_json({"next": taken.step}) if taken.step else Response(status_code=204)
    edge.set_cookie(request, response, taken.cookie)
    return response
