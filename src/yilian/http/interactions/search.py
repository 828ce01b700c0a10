"""search of one type: GET /{type}?… and POST /{type}/_search. FHIR R4: http://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from yilian.audit.record import note_read
from yilian.errors import Issue
from yilian.http import formats
from yilian.http.answer import Answer
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.interactions import shown
from yilian.http.request import Request
from yilian.search.contained import answerable
from yilian.search.lenient import Pair, understood
from yilian.search.query import Query, parse
from yilian.store import contained, find
from yilian.store.scope import Scope

T = TypeVar("T")


async def search(house: House, asker: Scope, request: Request) -> Answer:
    """One page; the `next` link is there exactly when there is more."""
    kind = request.segments[0]

    def parsed(pairs: Sequence[Pair]) -> Query:
        return answerable(parse(kind, pairs, zone=house.zone, contained_too=True))

    query, asked, ignored = read(request, await asked_of(request), parsed)
    moment = house.db.moment()
    if query.contained:
        async with house.db.reading() as tx:
            page = await contained.find(tx, asker, query)
    else:
        page = await find.page(house.db, asker, query)
    query_text = link("", kind, plain(asked))[1:]
    shown_of = [*page.matches, *page.included]
    if query.contained:  # several matches may come out of one resource
        shown_of = list({found.rid: found for found in shown_of}.values())
    await note_read(house.reads, asker, shown_of, "search", request.address, query=query_text, kind=kind)
    return of_page(request, shown.page(page, query.shape), moment, asked, ignored)


async def asked_of(request: Request) -> list[Pair]:
    """The parameters of the address and, for POST, those of the form after them. `_format` of the form is heeded and taken off."""
    if request.method != "POST":
        return request.query
    form = await request.form()
    if any(name in ("_format", "_pretty") for name, _ in form):
        form, request.wanted = formats.asked(form, request.headers)
    return request.query + form


def read(request: Request, pairs: list[Pair], parsed: Callable[[Sequence[Pair]], T]) -> tuple[T, list[Pair], list[Issue]]:
    """The search, the pairs it was read from, and what was ignored: nothing, unless the caller asked for `handling=lenient`."""
    if request.prefer("handling") == "lenient":
        return understood(parsed, pairs)
    return parsed(pairs), pairs, []
