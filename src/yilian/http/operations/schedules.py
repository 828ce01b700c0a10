"""排班 over HTTP: what a template would make ($preview), making it ($apply), stops ($stop, $resume, $stopped, $move-stopped), series
($book-series, $cancel-series).

docs/reference/schedules.md
"""

from __future__ import annotations

from typing import Any

from yilian.access.policy import require, require_whole
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.json import parse
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.booking import wish_of
from yilian.http.operations.working_days import day_of, day_parts, parameters
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import making, names, series, stops
from yilian.scheduling.making import Difference, There
from yilian.scheduling.planning import Planned
from yilian.scheduling.series import Course
from yilian.scheduling.stops import Concerned
from yilian.store.change import Written
from yilian.store.scope import Scope

Json = dict[str, Any]

PERIOD = (Parameter("start"), Parameter("end"), Parameter("reason"))
STOPPED = (Parameter("schedule"), Parameter("_count", "integer"), Parameter("_cursor"))
COURSE = (
    Parameter("appointment-resource", "resource", of="Appointment"), Parameter("channel"), Parameter("visits", "integer"),
    Parameter("every-days", "integer"),
)  # fmt: skip
MOST = 200


async def preview(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$preview with schedule (stored or not) and until (a day): what applying it would do, day by day."""
    require(asker, "write", "Schedule")
    called = await called_with(request, (Parameter("schedule", "resource", of="Schedule"), Parameter("until")))
    schedule: Json | None = called.one("schedule")
    if schedule is None:
        raise BadRequest("schedule is missing: the Schedule to look at.", zh="缺少要预览的排班。")
    async with house.db.transaction() as tx:
        found = await making.outlook(tx, asker, schedule, day_of(called, "until"))
    parts = _difference(found.difference)
    parts += [{"name": "until", "valueDate": found.until.isoformat()}]
    parts += [{"name": "unknown-year", "valueInteger": year} for year in found.days.unknown(found.since, found.until)]
    parts += [{"name": "day", "part": day_parts(one)} for one in found.days.days.values()]
    return parameters(parts)


async def apply(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/{id}/$apply: bring its slots in line with its template; what was done."""
    require(asker, "write", "Schedule")
    await called_with(request, ())
    async with house.db.transaction() as tx:
        done = await making.apply(tx, asker, request.segments[1])
    return parameters(_difference(done))


async def stop(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/{id}/$stop with start, end and reason"""
    require(asker, "write", "Schedule")
    called = await called_with(request, PERIOD)
    since, until = _moment(called, "start"), _moment(called, "end")
    async with house.db.transaction() as tx:
        done = await stops.stop(tx, asker, request.segments[1], since, until, called.text("reason"))
    return parameters([{"name": name, "valueInteger": getattr(done, name)} for name in ("slots", "holds", "told")])


async def resume(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/{id}/$resume with start and end: open again what was stopped"""
    require(asker, "write", "Schedule")
    called = await called_with(request, PERIOD[:2])
    async with house.db.transaction() as tx:
        opened = await stops.resume(tx, asker, request.segments[1], _moment(called, "start"), _moment(called, "end"))
    return parameters([{"name": "slots", "valueInteger": opened}])


async def stopped(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$stopped with schedule, _count and _cursor: who has a place in what was stopped, and where they could go."""
    require(asker, "read", "Appointment")
    require(asker, "write", "Schedule")
    require_whole(asker, "$stopped")
    called = await called_with(request, STOPPED)
    count = int(called.one("_count") or 50)
    if not 1 <= count <= MOST:
        raise BadRequest(f"_count is 1 to {MOST}.", expression="_count", zh=f"_count 应为 1 至 {MOST}。")
    schedule = called.text("schedule").removeprefix("Schedule/")
    async with house.db.reading() as tx:
        found, following = await stops.waiting(tx, asker, schedule=schedule, count=count, after=called.one("_cursor"))
        people = await names.patients(tx, [one.patient for one in found])
        doctors = await names.actors(tx, [one.proposal.actor for one in found if one.proposal])
    await note_read(house.reads, asker, list(people.values()), "stopped", request.address, query="Schedule/$stopped", kind="Appointment")
    parts: list[Json] = []
    for one in found:
        person = parse(people[one.patient].body) if one.patient in people else {}
        parts.append({"name": "appointment", "part": _concerned(one, person, doctors)})
    return parameters([*parts, *([{"name": "next", "valueString": following}] if following else [])])


async def move_stopped(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$move-stopped with schedule, or appointment (repeats): move all who fit to the nearest equal slot."""
    require(asker, "write", "Schedule")
    require(asker, "write", "Appointment")
    require_whole(asker, "$move-stopped")
    called = await called_with(request, (Parameter("schedule"), Parameter("appointment", many=True)))
    only = tuple(text.removeprefix("Appointment/") for text in called.all("appointment"))
    async with house.db.transaction() as tx:
        done = await stops.move_all(tx, asker, schedule=called.text("schedule").removeprefix("Schedule/"), only=only)
    parts = [{"name": "moved", "valueReference": {"reference": f"Appointment/{id}"}} for id in done.moved]
    parts += [{"name": "left", "valueReference": {"reference": f"Appointment/{id}"}} for id in done.left]
    return parameters(parts)


async def book_series(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/$book-series with appointment-resource (the first visit), visits and every-days: 201, all of them."""
    called = await called_with(request, COURSE)
    course = Course(wish_of(called), int(called.one("visits") or 0), int(called.one("every-days") or 0))
    async with house.db.transaction() as tx:
        made = await series.book(tx, asker, course)
    return _appointments(made, 201)


async def cancel_series(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Appointment/{id}/$cancel-series with reason: this visit and those after it"""
    called = await called_with(request, (Parameter("reason"),))
    async with house.db.transaction() as tx:
        made = await series.cancel_rest(tx, asker, request.segments[1], called.text("reason"))
    return _appointments(made, 200)


def _difference(found: Difference) -> list[Json]:
    parts: list[Json] = [{"name": "same", "valueInteger": found.same}]
    parts += [{"name": "make", "part": _times(one)} for one in found.make]
    parts += [{"name": "resize", "part": _times(slot, places)} for slot, places in found.resize]
    for name in ("remove", "stop", "stay"):
        parts += [{"name": name, "part": _times(one)} for one in getattr(found, name)]
    return parts


def _times(one: Planned | There, places: int | None = None) -> list[Json]:
    zone = region_zone()
    parts: list[Json] = [
        {"name": "start", "valueInstant": one.starts.astimezone(zone).isoformat(timespec="milliseconds")},
        {"name": "end", "valueInstant": one.ends.astimezone(zone).isoformat(timespec="milliseconds")},
        {"name": "places", "valueInteger": places if places is not None else one.places},
    ]
    if isinstance(one, There):
        parts += [{"name": "slot", "valueReference": {"reference": f"Slot/{one.id}"}}, {"name": "taken", "valueInteger": one.taken}]
    return parts


def _concerned(one: Concerned, person: Json, doctors: dict[int, names.Actor]) -> list[Json]:
    zone = region_zone()
    parts: list[Json] = [
        {"name": "reference", "valueReference": {"reference": f"Appointment/{one.id}"}},
        {"name": "schedule", "valueReference": {"reference": f"Schedule/{one.schedule}"}},
        {"name": "patient", "valueReference": {"reference": f"Patient/{one.patient_id}", "display": names.person_name(person) or "-"}},
        {"name": "status", "valueCode": one.state},
        {"name": "start", "valueInstant": one.starts.astimezone(zone).isoformat(timespec="milliseconds")},
    ]
    if phone := names.phone(person):
        parts.append({"name": "phone", "valueString": phone})
    if one.proposal:
        doctor = doctors.get(one.proposal.actor)
        parts.append(
            {
                "name": "proposal",
                "part": [
                    *({"name": "slot", "valueReference": {"reference": f"Slot/{id}"}} for id in one.proposal.slots),
                    {"name": "start", "valueInstant": one.proposal.starts.astimezone(zone).isoformat(timespec="milliseconds")},
                    {"name": "same", "valueBoolean": one.proposal.same},
                    {"name": "with", "valueString": (doctor.name if doctor else "") or "-"},
                ],
            }
        )
    return parts


def _appointments(made: list[Written], status: int) -> Answer:
    entries = [{"resource": one.resource, "search": {"mode": "match"}} for one in made]
    return of_json({"resourceType": "Bundle", "type": "searchset", "total": len(made), "entry": entries}, status)


def _moment(called: Called, name: str) -> Any:
    if not (text := called.text(name)):
        raise BadRequest(f"{name} is missing.", expression=name, zh="请填写起止时间。")
    return interval(text, region_zone())[0 if name == "start" else 1]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Schedule", "type", "preview", preview, False, "What a template would make", OURS + "schedule-preview", ("POST",)),
    Operation("Schedule", "instance", "apply", apply, True, "Make the slots of a template", OURS + "schedule-apply"),
    Operation("Schedule", "instance", "stop", stop, True, "Stop what a schedule has", OURS + "schedule-stop"),
    Operation("Schedule", "instance", "resume", resume, True, "Open again what was stopped", OURS + "schedule-resume"),
    Operation("Schedule", "type", "stopped", stopped, False, "Who has a place in what was stopped", OURS + "schedule-stopped"),
    Operation("Schedule", "type", "move-stopped", move_stopped, True, "Move whoever was stopped", OURS + "schedule-move-stopped"),
    Operation("Appointment", "type", "book-series", book_series, True, "Several visits, all or none", OURS + "appointment-book-series"),
    Operation(
        "Appointment", "instance", "cancel-series", cancel_series, True, "Cancel the rest of a series", OURS + "appointment-cancel-series"
    ),
)
