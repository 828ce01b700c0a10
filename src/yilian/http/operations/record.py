"""The operations on one patient's record: $everything and $timeline.

FHIR R4: http://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from datetime import datetime

from yilian.audit.record import note_read
from yilian.errors import BadRequest, NotSupported
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.http.answer import Answer
from yilian.http.bundles import of_page
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.request import Request
from yilian.records import timeline as records_timeline
from yilian.store import everything as store_everything
from yilian.store.scope import Scope

MOST = 1000


async def everything(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$everything with _since, _type, _count; paged, the patient first."""
    since, types, count, cursor = _parameters(house, request, default_count=MOST)
    async with house.db.reading() as tx:
        page = await store_everything.everything(tx, asker, request.segments[1], since=since, types=types, count=count, cursor=cursor)
        moment = tx.now
    await note_read(house.reads, asker, [*page.matches, *page.included], "everything", request.address)
    return of_page(request, page, moment)


async def timeline(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$timeline with _type, _count; what happened, newest first, over all institutions."""
    since, types, count, cursor = _parameters(house, request, default_count=50)
    if since is not None:
        raise NotSupported("_since is not known for $timeline; _type, _count are.")
    async with house.db.reading() as tx:
        page = await records_timeline.timeline(tx, asker, request.segments[1], types=types, count=count, cursor=cursor)
        moment = tx.now
    await note_read(house.reads, asker, page.matches, "timeline", request.address)
    return of_page(request, page, moment)


def _parameters(house: House, request: Request, default_count: int) -> tuple[datetime | None, tuple[str, ...], int, str | None]:
    since: datetime | None = None
    types: tuple[str, ...] = ()
    count = default_count
    cursor: str | None = None
    for name, value in request.query:
        if name == "_since":
            since = interval(value, house.zone)[0]
        elif name == "_type":
            types += tuple(part for part in value.split(",") if part)
        elif name == "_count":
            if not value.isdigit() or not 1 <= int(value) <= MOST:
                raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
            count = int(value)
        elif name == "_cursor":
            cursor = value
        else:
            raise NotSupported(
                f"Parameter {name!r} is not known for {request.segments[-1]}; _type, _count and (for $everything) _since are."
            )
    return since, types, count, cursor


OPERATIONS = (
    Operation("Patient", "instance", "everything", everything, False, "The whole record of one patient", HL7 + "Patient-everything"),
    Operation(
        "Patient",
        "instance",
        "timeline",
        timeline,
        False,
        "What happened to one patient, newest first",
        urls.BASE + "OperationDefinition/patient-timeline",
    ),
)
