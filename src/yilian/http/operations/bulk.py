"""$export and $import: asked for here, carried out by a job, watched and fetched at addresses only who asked may use.

    GET|POST /fhir/$export, /fhir/Patient/$export, /fhir/Group/{id}/$export      202, Content-Location: …/$export-status/{id}
    POST     /fhir/$import                                                       202, Content-Location: …/$import-status/{id}
    GET      …/$export-status/{id}                  202 with X-Progress while it runs, 200 with the manifest
    DELETE   …/$export-status/{id}                  202: stopped, or its files thrown away
    GET      …/$export-file/{id}/{name}             NDJSON

Bulk Data Access 2.0: https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from yilian.audit.note import by, write
from yilian.errors import BadRequest, Conflict, Forbidden, MethodNotAllowed, NotFound, YilianError
from yilian.exchange.bulk import ask as asking
from yilian.exchange.bulk import export as exporting
from yilian.exchange.bulk import records, take_in
from yilian.exchange.bulk.desk import Desk
from yilian.exchange.bulk.records import Bulk, File
from yilian.fhir.json import dump
from yilian.http.answer import Answer, http_date
from yilian.http.bundles import link
from yilian.http.files import FileAnswer, keep_body
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.outcome import answer_for
from yilian.http.request import Request
from yilian.store.scope import Scope
from yilian.store.write import stamp

DEFINITIONS = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
NDJSON = b"application/fhir+ndjson"
JSON = b"application/json"
MEDIA = {".csv": b"text/csv; charset=utf-8", ".parquet": b"application/vnd.apache.parquet"}
NDJSON_TYPES = ("application/fhir+ndjson", "application/ndjson", "application/x-ndjson")
ADDRESSES = ("$export-status", "$export-file", "$import-status", "$import-file")
"""First parts of addresses that `beside` answers."""
AGAIN_S = 2
LONGEST_AGAIN_S = 60


async def export_system(house: House, asker: Scope, request: Request) -> Answer:
    """GET|POST /$export: everything of the region. For systems of the region alone."""
    if asker.reach != "everything":
        raise Forbidden(
            "Only a system client of the region exports everything; GET /Patient/$export gives the patients you may see.",
            zh="仅限区域系统应用导出全部数据。",
        )
    return await _export(house, asker, request, "system")


async def export_patients(house: House, asker: Scope, request: Request) -> Answer:
    """GET|POST /Patient/$export: all there is about the patients the asker may see."""
    return await _export(house, asker, request, "patient")


async def export_group(house: House, asker: Scope, request: Request) -> Answer:
    """GET|POST /Group/{id}/$export: all there is about the members the asker may see."""
    return await _export(house, asker, request, "group")


async def _export(house: House, asker: Scope, request: Request, level: asking.Level) -> Answer:
    if asker.reach == "nothing":
        raise Forbidden("Your post sees no records, so there is nothing to export.", zh="您的岗位无权查看病历,不能导出。")
    lenient = _asynchronous(request)
    given = list(request.query)
    if request.method == "POST":
        given += _given(await request.resource()) if request.header("content-type") else []
    group = request.segments[1] if level == "group" else ""
    ask = asking.understood(level, group, given, zone=house.zone, lenient=lenient)
    if asker.reads is not None and (beyond := [kind for kind in ask.types if kind not in asker.reads]):
        raise Forbidden(f"Your token does not allow you to read {beyond[0]}.", zh="您的应用授权不包含该类资料。")
    async with house.db.transaction() as tx:
        await exporting.checked(tx, asker, ask)
        asked = link(request.base, "/".join(request.segments), request.query)
        id = await records.accept(tx, asker, "export", asked, ask.as_json())
        await write(tx, [by(asker, tx.now, "operation", "E", operation="export", query=f"{asked} → accepted", address=request.address)])
    return _accepted(request, "export", id)


async def export_views(house: House, asker: Scope, request: Request, views: list[dict[str, Any]], format: str, since: str) -> Answer:
    """POST /ViewDefinition/$export: tables out of what the asker may see, as files. `views`: sound ViewDefinitions of different names."""
    if asker.reach == "nothing":
        raise Forbidden("Your post sees no records, so there is nothing to export.", zh="您的岗位无权查看病历,不能导出。")
    _asynchronous(request)
    types = sorted({view["resource"] for view in views})
    level: asking.Level = "system" if asker.reach == "everything" else "patient"
    ask = asking.understood(level, "", [("_type", ",".join(types)), *([("_since", since)] if since else [])], zone=house.zone)
    if asker.reads is not None and (beyond := [kind for kind in ask.types if kind not in asker.reads]):
        raise Forbidden(f"Your token does not allow you to read {beyond[0]}.", zh="您的应用授权不包含该类资料。")
    ask = replace(ask, views=tuple(views), format=format)
    asked = link(request.base, "ViewDefinition/$export", request.query)
    async with house.db.transaction() as tx:
        id = await records.accept(tx, asker, "export", asked, ask.as_json())
        await write(tx, [by(asker, tx.now, "operation", "E", operation="export", query=f"{asked} → accepted", address=request.address)])
    return _accepted(request, "export", id)


async def take(house: House, asker: Scope, request: Request) -> Answer:
    """POST /$import: NDJSON in the body, or a list of files to fetch. For systems of the region that may write everything."""
    if asker.reach != "everything" or asker.roles or not asker.may_write or asker.writes is not None:
        raise Forbidden(
            "Only a system client of the region that may write every type imports.", zh="仅限有全部写入权限的区域系统应用批量导入。"
        )
    _asynchronous(request)
    desk = _desk(house)
    kind = request.header("content-type").partition(";")[0].strip().lower()
    id = records.new_id()
    asked = link(request.base, "$import", request.query)
    what: dict[str, Any] = {"source": "", "input": [{"type": "", "url": ""}]}
    try:
        if kind not in NDJSON_TYPES:
            what = take_in.understood(await request.resource(), desk.taking.hosts)
        elif not await keep_body(request, desk.folder.of(id) / take_in.SENT, desk.taking.most, house.db.disk):
            raise BadRequest("The body is empty; resources were expected, one a line.", zh="请求内容为空。")
        async with house.db.transaction() as tx:
            await records.accept(tx, asker, "import", asked, what, id=id)
            await write(tx, [by(asker, tx.now, "operation", "E", operation="import", query=f"{asked} → accepted", address=request.address)])
    except YilianError:
        desk.folder.remove(id)
        raise
    return _accepted(request, "import", id)


async def beside(house: House, asker: Scope, request: Request) -> Answer:
    """What is watched, stopped and fetched, at the addresses of `ADDRESSES`."""
    what, way = request.segments[0], request.segments
    kind = "export" if what.startswith("$export") else "import"
    if what.endswith("-file") and len(way) == 3 and request.method == "GET":
        return await _file(house, asker, request, kind)
    if what.endswith("-status") and len(way) == 2 and request.method in ("GET", "DELETE"):
        return await (_status if request.method == "GET" else _cancel)(house, asker, request, kind)
    if len(way) == (3 if what.endswith("-file") else 2):
        raise MethodNotAllowed(f"{request.method} is not done at this address.")
    raise NotFound(f"There is nothing at /{'/'.join(way)}; the address of the status came with the answer to ${kind}.")


async def _status(house: House, asker: Scope, request: Request, kind: str) -> Answer:
    async with house.db.reading() as tx:
        bulk = await _of(tx, asker, request, kind)
        files = await records.files(tx, bulk.id) if bulk.state == "done" else []
        now = tx.now
    if bulk.state == "accepted":
        age_s = (now - bulk.created).total_seconds()
        again_s = int(min(max(AGAIN_S, age_s / 10), LONGEST_AGAIN_S))
        said = f"{bulk.done} resources {'so far' if bulk.running else 'so far, waits for a worker'}"
        return Answer(202, b"", [(b"x-progress", said.encode()), (b"retry-after", str(again_s).encode())])
    if bulk.state == "failed":
        return answer_for(YilianError(f"The {kind} could not be carried out: {bulk.error}", zh="批量任务未能完成。"), request.request_id)
    manifest = _manifest(bulk, files, request.base) if kind == "export" else _report(bulk, files, request.base)
    headers = [(b"expires", http_date(bulk.expires))] if bulk.expires else []
    return Answer(200, dump(manifest), headers, JSON)


async def _cancel(house: House, asker: Scope, request: Request, kind: str) -> Answer:
    async with house.db.transaction() as tx:
        bulk = await _of(tx, asker, request, kind)
        await records.cancel(tx, bulk)
        await write(tx, [by(asker, tx.now, "operation", "E", operation=kind, query=f"{bulk.request} → cancelled", address=request.address)])
    return Answer(202)


async def _file(house: House, asker: Scope, request: Request, kind: str) -> Answer:
    async with house.db.transaction() as tx:
        bulk = await _of(tx, asker, request, kind)
        file = next((one for one in await records.files(tx, bulk.id) if one.name == request.segments[2] and one.bytes), None)
        if bulk.state != "done" or file is None or (bulk.expires is not None and bulk.expires <= tx.now):
            raise NotFound("There is no such file; exports are deleted when they expire.", zh="没有该文件,导出文件到期后会被删除。")
        path = _desk(house).folder.file(bulk.id, file.name)
        query = f"{bulk.request} → {file.name}, {file.count} lines fetched"
        await write(tx, [by(asker, tx.now, "operation", "R", operation=kind, query=query, address=request.address)])
    return FileAnswer.of(path, MEDIA.get(path.suffix, NDJSON), gzip="gzip" in request.header("accept-encoding"))


async def _of(tx: Any, asker: Scope, request: Request, kind: str) -> Bulk:
    bulk = await records.by_id(tx, request.segments[1], owner=asker)
    if bulk.kind != kind:
        raise NotFound(f"There is no such {kind}.")
    return bulk


def _manifest(bulk: Bulk, files: list[File], base: str) -> dict[str, Any]:
    """https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status"""

    def listed(section: str) -> list[dict[str, Any]]:
        return [
            {
                "type": file.type if section != "deleted" else "Bundle",
                "url": f"{base}/$export-file/{bulk.id}/{file.name}",
                "count": file.count,
            }
            for file in files
            if file.section == section
        ]

    assert bulk.at is not None
    found: dict[str, Any] = {
        "transactionTime": _instant(bulk.at),
        "request": bulk.request,
        "requiresAccessToken": True,
        "output": listed("view" if bulk.ask.get("views") else "output"),
        "error": listed("error"),
    }
    if bulk.ask["since"] and not bulk.ask.get("views"):
        found["deleted"] = listed("deleted")
    return found


def _report(bulk: Bulk, files: list[File], base: str) -> dict[str, Any]:
    """What became of an import: how many lines of each file were stored, and where the reasons of the others are."""
    stored = [{"type": f.type, "inputUrl": f.source, "count": f.count} for f in files if f.section == "output"]
    refused = [
        {"type": f.type, "inputUrl": f.source, "count": f.count, "url": f"{base}/$import-file/{bulk.id}/{f.name}"}
        for f in files
        if f.section == "error"
    ]
    return {
        "transactionTime": _instant(bulk.created),
        "request": bulk.request,
        "requiresAccessToken": True,
        "output": stored,
        "error": refused,
    }


def _instant(moment: datetime) -> str:
    """In UTC with a Z: it comes back in an address (`_since`), where a + would be a blank."""
    return stamp(moment.astimezone(UTC))


def _accepted(request: Request, kind: str, id: str) -> Answer:
    return Answer(202, b"", [(b"content-location", f"{request.base}/${kind}-status/{id}".encode())])


def _asynchronous(request: Request) -> bool:
    """Whether handling=lenient is preferred. BadRequest unless `Prefer: respond-async` is given."""
    wishes = {part.strip().lower() for piece in request.header("prefer").split(",") for part in piece.split(";")}
    if "respond-async" not in wishes:
        raise BadRequest("This is done asynchronously only; send Prefer: respond-async.")
    return "handling=lenient" in wishes


def _given(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The parameters of a Parameters resource as pairs."""
    if body.get("resourceType") != "Parameters":
        raise BadRequest("POST $export takes a Parameters resource.", expression="resourceType")
    found = []
    for place, one in enumerate(body.get("parameter") or ()):
        name = one.get("name") if isinstance(one, dict) else None
        value = next((value for key, value in one.items() if key.startswith("value")), None) if isinstance(one, dict) else None
        if isinstance(value, dict):
            value = value.get("reference")
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(name, str) or not isinstance(value, str):
            raise BadRequest("Each parameter needs a name and one value.", expression=f"Parameters.parameter[{place}]")
        found.append((name, value))
    return found


def _desk(house: House) -> Desk:
    if house.bulk is None:
        raise Conflict("This server has no folder for exports and imports.")
    return house.bulk


BOTH = ("GET", "POST")
OPERATIONS = (
    Operation("", "system", "export", export_system, False, "Everything of the region, for systems", DEFINITIONS + "export", BOTH),
    Operation(
        "Patient", "type", "export", export_patients, False, "All about the patients one may see", DEFINITIONS + "patient-export", BOTH
    ),
    Operation("Group", "instance", "export", export_group, False, "All about the members of a group", DEFINITIONS + "group-export", BOTH),
    Operation("", "system", "import", take, True, "Records made elsewhere, as NDJSON, for systems", DEFINITIONS + "import"),
)
