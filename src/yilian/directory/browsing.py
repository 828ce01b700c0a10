"""What anybody may know of the directory, without signing in: institutions, what they offer, who works there by name, title and department,
and the outlines the map is drawn with.

Of people nothing else is told: no number, no date of birth, no telephone of theirs. What is read is kept for `KEEP_S`, in each process.
Outlines are Locations of kind jdn with a boundary in GeoJSON (RFC 7946, WGS 84) in the extension `urls.BOUNDARY`; each region brings its
own, nothing is fetched from outside. HL7's extension for that, location-boundary-geojson, is an Attachment, and files are taken as
documents alone (`records.uploads`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from yilian import policy
from yilian.access.institutions import tier_of
from yilian.directory import specialties, tiers
from yilian.directory.columns import coded
from yilian.directory.roads import Point, Way, road_of, straight_km, way
from yilian.errors import BadRequest, NotFound
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened
from yilian.search.folding import fold
from yilian.search.pinyin import spellings

if TYPE_CHECKING:
    from yilian.db import Database, Tx

Json = Mapping[str, Any]

KEEP_S = 300.0
MOST = 100
CLINICAL = frozenset({"gp", "physician", "consultant", "head"})
"""Posts of those who see patients: only they are told of."""

INSTITUTIONS = """
select r.rid, r.id, r.body, i.tier, s.latitude, s.longitude, o.specialties
from institution i join resource r using (rid)
left join lateral (select latitude, longitude from institution_site where organization = r.rid order by rid limit 1) s on true
left join lateral (
    select array_agg(distinct code order by code) as specialties
    from service_offer s cross join unnest(s.specialties) as code
    where s.active and (s.provider = r.rid or (s.institution = r.rid and s.provider not in (select rid from institution)))) o on true
where i.active and not r.deleted order by r.rid
"""
SERVICES = """
select r.id, r.body from service_offer o join resource r using (rid)
where o.active and (o.provider = $1 or (o.institution = $1 and o.provider not in (select rid from institution)))
order by o.specialties, r.rid
"""
"""Of the institution itself and its departments; a village post has its own."""
PEOPLE = """
select r.rid, r.body, p.rid as person_rid, p.id as person, p.body as person_body
from position n join resource r using (rid) join resource p on p.rid = n.practitioner
where n.period @> $2::date and not p.deleted and (n.organization = $1 or n.organization in (
    select provider from service_offer where institution = $1 and provider not in (select rid from institution)))
order by r.rid
"""
OUTLINES = "select r.rid, r.body from resource r where r.type = $1 and not r.deleted and r.body like $2 order by r.rid"


@dataclass(frozen=True, slots=True)
class Place:
    """One institution. km: along the straight line from where somebody asked; None: nobody asked, or it is not known where it stands."""

    rid: int
    id: str
    name: str
    short: str
    tier: str
    grade: str
    address: str
    district: str
    phone: str
    point: Point | None
    specialties: tuple[str, ...]
    sounds: tuple[str, ...] = ()
    km: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """text: part of a name, or its pinyin or initials; tier, specialty, district: "" for any; near: nearest first, else by tier."""

    text: str = ""
    tier: str = ""
    specialty: str = ""
    district: str = ""
    near: Point | None = None
    offset: int = 0
    count: int = 20


@dataclass(slots=True)
class _Kept:
    read_at: float = -KEEP_S
    places: list[Place] = field(default_factory=list)
    outlines: list[dict[str, Any]] = field(default_factory=list)


_kept: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def places(db: Database, wanted: Wanted) -> tuple[list[Place], int]:
    """The page somebody wants, and how many there are in all. BadRequest for a tier or department there is not, or a strange page."""
    if wanted.tier and wanted.tier not in tiers.TIERS:
        raise BadRequest(f"tier is one of {', '.join(tiers.TIERS)}.", expression="tier", zh="机构层级不正确。")
    if wanted.specialty and wanted.specialty not in specialties.SPECIALTIES:
        raise BadRequest("specialty is a code of 诊疗科目名录.", expression="specialty", zh="诊疗科目不正确。")
    if not (0 <= wanted.offset <= 100_000 and 1 <= wanted.count <= MOST):
        raise BadRequest(f"offset is not below 0, count is 1 to {MOST}.", expression="count", zh="分页参数不正确。")
    found = [one for one in (await _read(db)).places if _fits(one, wanted)]
    if wanted.near is not None:
        near = wanted.near
        found = [replace(one, km=straight_km(near, one.point) if one.point is not None else None) for one in found]
        found.sort(key=lambda one: (one.km is None, one.km or 0.0, one.name))
    else:
        found.sort(key=lambda one: (-tiers.rank(one.tier), one.district, one.name))
    return found[wanted.offset : wanted.offset + wanted.count], len(found)


async def outlines(db: Database) -> list[dict[str, Any]]:
    """Of each area its name and its rings, as lists of [longitude, latitude]."""
    return (await _read(db)).outlines


async def place(db: Database, id: str) -> tuple[Place, list[dict[str, Any]], list[dict[str, Any]]]:
    """One institution, its services and the people who see patients there. NotFound where there is none such."""
    found = next((one for one in (await _read(db)).places if one.id == id), None)
    if found is None:
        raise NotFound(f"There is no institution {id[:64]!r}.", zh="没有找到该机构。")
    async with db.reading() as tx:
        services = [_service(parse(row["body"].encode())) for row in await tx.fetch(SERVICES, found.rid)]
        people = await _people(tx, found.rid)
    return found, services, people


async def way_between(db: Database, origin: str, to: str) -> tuple[Place, Place, Way | None]:
    """Two institutions by their ids, and how far it is from one to the other as `directory.road` estimates it; None where it is not known
    where one of them stands. NotFound where there is none such."""
    known = {one.id: one for one in (await _read(db)).places}
    for id in (origin, to):
        if id not in known:
            raise NotFound(f"There is no institution {id[:64]!r}.", zh="没有找到该机构。")
    a, b = known[origin], known[to]
    if a.point is None or b.point is None:
        return a, b, None
    async with db.reading() as tx:
        return a, b, way(a.point, b.point, road_of(await policy.value(tx, "directory.road", tx.now)))


async def _read(db: Database) -> _Kept:
    kept = _kept.setdefault(db, _Kept())
    if time.monotonic() - kept.read_at > KEEP_S:
        async with db.reading() as tx:
            kept.places = [_place(row) for row in await tx.fetch(INSTITUTIONS)]
            rows = await tx.fetch(OUTLINES, type_id("Location"), f"%{urls.BOUNDARY}%")
            kept.outlines = [one for row in rows if (one := _outline(parse(opened(row["rid"], row["body"]).encode())))]
        kept.read_at = time.monotonic()
    return kept


def forget(db: Database) -> None:
    """Read anew the next time: for whoever has just changed the directory by hand."""
    _kept.pop(db, None)


def _fits(one: Place, wanted: Wanted) -> bool:
    text = fold(wanted.text.strip())
    return (
        (not wanted.tier or one.tier == wanted.tier)
        and (not wanted.specialty or any(code == wanted.specialty or code.startswith(f"{wanted.specialty}.") for code in one.specialties))
        and (not wanted.district or one.district == wanted.district)
        and (not text or any(text in sound for sound in one.sounds))
    )


def _place(row: Any) -> Place:
    resource = parse(opened(row["rid"], row["body"]).encode())
    address: Json = next(iter(resource.get("address", ())), {})
    names = [str(resource.get("name", row["id"])), *map(str, resource.get("alias", ()))]
    return Place(
        rid=row["rid"],
        id=row["id"],
        name=names[0],
        short=names[1] if len(names) > 1 else names[0],
        tier=tiers.tier(tier_of(resource)),
        grade=next((str(one["text"]) for one in resource.get("type", ()) if one.get("text") and not one.get("coding")), ""),
        address=str(
            address.get("text") or "".join(map(str, (address.get("city", ""), address.get("district", ""), *address.get("line", ()))))
        ),
        district=str(address.get("district", "")),
        phone=_phone(resource),
        point=Point(row["latitude"], row["longitude"]) if row["latitude"] is not None else None,
        specialties=tuple(row["specialties"] or ()),
        sounds=tuple({text for name in map(fold, names) for text in (name, *spellings(name, is_person=False))}),
    )


def _phone(resource: Json) -> str:
    return next((str(one["value"]) for one in resource.get("telecom", ()) if one.get("system") == "phone" and one.get("value")), "")


def _service(resource: Json) -> dict[str, Any]:
    return {
        "name": str(resource.get("name", "")),
        "specialties": coded(resource.get("specialty", ()), urls.SPECIALTY),
        "phone": _phone(resource),
        "hours": [
            {
                "days": list(one.get("daysOfWeek", ())),
                "allDay": bool(one.get("allDay", False)),
                "from": str(one.get("availableStartTime", ""))[:5],
                "to": str(one.get("availableEndTime", ""))[:5],
            }
            for one in resource.get("availableTime", ())
        ],
    }


async def _people(tx: Tx, organization: int) -> list[dict[str, Any]]:
    today = tx.now.astimezone(region_zone()).date()
    found: dict[str, dict[str, Any]] = {}
    for row in await tx.fetch(PEOPLE, organization, today):
        role = parse(opened(row["rid"], row["body"]).encode())
        if not CLINICAL & set(coded(role.get("code", ()), urls.ROLE)):
            continue
        person = parse(opened(row["person_rid"], row["person_body"]).encode())
        names = [one for one in person.get("name", ()) if one.get("text")]
        if not names:
            continue
        told = found.setdefault(row["person"], {"name": str(names[0]["text"]), "title": _title(person, role), "specialties": []})
        told["specialties"] += [code for code in coded(role.get("specialty", ()), urls.SPECIALTY) if code not in told["specialties"]]
    return list(found.values())


def _title(person: Json, role: Json) -> str:
    """职称, as the person or the post says it."""
    said: list[Json] = [one.get("code") or {} for one in person.get("qualification", ())]
    said += [one for one in role.get("code", ()) if not one.get("coding")]
    return next((str(one["text"]) for one in said if one.get("text")), "")


def _outline(location: Json) -> dict[str, Any] | None:
    """None for a boundary that cannot be read: a map without one area is better than none."""
    said = next((str(one.get("valueString", "")) for one in location.get("extension", ()) if one.get("url") == urls.BOUNDARY), "")
    try:
        shape: Any = msgspec.json.decode(said)
    except msgspec.DecodeError:
        return None
    shape = shape.get("geometry", shape) if isinstance(shape, dict) else {}
    polygons = {"Polygon": [shape.get("coordinates")], "MultiPolygon": shape.get("coordinates")}.get(str(shape.get("type")), [])
    rings = [[_corner(corner) for corner in ring] for polygon in polygons or [] for ring in polygon or []]
    if not rings or any(corner is None for ring in rings for corner in ring):
        return None
    return {"name": str(location.get("name", "")), "rings": rings}


def _corner(corner: Any) -> list[float] | None:
    if not isinstance(corner, list) or len(corner) < 2 or not all(isinstance(one, int | float) for one in corner[:2]):
        return None
    return [float(corner[0]), float(corner[1])]
