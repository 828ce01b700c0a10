"""/public/…: the directory for anybody, without signing in; JSON, kept by browsers and proxies for some minutes, and limited by address.

    GET /public/institutions?text=&tier=&specialty=&district=&near=lat,lon&offset=&count=
    GET /public/institutions/{id}
    GET /public/map
    GET /public/way?from=&to=

docs/reference/directory.md
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from yilian.db import Database
from yilian.directory import browsing, specialties
from yilian.directory.browsing import Place, Wanted
from yilian.directory.roads import point
from yilian.errors import BadRequest, NotSupported
from yilian.http.limits import Limits
from yilian.http.oauth.edge import id_of, of_json
from yilian.http.outcome import answer_for

PER_MIN = 600
"""For one network address: a whole clinic may stand behind it."""
HEADERS = {
    "cache-control": "public, max-age=300",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
KNOWN = ("text", "tier", "specialty", "district", "near", "offset", "count")
WAY = ("from", "to")
LONGEST_TEXT = 60

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def routes(db: Database, limits: Limits) -> list[BaseRoute]:
    """What is served without a token."""

    async def institutions(request: Request) -> dict[str, Any]:
        found, total = await browsing.places(db, _wanted(request))
        return {"total": total, "institutions": [_told(one) for one in found]}

    async def institution(request: Request) -> dict[str, Any]:
        found, services, people = await browsing.place(db, request.path_params["id"])
        named = [one | {"specialties": _named(one["specialties"])} for one in services]
        return _told(found) | {"services": named, "people": [one | {"specialties": _named(one["specialties"])} for one in people]}

    async def outlines(request: Request) -> dict[str, Any]:
        return {"areas": await browsing.outlines(db)}

    async def road(request: Request) -> dict[str, Any]:
        asked = request.query_params
        for name in asked:
            if name not in WAY:
                raise NotSupported(f"Parameter {name[:40]!r} is not known here; known: {', '.join(WAY)}.", zh="未知的查询参数。")
        if missing := [name for name in WAY if not asked.get(name)]:
            raise BadRequest(f"Say {' and '.join(missing)}: ids of institutions.", expression=missing[0], zh="请指明起点和终点机构。")
        origin, to, found = await browsing.way_between(db, asked["from"], asked["to"])
        told: dict[str, Any] = {"from": _told(origin), "to": _told(to)}
        return told if found is None else told | {"km": round(found.road_km, 1), "minutes": round(found.minutes)}

    def answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                limits.public(request.client.host if request.client else "")
                return of_json(await handler(request), headers=dict(HEADERS))
            except Exception as error:  # every failure leaves as an answer; what is unknown is logged there
                refused = answer_for(error, id_of(request))
                kept = {name.decode(): value.decode() for name, value in refused.headers} | {"cache-control": "no-store"}
                return Response(refused.body, refused.status, kept, refused.content_type.decode())

        return endpoint

    return [
        Route("/public/institutions", answering(institutions), methods=["GET"]),
        Route("/public/institutions/{id}", answering(institution), methods=["GET"]),
        Route("/public/map", answering(outlines), methods=["GET"]),
        Route("/public/way", answering(road), methods=["GET"]),
    ]


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    for name in asked:
        if name not in KNOWN:
            raise NotSupported(f"Parameter {name[:40]!r} is not known here; known: {', '.join(KNOWN)}.", zh="未知的查询参数。")
    text, near = asked.get("text", ""), asked.get("near", "")
    if len(text) > LONGEST_TEXT:
        raise BadRequest(f"text has at most {LONGEST_TEXT} characters.", expression="text", zh="查询文字过长。")
    return Wanted(
        text,
        asked.get("tier", ""),
        asked.get("specialty", ""),
        asked.get("district", ""),
        point(near) if near else None,
        _number(asked.get("offset", "0"), "offset"),
        _number(asked.get("count", "20"), "count"),
    )


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadRequest(f"{name} is a whole number.", expression=name, zh="分页参数不正确。")
    return int(text)


def _told(one: Place) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "short": one.short,
        "tier": one.tier,
        "grade": one.grade,
        "address": one.address,
        "district": one.district,
        "phone": one.phone,
        "specialties": _named(one.specialties),
    }
    if one.point is not None:
        told |= {"latitude": one.point.latitude, "longitude": one.point.longitude}
    if one.km is not None:
        told["km"] = round(one.km, 1)
    return told


def _named(codes: Any) -> list[dict[str, str]]:
    return [{"code": code, "name": specialties.name(code)} for code in codes]
