"""create, update and delete of one resource. FHIR R4 http.html §3.1.0.3–3.1.0.8."""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.errors import BadRequest, Issue
from yilian.fhir.json import dump
from yilian.fhir.outcome import outcome
from yilian.http import conditional
from yilian.http.answer import Answer, version_headers
from yilian.http.bundles import link
from yilian.http.house import House
from yilian.http.request import Request, pairs
from yilian.store import find, write
from yilian.store.scope import Scope
from yilian.store.write import Change, Written


async def create(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}; with If-None-Exist the one that is already there is answered instead, and so was read; 412 when there are several."""
    (kind,) = request.segments
    resource = await _resource(request, kind)
    query = request.header("if-none-exist")
    async with house.db.transaction() as tx:
        if query:
            condition = pairs(query.lstrip("?"))
            there = await find.only(tx, asker, kind, condition, zone=house.zone, creating=True)
            if there is not None:
                asked = link("", kind, condition)[1:]
                await note_read(house.reads, asker, [there], "search", request.address, query=asked, kind=kind)
                return _answer(request, 200, there.body, kind, there.id, there.version, version_headers(there.version, there.updated))
        (done,) = await write.write(tx, asker, [Change("POST", kind, None, resource)], base=request.base)
    return _written(request, done)


async def update(house: House, asker: Scope, request: Request) -> Answer:
    """PUT /{type}/{id}: replaces it, or makes it under this id where there is none."""
    kind, id_ = request.segments
    resource = await _resource(request, kind)
    if resource.get("id") != id_:
        raise BadRequest(f"The resource's id must be {id_!r}, the one in the address.", expression=f"{kind}.id", code="invalid")
    change = Change(
        "PUT",
        kind,
        id_,
        resource,
        if_match=conditional.if_match(request.header("if-match")),
        if_none_match_any=conditional.any_match(request.header("if-none-match")),
    )
    async with house.db.transaction() as tx:
        (done,) = await write.write(tx, asker, [change], base=request.base)
    return _written(request, done)


async def delete(house: House, asker: Scope, request: Request) -> Answer:
    """DELETE /{type}/{id}; 204 also when it was deleted before."""
    kind, id_ = request.segments
    change = Change("DELETE", kind, id_, None, if_match=conditional.if_match(request.header("if-match")))
    async with house.db.transaction() as tx:
        (done,) = await write.write(tx, asker, [change])
    return Answer(204, headers=version_headers(done.version, done.updated))


async def _resource(request: Request, kind: str) -> dict[str, Any]:
    resource = await request.resource()
    stated = resource.get("resourceType")
    if stated != kind:
        raise BadRequest(
            f"A {kind} was expected at this address, the body says resourceType {stated!r}.", expression="resourceType", code="invalid"
        )
    return resource


def _written(request: Request, done: Written) -> Answer:
    return _answer(
        request, 201 if done.created else 200, done.body, done.type, done.id, done.version, version_headers(done.version, done.updated)
    )


def _answer(request: Request, status: int, body: bytes, kind: str, id_: str, version: int, headers: list[tuple[bytes, bytes]]) -> Answer:
    where = f"{request.base}/{kind}/{id_}/_history/{version}"
    headers = [*headers, (b"location", where.encode())]
    wanted = request.prefer("return")
    if wanted == "minimal":
        return Answer(status, b"", headers)
    if wanted == "operationoutcome":
        return Answer(
            status,
            dump(outcome([Issue("information", "informational", f"{kind}/{id_} is stored as version {version}.", zh="已保存。")])),
            headers,
        )
    return Answer(status, body, headers)
