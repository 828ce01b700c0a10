"""The operations on one record: $everything of a patient or an encounter, $timeline, $lastn.

FHIR R4: http://hl7.org/fhir/R4/patient-operation-everything.html, http://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

from datetime import datetime

from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.http.answer import Answer
from yilian.http.bundles import link, of_page, plain
from yilian.http.house import House
from yilian.http.interactions.search import asked_of
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.records import lastn as records_lastn
from yilian.records import timeline as records_timeline
from yilian.search.query import parse
from yilian.store import everything as store_everything
from yilian.store.everything import Wish
from yilian.store.scope import Scope

MOST = 1000
MOST_OF_EACH = 100
PAGING = (Parameter("_type", many=True), Parameter("_count", "integer"), Parameter("_cursor"))
OF_ENCOUNTER = (*PAGING, Parameter("_since"))
OF_PATIENT = (*OF_ENCOUNTER, Parameter("start"), Parameter("end"))


async def everything(house: House, asker: Scope, request: Request) -> Answer:
    """/Patient/{id}/$everything with _since, _type, _count, start and end; paged, the patient first."""
    called = await called_with(request, OF_PATIENT)
    wish = Wish(
        _moment(house, called, "_since"),
        _types(called),
        _moment(house, called, "start"),
        _moment(house, called, "end", whole=True),
    )
    async with house.db.reading() as tx:
        page = await store_everything.everything(
            tx, asker, request.segments[1], wish, count=_count(called, MOST), cursor=called.text("_cursor") or None
        )
        moment = tx.now
    await note_read(house.reads, asker, [*page.matches, *page.included], "everything", request.address)
    return of_page(request, page, moment, _as_query(called))


async def everything_of_encounter(house: House, asker: Scope, request: Request) -> Answer:
    """/Encounter/{id}/$everything with _since, _type, _count; paged, the encounter first."""
    called = await called_with(request, OF_ENCOUNTER)
    wish = Wish(_moment(house, called, "_since"), _types(called))
    async with house.db.reading() as tx:
        page = await store_everything.of_encounter(
            tx, asker, request.segments[1], wish, count=_count(called, MOST), cursor=called.text("_cursor") or None
        )
        moment = tx.now
    await note_read(house.reads, asker, [*page.matches, *page.included], "everything", request.address)
    return of_page(request, page, moment, _as_query(called))


async def timeline(house: House, asker: Scope, request: Request) -> Answer:
    """/Patient/{id}/$timeline with _type, _count; what happened, newest first, over all institutions."""
    called = await called_with(request, PAGING)
    async with house.db.reading() as tx:
        page = await records_timeline.timeline(
            tx, asker, request.segments[1], types=_types(called), count=_count(called, 50), cursor=called.text("_cursor") or None
        )
        moment = tx.now
    await note_read(house.reads, asker, page.matches, "timeline", request.address)
    return of_page(request, page, moment, _as_query(called))


async def lastn(house: House, asker: Scope, request: Request) -> Answer:
    """/Observation/$lastn: what is searched for, but of each code only the newest `max` (1 when it is not said)."""
    asked = await asked_of(request)
    named = [value for name, value in asked if name == "max"]
    if len(named) > 1 or not all(value.isascii() and value.isdigit() and 0 < int(value) <= MOST_OF_EACH for value in named):
        raise BadRequest(f"max is a whole number from 1 to {MOST_OF_EACH}.")
    query = parse("Observation", [pair for pair in asked if pair[0] != "max"], zone=house.zone, base=request.base)
    async with house.db.reading() as tx:
        page = await records_lastn.lastn(tx, asker, query, int(named[0]) if named else 1)
        moment = tx.now
    text = link("", "Observation/$lastn", plain(asked))[1:]
    await note_read(house.reads, asker, page.matches, "lastn", request.address, query=text, kind="Observation")
    return of_page(request, page, moment, asked)


def _moment(house: House, called: Called, name: str, *, whole: bool = False) -> datetime | None:
    """The beginning of a date or instant; `whole`: its end, so that a day named as the last is in."""
    text = called.text(name)
    return interval(text, house.zone)[1 if whole else 0] if text else None


def _types(called: Called) -> tuple[str, ...]:
    return tuple(part for value in called.all("_type") for part in value.split(",") if part)


def _count(called: Called, default: int) -> int:
    count = called.one("_count")
    if count is None:
        return default
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count must be a whole number from 1 to {MOST}.")
    return int(count)


def _as_query(called: Called) -> list[tuple[str, str]]:
    """What was asked, wherever it stood, as the address of the next page asks it."""
    return [(name, str(value)) for name, values in called.values.items() for value in values]


BOTH = ("GET", "POST")
OPERATIONS = (
    Operation("Patient", "instance", "everything", everything, False, "The whole record of one patient", HL7 + "Patient-everything", BOTH),
    Operation(
        "Encounter",
        "instance",
        "everything",
        everything_of_encounter,
        False,
        "One encounter with all that belongs to it",
        HL7 + "Encounter-everything",
        BOTH,
    ),
    Operation("Observation", "type", "lastn", lastn, False, "The newest of each code", HL7 + "Observation-lastn", BOTH),
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
