"""Notifications as the backport has them for R4: a history Bundle whose first entry is the status of the subscription, as Parameters.

Pure. Resources are put in as the bytes they are stored as. Addresses are absolute when the server knows its own (`public_url`),
else relative.
http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from yilian.exchange.subscriptions.definition import BACKPORT, Content
from yilian.exchange.subscriptions.events import Event
from yilian.exchange.subscriptions.rows import Subscription
from yilian.fhir.json import dump

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
STATUS_PROFILE = BACKPORT + "backport-subscription-status-r4"
VERBS = {"create": "POST", "update": "PUT", "delete": "DELETE"}
CODES = {"create": "201", "update": "200", "delete": "204"}


@dataclass(frozen=True, slots=True)
class Sender:
    """base: our FHIR address without a slash at the end, "" where it is not known; now: aware."""

    base: str
    now: datetime

    def address(self, where: str) -> str:
        return f"{self.base}/{where}" if self.base else where


def status(
    sender: Sender, row: Subscription, kind: Kind, events: Sequence[Event] = (), *, content: Content = "empty", state: str = ""
) -> dict[str, Any]:
    """The Parameters. Events without a visible resource, and all of them where the content is empty, are numbers and times only."""
    told: list[dict[str, Any]] = [{"name": "subscription", "valueReference": {"reference": sender.address(f"Subscription/{row.id}")}}]
    if row.definition.topic and (content != "empty" or not events):
        told.append({"name": "topic", "valueCanonical": row.definition.topic})
    told += [
        {"name": "status", "valueCode": state or row.state},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(row.events)},
    ]
    told += [{"name": "notification-event", "part": _parts(sender, event, content)} for event in events]
    if row.error:
        told.append({"name": "error", "valueCodeableConcept": {"text": row.error}})
    id = str(uuid5(NAMESPACE_URL, f"{row.id} {kind} {sender.now.isoformat()} {events[0].number if events else ''}"))
    return {"resourceType": "Parameters", "id": id, "meta": {"profile": [STATUS_PROFILE]}, "parameter": told}


def _parts(sender: Sender, event: Event, content: Content) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": event.at.isoformat(timespec="milliseconds")},
    ]
    if event.found is not None and content != "empty":
        reference = sender.address(f"{event.found.type}/{event.found.id}")
        parts.append({"name": "focus", "valueReference": {"reference": reference, "type": event.found.type}})
    return parts


def bundle(
    sender: Sender, row: Subscription, kind: Kind, events: Sequence[Event] = (), *, content: Content | None = None, state: str = ""
) -> bytes:
    """A notification. `content`: instead of what the subscription asks for; `state`: instead of how the row stands."""
    level = content or row.definition.content
    first = status(sender, row, kind, events, content=level, state=state)
    asked = {"method": "GET", "url": sender.address(f"Subscription/{row.id}/$status")}
    entries = [dump({"fullUrl": f"urn:uuid:{first['id']}", "resource": first, "request": asked, "response": {"status": "200"}})]
    if level == "full-resource":
        entries += [_entry(sender, event) for event in events if event.found is not None]
    head = dump({"resourceType": "Bundle", "type": "history", "timestamp": sender.now.isoformat(timespec="milliseconds")})
    return head[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(sender: Sender, event: Event) -> bytes:
    found = event.found
    assert found is not None
    where = f"{found.type}/{found.id}"
    request = {"method": VERBS[event.interaction], "url": found.type if event.interaction == "create" else where}
    response = {
        "status": CODES[event.interaction],
        "etag": f'W/"{found.version}"',
        "lastModified": found.updated.isoformat(timespec="milliseconds"),
    }
    parts = [b'"fullUrl":' + dump(sender.address(where))]
    if found.body:
        parts.append(b'"resource":' + found.body)
    parts += [b'"request":' + dump(request), b'"response":' + dump(response)]
    return b"{" + b",".join(parts) + b"}"
