"""HealthcareService/$candidates: who can take this patient; HealthcareService/$equipment: the shared catalogue; Organization/$waits.

docs/reference/directory.md
"""

from __future__ import annotations

from typing import Any

from yilian.access.policy import require
from yilian.audit.record import note_read
from yilian.directory import candidates, equipment, waits
from yilian.directory.candidates import Candidate, Need
from yilian.directory.ranking import score
from yilian.directory.roads import point
from yilian.errors import BadRequest, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import interval
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling.standing import standing
from yilian.store import read
from yilian.store.scope import Scope

Json = dict[str, Any]

CANDIDATES = tuple(Parameter(name) for name in ("specialty", "direction", "near", "priority", "from", "patient", "_count"))
EQUIPMENT = tuple(Parameter(name) for name in ("kind", "organization", "shared", "text", "working", "_count", "_offset"))
CANDIDATE = urls.BASE + "StructureDefinition/candidate"
"""On `Bundle.entry.search`: what the entry is ranked by."""


async def find_candidates(house: House, asker: Scope, request: Request) -> Answer:
    """GET /HealthcareService/$candidates?specialty=&direction=&near=lat,lon&priority=&from=&patient=: services, best first, each with the
    Organization it is of, and its reasons in `entry.search`."""
    require(asker, "read", "HealthcareService")
    called = await called_with(request, CANDIDATES)
    patient = _id(called, "patient", "Patient")
    if patient:
        require(asker, "read", "Patient")
    async with house.db.reading() as tx:
        seen = [await read.by_id(tx, asker, "Patient", patient)] if patient else []
        here = await standing(tx, asker, seen[0].rid if seen else 0)
        near, since, count = called.text("near"), called.text("from"), called.text("_count")
        found = await candidates.find(
            tx,
            asker,
            Need(
                called.text("specialty").removeprefix(f"{urls.SPECIALTY}|"),
                called.text("direction"),
                called.text("priority") or "routine",
                point(near) if near else None,
                interval(since, house.zone)[0] if since else None,
                seen[0].rid if seen else 0,
                here.pools(0),
                _number(count) if count else 20,
            ),
        )
        bodies = await read.many(
            tx,
            asker,
            [("HealthcareService", one.service.partition("/")[2]) for one in found]
            + [("Organization", one.institution.reference.partition("/")[2]) for one in found],
        )
        moment = tx.now
    if seen:
        await note_read(house.reads, asker, seen, "candidates", request.address, query=_asked(request))
    entries: list[Json] = []
    for one in found:
        service = bodies.get(("HealthcareService", one.service.partition("/")[2]))
        if service is None:
            continue
        search = {"mode": "match", "score": round(score(one.cost), 4), "extension": [_why(one, house)]}
        entries.append({"fullUrl": f"{request.base}/{one.service}", "resource": parse(service.body), "search": search})
    for reference in dict.fromkeys(one.institution.reference for one in found):
        organization = bodies.get(("Organization", reference.partition("/")[2]))
        if organization is not None:
            entries.append({"fullUrl": f"{request.base}/{reference}", "resource": parse(organization.body), "search": {"mode": "include"}})
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "total": len(found),
        "link": [{"relation": "self", "url": link(request.base, "HealthcareService/$candidates", request.query)}],
    }
    return of_json(bundle | ({"entry": entries} if entries else {}))


async def find_equipment(house: House, asker: Scope, request: Request) -> Answer:
    """GET /HealthcareService/$equipment?kind=&organization=&shared=&text=&working=&_count=&_offset=: the Devices of the shared catalogue,
    without what is of no concern to others, and how many there are."""
    require(asker, "read", "HealthcareService")
    called = await called_with(request, EQUIPMENT)
    offset, count = paged(called, equipment.MOST, equipment.MOST)
    async with house.db.reading() as tx:
        found, total = await equipment.catalogue(
            tx,
            kind=called.text("kind"),
            organization=_id(called, "organization", "Organization"),
            shared=_flag(called, "shared"),
            text=called.text("text"),
            working=_flag(called, "working"),
            offset=offset,
            count=count,
        )
    entries = [
        {"fullUrl": f"{request.base}/Device/{one.id}", "resource": equipment.shown(one), "search": {"mode": "match"}} for one in found
    ]
    links = links_of_page(request, "HealthcareService/$equipment", offset, len(found), total)
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    return of_json(bundle | ({"entry": entries} if entries else {}))


def paged(called: Called, usual: int, most: int) -> tuple[int, int]:
    """_offset and _count of a list that is turned by place. BadRequest for what is no number."""
    offset, count = (_number(called.text(name)) if called.text(name) else None for name in ("_offset", "_count"))
    if count is not None and not 1 <= count <= most:
        raise BadRequest(f"_count is 1 to {most}.", expression="_count", zh="分页参数不正确。")
    return offset or 0, count or usual


def links_of_page(request: Request, path: str, offset: int, shown: int, total: int) -> list[Json]:
    """Of a page of such a list: itself, and the next one where there is more."""
    links = [{"relation": "self", "url": link(request.base, path, request.query)}]
    if shown and offset + shown < total:
        rest = [(name, value) for name, value in request.query if name != "_offset"]
        links.append({"relation": "next", "url": link(request.base, path, [*rest, ("_offset", str(offset + shown))])})
    return links


def _flag(called: Called, name: str) -> bool | None:
    text = called.text(name)
    if text not in ("", "true", "false"):
        raise BadRequest(f"{name} is true or false.", expression=name, zh=f"参数 {name} 应为 true 或 false。")
    return text == "true" if text else None


async def show_waits(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/{id}/$waits: how long people waited there, by department."""
    require(asker, "read", "Organization")
    await called_with(request, ())
    async with house.db.reading() as tx:
        rid = await tx.fetchval(
            "select rid from resource where type = $1 and id = $2 and not deleted", type_id("Organization"), request.segments[1]
        )
        if rid is None:
            raise NotFound(f"There is no Organization/{request.segments[1]}.", zh="没有找到该机构。")
        found = await waits.of_institution(tx, rid)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "wait", "part": _wait(one)} for one in found]})


def _why(one: Candidate, house: House) -> Json:
    parts: list[Json] = [{"url": "institution", "valueReference": {"reference": one.institution.reference}}]
    if one.way is not None:
        parts.append({"url": "road-km", "valueDecimal": round(one.way.road_km, 1)})
        parts.append({"url": "minutes", "valuePositiveInt": max(1, round(one.way.minutes))})
    if one.point is not None:
        parts.append({"url": "latitude", "valueDecimal": one.point.latitude})
        parts.append({"url": "longitude", "valueDecimal": one.point.longitude})
    if one.next_place is not None:
        parts.append({"url": "next-place", "valueInstant": one.next_place.astimezone(house.zone).isoformat(timespec="milliseconds")})
        parts.append({"url": "slot", "valueReference": {"reference": one.slot}})
    if one.beds:
        parts.append({"url": "beds-free", "valueUnsignedInt": one.beds_free})
        parts.append({"url": "beds", "valueUnsignedInt": one.beds})
    parts += [{"url": "wait", "extension": [{"url": part["name"], **_value(part)} for part in _wait(wait)]} for wait in one.waits]
    if one.payment is not None:
        parts.append({"url": "deductible", "valueMoney": {"value": one.payment.deductible, "currency": "CNY"}})
        parts.append({"url": "insured-percent", "valueDecimal": one.payment.percent})
    parts.append({"url": "needs-approval", "valueBoolean": one.settings.needs_approval})
    parts.append({"url": "direct-booking", "valueBoolean": one.settings.direct_booking})
    parts += [{"url": "attachment", "valueCode": code} for code in one.settings.attachments]
    parts += [
        {
            "url": "reason",
            "extension": [
                {"url": "code", "valueCode": reason.code},
                {"url": "zh", "valueString": reason.zh},
                {"url": "en", "valueString": reason.en},
                {"url": "weight-minutes", "valueDecimal": round(reason.minutes, 1)},
            ],
        }
        for reason in one.reasons
    ]
    return {"url": CANDIDATE, "extension": parts}


def _value(part: Json) -> Json:
    return {key: value for key, value in part.items() if key != "name"}


def _wait(one: waits.Wait) -> list[Json]:
    return [
        {"name": "measure", "valueCode": one.measure},
        {"name": "specialty", "valueCode": one.specialty},
        {"name": "day", "valueDate": one.day.isoformat()},
        {"name": "cases", "valuePositiveInt": one.cases},
        {"name": "median-hours", "valueDecimal": round(one.median_h, 1)},
        {"name": "most-hours", "valueDecimal": round(one.most_h, 1)},
    ]


def _id(called: Called, name: str, kind: str) -> str:
    text = called.text(name)
    if not text:
        return ""
    target = parse_reference(text if "/" in text else f"{kind}/{text}")
    if not isinstance(target, Local) or target.type != kind:
        raise BadRequest(f"{name} is a {kind}/….", expression=name, zh="引用格式不正确。")
    return target.id


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise BadRequest("_count is a whole number.", expression="_count", zh="_count 应为整数。")
    return int(text)


def _asked(request: Request) -> str:
    return link("", "HealthcareService/$candidates", request.query)[1:]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("HealthcareService", "type", "candidates", find_candidates, False, "Who can take this patient, ranked", OURS + "candidates"),
    Operation("HealthcareService", "type", "equipment", find_equipment, False, "The shared equipment", OURS + "equipment"),
    Operation("Organization", "instance", "waits", show_waits, False, "How long people wait there", OURS + "waits"),
)
