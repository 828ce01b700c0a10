"""search: GET /{type}?… and POST /{type}/_search. FHIR R4: http://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from yilian.audit.record import note_read
from yilian.http.answer import Answer
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.request import Request
from yilian.search.query import parse
from yilian.store import find
from yilian.store.scope import Scope


async def search(house: House, asker: Scope, request: Request) -> Answer:
    """One page; the `next` link is there exactly when there is more."""
    kind = request.segments[0]
    asked = request.query + (await request.form() if request.method == "POST" else [])
    query = parse(kind, asked, zone=house.zone)
    async with house.db.reading() as tx:
        page = await find.find(tx, asker, query)
        moment = tx.now
    query_text = link("", kind, plain(asked))[1:]
    await note_read(house.reads, asker, [*page.matches, *page.included], "search", request.address, query=query_text, kind=kind)
    return of_page(request, page, moment, asked)
