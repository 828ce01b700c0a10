"""POST to the root: a transaction (all or nothing) or a batch (each entry by itself). FHIR R4 http.html §3.1.0.11."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from yilian.audit.note import write as write_notes
from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotSupported, TooLarge, YilianError
from yilian.fhir import patch as patches
from yilian.fhir.dates import interval
from yilian.fhir.json import dump
from yilian.http import operations
from yilian.http.answer import FHIR_JSON, Answer, http_date
from yilian.http.house import House
from yilian.http.outcome import answer_for
from yilian.http.request import Request, pairs, segments
from yilian.http.within import within
from yilian.store import bundle as store_bundle
from yilian.store import read
from yilian.store.scope import Scope
from yilian.store.write import stamp

Route = Callable[[House, Scope, Request], Awaitable[Answer]]
MOST_BATCH_ENTRIES = 1000
MOST_BYTES = 64 * 1024 * 1024
"""Of all that is answered to the GETs of one Bundle; what goes beyond is not asked."""
HEADERS = {"ifMatch": "if-match", "ifNoneMatch": "if-none-match", "ifNoneExist": "if-none-exist"}


async def transaction_or_batch(house: House, asker: Scope, request: Request, route: Route) -> Answer:
    """`route` is how one GET inside a transaction, or one entry of a batch, is answered."""
    bundle = await request.resource()
    if bundle.get("resourceType") != "Bundle":
        raise BadRequest("POST to the root takes a Bundle.", expression="resourceType")
    kind = bundle.get("type")
    if kind == "batch":
        return await _batch(house, asker, request, bundle, route)
    if kind == "transaction":
        return await _transaction(house, asker, request, bundle, route)
    raise BadRequest(
        f"A Bundle of type {kind!r} is not carried out here; transaction and batch are. Store it with POST /Bundle instead.",
        expression="Bundle.type",
    )


async def _transaction(house: House, asker: Scope, request: Request, bundle: dict[str, Any], route: Route) -> Answer:
    wanted = request.prefer("return")
    async with house.db.transaction() as tx:
        inside, reads = within(house, tx)

        answered = 0

        async def get(number: int, entry: dict[str, Any]) -> dict[str, Any]:
            nonlocal answered
            place = f"Bundle.entry[{number}]"
            if answered > MOST_BYTES:
                raise _too_much(place)
            asked = _request_of(request, entry, place)
            _refuse_writing(asked)
            answer = await route(inside, asker, asked)
            answered += len(answer.body)
            return _entry_of(answer, entry)

        response = await store_bundle.transaction(
            tx,
            asker,
            bundle,
            base=request.base,
            zone=house.zone,
            representation=wanted == "representation" and asker.rights is None,
            outcome=wanted == "operationoutcome",
            get=get,
            own=True,
        )
        there = await read.many(tx, asker, _there_already(bundle, response))
        await note_read(reads, asker, list(there.values()), "search", request.address)
        await write_notes(tx, reads.notes)
    return Answer(200, dump(response))


def _refuse_writing(asked: Request) -> None:
    """An operation that changes something has rules and answers of its own; in a transaction only what reads has a place."""
    way = asked.segments
    if not way[-1].startswith("$"):
        return
    level = {1: "system", 2: "type", 3: "instance"}.get(len(way), "")
    found = operations.find("" if level == "system" else way[0], level, way[-1][1:])
    if found is not None and found.writes:
        raise NotSupported(f"{way[-1]} changes something and cannot be part of a transaction; call it by itself.")


def _there_already(bundle: dict[str, Any], response: dict[str, Any]) -> list[tuple[str, str]]:
    """(type, id) of what conditional creations found and answer with: it was read."""
    found = []
    for entry, answer in zip(bundle["entry"], response["entry"], strict=True) if bundle.get("entry") else ():
        done = answer.get("response", {})
        if entry["request"].get("ifNoneExist") and done.get("status") == "200 OK":
            kind, id_ = done["location"].split("/")[-4:-2]
            found.append((kind, id_))
    return found


async def _batch(house: House, asker: Scope, request: Request, bundle: dict[str, Any], route: Route) -> Answer:
    entries = bundle.get("entry") or []
    if not isinstance(entries, list):
        raise BadRequest("Bundle.entry is a list.", expression="Bundle.entry")
    if len(entries) > MOST_BATCH_ENTRIES:
        raise TooLarge(
            f"A batch has at most {MOST_BATCH_ENTRIES} entries; this one has {len(entries)}. Send it in parts.", expression="Bundle.entry"
        )
    done: list[dict[str, Any]] = []
    answered = 0
    for index, entry in enumerate(entries):
        answer = await _one(house, asker, request, entry, route, f"Bundle.entry[{index}]", full=answered > MOST_BYTES)
        answered += len(answer.body)
        done.append(_entry_of(answer, entry))
    return Answer(200, dump({"resourceType": "Bundle", "type": "batch-response", "entry": done}))


async def _one(house: House, asker: Scope, request: Request, entry: Any, route: Route, place: str, *, full: bool) -> Answer:
    """One entry as if it had come alone. Its failure is its own. `full`: so much is answered already that it is refused."""
    try:
        if full:
            raise _too_much(place)
        return await route(house, asker, _request_of(request, entry, place))
    except Exception as error:
        return answer_for(error, request.request_id)


def _too_much(place: str) -> TooLarge:
    return TooLarge(
        f"The answers before this one have more than {MOST_BYTES // 1024**2} MiB together; it was not carried out. Ask for it by itself.",
        zh="本次批量请求的结果过大,该条未执行,请单独请求。",
        expression=place,
        code="too-costly",
    )


def _entry_of(answer: Answer, entry: Any) -> dict[str, Any]:
    """What an answer looks like as an entry of the response."""
    response: dict[str, Any] = {"status": str(answer.status)}
    for name, value in answer.headers:
        if name == b"location":
            response["location"] = value.decode()
        elif name == b"etag":
            response["etag"] = value.decode()
        elif name == b"last-modified":
            response["lastModified"] = stamp(parsedate_to_datetime(value.decode()))
    found: dict[str, Any] = {"response": response}
    if not answer.body or answer.status == 304:
        return found
    if answer.status >= 400 or answer.body.startswith(b'{"resourceType":"OperationOutcome"'):
        response["outcome"] = msgspec.Raw(answer.body)
    elif entry["request"]["method"] == "HEAD":
        return found
    elif answer.content_type == FHIR_JSON:
        found["resource"] = msgspec.Raw(answer.body)
    else:
        kind = answer.content_type.decode().partition(";")[0]
        found["resource"] = {"resourceType": "Binary", "contentType": kind, "data": b64encode(answer.body).decode()}
    return found


def _request_of(outer: Request, entry: Any, place: str) -> Request:
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict) or not isinstance(asked.get("url"), str) or not isinstance(asked.get("method"), str):
        raise BadRequest("Each entry needs request.method and request.url.", expression=f"{place}.request", code="required")
    try:
        parts = urlsplit(asked["url"])
    except ValueError as error:
        raise BadRequest("request.url is no address.", expression=f"{place}.request.url") from error
    path = parts.path
    if parts.scheme:
        if not asked["url"].startswith(outer.base):
            raise BadRequest("request.url is at another server.", expression=f"{place}.request.url")
        path = asked["url"][len(outer.base) :].partition("?")[0]
    try:
        way = segments(path.encode("ascii"), "")
    except UnicodeEncodeError as error:
        raise BadRequest("request.url is not percent-encoded.", expression=f"{place}.request.url") from error
    if not way:
        raise BadRequest("A Bundle inside a batch is not carried out.", expression=f"{place}.request.url")
    headers = {"content-type": "application/fhir+json", "prefer": outer.header("prefer")}
    for name, header in HEADERS.items():
        if isinstance(asked.get(name), str):
            headers[header] = asked[name]
    if isinstance(since := asked.get("ifModifiedSince"), str):
        try:
            headers["if-modified-since"] = http_date(interval(since, UTC)[0]).decode()
        except BadRequest as error:
            raise BadRequest("ifModifiedSince is no instant.", expression=f"{place}.request.ifModifiedSince") from error
    method, resource = asked["method"], entry.get("resource")
    body = dump(resource) if isinstance(resource, dict) else b""
    if method == "PATCH" and isinstance(resource, dict) and resource.get("resourceType") == "Binary":
        headers["content-type"], body = patches.JSON_PATCH, patches.binary_data(resource)
    method = "GET" if method == "HEAD" else method
    return Request(method, way, pairs(parts.query), headers, outer.base, outer.address, outer.request_id, None, 0, body)


__all__ = ["YilianError", "transaction_or_batch"]
