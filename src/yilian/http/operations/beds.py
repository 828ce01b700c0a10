"""The operations on beds: $beds counts them or shows a ward, $hold and $release keep one, $admit, $transfer, $discharge and
$expect-discharge write the Encounter of who lies there, $bed-contradictions lists what cannot be, $bed-use tells how much was used.

docs/reference/beds.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from yilian import policy
from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.beds import board, contradictions, day_surgery, days, holds, moves
from yilian.beds.board import Board
from yilian.beds.kinds import KINDS
from yilian.directory.institutions import by_rid, institution
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest, Forbidden, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, etag, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.http.ward_board import bed_part, instant, numbers, place
from yilian.store import read
from yilian.store.change import Written
from yilian.store.scope import Scope

Json = dict[str, Any]

COUNT = (Parameter("by"), Parameter("institution", many=True), Parameter("specialty"), Parameter("kind"))
HOLD = (Parameter("patient"), Parameter("until"), Parameter("kind"))
ADMIT = (Parameter("patient"), Parameter("encounter"), Parameter("specialty"), Parameter("kind"), Parameter("expected"))
TRANSFER = (Parameter("to"), Parameter("kind"))
DISCHARGE = (Parameter("disposition"), Parameter("destination"))
USE = (Parameter("institution", many=True), Parameter("start"), Parameter("end"), Parameter("by"))


async def count(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Location/$beds: how many beds are free, held, occupied, by institution, department, ward or specialty; no person is told of."""
    require(asker, "read", "Location")
    called = await called_with(request, COUNT)
    specialty, kind = _code(called, "specialty", urls.SPECIALTY, SPECIALTIES), _code(called, "kind", urls.BED_KIND, KINDS)
    async with house.db.reading() as tx:
        wanted = [await _institution(tx, text) for text in called.all("institution")] or None
        by = called.text("by") or "institution"
        found = await board.count(tx, by=by, institutions=wanted, specialty=specialty, kind=kind)
        moment = tx.now
    return of_json(
        {
            "resourceType": "Parameters",
            "parameter": [instant("at", moment), *({"name": "group", "part": numbers(one)} for one in found)],
        }
    )


async def show(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Location/{ward}/$beds: its beds; of persons what the asker may read."""
    require(asker, "read", "Location")
    await called_with(request, ())
    if asker.reach == "self":
        raise Forbidden("The board of a ward is for those who work in institutions.", zh="床位一览仅供医疗机构人员使用。")
    async with house.db.reading() as tx:
        found = await board.board(tx, asker, request.segments[1])
        whose = (await by_rid(tx, [found.institution])).get(found.institution)
        names = {one.reference: one.name for one in (await _named(tx, found)).values()}
        moment = tx.now
    if found.persons:
        await note_read(house.reads, asker, list(found.persons.values()), "beds", request.address)
    where = {"reference": whose.reference, "display": whose.name} if whose else {"display": "-"}
    parameter = [
        instant("at", moment),
        {"name": "ward", "valueReference": {"reference": f"Location/{found.id}", "display": found.name}},
        {"name": "institution", "valueReference": where},
        *({"name": "bed", "part": bed_part(one, found.persons, names)} for one in found.beds),
    ]
    return of_json({"resourceType": "Parameters", "parameter": parameter})


async def hold(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed or ward}/$hold with patient, until (policy `beds.hold_minutes` without one) and kind: the hold."""
    require(asker, "write", "Encounter")
    called = await called_with(request, HOLD)
    async with house.db.transaction() as tx:
        patient = await read.by_id(tx, asker, "Patient", _id_of(called, "patient", "Patient"))
        minutes = float(await policy.value(tx, "beds.hold_minutes", tx.now, asker.institution_rid or None))
        until = _moment(called, "until", house) or tx.now + timedelta(minutes=minutes)
        id = await holds.hold(tx, asker, f"Location/{request.segments[1]}", patient.rid, until, kind=called.text("kind"))
        made = await holds.one(tx, id)
        moves.own_house(asker, made.institution)
    parameter = [
        {"name": "hold", "valueId": made.id},
        {"name": "bed", "valueReference": {"reference": f"Location/{made.location}"}},
        instant("until", made.until),
    ]
    return of_json({"resourceType": "Parameters", "parameter": parameter}, 201)


async def release(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed}/$release: the bed is given back; 404 where it is not kept for anybody the asker may see."""
    require(asker, "write", "Encounter")
    await called_with(request, ())
    async with house.db.transaction() as tx:
        id = await tx.fetchval(
            "select n.hold from bed_now n join resource r using (rid) where r.type = $1 and r.id = $2",
            type_id("Location"),
            request.segments[1],
        )
        if id is None:
            raise NotFound("This bed is not kept for anybody.", zh="该床位没有预留。")
        moves.own_house(asker, (await holds.one(tx, id)).institution)
        await holds.release(tx, id)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "released", "valueBoolean": True}]})


async def admit(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed or ward}/$admit with patient or encounter, specialty, kind, expected: the Encounter, in progress."""
    called = await called_with(request, ADMIT)
    async with house.db.transaction() as tx:
        done = await moves.admit(
            tx,
            asker,
            f"Location/{request.segments[1]}",
            patient=_id_of(called, "patient", "Patient", optional=True),
            encounter=_id_of(called, "encounter", "Encounter", optional=True),
            specialty=_code(called, "specialty", urls.SPECIALTY, SPECIALTIES),
            kind=_code(called, "kind", urls.BED_KIND, KINDS),
            expected=_moment(called, "expected", house),
        )
    return _done(request, done, 201 if done.created else 200)


async def transfer(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed}/$transfer with to (Location/…, a bed or ward) and kind: the Encounter."""
    called = await called_with(request, TRANSFER)
    to = _id_of(called, "to", "Location")
    async with house.db.transaction() as tx:
        done = await moves.transfer(tx, asker, request.segments[1], f"Location/{to}", kind=_code(called, "kind", urls.BED_KIND, KINDS))
    return _done(request, done)


async def discharge(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed}/$discharge with disposition (离院方式) and destination (Organization/…): the Encounter, finished."""
    called = await called_with(request, DISCHARGE)
    disposition = _code(called, "disposition", urls.DISPOSITION, moves.DISPOSITIONS) or "1"
    to = _id_of(called, "destination", "Organization", optional=True)
    async with house.db.transaction() as tx:
        destination = f"Organization/{to}" if to else ""
        done = await moves.discharge(tx, asker, request.segments[1], disposition=disposition, destination=destination)
    return _done(request, done)


async def expect_discharge(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Location/{bed}/$expect-discharge with expected: the Encounter."""
    called = await called_with(request, (Parameter("expected"),))
    when = _moment(called, "expected", house)
    if when is None:
        raise BadRequest("expected is missing: when the patient is to leave.", expression="expected", zh="请填写预计出院时间。")
    async with house.db.transaction() as tx:
        done = await moves.expect(tx, asker, request.segments[1], when)
    return _done(request, done)


async def contradicting(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Location/$bed-contradictions: of the beds of the own house; persons only where the asker may read the Encounter."""
    require(asker, "read", "Encounter")
    await called_with(request, ())
    if asker.reach not in ("grounds", "everything") or not asker.institution_rid:
        raise Forbidden("Contradictions are for the house whose beds they are of.", zh="床位矛盾清单仅供本机构使用。")
    async with house.db.reading() as tx:
        found = await contradictions.find(tx, [asker.institution_rid])
        persons = await read.many(tx, asker, [("Encounter", one.encounter) for one in found])
        names = await read.many(tx, asker, [("Location", one.bed) for one in found])
    if persons:
        await note_read(house.reads, asker, list(persons.values()), "bed-contradictions", request.address)
    parameter = []
    for one in found:
        part = [
            {"name": "kind", "valueCode": one.kind},
            {"name": "text", "valueString": contradictions.KINDS[one.kind]},
            {"name": "bed", "valueReference": place(one.bed, names)},
            {"name": "ward", "valueReference": {"reference": f"Location/{one.ward}"}},
            instant("since", one.since),
        ]
        if (stored := persons.get(("Encounter", one.encounter))) is not None:
            part.append({"name": "encounter", "valueReference": {"reference": f"Encounter/{one.encounter}"}})
            if subject := parse(stored.body).get("subject"):
                part.append({"name": "patient", "valueReference": subject})
        parameter.append({"name": "contradiction", "part": part})
    return of_json({"resourceType": "Parameters", **({"parameter": parameter} if parameter else {})})


async def use(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Location/$bed-use?start=…&end=…: 床位使用率 and 床位周转次数 by institution (or ward, or day), from the day start to the day
    end. Numbers alone."""
    require(asker, "read", "Location")
    called = await called_with(request, USE)
    start, end = _day(called, "start"), _day(called, "end")
    async with house.db.reading() as tx:
        wanted = [await _institution(tx, text) for text in called.all("institution")]
        if not wanted:
            wanted = [row["institution"] for row in await tx.fetch("select distinct institution from ward where active")]
        found = await days.used(tx, wanted, start, end + timedelta(days=1), by=called.text("by") or "institution")
        places = await by_rid(tx, wanted)
        wards = {
            row["rid"]: {"reference": f"Location/{row['id']}", "display": str(parse(row["body"].encode()).get("name", row["id"]))}
            for row in await tx.fetch("select rid, id, body from resource where rid = any($1::bigint[])", [one.ward for one in found])
        }
    parameter = []
    for one in found:
        whose = places.get(one.institution)
        part: list[Json] = (
            [{"name": "institution", "valueReference": {"reference": whose.reference, "display": whose.name}}] if whose else []
        )
        if one.ward in wards:
            part.append({"name": "ward", "valueReference": wards[one.ward]})
        if one.day is not None:
            part.append({"name": "day", "valueDate": one.day.isoformat()})
        part += [{"name": name, "valueInteger": getattr(one, name)} for name in ("beds", "occupied", "days", "discharged")]
        if one.rate is not None and one.turnover is not None:
            part.append({"name": "rate", "valueDecimal": round(one.rate, 4)})
            part.append({"name": "turnover", "valueDecimal": round(one.turnover, 2)})
        parameter.append({"name": "group", "part": part})
    return of_json({"resourceType": "Parameters", **({"parameter": parameter} if parameter else {})})


async def share_of_day_surgery(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Location/$day-surgery?start=…&end=…: of the own house, how much of the surgery by plan was day surgery."""
    require(asker, "read", "Encounter")
    called = await called_with(request, (Parameter("start"), Parameter("end")))
    start, end = _day(called, "start"), _day(called, "end")
    if asker.reach != "grounds" or not asker.institution_rid:
        raise Forbidden("The share of day surgery is told to the house itself.", zh="日间手术占比仅供本机构查询。")
    async with house.db.reading() as tx:
        first, last = (datetime.combine(day, time(), house.zone) for day in (start, end + timedelta(days=1)))
        found = await day_surgery.share(tx, asker.institution_rid, first, last)
        target = float(await policy.value(tx, "beds.day_surgery_share", tx.now, asker.institution_rid))
    parameter: list[Json] = [
        {"name": "elective", "valueInteger": found.elective},
        {"name": "day", "valueInteger": found.day},
        {"name": "target", "valueDecimal": target},
    ]
    if found.share is not None:
        parameter.append({"name": "share", "valueDecimal": round(found.share, 4)})
    return of_json({"resourceType": "Parameters", "parameter": parameter})


async def _institution(tx: Any, text: str) -> int:
    target = parse_reference(text if "/" in text else f"Organization/{text}")
    found = await institution(tx, target.id) if isinstance(target, Local) and target.type == "Organization" else None
    if found is None:
        raise NotFound(f"There is no institution {text[:80]!r}.", expression="institution", zh="没有找到该机构。")
    return found.rid


async def _named(tx: Any, found: Board) -> Mapping[int, Any]:
    """The institutions that holds of this board were made by."""
    ids = [bed.hold.made_by.removeprefix("Organization/") for bed in found.beds if bed.hold and bed.hold.made_by]
    rows = await tx.fetch("select rid from resource where type = $1 and id = any($2::text[])", type_id("Organization"), ids) if ids else []
    known: Mapping[int, Any] = await by_rid(tx, [row["rid"] for row in rows])
    return known


def _moment(called: Called, name: str, house: House) -> datetime | None:
    """A moment; of a day its last minute."""
    text = called.text(name)
    if not text:
        return None
    start, end = interval(text, house.zone)
    return start if "T" in text else end - timedelta(minutes=1)


def _day(called: Called, name: str) -> date:
    try:
        return date.fromisoformat(called.text(name))
    except ValueError:
        raise BadRequest(f"{name} is a day, such as 2026-11-01.", expression=name, zh="请按日期填写统计时段。") from None


def _code(called: Called, name: str, system: str, known: Iterable[str]) -> str:
    before, bar, code = called.text(name).rpartition("|")
    if (bar and before != system) or (code and code not in known):
        raise BadRequest(f"{name} is a code of {system}.", expression=name, zh="编码不正确。")
    return code


def _id_of(called: Called, name: str, type: str, *, optional: bool = False) -> str:
    text = called.text(name)
    if not text and optional:
        return ""
    target = parse_reference(text)
    if not isinstance(target, Local) or target.type != type:
        raise BadRequest(f"{name} is a reference, {type}/….", expression=name, zh="引用格式不正确。")
    return target.id


def _done(request: Request, done: Written, status: int = 200) -> Answer:
    headers = [(b"etag", etag(done.version))]
    if status == 201:
        headers.append((b"location", f"{request.base}/{done.type}/{done.id}/_history/{done.version}".encode()))
    return Answer(status, done.body, headers)


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Location", "type", "beds", count, False, "Free, held and occupied beds in numbers", OURS + "location-beds", ("GET", "POST")),
    Operation("Location", "instance", "beds", show, False, "The beds of a ward", OURS + "ward-beds"),
    Operation("Location", "instance", "hold", hold, True, "Keep a bed for a patient", OURS + "bed-hold"),
    Operation("Location", "instance", "release", release, True, "Give a bed back", OURS + "bed-release"),
    Operation("Location", "instance", "admit", admit, True, "Admit a patient to a bed", OURS + "bed-admit"),
    Operation("Location", "instance", "transfer", transfer, True, "Move a patient to another bed", OURS + "bed-transfer"),
    Operation("Location", "instance", "discharge", discharge, True, "Discharge who lies in a bed", OURS + "bed-discharge"),
    Operation(
        "Location", "instance", "expect-discharge", expect_discharge, True, "When a bed is to be left", OURS + "bed-expect-discharge"
    ),
    Operation("Location", "type", "bed-contradictions", contradicting, False, "What cannot be of beds", OURS + "bed-contradictions"),
    Operation("Location", "type", "day-surgery", share_of_day_surgery, False, "Day surgery of all by plan", OURS + "day-surgery-share"),
    Operation("Location", "type", "bed-use", use, False, "How much of the open beds was used", OURS + "bed-use"),
)
