"""/oauth2/account…: what people do about their own account. By the session cookie and from a page of our own only; JSON both ways.

Nothing here takes a token: an application that was given one cannot change how its user signs in.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import own
from yilian.access.factors import Factors
from yilian.access.sign_in import SignedIn
from yilian.http.oauth.edge import caller, cookie, json, of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


class Proven(msgspec.Struct, forbid_unknown_fields=True):
    """The password once more, for what would let somebody else stay in; "" where a second factor is enrolled while signing in."""

    password: str = ""

    def __repr__(self) -> str:
        return "Proven()"


class Passwords(msgspec.Struct, forbid_unknown_fields=True):
    """The password there is, and the one there shall be."""

    current: str
    password: str

    def __repr__(self) -> str:
        return "Passwords()"


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """What the authenticator app shows."""

    code: str


class Made(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey, as PublicKeyCredential.toJSON() has it, and what its owner calls it."""

    label: str
    credential: dict[str, Any]


class Unwanted(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey that is to go."""

    id: str
    password: str

    def __repr__(self) -> str:
        return f"Unwanted(id={self.id!r})"


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """The session that is to end; null for all others."""

    id: UUID | None = None


async def view(edge: Edge, request: Request) -> Response:
    """GET /oauth2/account. Times are UTC."""
    mine = await own.view(edge.db, cookie(request))
    body = {
        "name": mine.name,
        "display": mine.display,
        "step": mine.step,
        "password": {"changed": _time(mine.password_changed), "until": _time(mine.password_until)},
        "rules": {"length": mine.rules.length, "classes": mine.rules.classes, "history": mine.rules.history},
        "secondFactor": {"needed": mine.needs_second_factor, **_factors(mine.factors)},
    }
    if mine.step == "second-factor":  # who has shown a password only is told what to go on with, and nothing else of the account
        body = {
            "name": mine.name,
            "display": "",
            "step": mine.step,
            "secondFactor": {"app": mine.factors.app is not None, "passkey": bool(mine.factors.passkeys)},
        }
    return of_json(body)


async def password(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/password"""
    edge.from_own_page(request)
    given: Passwords = await json(request, Passwords)
    await own.change_password(edge.db, cookie(request), given.current, given.password, edge.settings, caller(request))
    return Response(status_code=204)


async def begin_app(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/app"""
    edge.from_own_page(request)
    given: Proven = await json(request, Proven)
    made = await own.begin_app(edge.db, cookie(request), given.password, caller(request))
    return of_json({"secret": made.secret, "uri": made.uri, "picture": made.picture})


async def confirm_app(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/app/confirm"""
    edge.from_own_page(request)
    given: Code = await json(request, Code)
    codes, further = await own.confirm_app(edge.db, cookie(request), given.code, edge.settings, caller(request))
    return _enrolled(edge, request, codes, further)


async def remove_app(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/app/remove"""
    edge.from_own_page(request)
    given: Proven = await json(request, Proven)
    await own.remove_app(edge.db, cookie(request), given.password, caller(request))
    return Response(status_code=204)


async def passkey_options(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/passkey-options"""
    edge.from_own_page(request)
    given: Proven = await json(request, Proven)
    return of_json(await own.begin_passkey(edge.db, cookie(request), given.password, edge.origin(request), caller(request)))


async def add_passkey(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/passkeys"""
    edge.from_own_page(request)
    given: Made = await json(request, Made)
    codes, further = await own.add_passkey(
        edge.db, cookie(request), given.label, given.credential, edge.origin(request), edge.settings, caller(request)
    )
    return _enrolled(edge, request, codes, further)


async def remove_passkey(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/passkeys/remove"""
    edge.from_own_page(request)
    given: Unwanted = await json(request, Unwanted)
    await own.remove_passkey(edge.db, cookie(request), given.id, given.password, caller(request))
    return Response(status_code=204)


async def renew_codes(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/recovery-codes"""
    edge.from_own_page(request)
    given: Proven = await json(request, Proven)
    return of_json({"recoveryCodes": await own.renew_codes(edge.db, cookie(request), given.password, caller(request))})


async def sessions(edge: Edge, request: Request) -> Response:
    """GET /oauth2/account/sessions"""
    found = await own.devices(edge.db, cookie(request))
    return of_json(
        {
            "sessions": [
                {
                    "id": str(one.id),
                    "browser": one.browser,
                    "address": one.address,
                    "started": _time(one.started),
                    "seen": _time(one.seen),
                    "factors": list(one.factors),
                    "here": one.here,
                    "apps": [{"client": app.client, "name": app.name, "since": _time(app.since)} for app in one.apps],
                }
                for one in found
            ]
        }
    )


async def end_session(edge: Edge, request: Request) -> Response:
    """POST /oauth2/account/sessions/end: one, or every other one. How many ended."""
    edge.from_own_page(request)
    given: Ending = await json(request, Ending)
    if given.id is None:
        return of_json({"ended": await own.end_others(edge.db, cookie(request), caller(request))})
    await own.end_device(edge.db, cookie(request), given.id, caller(request))
    return of_json({"ended": 1})


def _enrolled(edge: Edge, request: Request, codes: list[str], further: SignedIn | None) -> Response:
    response = of_json({"recoveryCodes": codes, "next": further.step if further else ""})
    if further is not None:
        edge.set_cookie(request, response, further.cookie)
    return response


def _factors(factors: Factors) -> dict[str, Any]:
    return {
        "app": _time(factors.app),
        "passkeys": [
            {"id": one.id, "label": one.label, "created": _time(one.created), "used": _time(one.used)} for one in factors.passkeys
        ],
        "recoveryCodes": factors.codes,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
