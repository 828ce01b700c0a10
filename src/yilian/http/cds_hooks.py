"""/cds-services: CDS Hooks 2.0 at the root of the server. docs/reference/criteria.md

    GET  /cds-services                    which services there are; open to everybody, it tells of nobody
    POST /cds-services/{id}               cards for one patient
    POST /cds-services/{id}/feedback      what was made of them

Clients prove themselves with a signed statement (`criteria.cds.client`). Browsers of other origins may call it: no cookie is read here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from yilian.access.settings import AccessSettings
from yilian.audit.record import note_read
from yilian.criteria.cds import feedback, services
from yilian.criteria.cds.cards import cards
from yilian.criteria.cds.client import caller
from yilian.criteria.cds.patient import judge, readers_own
from yilian.errors import Forbidden, NotSignedIn
from yilian.fhir.json import dump, parse
from yilian.http.house import House
from yilian.http.oauth.edge import body, id_of
from yilian.http.outcome import answer_for
from yilian.store.scope import Scope

ADDRESS = "/cds-services"
LONGEST_BODY = 4 * 1024 * 1024
OPEN = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}

Handler = Callable[[Request], Awaitable[Response]]


class CdsHooks:
    """The endpoints. `settings` say which hosts keys are fetched from."""

    def __init__(self, house: House, settings: AccessSettings) -> None:
        self.house = house
        self.settings = settings

    def routes(self) -> list[BaseRoute]:
        listed = (("", self.discover, "GET"), ("/{service}", self.call, "POST"), ("/{service}/feedback", self.feedback, "POST"))
        return [Route(ADDRESS + path, _answering(handler), methods=[method, "OPTIONS"]) for path, handler, method in listed]

    async def discover(self, request: Request) -> Response:
        return _json(services.discovery())

    async def call(self, request: Request) -> Response:
        """Nothing is stored but which cards were given."""
        service = services.service(request.path_params["service"])
        client = await self._client(request)
        called = services.read(service, parse(await body(request, LONGEST_BODY)))
        if service.orders and not called.orders:
            return _json({"cards": []})  # no referral among what is ordered
        house, origin = self.house, self._origin(request)
        at_home = bool(called.server) and called.server == f"{origin}/fhir"
        reader = client
        if at_home and called.token:
            reader = readers_own(await house.verifier.scope_of(f"Bearer {called.token}", id_of(request)), client)
            if client.institution_rid and reader.institution_rid != client.institution_rid:
                raise Forbidden(
                    "The token of fhirAuthorization is of another institution than the client.", zh="令牌与客户端所属机构不一致。"
                )
        async with house.db.reading() as tx:
            judged = await judge(tx, reader, called, at_home=at_home)
        await note_read(house.reads, reader, judged.looked_at, "cds-hooks", _address(request))
        async with house.db.transaction() as tx:
            given = cards(called, judged, new_id=uuid4, origin=origin)
            await feedback.remember(tx, client, service, given, judged.ours)
        return _json({"cards": [one.json for one in given]})

    async def feedback(self, request: Request) -> Response:
        service = services.service(request.path_params["service"])
        client = await self._client(request)
        given = parse(await body(request, LONGEST_BODY))
        async with self.house.db.transaction() as tx:
            await feedback.take(tx, client, service, given)
        return Response(status_code=200)

    async def _client(self, request: Request) -> Scope:
        """Who calls. NotSignedIn, TooManyRequests."""
        address = _address(request)
        here = f"{self._origin(request)}{request.url.path}"
        try:
            scope = await caller(self.house.db, self.settings, request.headers.get("authorization", ""), (here,))
        except NotSignedIn:
            self.house.limits.refused(address)
            raise
        self.house.limits.person(f"cds {scope.client}")
        return scope.asked(id_of(request), address)

    def _origin(self, request: Request) -> str:
        return self.house.base_of(request.url.scheme, request.headers.get("host", "")).removesuffix("/fhir")


def _answering(handler: Handler) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            response = Response(status_code=204) if request.method == "OPTIONS" else await handler(request)
        except Exception as error:  # every failure leaves as an answer; what is unknown is logged there
            refused = answer_for(error, id_of(request))
            response = Response(refused.body, refused.status, media_type=refused.content_type.decode())
            for name, value in refused.headers:
                response.headers[name.decode()] = value.decode()
        response.headers.update(OPEN)
        response.headers["x-request-id"] = id_of(request)
        return response

    return endpoint


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _json(content: object) -> Response:
    return Response(dump(content) if isinstance(content, dict) else msgspec.json.encode(content), media_type="application/json")
