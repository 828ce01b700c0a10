"""read and vread: one resource, as it is stored. FHIR R4 http.html §3.1.0.1 read, §3.1.0.2 vread, §3.1.0.1.4 conditional read."""

from __future__ import annotations

from datetime import datetime

from yilian.audit.record import note_read
from yilian.errors import Conflict, NotFound
from yilian.fhir.json import parse
from yilian.http import conditional
from yilian.http.answer import Answer, of_stored, version_headers
from yilian.http.house import House
from yilian.http.interactions.shown import asked_of_read, part
from yilian.http.request import Request
from yilian.records.contents import STATES, state_of
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

SCAN_STATES = STATES.encode()
BEFORE = "select h.updated from history h where h.rid = $1 and h.ver < $2 order by h.ver desc limit 1"


async def current(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id} with _summary, _elements; 304 for who has this version already (If-None-Match, else If-Modified-Since)."""
    kind, id_ = request.segments
    shape = asked_of_read(request, kind) if request.query else None
    found = await read.body(house.db, asker, kind, id_)
    await note_read(house.reads, asker, [found], "read", request.address)
    known = request.header("if-none-match")
    if known:
        if conditional.unchanged(known, found.version):
            return Answer(304, headers=version_headers(found.version, found.updated))
    elif (since := conditional.modified_since(request.header("if-modified-since"))) and await _is_known(house, found, since):
        return Answer(304, headers=version_headers(found.version, found.updated))
    return _with_state(found, of_stored(part(found, shape) if shape else found))


async def _is_known(house: House, found: Stored, since: datetime) -> bool:
    """Whether who knows the resource as it was in the second `since` knows this version.

    Last-Modified has no fractions: of two versions of the same second one cannot tell which of them the caller has.
    """
    second = found.updated.replace(microsecond=0)
    if second > since:
        return False
    if second < since or found.version == 1:
        return True
    before = await house.db.fetchrow(BEFORE, found.rid, found.version)
    return before is None or before["updated"].replace(microsecond=0) < second


async def version(house: House, asker: Scope, request: Request) -> Answer:
    """GET /{type}/{id}/_history/{version} with _summary, _elements."""
    kind, id_, _, wanted = request.segments
    if not wanted.isdigit() or len(wanted) > 9:
        raise NotFound(f"There is no version {wanted!r}: versions are whole numbers from 1.")
    shape = asked_of_read(request, kind) if request.query else None
    async with house.db.reading() as tx:
        found = await read.version(tx, asker, kind, id_, int(wanted))
    await note_read(house.reads, asker, [found], "vread", request.address)
    return _with_state(found, of_stored(part(found, shape) if shape else found))


def _with_state(found: Stored, answer: Answer) -> Answer:
    """Of a Binary: whether its content was scanned, as a header; Conflict while it is held back, since nobody reads a Binary for its tags.

    Wherever else a Binary is told (pages, histories, exports) the mark stands in place of the content.
    """
    if found.type == "Binary" and SCAN_STATES in found.body and (state := state_of(parse(found.body))):
        if state == "waiting":
            raise Conflict("The content is being checked for malware; try again in a minute.", zh="文件正在进行安全检查，请稍后再试。")
        if state == "infected":
            raise Conflict(
                "The content was found to be malware and is not given out.", code="suppressed", zh="文件未通过安全检查，已被拦截。"
            )
        answer.headers.append((b"x-content-scan", state.encode()))
    return answer
