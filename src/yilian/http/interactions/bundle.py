"""POST to the root: a transaction (all or nothing) or a batch (each entry by itself). FHIR R4 http.html §3.1.0.11."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from yilian.audit.record import note_read
from yilian.errors import BadRequest, YilianError
from yilian.fhir.json import dump
from yilian.http.answer import Answer
from yilian.http.house import House
from yilian.http.outcome import answer_for
from yilian.http.request import Request, pairs, segments
from yilian.store import bundle as store_bundle
from yilian.store import read
from yilian.store.scope import Scope

Route = Callable[[House, Scope, Request], Awaitable[Answer]]
MOST_BATCH_ENTRIES = 1000
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
    async with house.db.transaction() as tx:
        response = await store_bundle.transaction(
            tx, asker, bundle, base=request.base, zone=house.zone, representation=request.prefer("return") == "representation", own=True
        )
        there = await read.many(tx, asker, _there_already(bundle, response))
        await note_read(house.reads, asker, list(there.values()), "search", request.address)
    entries = response["entry"]
    for index, entry in enumerate(bundle.get("entry") or []):
        if (entry.get("request") or {}).get("method") == "GET":
            entries[index] = await _one(house, asker, request, entry, route, f"Bundle.entry[{index}]")
    return Answer(200, dump(response))


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
    if not isinstance(entries, list) or len(entries) > MOST_BATCH_ENTRIES:
        raise BadRequest(f"A batch has at most {MOST_BATCH_ENTRIES} entries.", expression="Bundle.entry")
    done = [await _one(house, asker, request, entry, route, f"Bundle.entry[{index}]") for index, entry in enumerate(entries)]
    return Answer(200, dump({"resourceType": "Bundle", "type": "batch-response", "entry": done}))


async def _one(house: House, asker: Scope, request: Request, entry: Any, route: Route, place: str) -> dict[str, Any]:
    """One entry as if it had come alone. Its failure is its own."""
    try:
        answer = await route(house, asker, _request_of(request, entry, place))
    except Exception as error:
        answer = answer_for(error, request.request_id)
    response: dict[str, Any] = {"status": str(answer.status)}
    for name, value in answer.headers:
        if name == b"location":
            response["location"] = value.decode()
        elif name == b"etag":
            response["etag"] = value.decode()
    found: dict[str, Any] = {"response": response}
    if answer.body and answer.status < 400:
        found["resource"] = msgspec.Raw(answer.body)
    elif answer.body:
        response["outcome"] = msgspec.Raw(answer.body)
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
    body = dump(entry["resource"]) if isinstance(entry.get("resource"), dict) else b""
    return Request(asked["method"], way, pairs(parts.query), headers, outer.base, outer.address, outer.request_id, None, 0, body)


__all__ = ["YilianError", "transaction_or_batch"]
