"""Wards and beds as columns, kept in step with the Locations that are written, in the same transaction, whoever writes them.

    Location wa   a ward: managingOrganization is its department, or the institution itself
    Location bd   a bed: within a ward by partOf, with or without a room (ro) between
    Location ro   a room of a ward

A bed within no ward, or within one of no institution, is stored like any Location and counts nowhere. No bed is removed while somebody lies
in it or it is kept for somebody. FHIR R4: http://hl7.org/fhir/R4/location.html, location-physical-type
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.access import institutions
from yilian.beds import kinds
from yilian.errors import Conflict
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.search.parameters import parameters_of

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.write import Written

Json = Mapping[str, Any]

DEEPEST = 4
"""Steps from a bed up to its ward."""
OURS = ("wa", "ro", "bd")

BELOW = """
with recursive below (rid, depth) as (
    select unnest($1::bigint[]), 0
    union
    select i.rid, b.depth + 1 from index_reference i join below b on i.target = b.rid and i.param = $2 where b.depth < $3
)
select r.rid, r.body from below b join resource r using (rid) where r.type = $4 and not r.deleted
"""
WARD = """
insert into ward (rid, institution, department, specialty, kind, sex, active) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (rid) do update set institution = excluded.institution, department = excluded.department, specialty = excluded.specialty,
    kind = excluded.kind, sex = excluded.sex, active = excluded.active
"""
BED = """
insert into bed (rid, ward, institution, department, specialty, kind, sex, room, active, stopped)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (rid) do update set ward = excluded.ward, institution = excluded.institution, department = excluded.department,
    specialty = excluded.specialty, kind = excluded.kind, sex = excluded.sex, room = excluded.room, active = excluded.active,
    stopped = excluded.stopped
"""
TAKEN = """
select r.id from bed_now b join resource r using (rid) where b.rid = any($1::bigint[]) and (b.encounter is not null or b.hold is not null)
limit 1
"""
GONE = "update bed set active = false, stopped = true where rid = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class _Ward:
    rid: int
    institution: int
    department: int
    traits: kinds.Traits
    active: bool
    stopped: bool


async def follow(tx: Tx, written: Sequence[Written]) -> None:
    """Part of the room's reaction. Raises InvalidResource for a bed of a kind there is not, Conflict for one that is taken and would go."""
    touched = [one for one in written if any(kinds.physical(each) in OURS for each in (one.resource or {}, _before(one)))]
    if not touched:
        return
    below = await tx.fetch(BELOW, [one.rid for one in touched], parameters_of("Location")["partof"].id, DEEPEST, type_id("Location"))
    places = {row["rid"]: parse(row["body"].encode()) for row in below}
    above = await _above(tx, places)
    gone = [one.rid for one in touched if one.rid not in places]
    wards = await _wards(tx, {rid: one for rid, one in (above | places).items() if kinds.physical(one) == "wa"})
    for ward in wards.values():
        t = ward.traits
        await tx.execute(WARD, ward.rid, ward.institution, ward.department, t.specialty, t.kind or "general", t.sex, ward.active)
    rids = {str(one["id"]): rid for rid, one in (above | places).items()}
    beds = {rid: one for rid, one in places.items() if kinds.physical(one) == "bd"}
    homeless = []
    for rid, bed in sorted(beds.items()):
        room, ward_rid = _climb(bed, above | places, rids)
        ward_of = wards.get(ward_rid)
        if ward_of is None or not ward_of.active or not kinds.is_there(bed):
            homeless.append(rid)
        else:
            await _put(tx, rid, bed, ward_of, room)
    no_longer = [rid for rid, one in places.items() if kinds.physical(one) not in OURS]
    await tx.execute("update ward set active = false where rid = any($1::bigint[])", [*gone, *no_longer])
    if leaving := [*gone, *no_longer, *homeless]:
        if taken := await tx.fetchval(TAKEN, leaving):
            raise Conflict(
                f"Somebody lies in Location/{taken}, or it is kept for somebody: move the patient first.",
                zh="床位上有患者或已被预留,请先转床或释放。",
            )
        await tx.execute(GONE, leaving)


async def _put(tx: Tx, rid: int, bed: Json, ward: _Ward, room: int | None) -> None:
    own, its = kinds.traits(bed), ward.traits
    stopped = ward.stopped or kinds.is_stopped(bed)
    await tx.execute(
        BED, rid, ward.rid, ward.institution, ward.department, own.specialty or its.specialty, own.kind or its.kind or "general",
        own.sex or its.sex, room, True, stopped,
    )  # fmt: skip


def _before(one: Written) -> Json:
    return parse(one.previous) if one.previous else {}


async def _above(tx: Tx, places: Mapping[int, Json]) -> dict[int, Json]:
    """What these are part of, up to the ward."""
    found: dict[int, Json] = {}
    ids = {str(one["id"]) for one in places.values()}
    level: Iterable[Json] = places.values()
    for _ in range(DEEPEST):
        wanted = {id for one in level if kinds.physical(one) != "wa" and (id := _part_of(one)) and id not in ids}
        if not wanted:
            break
        rows = await tx.fetch(
            "select rid, body from resource where type = $1 and id = any($2::text[]) and not deleted", type_id("Location"), list(wanted)
        )
        read = {row["rid"]: parse(row["body"].encode()) for row in rows}
        found |= read
        ids |= wanted
        level = read.values()
    return found


def _part_of(location: Json) -> str:
    target = parse_reference(str((location.get("partOf") or {}).get("reference", "")))
    return target.id if isinstance(target, Local) and target.type == "Location" else ""


def _climb(bed: Json, places: Mapping[int, Json], rids: Mapping[str, int]) -> tuple[int | None, int]:
    """The room and the ward of a bed by rid; None and 0 for none."""
    room, here = None, bed
    for _ in range(DEEPEST):
        rid = rids.get(_part_of(here), 0)
        if not rid:
            break
        here = places[rid]
        match kinds.physical(here):
            case "wa":
                return room, rid
            case "ro":
                room = rid
    return room, 0


async def _wards(tx: Tx, places: Mapping[int, Json]) -> dict[int, _Ward]:
    """Those of an institution, as they stand."""
    named: dict[int, str] = {}
    for rid, one in places.items():
        target = parse_reference(str((one.get("managingOrganization") or {}).get("reference", "")))
        if isinstance(target, Local) and target.type == "Organization":
            named[rid] = target.id
    rows = await tx.fetch(
        "select rid, id from resource where type = $1 and id = any($2::text[]) and not deleted",
        type_id("Organization"),
        list(set(named.values())),
    )
    departments = {row["id"]: row["rid"] for row in rows}
    speaks_for = await institutions.of(tx, departments.values())
    made = {}
    for rid, name in named.items():
        department = departments.get(name, 0)
        if department in speaks_for:
            one = places[rid]
            made[rid] = _Ward(rid, speaks_for[department].rid, department, kinds.traits(one), kinds.is_there(one), kinds.is_stopped(one))
    return made
