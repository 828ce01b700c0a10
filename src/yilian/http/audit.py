"""/fhir/AuditEvent: the trail can be read and searched; it is written by the server itself and changed by nobody."""

from __future__ import annotations

from yilian.audit import events
from yilian.errors import MethodNotAllowed, NotFound
from yilian.http.answer import Answer, of_stored
from yilian.http.bundles import of_page
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store.page import Page
from yilian.store.scope import Scope


async def answer(house: House, asker: Scope, request: Request) -> Answer:
    """GET /AuditEvent/{id}, GET /AuditEvent?…, POST /AuditEvent/_search."""
    way = request.segments
    searching = way[1:] == ["_search"]
    if request.method != ("POST" if searching else "GET"):
        raise MethodNotAllowed("AuditEvents are written by the server itself for every access; they can only be read and searched.")
    if len(way) > 2:
        raise NotFound("AuditEvents have one version, which is at /AuditEvent/{id}.")
    if len(way) == 2 and not searching:
        async with house.db.reading() as tx:
            return of_stored(await events.by_id(tx, asker, way[1], base=request.base))
    asked = request.query + (await request.form() if searching else [])
    async with house.db.transaction() as tx:
        page = await events.search(tx, asker, asked, zone=house.zone, base=request.base)
        moment = tx.now
    return of_page(request, Page(page.matches, next=page.next), moment, asked)
