"""read and vread: one resource, as it is stored. FHIR R4 http.html §3.1.0.1 read, §3.1.0.2 vread."""

from __future__ import annotations

from yilian.audit.record import note_read
from yilian.errors import NotFound
from yilian.http.answer import Answer, of_stored, version_headers
from yilian.http.conditional import unchanged
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope


async def current(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}"""
    kind, id_ = request.segments
    found = await read.body(house.db, asker, kind, id_)
    await note_read(house.reads, asker, [found], "read", request.address)
    known = request.header("if-none-match")
    if known and unchanged(known, found.version):
        return Answer(304, headers=version_headers(found.version, found.updated))
    return of_stored(found)


async def version(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}/_history/{version}"""
    kind, id_, _, wanted = request.segments
    if not wanted.isdigit() or len(wanted) > 9:
        raise NotFound(f"There is no version {wanted!r}: versions are whole numbers from 1.")
    async with house.db.reading() as tx:
        found = await read.version(tx, asker, kind, id_, int(wanted))
    await note_read(house.reads, asker, [found], "vread", request.address)
    return of_stored(found)
