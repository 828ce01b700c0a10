"""The directory as those who keep it by form need it: institutions and departments as a list, with those that ended; equipment as it is;
and who changed what when.

Nothing is deleted: an institution, department, service or piece of equipment that is not used any more carries the day it ended
(`urls.ENDED`) and is not active; posts and memberships end by their period.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian.access.institutions import tier_of
from yilian.directory import tiers
from yilian.directory.codes import EQUIPMENT
from yilian.directory.importing import KEEPERS, RoomScope
from yilian.errors import BadRequest, Forbidden, InvalidResource, NotFound
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened
from yilian.search.folding import fold
from yilian.search.parameters import parameters_of
from yilian.search.pinyin import spellings
from yilian.store import read
from yilian.store.change import Change, Written
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope, lent
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

KINDS = ("institutions", "departments")
STATES = ("", "active", "ended")
KEPT_TYPES = (
    "Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "OrganizationAffiliation", "Device",
)  # fmt: skip
"""Whose changes are told of."""
MOST_VERSIONS = 200
AROUND = timedelta(minutes=5)
"""The note of a write is dated by its transaction, the version by the moment before it is stored; a long load lies between."""

PLACES = """
select r.rid, r.id, r.body, u.body as above_body, u.rid as above_rid
from resource r
left join institution i on i.rid = r.rid
left join index_reference p on p.rid = r.rid and p.param = $2
left join resource u on u.rid = p.target
where r.type = $1 and not r.deleted and (i.rid is not null) = $3 and ($3 or u.rid is not null) and ($4 = '' or u.id = $4)
"""
"""Institutions ($3), or departments: Organizations that have no tier and are part of another."""
VERSIONS = """
select v.ver, v.updated, v.method, v.body, v.deleted, a.name, a.account from (
    select r.ver, r.updated, r.method, r.body, r.deleted from resource r where r.rid = $1
    union all select h.ver, h.updated, h.method, h.body, h.deleted from history h where h.rid = $1 order by ver desc limit $2) v
left join lateral (
    select e.name, e.account from audit_event e
    where e.recorded between v.updated - $4::interval and v.updated + $4::interval and e.action in ('C', 'U', 'D')
    and e.entities @> array[$3 || '/_history/' || v.ver] order by e.recorded desc limit 1) a on true
order by v.ver desc
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource of the directory. by: the name of who made it, "" where the trail does not reach back as far; account: the
    account or application; elements: the top-level elements that differ from the version before; aware."""

    number: int
    at: datetime
    method: str
    by: str
    account: str
    elements: tuple[str, ...]


async def places(
    tx: Tx, kind: str, *, text: str = "", of: str = "", state: str = "", offset: int = 0, count: int = 30
) -> tuple[list[Stored], int]:
    """A page of institutions, the highest grade first, or of departments by institution; by name; and how many there are in all.

    text   part of a name, its pinyin or initials; of: logical id of what they are part of; state: active, ended, or "" for all
    Reads only. BadRequest for a kind or state there is not.
    """
    if kind not in KINDS or state not in STATES:
        raise BadRequest(f"kind is {' | '.join(KINDS)}, state is active or ended.", zh="筛选条件不正确。")
    wanted = fold(text.strip())
    found: list[tuple[int, str, str, str]] = []
    for row in await tx.fetch(PLACES, type_id("Organization"), parameters_of("Organization")["partof"].id, kind == "institutions", of):
        resource = parse(opened(row["rid"], row["body"]).encode())
        if state and (resource.get("active", True) is True) != (state == "active"):
            continue
        names = [str(resource.get("name", row["id"])), *map(str, resource.get("alias", ()))]
        if wanted and not any(wanted in sound for name in map(fold, names) for sound in (name, *spellings(name, is_person=False))):
            continue
        above = ""
        if kind == "departments":
            above = str(parse(opened(row["above_rid"], row["above_body"]).encode()).get("name", ""))
        found.append((-tiers.rank(tiers.tier(tier_of(resource))), above, names[0], row["id"]))
    found.sort()
    chosen = [("Organization", id) for *_, id in found[offset : offset + count]]
    bodies = await read.many(tx, SYSTEM, chosen) if chosen else {}
    return [bodies[one] for one in chosen if one in bodies], len(found)


async def versions(tx: Tx, scope: Scope, kind: str, id: str) -> list[Version]:
    """Who changed this resource of the directory when, the newest first. For who keeps it.

    Reads only. Forbidden for anybody else; NotFound for what is not there, for equipment that is none.
    """
    require_keeper(scope)
    row = await tx.fetchrow(
        "select r.rid, e.rid is not null as is_equipment from resource r left join equipment e using (rid) where r.type = $1 and r.id = $2",
        type_id(kind),
        id,
    )
    if row is None or (kind == "Device" and not row["is_equipment"]):
        raise NotFound(f"There is no {kind}/{id[:64]} in the directory.", zh="目录中没有该记录。")
    rows = await tx.fetch(VERSIONS, row["rid"], MOST_VERSIONS, f"{kind}/{id}", AROUND)
    bodies: list[Json] = [parse(opened(row["rid"], one["body"]).encode()) if not one["deleted"] else {} for one in rows]
    return [
        Version(one["ver"], one["updated"], one["method"], one["name"] or "", one["account"] or "", _differing(before, after))
        for one, after, before in zip(rows, bodies, [*bodies[1:], {}], strict=True)
    ]


def _differing(before: Json, after: Json) -> tuple[str, ...]:
    keys = sorted((before.keys() | after.keys()) - {"id", "meta", "resourceType", "extension"})
    found = [key for key in keys if before.get(key) != after.get(key)]
    urls_of = {str(one.get("url")) for one in (*before.get("extension", ()), *after.get("extension", ()))}

    def said(resource: Json, url: str) -> list[Json]:
        return [one for one in resource.get("extension", ()) if one.get("url") == url]

    found += sorted(url.rsplit("/", 1)[-1] for url in urls_of if said(before, url) != said(after, url))
    return tuple(found)


async def keep_equipment(tx: Tx, scope: Scope, device: Json, if_match: int | None) -> Written:
    """Store a Device of the catalogue, in `tx`: a new one without an id; else the next version of what is there.

    Forbidden for who does not keep the directory; InvalidResource for what is no equipment; NotFound for a Device that is none, so that
    nobody finds out here whose implant there is; VersionStale.
    """
    require_keeper(scope)
    if device.get("patient") or device.get("parent"):
        raise InvalidResource("Equipment is nobody's: leave out patient.", expression="Device.patient", zh="设备不能登记在患者名下。")
    names = [str(one.get("name", "")).strip() for one in device.get("deviceName", ())]
    if not names or not names[0]:
        raise InvalidResource("Equipment needs a name.", expression="Device.deviceName", zh="请填写设备名称。")
    kinds = [one.get("code") for one in (device.get("type") or {}).get("coding", ()) if one.get("system") == urls.EQUIPMENT_KIND]
    if len(kinds) != 1 or kinds[0] not in EQUIPMENT:
        raise InvalidResource(f"Equipment is of one kind: {', '.join(EQUIPMENT)}.", expression="Device.type", zh="请选择设备类别。")
    owner = str((device.get("owner") or {}).get("reference", ""))
    if not await tx.fetchval(
        "select exists (select from institution join resource r using (rid) where r.type = $1 and r.id = $2 and not r.deleted)",
        type_id("Organization"),
        owner.removeprefix("Organization/"),
    ):
        raise InvalidResource("Equipment is owned by an institution.", expression="Device.owner", zh="请选择设备所在机构。")
    id = str(device.get("id", ""))
    if id:
        await require_equipment(tx, id)
    resource = {key: value for key, value in device.items() if key != "meta"}
    change = Change("PUT", "Device", id, resource, if_match=if_match) if id else Change("POST", "Device", None, resource)
    [written] = await write(tx, lent(scope, RoomScope, "everything"), [change])
    return written


async def require_equipment(tx: Tx, id: str) -> None:
    """NotFound unless Device/`id` is of the catalogue."""
    if not await tx.fetchval(
        "select exists (select from equipment join resource r using (rid) where r.type = $1 and r.id = $2)", type_id("Device"), id
    ):
        raise NotFound(f"There is no equipment Device/{id[:64]}.", zh="目录中没有该设备。")


def require_keeper(scope: Scope) -> None:
    """Raises Forbidden for who does not keep the directory."""
    if scope.reach != "everything" and not (scope.may_write and scope.roles & KEEPERS):
        raise Forbidden("The directory is kept by administrators and the consortium office.", zh="机构目录由系统管理员或医联体办公室维护。")
