"""/oauth2/launches and /oauth2/launch: applications that a page opens with the patient on it. By the session cookie, from pages of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.access import launch
from yilian.access.launch import Context
from yilian.http.oauth.edge import cookie, json, of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


class Opened(msgspec.Struct, forbid_unknown_fields=True):
    """Which application, with what: references of FHIR, "Patient/…"."""

    client: str
    patient: str
    encounter: str | None = None
    about: list[str] = []
    intent: str | None = None


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """The patient an application that came by itself is to be told."""

    client: str
    patient: str


async def offered(edge: Edge, request: Request) -> Response:
    """GET /oauth2/launches: the applications one's post may open."""
    async with edge.db.transaction() as tx:
        found = await launch.offered(tx, cookie(request))
    return of_json({"applications": [{"id": one.id, "name": one.name} for one in found]})


async def begin(edge: Edge, request: Request) -> Response:
    """POST /oauth2/launch: the address to open."""
    edge.from_own_page(request)
    given: Opened = await json(request, Opened)
    context = Context(given.patient, given.encounter, tuple(given.about), given.intent)
    async with edge.db.transaction() as tx:
        location = await launch.begin(tx, cookie(request), given.client, context, edge.origin(request))
    return of_json({"location": location})


async def choose(edge: Edge, request: Request) -> Response:
    """POST /oauth2/launch/patient: the launch value to go on to /oauth2/authorize with. GET with client: how that application is called."""
    if request.method == "GET":
        async with edge.db.transaction() as tx:
            return of_json({"name": await launch.name_of(tx, cookie(request), request.query_params.get("client", ""))})
    edge.from_own_page(request)
    given: Chosen = await json(request, Chosen)
    async with edge.db.transaction() as tx:
        value = await launch.choose(tx, cookie(request), given.client, given.patient)
    return of_json({"launch": value})
