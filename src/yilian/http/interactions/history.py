"""history of one resource, of a type or of everything. FHIR R4 http.html §3.1.0.12."""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotSupported
from yilian.fhir.dates import interval
from yilian.http.answer import Answer
from yilian.http.bundles import history as history_bundle
from yilian.http.bundles import link, plain
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store import history as store_history
from yilian.store.history import Asked
from yilian.store.scope import Scope

MOST = 1000
SORTS = {"-_lastUpdated": False, "_lastUpdated": True}
KNOWN = "_since, _at, _count, _sort, _total"


async def versions(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}/_history and GET /{type}/_history with _since, _at, _count, _sort, _total."""
    return await _answer(house, asker, request, request.segments[0], request.segments[1] if len(request.segments) == 3 else None)


async def of_everything(house: House, asker: Scope, request: Request) -> Answer:
    """GET /_history: all that was written lately, of every type the asker may read."""
    return await _answer(house, asker, request, None, None)


async def _answer(house: House, asker: Scope, request: Request, kind: str | None, id_: str | None) -> Answer:
    asked = _asked(house, request)
    async with house.db.reading() as tx:
        page = await store_history.versions(tx, asker, kind, id_, asked)
        moment = tx.now
    action = "history" if id_ else "history-type" if kind else "history-system"
    await note_read(house.reads, asker, [stored for stored, _ in page.versions], action, request.address, kind=kind or "")
    path = "/".join(request.segments)
    body = history_bundle(
        request.base,
        self_link=link(request.base, path, request.query),
        next_link=link(request.base, path, [*plain(request.query), ("_cursor", page.next)]) if page.next else None,
        versions=page.versions,
        moment=moment,
        total=page.total,
    )
    return Answer(200, body)


def _asked(house: House, request: Request) -> Asked:
    """Raises BadRequest for a value that cannot be read or a parameter given twice, NotSupported for a parameter that is not known."""
    found: dict[str, Any] = {}
    for name, value in request.query:
        if name in found:
            raise BadRequest(f"{name} is given twice.")
        if name == "_since":
            found[name] = interval(value, house.zone)[0]
        elif name == "_at":
            found[name] = interval(value, house.zone)
        elif name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) > MOST:
                raise BadRequest(f"_count must be a whole number from 0 (the total alone) to {MOST}.")
            found[name] = int(value)
        elif name == "_sort":
            if value not in SORTS:
                raise BadRequest(f"History is sorted by {' or '.join(SORTS)}.")
            found[name] = SORTS[value]
        elif name == "_total":
            if value not in ("none", "accurate"):
                raise BadRequest("_total of history is none or accurate.")
            found[name] = value == "accurate"
        elif name == "_cursor":
            found[name] = value
        else:
            raise NotSupported(f"Parameter {name!r} is not known for history; {KNOWN} are.")
    return Asked(
        found.get("_since"),
        found.get("_at"),
        found.get("_count", 50),
        found.get("_sort", False),
        found.get("_total", False),
        found.get("_cursor"),
    )
