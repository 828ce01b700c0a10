"""create, update, patch and delete of one resource, by id or by condition. FHIR R4 http.html §3.1.0.3–3.1.0.8.

A condition stands in the query: `PUT /Observation?identifier=…`. It finds none, one, or is refused (412); see `store.conditions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.audit.record import note_read
from yilian.errors import BadRequest, Issue, UnsupportedMediaType, VersionStale
from yilian.fhir import patch as patches
from yilian.fhir.json import dump, parse
from yilian.fhir.outcome import outcome
from yilian.http import conditional
from yilian.http.answer import Answer, version_headers
from yilian.http.bundles import link
from yilian.http.house import House
from yilian.http.request import JSON_TYPES, Request, pairs
from yilian.store import find, write
from yilian.store.conditions import Condition, look_up
from yilian.store.read import Stored
from yilian.store.scope import Scope
from yilian.store.write import Change, Method, Written

if TYPE_CHECKING:
    from yilian.db import Tx

PARAMETERS_TYPES = (*JSON_TYPES, "application/fhir+xml", "application/xml", "text/xml")
"""How a FHIRPath Patch comes: as the resource it is."""


async def create(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}; with If-None-Exist the one that is already there is answered instead, and so was read; 412 when there are several."""
    (kind,) = request.segments
    resource = await _resource(request, kind)
    query = request.header("if-none-exist")

    async def step(tx: Tx) -> Answer | Written:
        if query:
            condition = pairs(query.lstrip("?"))
            there = await find.only(tx, asker, kind, condition, zone=house.zone, creating=True)
            if there is not None:
                asked = link("", kind, condition)[1:]
                await note_read(house.reads, asker, [there], "search", request.address, query=asked, kind=kind)
                return _answer(request, 200, there.body, kind, there.id, there.version, version_headers(there.version, there.updated))
        (done,) = await write.write(tx, asker, [Change("POST", kind, None, resource)], base=request.base)
        return done

    done = await house.db.carry_out(step)
    return done if isinstance(done, Answer) else _written(asker, request, done)


async def update(house: House, asker: Scope, request: Request) -> Answer:
    """PUT /{type}/{id}: replaces it, or makes it under this id where there is none, for who may choose ids (`permission.may_name`).

    PUT /{type}?…: replaces what the condition finds, or creates where it finds none, under the id of the resource if it has one.
    """
    kind = request.segments[0]
    resource = await _resource(request, kind)
    if_match = conditional.if_match(request.header("if-match"))
    only_new = conditional.any_match(request.header("if-none-match"))
    own_id = resource.get("id")
    if len(request.segments) == 2 and own_id != request.segments[1]:
        raise BadRequest(
            f"The resource's id must be {request.segments[1]!r}, the one in the address.", expression=f"{kind}.id", code="invalid"
        )
    if own_id is not None and not isinstance(own_id, str):
        raise BadRequest("An id is a text.", expression=f"{kind}.id")

    async def step(tx: Tx) -> Written:
        id_, fresh = own_id, False
        if len(request.segments) == 1:
            found = await _found(house, tx, asker, request, "PUT", own_id)
            fresh = found is None and own_id is not None
            id_ = found.id if found is not None else own_id
        method: Method = "POST" if id_ is None else "PUT"
        change = Change(method, kind, id_, resource, if_match=if_match, if_none_match_any=only_new, fresh=fresh)
        (done,) = await write.write(tx, asker, [change], base=request.base)
        return done

    return _written(asker, request, await house.db.carry_out(step))


async def patch(house: House, asker: Scope, request: Request) -> Answer:
    """PATCH /{type}/{id} and PATCH /{type}?…: JSON Patch, or FHIRPath Patch as a Parameters resource, as Content-Type says."""
    kind = request.segments[0]
    content_type = request.header("content-type").partition(";")[0].strip().lower()
    if content_type == patches.JSON_PATCH:
        wanted = patches.of_json(await request.body())
    elif content_type in PARAMETERS_TYPES:
        parameters = await request.resource()
        if parameters.get("resourceType") != "Parameters":
            raise BadRequest(
                f"A PATCH in {content_type} is a Parameters resource (FHIRPath Patch); a JSON Patch is sent as {patches.JSON_PATCH}.",
                expression="resourceType",
            )
        wanted = patches.of_parameters(parameters)
    else:
        raise UnsupportedMediaType(
            f"Content-Type {content_type[:80] or '(none)'} is no patch read here; send {patches.JSON_PATCH}, or Parameters as"
            " application/fhir+json (FHIRPath Patch). XML Patch is not done.",
            zh="不支持此补丁格式。",
        )
    if_match = conditional.if_match(request.header("if-match"))

    async def step(tx: Tx) -> Written:
        if len(request.segments) == 1:
            found = await _found(house, tx, asker, request, "PATCH")
            id_ = found.id if found is not None else ""
        else:
            id_ = request.segments[1]
        (done,) = await write.write(tx, asker, [Change("PATCH", kind, id_, None, if_match=if_match, patch=wanted)], base=request.base)
        return done

    return _written(asker, request, await house.db.carry_out(step))


async def delete(house: House, asker: Scope, request: Request) -> Answer:
    """DELETE /{type}/{id}; 204 also when it was deleted before.

    DELETE /{type}?…: the one resource the condition finds; 204 also when that is nothing, 412 when there are several.
    """
    kind = request.segments[0]
    if_match = conditional.if_match(request.header("if-match"))
    async with house.db.transaction() as tx:
        if len(request.segments) == 1:
            found = await _found(house, tx, asker, request, "DELETE")
            if found is None and if_match is not None:
                raise VersionStale("The condition finds nothing, so there is no such version.", zh="没有符合条件的记录。")
            if found is None:
                return Answer(204)
            id_ = found.id
        else:
            id_ = request.segments[1]
        (done,) = await write.write(tx, asker, [Change("DELETE", kind, id_, None, if_match=if_match)])
    return Answer(204, headers=version_headers(done.version, done.updated))


async def _found(house: House, tx: Tx, asker: Scope, request: Request, method: Method, own_id: str | None = None) -> Stored | None:
    """The one resource the query of the address finds, locked."""
    condition = Condition(method, request.segments[0], tuple(request.query), own_id=own_id)
    (found,) = await look_up(tx, asker, [condition], house.zone)
    return found


async def _resource(request: Request, kind: str) -> dict[str, Any]:
    resource = await request.resource()
    stated = resource.get("resourceType")
    if stated != kind:
        raise BadRequest(
            f"A {kind} was expected at this address, the body says resourceType {stated!r}.", expression="resourceType", code="invalid"
        )
    return resource


def _written(asker: Scope, request: Request, done: Written) -> Answer:
    headers = version_headers(done.version, done.updated)
    if not asker.may_read(done.type) if asker.rights is None else not asker.rights.r.admits(parse(done.body)):
        where = f"{request.base}/{done.type}/{done.id}/_history/{done.version}"
        return Answer(201 if done.created else 200, b"", [*headers, (b"location", where.encode())])  # who may not read it is not shown it
    return _answer(request, 201 if done.created else 200, done.body, done.type, done.id, done.version, headers, done.warnings)


def _answer(
    request: Request,
    status: int,
    body: bytes,
    kind: str,
    id_: str,
    version: int,
    headers: list[tuple[bytes, bytes]],
    warnings: Sequence[Issue] = (),
) -> Answer:
    where = f"{request.base}/{kind}/{id_}/_history/{version}"
    headers = [*headers, (b"location", where.encode())]
    wanted = request.prefer("return")
    if wanted == "minimal":
        return Answer(status, b"", headers)
    if wanted == "operationoutcome":
        said = Issue("information", "informational", f"{kind}/{id_} is stored as version {version}.", zh="已保存。")
        return Answer(status, dump(outcome([said, *warnings])), headers)
    return Answer(status, body, headers)
