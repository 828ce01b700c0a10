"""search over several types: the whole system (GET /?…, POST /_search) and compartments (GET /Patient/1/Observation?…, /Patient/1/*).

FHIR R4: http://hl7.org/fhir/R4/http.html#search, http://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from yilian.access.policy import may, require
from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotSupported
from yilian.fhir.definitions import type_id
from yilian.http.answer import Answer
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.interactions import shown
from yilian.http.interactions.search import asked_of, read
from yilian.http.request import Request
from yilian.search.compartment import kinds_in, within
from yilian.search.conditions import Reading
from yilian.search.lenient import Pair
from yilian.search.parameters import parameters_of
from yilian.search.query import Query, parse
from yilian.store import find, several
from yilian.store import read as store_read
from yilian.store.page import Page
from yilian.store.scope import Scope

EVERY = "*"
COMMON = "Binary"
"""A type that has the parameters of all types and no others."""


async def system(house: House, asker: Scope, request: Request) -> Answer:
    """GET /?_type=Patient,Observation&… and POST /_search.

    Without `_type` only by parameters that every type has, over the types the caller may read.
    """
    pairs, types = _types_of(await asked_of(request))
    for kind in types:
        _may_search(asker, kind)
    if not types:
        _only_common(request, pairs)
    async with house.db.reading() as tx:
        kinds = types or [kind for kind in await several.types_here(tx) if may(asker, "read", kind)]
        queries, asked, ignored = read(request, pairs, lambda asked: _queries(house, kinds or [COMMON], asked))
        page = await several.find(tx, asker, queries if kinds else [])
        moment = tx.now
    asked = _with_types(types, asked)
    await note_read(
        house.reads, asker, [*page.matches, *page.included], "search", request.address, query=link("", "", plain(asked)), kind=""
    )
    return of_page(request, shown.page(page, queries[0].shape), moment, asked, ignored)


async def compartment(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{owner}/{id}/{type}?… and /{owner}/{id}/*, POST /{owner}/{id}/{type}/_search and /{owner}/{id}/_search.

    NotFound when the caller may not know of the owner.
    """
    owner, id, *rest = request.segments
    wanted = EVERY if rest[0] == "_search" else rest[0]
    pairs, types = _types_of(await asked_of(request))
    if wanted != EVERY:
        if types:
            raise BadRequest(f"_type goes with /{owner}/{id}/{EVERY}; here the type is {wanted} already.")
        types = [wanted]
    reading = Reading(house.zone)
    for kind in types:
        within(owner, id, kind, reading)
        _may_search(asker, kind)
    members = kinds_in(owner)
    if not types:
        _only_common(request, pairs)
    async with house.db.reading() as tx:
        await store_read.by_id(tx, asker, owner, id)
        kinds = types or [kind for kind in await several.types_here(tx) if kind in members and may(asker, "read", kind)]
        queries, asked, ignored = read(request, pairs, lambda asked: _queries(house, kinds or [COMMON], asked))
        bound = [replace(one, clauses=(within(owner, id, one.type, reading), *one.clauses)) for one in queries if one.type in members]
        page: Page = await (find.find(tx, asker, bound[0]) if wanted != EVERY else several.find(tx, asker, bound))
        moment = tx.now
    asked = _with_types(types if wanted == EVERY else [], asked)
    path = f"{owner}/{id}/{wanted}"
    text = link("", path, plain(asked))[1:]
    kind = wanted if wanted != EVERY else ""
    await note_read(house.reads, asker, [*page.matches, *page.included], "search", request.address, query=text, kind=kind)
    return of_page(request, shown.page(page, queries[0].shape), moment, asked, ignored, path)


def _queries(house: House, kinds: Sequence[str], pairs: Sequence[Pair]) -> list[Query]:
    """The same search for each type. A parameter one of them does not have is refused in that type's words."""
    together = kinds if len(kinds) > 1 else ()
    return [parse(kind, pairs, zone=house.zone, together=together) for kind in kinds]


def _types_of(pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """The pairs without `_type`, and the types it names."""
    types: dict[str, None] = {}
    for name, value in pairs:
        if name == "_type":
            for kind in value.split(","):
                type_id(kind)
                types[kind] = None
    return [pair for pair in pairs if pair[0] != "_type"], list(types)


def _with_types(types: Sequence[str], pairs: list[Pair]) -> list[Pair]:
    return [("_type", ",".join(types)), *pairs] if types else pairs


def _may_search(asker: Scope, kind: str) -> None:
    if kind == "AuditEvent":
        raise NotSupported("AuditEvents are kept apart and searched by themselves, at /AuditEvent.")
    require(asker, "read", kind)


def _only_common(request: Request, pairs: Sequence[Pair]) -> None:
    """Refuses what only some types can be searched by; a lenient caller is told later."""
    if request.prefer("handling") == "lenient":
        return
    for name, _ in pairs:
        code = name.partition(".")[0].partition(":")[0]
        if not code.startswith("_") and code not in parameters_of(COMMON):
            common = ", ".join(sorted(parameters_of(COMMON)))
            raise NotSupported(
                f"{name[:60]}: a search over all types goes by what every type has: {common}. Name the types: _type=Patient,Observation."
            )
