"""/fhir: which interaction a request asks for. Raw ASGI, since reading by id is the most frequent thing this server does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import datetime
from random import Random
from time import perf_counter
from typing import Any

from yilian.access.policy import require
from yilian.errors import MethodNotAllowed, NotFound, NotSignedIn, Unavailable, YilianError
from yilian.fhir.definitions import ADDRESSED_TYPES
from yilian.fhir.json import dump
from yilian.http import audit, capabilities, finer, formats, operations, subscription_topics, terminology_capabilities, views
from yilian.http.answer import Answer, Send
from yilian.http.house import House
from yilian.http.interactions import bundle, history, read, search, search_several, write
from yilian.http.metrics import observe
from yilian.http.oauth import smart_configuration
from yilian.http.operations import bulk as bulk_operations
from yilian.http.outcome import answer_for
from yilian.http.request import Receive, Request, pairs, segments
from yilian.store import custom_parameters
from yilian.store.scope import Scope

TYPES = frozenset(ADDRESSED_TYPES)
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")
_numbers = Random()
"""For ids of requests, which tell them apart and are no secret: asking the system for each would take longer than reading the headers."""
GUARDED = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"))
"""Nothing that was sent to us as data (a Binary, a document) is run as a page of ours when a browser is led here."""
CONDITIONAL = {"PUT": write.update, "PATCH": write.patch, "DELETE": write.delete}
"""What is done to the one resource a query finds: PUT /Patient?identifier=…"""


class FhirApi:
    """The ASGI application behind /fhir."""

    def __init__(self, house: House, started: datetime) -> None:
        self.house = house
        self.started = started

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = headers.get("x-request-id", "")
        if not REQUEST_ID.match(request_id):
            request_id = f"{_numbers.getrandbits(128):032x}"
        method: str = scope["method"]
        wanted = formats.PLAIN
        try:
            query, wanted = formats.asked(pairs(scope["query_string"].decode("latin-1")), headers)
            request = self._request(scope, receive, headers, request_id, query, wanted)
            answer = await self._answer(request)
            wanted = request.wanted  # a form may have asked for another
            answer = formats.put(answer, wanted)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            answer = formats.put(answer_for(error, request_id), wanted)
        await answer.send(send, head=method == "HEAD", extra=[(b"x-request-id", request_id.encode()), *GUARDED])
        observe(method, answer.status, perf_counter() - start)

    def _request(
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        headers: dict[str, str],
        request_id: str,
        query: list[tuple[str, str]],
        wanted: formats.Format,
    ) -> Request:
        client = scope.get("client")
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return Request(
            "GET" if scope["method"] == "HEAD" else scope["method"],
            segments(raw_path.partition(b"?")[0], "/fhir"),
            query,
            headers,
            self.house.base_of(scope.get("scheme", "http"), headers.get("host", "localhost")),
            client[0] if client else "",
            request_id,
            receive,
            self.house.body_limit,
            wanted=wanted,
        )

    async def _answer(self, request: Request) -> Answer:
        if request.segments == ["metadata"]:
            _only("GET", request)
            with suppress(Unavailable):  # what the server can do is told without a database too
                await custom_parameters.look(self.house.db)
            told = terminology_capabilities if ("mode", "terminology") in request.query else capabilities
            return Answer(200, told.statement(request.base, self.started))
        if request.segments == [".well-known", "smart-configuration"]:
            _only("GET", request)
            return Answer(200, dump(smart_configuration(request.base.removesuffix("/fhir"))), content_type=b"application/json")
        await custom_parameters.look(self.house.db)
        limits = self.house.limits
        try:
            asker = await self.house.verifier.scope_of(request.header("authorization"), request.request_id, request.address)
        except NotSignedIn:
            limits.refused(request.address)
            raise
        if asker.roles:  # a person; systems of the region work as fast as they can
            limits.person(asker.user)
        return await route(self.house, asker, request)


async def route(house: House, asker: Scope, request: Request) -> Answer:
    """The answer to one request of somebody who is signed in."""
    way, method = request.segments, request.method
    if asker.rights is not None or asker.is_partial:
        asker = finer.asker_for(asker, way, method)
    if not way or way == ["_search"]:
        if way or method == "GET":
            _only("POST" if way else "GET", request)
            return await search_several.system(house, asker, request)
        _only("POST", request)
        return await bundle.transaction_or_batch(house, asker, request, route)
    if way == ["_history"]:
        _only("GET", request)
        return await history.of_everything(house, asker, request)
    kind = way[0]
    if len(way) == 1 and kind.startswith("$"):
        return await _operation(house, asker, request)  # each asks for itself what it may read
    if kind in bulk_operations.ADDRESSES:
        return await bulk_operations.beside(house, asker, request)
    if kind == "ViewDefinition":
        return await views.answer(house, asker, request)
    if kind == "Basic" and (topics := subscription_topics.answer(request)) is not None:
        return topics
    if kind not in TYPES:
        raise NotFound(
            f"{kind!r} is not a resource type of FHIR R4 nor an operation of this server; see /fhir/metadata.", code="not-supported"
        )
    looks = method == "GET" or way[-1] == "_search" or way[-1].startswith("$") or kind == "AuditEvent"
    if looks or asker.rights is None:
        require(asker, "read" if looks else "write", kind)
    if way[-1].startswith("$"):
        return await _operation(house, asker, request)
    if kind == "AuditEvent":
        return await audit.answer(house, asker, request)
    if len(way) == 1:
        if method == "GET":
            return await search.search(house, asker, request)
        if method == "POST":
            return await write.create(house, asker, request)
        if method in CONDITIONAL:
            return await CONDITIONAL[method](house, asker, request)
        raise _not_here(request, "GET, POST, PUT, PATCH, DELETE")
    if len(way) == 2 and way[1] == "_search":
        _only("POST", request)
        return await search.search(house, asker, request)
    if way[-1] == "_history" and len(way) in (2, 3):
        _only("GET", request)
        return await history.versions(house, asker, request)
    if not ID.match(way[1]):
        raise NotFound(f"{way[1]!r} cannot be an id: letters, digits, - and ., at most 64.")
    if len(way) == 2:
        if method == "GET":
            return await read.current(house, asker, request)
        if method == "PUT":
            return await write.update(house, asker, request)
        if method == "PATCH":
            return await write.patch(house, asker, request)
        if method == "DELETE":
            return await write.delete(house, asker, request)
        raise _not_here(request, "GET, PUT, PATCH, DELETE")
    if (len(way) == 3 and way[2] in (*TYPES, "*", "_search")) or (len(way) == 4 and way[2] in TYPES and way[3] == "_search"):
        _only("POST" if way[-1] == "_search" else "GET", request)
        return await search_several.compartment(house, asker, request)
    if len(way) == 4 and way[2] == "_history":
        _only("GET", request)
        return await read.version(house, asker, request)
    raise NotFound(f"There is nothing at /{'/'.join(way)}; see /fhir/metadata for what this server does.", code="not-supported")


async def _operation(house: House, asker: Scope, request: Request) -> Answer:
    way = request.segments
    level = {1: "system", 2: "type", 3: "instance"}.get(len(way), "")
    found = operations.find("" if level == "system" else way[0], level, way[-1][1:])
    if found is None:
        raise NotFound(f"There is no operation {way[-1]} here; see /fhir/metadata.", code="not-supported")
    if request.method not in found.called_by:
        raise _not_here(request, ", ".join(found.called_by))
    return await found.handler(house, asker, request)


def _only(method: str, request: Request) -> None:
    if request.method != method:
        raise _not_here(request, method)


def _not_here(request: Request, allowed: str) -> YilianError:
    return MethodNotAllowed(f"{request.method} is not done at this address; {allowed} is.")
