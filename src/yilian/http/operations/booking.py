"""The operations on appointments, as `scheduling/` carries them out: $find, $hold, $book, $cancel, $reschedule.

IHE Scheduling 1.0, ITI-115 to ITI-117: https://profiles.ihe.net/ITI/Scheduling/. What $find proposes is not stored; a proposal is taken up
by sending it back as `appointment-resource` with the patient in it, a hold of ours by `appointment-reference`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from yilian.access import guardians
from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link, plain
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.referral import booking as referral_pools
from yilian.scheduling import bookings, find, names
from yilian.scheduling.bookings import Wish
from yilian.scheduling.find import Free, Question
from yilian.scheduling.slots import KINDS
from yilian.scheduling.standing import standing
from yilian.store import read
from yilian.store.change import Written
from yilian.store.scope import Scope

Json = dict[str, Any]

FIND = (
    Parameter("start"), Parameter("end"), Parameter("specialty"), Parameter("visit-type"), Parameter("practitioner", many=True),
    Parameter("organization", many=True), Parameter("location-reference", many=True), Parameter("schedule", many=True),
    Parameter("patient-reference"), Parameter("referral"), Parameter("_count", "integer"), Parameter("_cursor"),
)  # fmt: skip
TAKE = (
    Parameter("appointment-reference"), Parameter("appointment-resource", "resource", of="Appointment"), Parameter("channel"),
)  # fmt: skip
USUAL = 50
PLACES_FREE = urls.BASE + "StructureDefinition/places-free"
"""On a proposed Appointment: how many places of its slot are open to the asker."""
PLACES_RESERVED = urls.BASE + "StructureDefinition/places-reserved"
"""Of these, how many are kept for a pool the asker belongs to."""


async def find_free(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /Appointment/$find: proposed Appointments, earliest first."""
    require(asker, "read", "Slot")
    called = await called_with(request, FIND)
    question = Question(
        _moment(called, "start", house),
        _moment(called, "end", house),
        _code(called, "specialty", urls.SPECIALTY),
        _kind(called),
        _ids(called, "organization", "Organization"),
        (*_references(called, "practitioner", "Practitioner", "PractitionerRole"), *_references(called, "location-reference", "Location")),
        _ids(called, "schedule", "Schedule"),
    )
    asked = plain(request.query)
    async with house.db.reading() as tx:
        patient = _patient(called.text("patient-reference"))
        asker = await guardians.acting(tx, asker, patient)
        seen = [await read.by_id(tx, asker, "Patient", patient)] if patient else []
        here = await standing(tx, asker, seen[0].rid if seen else 0)
        if referral := called.text("referral"):
            here = replace(here, also=await referral_pools.of_task(tx, asker, _id_of(referral, "Task")))
        found, following = await find.find(tx, question, here, count=int(called.one("_count") or USUAL), after=called.one("_cursor"))
        called_by = {rid: one.name for rid, one in (await names.actors(tx, [one.actor_rid for one in found])).items()}
        moment = tx.now
    if seen:
        await note_read(house.reads, asker, seen, "find", request.address, query=link("", "Appointment/$find", asked)[1:])
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "link": [{"relation": "self", "url": link(request.base, "Appointment/$find", request.query)}],
    }
    if following:
        bundle["link"].append({"relation": "next", "url": link(request.base, "Appointment/$find", [*asked, ("_cursor", following)])})
    if found:
        bundle["entry"] = [
            {"resource": _proposed(one, called_by.get(one.actor_rid, ""), house), "search": {"mode": "match"}} for one in found
        ]
    return of_json(bundle)


async def hold(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/$hold with appointment-resource"""
    called = await called_with(request, TAKE)
    async with house.db.transaction() as tx:
        wish = wish_of(called)
        made = await bookings.hold(tx, await guardians.acting(tx, asker, wish.patient), wish)
    return _taken(request, made)


async def book(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/$book with appointment-reference (a hold) or appointment-resource"""
    called = await called_with(request, TAKE)
    reference = called.text("appointment-reference")
    if bool(reference) == (called.one("appointment-resource") is not None):
        raise BadRequest("Give appointment-reference (what is held) or appointment-resource.", zh="请指定要预约的号源。")
    async with house.db.transaction() as tx:
        if reference:
            id = _id_of(reference, "Appointment")
            made = await bookings.book_held(tx, await guardians.acting_on(tx, asker, id), id)
        else:
            wish = wish_of(called)
            made = await bookings.book(tx, await guardians.acting(tx, asker, wish.patient), wish)
    return _taken(request, made)


async def cancel(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$cancel with reason"""
    called = await called_with(request, (Parameter("reason"),))
    async with house.db.transaction() as tx:
        asker = await guardians.acting_on(tx, asker, request.segments[1])
        made = await bookings.cancel(tx, asker, request.segments[1], called.text("reason"))
    return _taken(request, made, 200)


async def reschedule(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$reschedule with slot (Slot/…, repeats)"""
    called = await called_with(request, (Parameter("slot", many=True),))
    slots = tuple(_id_of(slot, "Slot") for slot in called.all("slot"))
    async with house.db.transaction() as tx:
        asker = await guardians.acting_on(tx, asker, request.segments[1])
        made = await bookings.move(tx, asker, request.segments[1], slots)
    return _taken(request, made, 200)


def _moment(called: Called, name: str, house: House) -> datetime:
    text = called.text(name)
    if not text:
        raise BadRequest(f"{name} is missing: from when to when to look.", expression=name, zh="请指定查询的起止时间。")
    return interval(text, house.zone)[0 if name == "start" else 1]


def _code(called: Called, name: str, system: str) -> str:
    text = called.text(name)
    before, bar, code = text.rpartition("|")
    if bar and before != system:
        raise BadRequest(f"{name} is a code of {system}.", expression=name, zh="科室编码体系不正确。")
    return code


def _kind(called: Called) -> str:
    kind = _code(called, "visit-type", urls.BOOKING_KIND)
    if kind and kind not in KINDS:
        raise BadRequest(f"visit-type is one of {', '.join(KINDS)}.", expression="visit-type", zh="预约类别不正确。")
    return kind


def _ids(called: Called, name: str, *types: str) -> tuple[str, ...]:
    return tuple(_id_of(text, *types) for text in called.all(name))


def _references(called: Called, name: str, *types: str) -> tuple[str, ...]:
    return tuple(f"{text.split('/')[-2]}/{_id_of(text, *types)}" for text in called.all(name) if _id_of(text, *types))


def _id_of(text: str, *types: str) -> str:
    target = parse_reference(text)
    if not isinstance(target, Local) or target.type not in types:
        raise BadRequest(f"{text[:80]!r} is no {' or '.join(types)}/….", zh="引用格式不正确。")
    return target.id


def _patient(text: str) -> str:
    return _id_of(text, "Patient") if text else ""


def wish_of(called: Called) -> Wish:
    """What is asked for with appointment-resource. Raises BadRequest where it is missing, or of no one patient."""
    asked: Json | None = called.one("appointment-resource")
    if asked is None:
        raise BadRequest("appointment-resource is missing: what $find proposed, with the patient.", zh="请选择时段并指定患者。")
    actors = [str((one.get("actor") or {}).get("reference", "")) for one in asked.get("participant", ())]
    patients = [text for text in actors if text.startswith("Patient/")]
    if len(patients) != 1:
        raise BadRequest("An appointment is of one Patient.", expression="Appointment.participant", zh="请指定一名患者。")
    slots = tuple(_id_of(str(slot.get("reference", "")), "Slot") for slot in asked.get("slot", ()))
    reason = next((str(one["text"]) for one in asked.get("reasonCode", ()) if one.get("text")), "")
    based = next((str(one.get("reference", "")) for one in asked.get("basedOn", ())), "")
    return Wish(_patient(patients[0]), slots, called.text("channel") or "web", reason, based)


def _proposed(one: Free, name: str, house: House) -> Json:
    actor = {"reference": one.actor} | ({"display": name} if name else {})
    made: Json = {
        "resourceType": "Appointment",
        "extension": [
            {"url": PLACES_FREE, "valuePositiveInt": one.free},
            *([{"url": PLACES_RESERVED, "valuePositiveInt": one.reserved}] if one.reserved else []),
        ],
        "status": "proposed",
        "serviceCategory": [{"coding": [{"system": urls.BOOKING_KIND, "code": one.kind}]}],
        "start": one.starts.astimezone(house.zone).isoformat(timespec="milliseconds"),
        "end": one.ends.astimezone(house.zone).isoformat(timespec="milliseconds"),
        "slot": [{"reference": f"Slot/{one.slot}"}],
        "participant": [{"actor": actor, "status": "needs-action"}],
    }
    if one.specialty:
        made["specialty"] = [{"coding": [{"system": urls.SPECIALTY, "code": one.specialty}]}]
    return made


def _taken(request: Request, made: Written, status: int = 201) -> Answer:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "entry": [{"resource": made.resource, "search": {"mode": "match"}}],
    }
    answer = of_json(bundle, status)
    answer.headers.append((b"location", f"{request.base}/Appointment/{made.id}/_history/{made.version}".encode()))
    return answer


IHE = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition/"
OPERATIONS = (
    Operation("Appointment", "type", "find", find_free, False, "Free places, by time", IHE + "appointment-find", ("GET", "POST")),
    Operation("Appointment", "type", "hold", hold, True, "Keep a place for some minutes", IHE + "appointment-hold"),
    Operation("Appointment", "type", "book", book, True, "Take a place", IHE + "appointment-book"),
    Operation("Appointment", "instance", "cancel", cancel, True, "Give a place back", urls.BASE + "OperationDefinition/appointment-cancel"),
    Operation(
        "Appointment", "instance", "reschedule", reschedule, True, "Another time", urls.BASE + "OperationDefinition/appointment-reschedule"
    ),
)
