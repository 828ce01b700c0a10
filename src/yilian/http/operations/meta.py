"""$meta, $meta-add, $meta-delete: profiles, tags and security labels.

Adding and taking away make a new version like any other change, so that the history tells who did it: the standard leaves that to the
server. Older versions are never altered. FHIR R4: http://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir.json import dump, parse
from yilian.http import conditional
from yilian.http.answer import Answer, of_json, version_headers
from yilian.http.house import House
from yilian.http.operations import EVERY_TYPE, HL7, Operation
from yilian.http.request import Request
from yilian.store import labels, read, write
from yilian.store.change import Change
from yilian.store.scope import Scope

Json = dict[str, Any]
LABELS = ("profile", "security", "tag")


async def of_all(house: House, asker: Scope, request: Request) -> Answer:
    """/$meta and /{type}/$meta: every label on any resource the asker sees."""
    _none_asked(request)
    kind = request.segments[0] if len(request.segments) == 2 else ""
    async with house.db.reading() as tx:
        found = await labels.labels_of(tx, asker, kind)
    return _answer(found)


async def of_one(house: House, asker: Scope, request: Request) -> Answer:
    """/{type}/{id}/$meta"""
    _none_asked(request)
    async with house.db.reading() as tx:
        found = await read.by_id(tx, asker, request.segments[0], request.segments[1])
    await note_read(house.reads, asker, [found], "meta", request.address)
    meta = parse(found.body).get("meta", {})
    return _answer(meta, version_headers(found.version, found.updated))


async def add(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}/{id}/$meta-add: the labels that are not there yet are put to it."""
    return await _change(house, asker, request, _added)


async def take_away(house: House, asker: Scope, request: Request) -> Answer:
    """POST /{type}/{id}/$meta-delete: the labels that are there are taken away; others are no fault."""
    return await _change(house, asker, request, _left)


async def _change(house: House, asker: Scope, request: Request, change: Callable[[list[Any], list[Any]], list[Any]]) -> Answer:
    kind, id_ = request.segments[:2]
    given = _given(await request.resource())

    def changed(resource: Json) -> Json:
        meta = dict(resource.get("meta", {}))
        for name in LABELS:
            if name in given:
                meta[name] = change(meta.get(name, []), given[name])
                if not meta[name]:
                    del meta[name]
        return {**resource, "meta": meta}

    if_match = conditional.if_match(request.header("if-match"))
    async with house.db.transaction() as tx:
        (done,) = await write.write(tx, asker, [Change("PATCH", kind, id_, None, if_match=if_match, patch=changed)], base=request.base)
    return _answer((done.resource or {}).get("meta", {}), version_headers(done.version, done.updated))


def _given(parameters: Json) -> Json:
    """The Meta of the one parameter `meta`. BadRequest for anything else."""
    parts = parameters.get("parameter")
    if parameters.get("resourceType") != "Parameters" or type(parts) is not list or len(parts) != 1 or type(parts[0]) is not dict:
        raise BadRequest("The body is a Parameters resource with one parameter, meta.", expression="Parameters.parameter")
    meta = parts[0].get("valueMeta")
    if parts[0].get("name") != "meta" or type(meta) is not dict:
        raise BadRequest("The one parameter is called meta and has a valueMeta.", expression="Parameters.parameter[0]")
    if unknown := meta.keys() - set(LABELS):
        raise BadRequest(
            f"Of a meta, profile, security and tag can be added and taken away, not {sorted(unknown)[0][:40]!r}.",
            expression="Parameters.parameter[0].valueMeta",
        )
    if not meta or any(type(meta[name]) is not list or not meta[name] for name in meta):
        raise BadRequest("valueMeta names at least one profile, security label or tag.", expression="Parameters.parameter[0].valueMeta")
    return meta


def _key(label: Any) -> Any:
    """What makes two labels the same: a profile itself, of a coding its system and code."""
    return (label.get("system"), label.get("code")) if type(label) is dict else label


def _added(there: list[Any], given: list[Any]) -> list[Any]:
    known = [_key(one) for one in there]
    return there + [one for one in given if _key(one) not in known]


def _left(there: list[Any], given: list[Any]) -> list[Any]:
    gone = [_key(one) for one in given]
    return [one for one in there if _key(one) not in gone]


def _none_asked(request: Request) -> None:
    if request.query:
        raise BadRequest(f"$meta takes no parameters; {request.query[0][0][:40]!r} was given.")


def _answer(meta: Json, headers: list[tuple[bytes, bytes]] | None = None) -> Answer:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]}
    return of_json(parameters) if headers is None else Answer(200, dump(parameters), headers)


OPERATIONS = (
    Operation("", "system", "meta", of_all, False, "Profiles, tags and security labels in use", HL7 + "Resource-meta"),
    Operation(EVERY_TYPE, "type", "meta", of_all, False, "Profiles, tags and security labels in use", HL7 + "Resource-meta"),
    Operation(EVERY_TYPE, "instance", "meta", of_one, False, "Profiles, tags and security labels in use", HL7 + "Resource-meta"),
    Operation(EVERY_TYPE, "instance", "meta-add", add, True, "Add profiles, tags or labels", HL7 + "Resource-meta-add"),
    Operation(EVERY_TYPE, "instance", "meta-delete", take_away, True, "Take profiles, tags or labels away", HL7 + "Resource-meta-delete"),
)
