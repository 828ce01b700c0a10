"""Organization/$kept, Device/$keep-equipment, Device/{id}/$equipment-record and $changes: what the forms of the directory need beyond FHIR.

docs/reference/directory.md
"""

from __future__ import annotations

from typing import Any

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.directory import keeping
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http import conditional
from yilian.http.answer import Answer, of_json, of_stored, version_headers
from yilian.http.bundles import searchset
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.directory import links_of_page, paged
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import SYSTEM, Scope

Json = dict[str, Any]

LIST = tuple(Parameter(name) for name in ("kind", "text", "of", "state", "_count", "_offset"))
KEEP = (Parameter("device", "resource", of="Device"),)
USUAL, MOST = 30, 200


async def list_places(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/$kept?kind=institutions|departments&text=&of=&state=active|ended&_count=&_offset=: by name, with those that
    ended."""
    require(asker, "read", "Organization")
    called = await called_with(request, LIST)
    offset, count = paged(called, USUAL, MOST)
    async with house.db.reading() as tx:
        found, total = await keeping.places(
            tx,
            called.text("kind"),
            text=called.text("text"),
            of=called.text("of").removeprefix("Organization/"),
            state=called.text("state"),
            offset=offset,
            count=count,
        )
        moment = tx.now
    links = {one["relation"]: one["url"] for one in links_of_page(request, "Organization/$kept", offset, len(found), total)}
    body = searchset(request.base, self_link=links["self"], next_link=links.get("next"), total=total, matches=found, moment=moment)
    return Answer(200, body)


async def keep_equipment(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Device/$keep-equipment with device, and If-Match where it has an id: the Device as it is stored now."""
    require(asker, "write", "HealthcareService")
    device: Json | None = (await called_with(request, KEEP)).one("device")
    if device is None:
        raise BadRequest("device is missing.", expression="device", zh="请填写设备。")
    async with house.db.transaction() as tx:
        written = await keeping.keep_equipment(tx, asker, device, conditional.if_match(request.header("if-match")))
    return Answer(201 if written.created else 200, written.body, version_headers(written.version, written.updated))


async def show_equipment(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Device/{id}/$equipment-record: one piece of equipment in full, for who keeps the directory."""
    require(asker, "read", "HealthcareService")
    keeping.require_keeper(asker)
    await called_with(request, ())
    async with house.db.reading() as tx:
        await keeping.require_equipment(tx, request.segments[1])
        found = await read.by_id(tx, SYSTEM, "Device", request.segments[1])
    await note_read(house.reads, asker, [found], "equipment-record", request.address)
    return of_stored(found)


async def show_changes(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}/$changes: who changed this resource of the directory when, and which elements; for who keeps it."""
    kind, id = request.segments[:2]
    require(asker, "read", "HealthcareService" if kind == "Device" else kind)
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await keeping.versions(tx, asker, kind, id)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "version", "part": _version(one)} for one in found]})


def _version(one: keeping.Version) -> list[Json]:
    return [
        {"name": "number", "valuePositiveInt": one.number},
        {"name": "at", "valueInstant": one.at.isoformat(timespec="milliseconds")},
        {"name": "method", "valueCode": one.method},
        *({"name": name, "valueString": text} for name, text in (("by", one.by), ("account", one.account)) if text),
        *({"name": "element", "valueCode": name} for name in one.elements),
    ]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Organization", "type", "kept", list_places, False, "Institutions or departments, with those that ended", OURS + "kept"),
    Operation("Device", "type", "keep-equipment", keep_equipment, True, "Keep a piece of shared equipment", OURS + "keep-equipment"),
    Operation("Device", "instance", "equipment-record", show_equipment, False, "A piece of equipment in full", OURS + "equipment-record"),
    *(
        Operation(kind, "instance", "changes", show_changes, False, "Who changed this when", OURS + "changes")
        for kind in keeping.KEPT_TYPES
    ),
)
