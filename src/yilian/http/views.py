"""/fhir/ViewDefinition: flat tables out of the record, by SQL-on-FHIR v2.

    GET  /ViewDefinition, /ViewDefinition/{name}      the views that come with Yilian
    GET, POST  /ViewDefinition/{name}/$run            one of them over what the asker sees
    POST /ViewDefinition/$run                         one that is sent along (viewResource) or named (viewReference)
    POST /ViewDefinition/$export                      several of them, however many rows, as files; watched and fetched like any $export

ViewDefinition is no resource type of R4, so it has an address but no place in the store or in the CapabilityStatement's types.
https://sql-on-fhir.org/ig/OperationDefinition-ViewDefinitionRun.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from yilian.access.policy import require
from yilian.analytics.views import definition, run, shipped
from yilian.analytics.views.definition import View
from yilian.audit.note import by
from yilian.errors import BadRequest, MethodNotAllowed, NotFound
from yilian.fhir.dates import interval
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import bulk
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import SHARED_TYPES, Scope

Json = dict[str, Any]
OF_ALL = (Parameter("_format"), Parameter("_limit", "integer"), Parameter("_since"), Parameter("patient", many=True))
SENT = (*OF_ALL, Parameter("viewResource", "resource", of="ViewDefinition"), Parameter("viewReference"))
FORMATS: dict[str, tuple[bytes, Callable[[run.Table], bytes]]] = {
    "json": (b"application/json", run.as_json),
    "ndjson": (b"application/x-ndjson", lambda table: b"".join(run.as_ndjson(table))),
    "csv": (b"text/csv; charset=utf-8", run.as_csv),
}
EXPORTED = (
    Parameter("_format"),
    Parameter("_since"),
    Parameter("viewReference", many=True),
    Parameter("viewResource", "resource", many=True, of="ViewDefinition"),
)
FILES = ("ndjson", "csv", "parquet")
MOST_VIEWS = 50
NOTES_AT_ONCE = 1000
MEDIA = {"application/json": "json", "application/x-ndjson": "ndjson", "application/ndjson": "ndjson", "text/csv": "csv"}


async def answer(house: House, asker: Scope, request: Request) -> Answer:
    way = request.segments
    if way[-1] == "$run" and len(way) in (2, 3):
        return await _run(house, asker, request)
    if way[1:] == ["$export"]:
        return await _export(house, asker, request)
    if len(way) > 2 or way[-1].startswith("$"):
        raise NotFound(f"There is nothing at /{'/'.join(way)}; views are run at /ViewDefinition/$run.", code="not-supported")
    if request.method != "GET":
        raise MethodNotAllowed("Views of your own are sent along with POST /ViewDefinition/$run; they are not stored.")
    if len(way) == 2:
        return of_json({"id": way[1], **shipped.resource(way[1])})
    found = [
        {"fullUrl": f"{request.base}/ViewDefinition/{name}", "resource": {"id": name, **shipped.resource(name)}} for name in shipped.names()
    ]
    return of_json({"resourceType": "Bundle", "type": "collection", "entry": found})


async def _run(house: House, asker: Scope, request: Request) -> Answer:
    named = request.segments[1] if len(request.segments) == 3 else ""
    if request.method not in ("GET", "POST") or (not named and request.method != "POST"):
        raise MethodNotAllowed("$run of a named view takes GET and POST, of one that is sent along POST.")
    called = await called_with(request, OF_ALL if named else SENT)
    view = shipped.view(named) if named else _view(called)
    content_type, put = _format(called, request)
    require(asker, "read", view.resource)
    async with house.db.reading() as tx:
        patients = [await read.by_id(tx, asker, "Patient", _patient(text)) for text in called.all("patient")]
        wish = run.Wish(tuple(found.rid for found in patients), _since(house, called), _limit(called))
        table = await run.over_store(tx, asker, view, wish)
    asked = f"ViewDefinition/{view.name}/$run ({len(table.rows)} rows)"
    whose: list[int | None] = [*sorted({*table.patients, *(found.rid for found in patients)})]
    if not whose and view.resource not in SHARED_TYPES:
        whose = [None]
    now = house.db.clock()
    for start in range(0, len(whose), NOTES_AT_ONCE):
        some = whose[start : start + NOTES_AT_ONCE]
        notes = [by(asker, now, "operation", "E", operation="view", patient=rid, query=asked, address=request.address) for rid in some]
        await house.reads.add(notes, strict=whose != [None])  # many rows at once, of whatever kind: first the trail, then the table
    return Answer(200, put(table), [(b"cache-control", b"private, no-store")], content_type)


async def _export(house: House, asker: Scope, request: Request) -> Answer:
    if request.method != "POST":
        raise MethodNotAllowed("$export of views takes POST.")
    called = await called_with(request, EXPORTED)
    wanted = called.text("_format") or "ndjson"
    if wanted not in FILES:
        raise BadRequest(f"_format is {', '.join(FILES)}, not {wanted[:40]!r}.")
    views = [shipped.resource(name.removeprefix("ViewDefinition/")) for name in called.all("viewReference")] + called.all("viewResource")
    names = [definition.read(view).name for view in views]
    if not 1 <= len(views) <= MOST_VIEWS:
        raise BadRequest(f"$export takes 1 to {MOST_VIEWS} views, as viewReference or viewResource.")
    if len(set(names)) < len(names):
        raise BadRequest("Two of the views have one name; files are called by it.")
    for view in views:
        require(asker, "read", view["resource"])
    return await bulk.export_views(house, asker, request, views, wanted, called.text("_since"))


def _view(called: Called) -> View:
    given, reference = called.one("viewResource"), called.text("viewReference")
    if (given is None) is (not reference):
        raise BadRequest("$run takes a viewResource or a viewReference.")
    return shipped.view(reference.removeprefix("ViewDefinition/")) if reference else definition.read(given)


def _format(called: Called, request: Request) -> tuple[bytes, Callable[[run.Table], bytes]]:
    """By `_format`, else by Accept, else JSON."""
    wanted = called.text("_format") or next((MEDIA[kind] for kind in MEDIA if kind in request.header("accept")), "json")
    wanted = MEDIA.get(wanted, wanted)
    if wanted not in FORMATS:
        raise BadRequest(f"_format is {', '.join(FORMATS)}, not {wanted[:40]!r}.")
    return FORMATS[wanted]


def _patient(text: str) -> str:
    kind, slash, id_ = text.rpartition("/")
    if slash and kind != "Patient":
        raise BadRequest(f"patient is Patient/…, not {text[:60]!r}.")
    return id_


def _since(house: House, called: Called) -> datetime | None:
    text = called.text("_since")
    return interval(text, house.zone)[0] if text else None


def _limit(called: Called) -> int | None:
    limit = called.one("_limit")
    if limit is not None and not 0 < limit <= run.MOST:
        raise BadRequest(f"_limit is 1 to {run.MOST}.")
    return None if limit is None else int(limit)
