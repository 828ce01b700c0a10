"""签到与叫号: $check-in, $call, $call-next, $pass, $fulfil, the list of a day ($day) and the board of a waiting room ($queue).

docs/reference/attendance.md
"""

from __future__ import annotations

from datetime import date
from typing import Any

from yilian.access import guardians
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import attendance, day_list, names, seen
from yilian.scheduling.attendance import Here
from yilian.scheduling.day_list import Question
from yilian.store import read
from yilian.store.scope import Scope

Json = dict[str, Any]

DAY = (
    Parameter("date"), Parameter("schedule", many=True), Parameter("practitioner"), Parameter("patient"), Parameter("status"),
    Parameter("_count", "integer"), Parameter("_cursor"),
)  # fmt: skip
USUAL = 50


async def check_in(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$check-in with why (what puts somebody before the others)"""
    called = await called_with(request, (Parameter("why"),))
    async with house.db.transaction() as tx:
        asker = await guardians.acting_on(tx, asker, request.segments[1])
        return _here(await attendance.check_in(tx, asker, request.segments[1], why=called.text("why")))


async def call(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$call"""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        return _here(await attendance.call(tx, asker, request.segments[1]))


async def call_next(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/{id}/$call-next: who is next; Parameters without parameters where nobody waits."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        found = await attendance.call_next(tx, asker, request.segments[1])
    return _here(found) if found is not None else of_json({"resourceType": "Parameters"})


async def pass_over(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$pass"""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        return _here(await attendance.pass_over(tx, asker, request.segments[1]))


async def fulfil(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$fulfil"""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        return _here(await attendance.fulfil(tx, asker, request.segments[1]))


async def day(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Appointment/$day: the appointments of a day at the asker's institution, by time, with how many there are in each group."""
    called = await called_with(request, DAY)
    seen.require_staff(asker)
    count = int(called.one("_count") or USUAL)
    async with house.db.reading() as tx:
        patient = (await read.by_id(tx, asker, "Patient", id_of(called.text("patient"), "Patient"))).rid if called.one("patient") else None
        question = Question(
            _date(called, house),
            tuple(id_of(text, "Schedule") for text in called.all("schedule")),
            id_of(called.text("practitioner"), "Practitioner") if called.one("practitioner") else "",
            patient,
            called.text("status"),
        )
        rows, following, counts = await day_list.listed(tx, asker, question, count=count, after=called.one("_cursor"))
        whom = await names.patients(tx, [row["patient"] for row in rows])
        actors = await names.actors(tx, [row["actor"] for row in rows])
    await note_read(house.reads, asker, list(whom.values()), "day", request.address)
    parts: list[Json] = [{"name": f"count-{name}", "valueInteger": counts.get(name, 0)} for name in day_list.GROUPS]
    parts += [
        {"name": "appointment", "part": _row(row, parse(whom[row["patient"]].body), actors)} for row in rows if row["patient"] in whom
    ]
    if following:
        parts.append({"name": "next", "valueString": following})
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def queue(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/{id}/$queue: who was called and who waits, with masked names, for the board of a waiting room."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        rows = await day_list.queue(tx, asker, request.segments[1])
        whom = await names.patients(tx, [row["patient"] for row in rows])
    await note_read(house.reads, asker, list(whom.values()), "queue", request.address)
    parts = []
    for row in rows:
        name = names.person_name(parse(whom[row["patient"]].body)) if row["patient"] in whom else ""
        parts.append(
            {
                "name": "waiting",
                "part": [
                    {"name": "appointment", "valueString": f"Appointment/{row['id']}"},
                    {"name": "number", "valueInteger": row["number"]},
                    {"name": "session", "valueCode": row["session"]},
                    {"name": "state", "valueCode": row["state"]},
                    {"name": "first", "valueBoolean": row["rank"] == 0},
                    {"name": "calls", "valueInteger": row["calls"]},
                    {"name": "name", "valueString": names.masked(name) or "-"},
                    {"name": "starts", "valueInstant": _instant(row["starts"])},
                ],
            }
        )
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


def id_of(text: str, *types: str) -> str:
    """The id of a reference to one of these types. Raises BadRequest."""
    target = parse_reference(text)
    if not isinstance(target, Local) or target.type not in types:
        raise BadRequest(f"{text[:80]!r} is no {' or '.join(types)}/….", zh="引用格式不正确。")
    return target.id


def day_of(called: Called, name: str) -> date:
    """A date of the region. Raises BadRequest."""
    try:
        return date.fromisoformat(called.text(name))
    except ValueError:
        raise BadRequest(f"{name} is a day: 2026-12-01.", expression=name, zh="日期格式不正确。") from None


def _date(called: Called, house: House) -> date:
    return day_of(called, "date") if called.one("date") else house.db.clock().astimezone(house.zone).date()


def _instant(moment: Any) -> str:
    return str(moment.astimezone(region_zone()).isoformat(timespec="seconds"))


def _here(here: Here) -> Answer:
    parts: list[Json] = [
        {"name": "appointment", "resource": here.appointment},
        {"name": "number", "valueInteger": here.number},
        {"name": "session", "valueCode": here.session},
        {"name": "state", "valueCode": here.state},
        {"name": "first", "valueBoolean": here.rank == 0},
        {"name": "before", "valueInteger": here.before},
    ]
    if here.encounter:
        parts.append({"name": "encounter", "valueReference": {"reference": f"Encounter/{here.encounter}"}})
    return of_json({"resourceType": "Parameters", "parameter": parts})


def _row(row: Any, patient: Json, actors: dict[int, names.Actor]) -> list[Json]:
    actor = actors.get(row["actor"])
    text = {
        "patient-name": names.person_name(patient),
        "phone": names.phone(patient),
        "birth-date": str(patient.get("birthDate", "")),
        "actor-name": actor.name if actor else "",
        "booked-by": row["booked_by_name"] or "",
        "why": row["why"] or "",
    }
    codes = {
        "status": row["in_group"],
        "sex": str(patient.get("gender", "")),
        "kind": row["kind"],
        "channel": row["channel"],
        "pool": row["pool"],
        "session": row["session"] or "",
        "queue-state": row["queue_state"] or "",
    }
    parts: list[Json] = [
        {"name": "id", "valueString": row["id"]},
        {"name": "patient", "valueReference": {"reference": f"Patient/{patient['id']}"}},
        {"name": "schedule", "valueReference": {"reference": f"Schedule/{row['schedule_id']}"}},
        {"name": "starts", "valueInstant": _instant(row["starts"])},
        {"name": "ends", "valueInstant": _instant(row["ends"])},
        {"name": "specialty", "valueCoding": {"system": urls.SPECIALTY, "code": row["specialty"]}} if row["specialty"] else {},
        *({"name": name, "valueString": value} for name, value in text.items() if value),
        *({"name": name, "valueCode": value} for name, value in codes.items() if value),
    ]
    if row["number"] is not None:
        parts += [
            {"name": "number", "valueInteger": row["number"]},
            {"name": "first", "valueBoolean": row["rank"] == 0},
            {"name": "calls", "valueInteger": row["calls"]},
        ]
    if row["visit"]:
        parts.append({"name": "encounter", "valueReference": {"reference": f"Encounter/{row['visit']}"}})
    return [part for part in parts if part]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Appointment", "instance", "check-in", check_in, True, "Who was booked has come", OURS + "appointment-check-in"),
    Operation("Appointment", "instance", "call", call, True, "Call somebody in", OURS + "appointment-call"),
    Operation("Appointment", "instance", "pass", pass_over, True, "Pass over who did not answer", OURS + "appointment-pass"),
    Operation("Appointment", "instance", "fulfil", fulfil, True, "Somebody is done", OURS + "appointment-fulfil"),
    Operation("Appointment", "type", "day", day, False, "The appointments of a day", OURS + "appointment-day"),
    Operation("Schedule", "instance", "call-next", call_next, True, "Call who is next", OURS + "schedule-call-next"),
    Operation("Schedule", "instance", "queue", queue, False, "The board of a waiting room", OURS + "schedule-queue"),
)
