"""预约 of a patient: $bookings (what is booked and waited for), $wait and $leave (候补), $appeal, $appeals and $decide-appeal (申诉), and
the calendar of free places ($calendar).

docs/reference/attendance.md
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from yilian.access import guardians
from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.attendance import day_of, id_of
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import allowed, appeals, calendar, mine, names, waiting_list
from yilian.scheduling.bookings import CHANNELS
from yilian.scheduling.calendar import Day, Line, Question
from yilian.scheduling.names import Actor
from yilian.scheduling.standing import standing
from yilian.scheduling.waiting_list import Want
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

Json = dict[str, Any]

WAIT = (
    Parameter("patient"), Parameter("organization"), Parameter("specialty"), Parameter("schedule"), Parameter("start"), Parameter("end"),
    Parameter("channel"),
)  # fmt: skip
CALENDAR = (
    Parameter("organization"), Parameter("start"), Parameter("end"), Parameter("specialty"), Parameter("schedule", many=True),
    Parameter("practitioner"), Parameter("patient"), Parameter("slots", "boolean"),
)  # fmt: skip
MOST_APPEALS = 50


async def bookings_of(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/{id}/$bookings: appointments, the latest first, waits, and until when booking is barred by the region's rules."""
    require(asker, "read", "Appointment")
    await called_with(request, ())
    async with house.db.reading() as tx:
        asker = await guardians.acting(tx, asker, request.segments[1])
        patient = await read.by_id(tx, asker, "Patient", request.segments[1])
        booked = await mine.bookings(tx, asker, patient.rid)
        waits = await mine.waits(tx, asker, patient.rid)
        rids = [one.row["actor"] for one in booked] + [row["actor"] for row in waits if row["actor"]]
        actors = await names.actors(tx, rids)
        bars = {one.row["institution"]: one.row["institution_name"] for one in booked}
        barred = {name: bar[0] for rid, name in bars.items() if (bar := await allowed.barred(tx, patient.rid, rid)) is not None}
    await note_read(house.reads, asker, [patient], "bookings", request.address)
    parts: list[Json] = [
        {"name": "barred", "part": [{"name": "institution", "valueString": name}, {"name": "until", "valueInstant": _instant(until)}]}
        for name, until in barred.items()
    ]
    parts += [{"name": "booking", "part": _booking(one, actors[one.row["actor"]])} for one in booked]
    parts += [{"name": "wait", "part": _wait(row, actors.get(row["actor"]))} for row in waits]
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def wards(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Patient/$wards: whom the asking resident may book for as their guardian."""
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await guardians.wards(tx, asker)
        scopes = [await guardians.acting(tx, asker, one.id) for one in found]
        read_ = [await read.by_id(tx, scope, "Patient", one.id) for scope, one in zip(scopes, found, strict=True)]
    for scope, one in zip(scopes, read_, strict=True):
        await note_read(house.reads, scope, [one], "wards", request.address)
    parts = [
        {
            "name": "ward",
            "part": [
                {"name": "patient", "valueReference": {"reference": f"Patient/{one.id}", "display": names.person_name(one.patient) or "-"}},
                *([{"name": "birth-date", "valueDate": one.patient["birthDate"]}] if one.patient.get("birthDate") else []),
            ],
        }
        for one in found
    ]
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def wait(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/$wait with patient, organization, schedule or specialty, start and end (days), channel: 201 and the Appointment of
    the status waitlist."""
    called = await called_with(request, WAIT)
    channel = called.text("channel") or "web"
    if channel not in CHANNELS:
        raise BadRequest(f"channel is one of {', '.join(CHANNELS)}.", zh="预约渠道不正确。")
    want = Want(
        id_of(called.text("patient"), "Patient"),
        id_of(called.text("organization"), "Organization"),
        called.text("specialty").rpartition("|")[2],
        id_of(called.text("schedule"), "Schedule") if called.one("schedule") else "",
        day_of(called, "start"),
        day_of(called, "end"),
        channel,
    )
    async with house.db.transaction() as tx:
        made = await waiting_list.join(tx, await guardians.acting(tx, asker, want.patient), want)
    return of_json(made.resource, 201)


async def leave(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$leave: waits no more."""
    await called_with(request, ())
    async with house.db.transaction() as tx:
        asker = await guardians.acting_on(tx, asker, request.segments[1])
        return of_json((await waiting_list.leave(tx, asker, request.segments[1])).resource)


async def appeal(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$appeal with reason: the id of the appeal."""
    called = await called_with(request, (Parameter("reason"),))
    async with house.db.transaction() as tx:
        asker = await guardians.acting_on(tx, asker, request.segments[1])
        made = await appeals.appeal(tx, asker, request.segments[1], called.text("reason"))
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "appeal", "valueString": made}]}, 201)


async def listed_appeals(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Appointment/$appeals with status, _count, _before (an id): appeals at the office's institution, the newest first."""
    called = await called_with(request, (Parameter("status"), Parameter("_count", "integer"), Parameter("_before")))
    appeals.require_office(asker)
    count = min(max(int(called.one("_count") or MOST_APPEALS), 1), 200)
    async with house.db.reading() as tx:
        rows = await appeals.listed(tx, asker, called.text("status"), count=count, before=called.text("_before"))
        whom: dict[int, Stored] = await names.patients(tx, [row["patient"] for row in rows[:count]])
    await note_read(house.reads, asker, list(whom.values()), "appeals", request.address)
    parts: list[Json] = [{"name": "appeal", "part": _appeal(row, whom[row["patient"]])} for row in rows[:count] if row["patient"] in whom]
    if len(rows) > count:
        parts.append({"name": "next", "valueString": rows[count - 1]["id"]})
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def decide_appeal(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/$decide-appeal with appeal, action (grant | refuse | withdraw) and answer: the new state."""
    called = await called_with(request, (Parameter("appeal"), Parameter("action"), Parameter("answer")))
    async with house.db.transaction() as tx:
        state = await appeals.decide(tx, asker, called.text("appeal"), called.text("action"), called.text("answer"))
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "state", "valueCode": state}]})


async def places(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$calendar with organization, start, end (days), specialty, schedule, practitioner, patient, slots."""
    require(asker, "read", "Slot")
    called = await called_with(request, CALENDAR)
    first = day_of(called, "start")
    async with house.db.reading() as tx:
        whose = id_of(called.text("patient"), "Patient") if called.one("patient") else ""
        asker = await guardians.acting(tx, asker, whose)
        patient = await read.by_id(tx, asker, "Patient", whose) if whose else None
        question = Question(
            await calendar.institution(tx, id_of(called.text("organization"), "Organization")),
            first,
            day_of(called, "end") if called.one("end") else first + timedelta(days=6),
            called.text("specialty").rpartition("|")[2],
            tuple(id_of(text, "Schedule") for text in called.all("schedule")),
            id_of(called.text("practitioner"), "Practitioner") if called.one("practitioner") else "",
            called.flag("slots"),
        )
        here = await standing(tx, asker, patient.rid if patient else 0)
        lines = await calendar.lines(tx, question, here)
        actors = await names.actors(tx, [line.actor for line in lines])
    if patient is not None:
        await note_read(house.reads, asker, [patient], "calendar", request.address)
    parts = [{"name": "schedule", "part": _line(line, actors[line.actor])} for line in lines]
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def institutions(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$institutions: where one can book."""
    require(asker, "read", "Slot")
    await called_with(request, ())
    async with house.db.reading() as tx:
        found = await calendar.institutions(tx)
    parts = [
        {
            "name": "institution",
            "part": [
                {"name": "organization", "valueReference": {"reference": f"Organization/{one.id}", "display": one.name}},
                {"name": "schedules", "valueInteger": one.schedules},
                *([{"name": "tier", "valueCode": one.tier}] if one.tier else []),
                *({"name": "specialty", "valueCode": code} for code in one.specialties),
            ],
        }
        for one in found
    ]
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


def _instant(moment: Any) -> str:
    return str(moment.astimezone(region_zone()).isoformat(timespec="seconds"))


def _specialty(code: str) -> list[Json]:
    if not code:
        return []
    return [{"name": "specialty", "valueCoding": {"system": urls.SPECIALTY, "code": code, "display": SPECIALTIES.get(code, code)}}]


def _who(actor: Actor | None) -> list[Json]:
    if actor is None:
        return []
    parts: list[Json] = [{"name": "actor", "valueReference": {"reference": actor.reference}}]
    return parts + [{"name": name, "valueString": value} for name, value in (("actor-name", actor.name), ("title", actor.title)) if value]


def _booking(one: mine.Mine, actor: Actor) -> list[Json]:
    row = one.row
    codes = {"status": row["state"], "kind": row["kind"], "mark": row["mark"], "appeal": row["appeal"], "queue-state": row["queue_state"]}
    parts: list[Json] = [
        {"name": "id", "valueString": row["id"]},
        {"name": "starts", "valueInstant": _instant(row["starts"])},
        {"name": "ends", "valueInstant": _instant(row["ends"])},
        {
            "name": "organization",
            "valueReference": {"reference": f"Organization/{row['institution_id']}", "display": row["institution_name"]},
        },
        {"name": "schedule", "valueReference": {"reference": f"Schedule/{row['schedule_id']}"}},
        {"name": "lifted", "valueBoolean": row["lifted"] is not None},
        {"name": "from-wait", "valueBoolean": row["from_wait"]},
        *_specialty(row["specialty"]),
        *_who(actor),
        *({"name": name, "valueCode": code} for name, code in codes.items() if code),
    ]
    if row["held_until"] is not None:
        parts.append({"name": "held-until", "valueInstant": _instant(row["held_until"])})
    if one.cancels_until is not None and row["state"] == "booked":
        parts.append({"name": "cancels-until", "valueInstant": _instant(one.cancels_until)})
        parts.append({"name": "late-is-marked", "valueBoolean": one.late_is_marked})
    if row["series"] is not None:
        parts.append({"name": "series", "valueString": str(row["series"])})
        parts.append({"name": "series-number", "valueInteger": row["series_number"]})
        parts.append({"name": "series-of", "valueInteger": row["series_of"]})
    if row["number"] is not None:
        parts.append({"name": "number", "valueInteger": row["number"]})
        parts.append({"name": "before", "valueInteger": row["before"]})
        parts.append({"name": "session", "valueCode": row["session"]})
    return parts


def _wait(row: Any, actor: Actor | None) -> list[Json]:
    parts: list[Json] = [
        {"name": "id", "valueString": row["id"]},
        {"name": "status", "valueCode": row["state"]},
        {
            "name": "organization",
            "valueReference": {"reference": f"Organization/{row['institution_id']}", "display": row["institution_name"]},
        },
        {"name": "start", "valueDate": row["first_day"].isoformat()},
        {"name": "end", "valueDate": row["last_day"].isoformat()},
        {"name": "before", "valueInteger": row["before"]},
        *_specialty(row["specialty"]),
        *_who(actor),
    ]
    if row["schedule_id"]:
        parts.append({"name": "schedule", "valueReference": {"reference": f"Schedule/{row['schedule_id']}"}})
    if row["state"] == "offered":
        parts.append({"name": "offer", "valueString": row["offer_id"]})
    return parts


def _appeal(row: Any, patient: Stored) -> list[Json]:
    texts = {"patient-name": names.person_name(parse(patient.body)), "reason": row["reason"], "answer": row["answer"]}
    return [
        {"name": "id", "valueString": row["id"]},
        {"name": "state", "valueCode": row["state"]},
        {"name": "mark", "valueCode": row["kind"]},
        {"name": "asked", "valueInstant": _instant(row["asked"])},
        {"name": "starts", "valueInstant": _instant(row["starts"])},
        {"name": "appointment", "valueString": f"Appointment/{row['appointment_id']}"},
        *({"name": name, "valueString": value} for name, value in texts.items() if value),
    ]


def _line(line: Line, actor: Actor) -> list[Json]:
    return [
        {"name": "schedule", "valueReference": {"reference": f"Schedule/{line.schedule}"}},
        {"name": "kind", "valueCode": line.kind},
        *_specialty(line.specialty),
        *_who(actor),
        *({"name": "day", "part": _day(day)} for day in line.days),
    ]


def _day(day: Day) -> list[Json]:
    numbers = {"places": day.places, "free": day.free, "left": day.left, "held": day.held, "taken": day.taken, "stopped": day.stopped}
    parts: list[Json] = [
        {"name": "date", "valueDate": day.day.isoformat()},
        {"name": "starts", "valueInstant": _instant(day.starts)},
        {"name": "ends", "valueInstant": _instant(day.ends)},
        *({"name": name, "valueInteger": number} for name, number in numbers.items()),
        *({"name": f"pool-{name}", "valueInteger": number} for name, number in day.pools.items()),
    ]
    if day.slot:
        parts.append({"name": "slot", "valueReference": {"reference": f"Slot/{day.slot}"}})
    if day.opens is not None:
        parts.append({"name": "opens", "valueInstant": _instant(day.opens)})
    return parts


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Patient", "instance", "bookings", bookings_of, False, "What a patient has booked and waits for", OURS + "patient-bookings"),
    Operation("Patient", "type", "wards", wards, False, "Whom a guardian books for", OURS + "patient-wards"),
    Operation("Appointment", "type", "wait", wait, True, "Wait for a place", OURS + "appointment-wait"),
    Operation("Appointment", "instance", "leave", leave, True, "Wait no more", OURS + "appointment-leave"),
    Operation(
        "Appointment", "instance", "appeal", appeal, True, "Say why a missed appointment should not count", OURS + "appointment-appeal"
    ),
    Operation("Appointment", "type", "appeals", listed_appeals, False, "Appeals at one's institution", OURS + "appointment-appeals"),
    Operation("Appointment", "type", "decide-appeal", decide_appeal, True, "Decide an appeal", OURS + "appointment-decide-appeal"),
    Operation("Schedule", "type", "calendar", places, False, "Places by day, or by slot", OURS + "schedule-calendar"),
    Operation("Schedule", "type", "institutions", institutions, False, "Where one can book", OURS + "schedule-institutions"),
)
