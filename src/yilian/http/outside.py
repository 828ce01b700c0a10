"""/outside/…: what the page of an institution outside asks, without an account. The page itself is /outside, one of the web pages.

    POST /outside/open      {"link", "code", "number", "name"}: 204 and a cookie, or 401 that says nothing of why
    POST /outside/code      {"link"}: another code for a link whose code was used; 204 whatever comes of it
    GET  /outside/referral  the referral this visitor came for
    GET  /outside/slip      ?kind=referral|return&size=A4|A5: the paper as PDF
    POST /outside/act       {"version", "action", "given"}: one step
    POST /outside/say       {"text"}: a word to the sender
    POST /outside/leave     204

The link's secret stands behind the # of the address, which browsers send to nobody. The cookie is for these addresses alone, no script
reads it, and it goes along with requests of our own pages only. It names one referral; no request can name another.

docs/reference/outside.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from yilian.access.federation import Federation
from yilian.access.settings import AccessSettings
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.http.house import House
from yilian.http.oauth.edge import Edge, caller, json, of_json
from yilian.referral import slips, states
from yilian.referral.outside import answering, doors
from yilian.referral.outside.doors import Try, Visit

COOKIE = "yilian-outside"
PATH = "/outside"
LONGEST_SECRET = 100


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """What is typed at the door. In no repr and no log."""

    link: str
    code: str
    number: str
    name: str

    def __repr__(self) -> str:
        return "Opening()"


class Again(msgspec.Struct, forbid_unknown_fields=True):
    """Whose code is to be sent again."""

    link: str

    def __repr__(self) -> str:
        return "Again()"


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One step: the version of the referral that was seen, the action, and what was typed by name (`answering.STEPS`)."""

    version: int
    action: str
    given: dict[str, str]


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """A word to the sender."""

    text: str


def routes(house: House, settings: AccessSettings) -> list[BaseRoute]:
    """What is served without an account."""
    edge = Edge(house.db, house.verifier, settings, house.limits, Federation(house.db, settings))

    async def opened(edge: Edge, request: Request) -> Response:
        edge.from_own_page(request)
        edge.limits.sign_in(caller(request).address)
        given: Opening = await json(request, Opening)
        cookie = await doors.enter(edge.db, Try(given.link[:LONGEST_SECRET], given.code, given.number, given.name), caller(request))
        response = Response(status_code=204)
        secure = edge.origin(request).startswith("https:")
        response.set_cookie(COOKIE, cookie, path=PATH, secure=secure, httponly=True, samesite="strict")
        return response

    async def code(edge: Edge, request: Request) -> Response:
        edge.from_own_page(request)
        edge.limits.sign_in(caller(request).address)
        given: Again = await json(request, Again)
        await doors.ask_again(edge.db, given.link[:LONGEST_SECRET], caller(request))
        return Response(status_code=204)

    async def referral(edge: Edge, request: Request) -> Response:
        async with house.db.transaction() as tx:
            visit = await _visit(tx, request)
            shown = await answering.show(tx, visit)
        await note_read(house.reads, visit.scope, shown.seen, "outside", caller(request).address, strict=True)
        return of_json(shown.told)

    async def slip(edge: Edge, request: Request) -> Response:
        asked = dict(request.query_params)
        if strange := set(asked) - {"kind", "size"}:
            raise BadRequest(f"Parameter {min(strange)[:40]!r} is not known here; known: kind, size.", zh="打印参数不正确。")
        async with house.db.transaction() as tx:
            visit = await _visit(tx, request)
            shown = await answering.task(tx, visit)
            made = await slips.slip(tx, visit.scope, visit.referral.task_id, asked.get("kind", "referral"), asked.get("size", "A4"))
        await note_read(house.reads, visit.scope, [shown], "slip", caller(request).address, strict=True)
        name = f"{asked.get('kind', 'referral')}-{visit.referral.number}.pdf"
        return Response(made, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type="application/pdf")

    async def act(edge: Edge, request: Request) -> Response:
        edge.from_own_page(request)
        given: Step = await json(request, Step)
        async with house.db.transaction() as tx:
            visit = await _visit(tx, request)
        edge.limits.person(visit.scope.user)
        async with house.db.transaction() as tx:
            state = await answering.act(tx, visit, given.version, given.action, given.given)
        return of_json({"state": state, "stateName": states.STATES[state].zh, "open": states.STATES[state].open})

    async def said(edge: Edge, request: Request) -> Response:
        edge.from_own_page(request)
        given: Words = await json(request, Words)
        async with house.db.transaction() as tx:
            visit = await _visit(tx, request)
        edge.limits.person(visit.scope.user)
        async with house.db.transaction() as tx:
            await answering.say(tx, visit, given.text)
        return Response(status_code=204)

    async def left(edge: Edge, request: Request) -> Response:
        edge.from_own_page(request)
        if value := _cookie(request):
            await doors.leave(edge.db, value, caller(request))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path=PATH, secure=edge.origin(request).startswith("https:"), httponly=True, samesite="strict")
        return response

    endpoints: tuple[tuple[str, Callable[..., Any], str], ...] = (
        ("open", opened, "POST"),
        ("code", code, "POST"),
        ("referral", referral, "GET"),
        ("slip", slip, "GET"),
        ("act", act, "POST"),
        ("say", said, "POST"),
        ("leave", left, "POST"),
    )
    return [Route(f"{PATH}/{name}", edge.answering(handler), methods=[method]) for name, handler, method in endpoints]


async def _visit(tx: Any, request: Request) -> Visit:
    return await doors.visit(tx, _cookie(request), caller(request))


def _cookie(request: Request) -> str:
    value = request.cookies.get(COOKIE, "")
    return value if len(value) <= LONGEST_SECRET else ""
