"""history of one resource or of a type, newest first. FHIR R4 http.html §3.1.0.12."""

from __future__ import annotations

from datetime import datetime

from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotSupported
from yilian.fhir.dates import interval
from yilian.http.answer import Answer
from yilian.http.bundles import history as history_bundle
from yilian.http.bundles import link
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store import history as store_history
from yilian.store.scope import Scope

MOST = 1000


async def versions(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}/_history and GET /{type}/_history with _since, _count."""
    kind = request.segments[0]
    id_ = request.segments[1] if len(request.segments) == 3 else None
    since, count, cursor = _parameters(house, request)
    async with house.db.reading() as tx:
        page = await store_history.versions(tx, asker, kind, id_, since=since, count=count, cursor=cursor)
        moment = tx.now
    await note_read(house.reads, asker, [stored for stored, _ in page.versions], "history", request.address, kind=kind)
    path = "/".join(request.segments)
    plain = [(name, value) for name, value in request.query if name != "_cursor"]
    body = history_bundle(
        request.base,
        self_link=link(request.base, path, request.query),
        next_link=link(request.base, path, [*plain, ("_cursor", page.next)]) if page.next else None,
        versions=page.versions,
        moment=moment,
    )
    return Answer(200, body)


def _parameters(house: House, request: Request) -> tuple[datetime | None, int, str | None]:
    since: datetime | None = None
    count = 50
    cursor: str | None = None
    for name, value in request.query:
        if name == "_since":
            since = interval(value, house.zone)[0]
        elif name == "_count":
            if not value.isdigit() or not 1 <= int(value) <= MOST:
                raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
            count = int(value)
        elif name == "_cursor":
            cursor = value
        else:
            raise NotSupported(f"Parameter {name!r} is not known for history; _since, _count are.")
    return since, count, cursor
