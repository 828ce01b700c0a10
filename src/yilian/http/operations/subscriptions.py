"""$status, $events, $resend, $get-ws-binding-token and $stream of subscriptions.

Subscriptions R5 Backport 1.1: http://hl7.org/fhir/uv/subscriptions-backport/artifacts.html; $stream (server-sent events) is ours.
"""

from __future__ import annotations

from typing import Any

from yilian import jobs
from yilian.audit.note import by, write
from yilian.audit.record import note_read
from yilian.errors import BadRequest, Conflict, Forbidden, Issue, NotFound
from yilian.exchange.subscriptions import binding, events, rows
from yilian.exchange.subscriptions.definition import CONTENTS
from yilian.exchange.subscriptions.desk import RESEND
from yilian.exchange.subscriptions.notification import Sender, bundle, status
from yilian.exchange.subscriptions.rows import Subscription
from yilian.exchange.subscriptions.stream import stream
from yilian.fhir import urls
from yilian.fhir.outcome import outcome
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link
from yilian.http.event_stream import EventStream
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store.scope import Scope

DEFINITIONS = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
WHICH = (Parameter("id", many=True), Parameter("status", many=True))
RANGE = (Parameter("eventsSinceNumber"), Parameter("eventsUntilNumber"))
MOST = 1000
SOCKET = "/subscriptions/websocket"


async def status_of_one(house: House, asker: Scope, request: Request) -> Answer:
    """/Subscription/{id}/$status: how it stands, as a searchset of one Parameters. Also for administrators."""
    await called_with(request, WHICH)  # ignored here, as the definition of the operation says
    async with house.db.reading() as tx:
        row = await rows.of_caller(tx, asker, request.segments[1])
        return _statuses(request, [row], Sender(request.base, tx.now))


async def status_of_all(house: House, asker: Scope, request: Request) -> Answer:
    """/Subscription/$status with id and status, each of which may come again."""
    called = await called_with(request, WHICH)
    ids, states = set(called.all("id")), set(called.all("status"))
    async with house.db.reading() as tx:
        found = [row for row in await rows.every(tx, asker) if (not ids or row.id in ids) and (not states or row.state in states)]
        return _statuses(request, found, Sender(request.base, tx.now))


def _statuses(request: Request, found: list[Subscription], sender: Sender) -> Answer:
    entries = [
        {
            "fullUrl": f"urn:uuid:{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in (status(sender, row, "query-status") for row in found)
    ]
    body: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    body["timestamp"] = sender.now.isoformat(timespec="milliseconds")
    body["link"] = [{"relation": "self", "url": link(request.base, "/".join(request.segments), request.query)}]
    if entries:
        body["entry"] = entries
    return of_json(body)


async def replay(house: House, asker: Scope, request: Request) -> Answer:
    """/Subscription/{id}/$events with eventsSinceNumber, eventsUntilNumber (both inclusive) and content; at most 1,000 at once.

    What each event is about is told as far as the caller may see it now; the rest are numbers and times.
    """
    called = await called_with(request, (*RANGE, Parameter("content")))
    content = called.text("content") or None
    if content is not None and content not in CONTENTS:
        raise BadRequest(f"content is one of {', '.join(CONTENTS)}, not {content[:40]!r}.")
    async with house.db.reading() as tx:
        row = await rows.of_caller(tx, asker, request.segments[1])
        since, until = _range(called, row)
        found = await events.numbered(tx, asker, row.rid, since - 1, until, MOST)
        body = bundle(Sender(request.base, tx.now), row, "query-event", found, content=content)  # type: ignore[arg-type]
    if (content or row.definition.content) != "empty":
        seen = [event.found for event in found if event.found is not None]
        await note_read(house.reads, asker, seen, "events", request.address, query=f"Subscription/{row.id}/$events")
    return Answer(200, body, [(b"cache-control", b"private, no-store")])


async def resend(house: House, asker: Scope, request: Request) -> Answer:
    """/Subscription/{id}/$resend: have a receiver told again, with the numbers of then. For who asked for it, and for administrators."""
    called = await called_with(request, RANGE)
    async with house.db.transaction() as tx:
        row = await rows.of_caller(tx, asker, request.segments[1])
        if "admin" not in asker.roles and not row.is_of(asker):
            raise Forbidden(
                "Notifications are sent again for who asked for them, or by an administrator.", zh="仅限订阅方或系统管理员重发通知。"
            )
        if row.definition.channel != "rest-hook" or row.state != "active":
            raise Conflict("Only an active rest-hook is sent to; others ask for $events, or connect with the number they saw last.")
        since, until = _range(called, row)
        until = min(until, row.delivered)
        if since <= until:
            await jobs.enqueue(tx, RESEND, {"subscription": row.rid, "since": since, "until": until}, subject=f"subscription {row.rid}")
        asked = f"Subscription/{row.id} {since} to {until}"
        note = by(asker, tx.now, "operation", "E", operation="resend", query=asked, address=request.address)
        await write(tx, [note])
    said = f"Events {since} to {until} are sent again." if since <= until else "There is nothing that was sent before in this range."
    return of_json(outcome([Issue("information", "informational", said, zh="已安排重发。")]))


async def binding_token(house: House, asker: Scope, request: Request) -> Answer:
    """$get-ws-binding-token of one or several (`id`) websocket subscriptions of the caller's own, or of all of them."""
    called = await called_with(request, (Parameter("id", many=True),))
    one = request.segments[1] if len(request.segments) == 3 else ""
    wanted = [one] if one else called.all("id")
    listener = await _listener(house, asker, request)
    async with house.db.transaction() as tx:
        if wanted:
            found = [await rows.of_caller(tx, asker, id) for id in dict.fromkeys(wanted)]
        else:
            own = await rows.every(tx, asker)
            found = [row for row in own if row.is_of(asker) and row.definition.channel == "websocket"]
        for row in found:
            _require_listener(row, asker)
            if row.definition.channel != "websocket":
                raise BadRequest(f"The channel of Subscription/{row.id} is {row.definition.channel}, not websocket.")
        if not found:
            raise NotFound("You have no subscription with channel websocket.")
        token = await binding.bind(tx, [row.id for row in found], listener)
    parameters: list[dict[str, Any]] = [
        {"name": "token", "valueString": token.token},
        {"name": "expiration", "valueDateTime": token.expires.isoformat(timespec="seconds")},
        *({"name": "subscription", "valueString": id} for id in token.subscriptions),
        {"name": "websocket-url", "valueUrl": socket_address(request.base)},
    ]
    return Answer(200, of_json({"resourceType": "Parameters", "parameter": parameters}).body, [(b"cache-control", b"no-store")])


async def listen(house: House, asker: Scope, request: Request) -> Answer:
    """/Subscription/{id}/$stream: notifications as server-sent events. Last-Event-ID, or eventsSinceNumber for the next one wanted."""
    called = await called_with(request, (Parameter("eventsSinceNumber"),))
    if house.listeners is None:
        raise Conflict("This server has no listeners.")
    house.listeners.require_room()
    listener = await _listener(house, asker, request)
    async with house.db.reading() as tx:
        row = await rows.of_caller(tx, asker, request.segments[1])
    _require_listener(row, asker)
    if row.definition.channel == "rest-hook":
        raise BadRequest(f"The channel of Subscription/{row.id} is rest-hook; one cannot connect to it.")
    text = request.header("last-event-id")
    after = _count(text, "Last-Event-ID") if text else None
    if called.one("eventsSinceNumber") is not None:
        after = max(_count(called.text("eventsSinceNumber"), "eventsSinceNumber") - 1, 0)
    way = f"{request.address}, server-sent events"
    told = stream(house.db, house.listeners, row.rid, request.base, who=lambda: listener, after=after, way=way)
    return EventStream.of(told, request)


def socket_address(base: str) -> str:
    """Where websockets connect, from our FHIR address."""
    origin = base.removesuffix("/fhir")
    return "ws" + origin.removeprefix("http") + SOCKET


async def _listener(house: House, asker: Scope, request: Request) -> binding.Listener:
    return binding.Listener(await house.verifier.grant_of(request.header("authorization")), asker.client, asker.reads)


def _require_listener(row: Subscription, asker: Scope) -> None:
    """Administrators see how a subscription stands, and are told nothing."""
    if not row.is_of(asker):
        raise Forbidden("Only the application that asked for a subscription listens to it.", zh="仅限创建该订阅的应用接收通知。")


def _range(called: Called, row: Subscription) -> tuple[int, int]:
    since = _count(called.text("eventsSinceNumber") or "1", "eventsSinceNumber")
    until = _count(called.text("eventsUntilNumber") or str(row.events), "eventsUntilNumber")
    return max(since, 1), min(until, row.events)


def _count(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest(f"{name} is the number of an event, not {text[:40]!r}.")
    return int(text)


BOTH = ("GET", "POST")
TELLS = "How subscriptions stand"
OPERATIONS = (
    Operation("Subscription", "type", "status", status_of_all, False, TELLS, DEFINITIONS + "status", BOTH),
    Operation("Subscription", "instance", "status", status_of_one, False, TELLS, DEFINITIONS + "status", BOTH),
    Operation("Subscription", "instance", "events", replay, False, "Events by their numbers", DEFINITIONS + "events", BOTH),
    Operation("Subscription", "instance", "resend", resend, True, "Notify the receiver again", DEFINITIONS + "resend"),
    Operation(
        "Subscription", "type", "get-ws-binding-token", binding_token, False, "A token for a websocket",
        DEFINITIONS + "get-ws-binding-token", BOTH,
    ),
    Operation(
        "Subscription", "instance", "get-ws-binding-token", binding_token, False, "A token for a websocket",
        DEFINITIONS + "get-ws-binding-token", BOTH,
    ),
    Operation(
        "Subscription", "instance", "stream", listen, False, "Notifications as server-sent events",
        urls.BASE + "OperationDefinition/subscription-stream",
    ),
)  # fmt: skip
