"""The operations of the desk (登记台): $desk shows who stands there, $register writes down a new patient, $register-visit and $arrive a
visit.

docs/reference/desk.md
"""

from __future__ import annotations

from typing import Any

from yilian import referral
from yilian.access.policy import may, require
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.http import conditional
from yilian.http.answer import Answer, etag, of_json, of_stored
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.identity import newcomer, visits
from yilian.referral import Arriving
from yilian.search import query
from yilian.store import find, read
from yilian.store.change import Written
from yilian.store.read import Stored
from yilian.store.scope import Scope

Json = dict[str, Any]

UNDER_WAY = "planned,arrived,triaged,in-progress,onleave"
REGISTER = (Parameter("patient", "resource", of="Patient"), Parameter("reason"))
VISIT = (Parameter("kind"), Parameter("status"), Parameter("specialty"))


async def desk(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$desk: the patient, the visits here that are under way or of today, the referrals by which the patient comes."""
    require(asker, "read", "Patient")
    require(asker, "read", "Encounter")
    await called_with(request, ())
    id = request.segments[1]
    async with house.db.reading() as tx:
        patient = await read.by_id(tx, asker, "Patient", id)
        today = tx.now.astimezone(region_zone()).date().isoformat()
        here: dict[str, Stored] = {}
        for condition in (("status", UNDER_WAY), ("date", f"ge{today}")):
            asked = [("patient", f"Patient/{id}"), ("service-provider", asker.institution), condition, ("_sort", "-date"), ("_count", "50")]
            if asker.institution:
                here |= {one.id: one for one in (await find.find(tx, asker, query.parse("Encounter", asked, zone=region_zone()))).matches}
        coming = await referral.arriving(tx, asker, patient.rid)
    await note_read(house.reads, asker, [patient, *here.values()], "desk", request.address)
    parts: list[Json] = [{"name": "patient", "resource": parse(patient.body)}]
    parts += [{"name": "visit", "resource": parse(one.body)} for one in here.values()]
    parts += [{"name": "referral", "part": _referral(one)} for one in coming]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def register(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/$register with patient and reason: 201 and the Patient; 409 when it is certainly somebody there is and no reason is
    given."""
    called = await called_with(request, REGISTER)
    patient = called.one("patient")
    if patient is None:
        raise BadRequest("patient is missing: the Patient to register.", expression="Parameters.parameter", zh="缺少要登记的患者信息。")
    async with house.db.transaction() as tx:
        done = await newcomer.register(tx, asker, patient, reason=called.text("reason"))
    return _made(request, done, 201)


async def register_visit(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Patient/{id}/$register-visit with kind, status and specialty: 201 and the Encounter with its number; 200 and the visit
    under way that the patient came to with an appointment, where there is one: it gets no second number."""
    called = await called_with(request, VISIT)
    kind, state, specialty = called.text("kind"), called.text("status") or "arrived", called.text("specialty")
    async with house.db.transaction() as tx:
        there = None
        if (
            (kind, state) == ("outpatient", "arrived")
            and asker.institution
            and all(may(asker, do, "Encounter") for do in ("read", "write"))
        ):
            there = await visits.with_appointment(tx, asker, request.segments[1], specialty)
        if there is None:
            done = await visits.register(tx, asker, request.segments[1], kind=kind, state=state, specialty=specialty)
            return _made(request, done, 201)
    await note_read(house.reads, asker, [there], "register-visit", request.address)
    return of_stored(there)


async def arrive(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Encounter/{id}/$arrive, with If-Match where somebody looked at it before: the Encounter, arrived."""
    await called_with(request, ())
    seen = conditional.if_match(request.header("if-match"))
    async with house.db.transaction() as tx:
        done = await visits.arrive(tx, asker, request.segments[1], seen)
    return _made(request, done, 200)


def _made(request: Request, done: Written, status: int) -> Answer:
    headers = [(b"etag", etag(done.version))]
    if status == 201:
        headers.append((b"location", f"{request.base}/{done.type}/{done.id}/_history/{done.version}".encode()))
    return Answer(status, done.body, headers)


def _referral(one: Arriving) -> list[Json]:
    return [
        {"name": "number", "valueString": one.number},
        {"name": "task", "valueReference": {"reference": one.task}},
        {"name": "state", "valueCoding": {"system": urls.REFERRAL_STATE, "code": one.state}},
        {"name": "priority", "valueCode": one.priority},
        {"name": "direction", "valueCode": one.direction},
        {"name": "specialty", "valueCoding": {"system": urls.SPECIALTY, "code": one.specialty, "display": one.department}},
        {"name": "from", "valueString": one.sender or "-"},
        {"name": "submitted", "valueInstant": one.submitted.isoformat(timespec="milliseconds")},
    ]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Patient", "instance", "desk", desk, False, "Who stands at the desk, and what for", OURS + "patient-desk"),
    Operation("Patient", "type", "register", register, True, "Register a patient nobody knows yet", OURS + "patient-register"),
    Operation("Patient", "instance", "register-visit", register_visit, True, "Register a visit, with its number", OURS + "register-visit"),
    Operation("Encounter", "instance", "arrive", arrive, True, "Who was expected has come", OURS + "encounter-arrive"),
)
