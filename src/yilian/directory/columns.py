"""The directory as columns, kept in step with the resources that are written, in the same transaction, whoever writes them.

    Organization              with a tier: `institution`
    Location                  with a position, a managingOrganization and no partOf: where that institution stands, `institution_site`
    HealthcareService         providedBy an institution, or what speaks for one: `service_offer`
    OrganizationAffiliation   of a consortium and a member, active: `membership`. Nobody is a member of one consortium twice at a time, and
                              a consortium has one lead at a time
    PractitionerRole          of somebody at an Organization, active: `position`. `urls.POSITION` says its kind (`urls.POSITION_KIND`) and
                              who employs: `kind` valueCode, `employer` valueReference; of kind main there is one at a time
    Device                    with an owner and without a patient: `equipment`

What is broken off is not forgotten: the resources and their versions stay, with the period that ended.
IHE mCSD: https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from asyncpg import Range
from asyncpg.exceptions import ExclusionViolationError

from yilian.access import institutions
from yilian.directory import offers, tiers
from yilian.directory.codes import EQUIPMENT, POSITIONS
from yilian.errors import Conflict, InvalidResource
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference
from yilian.sealing.keyring import opened
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Written

Json = Mapping[str, Any]
Keep = Callable[["Tx", int, Json], Awaitable[None]]


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store. Raises Conflict for a membership or main post that overlaps another, InvalidResource for referral
    settings or a kind there is not."""
    for one in written:
        if one.unchanged or one.type not in TABLES or (one.type == "Device" and one.patient is not None):
            continue
        await _renew(tx, one.type, one.rid, one.resource, there=not one.created)
    if moved := [one.rid for one in written if one.type == "Organization" and not one.unchanged and not one.created]:
        await _speak_anew(tx, moved)


async def catch_up(tx: Tx) -> int:
    """Rows for a directory that was there before these tables: how many resources were read. Nothing is done once there are some.

    What breaks a rule that is newer than it (two memberships at a time) is left out, so that a server starts in any case.
    """
    if await tx.fetchval("select exists (select from institution) or exists (select from service_offer)"):
        return 0
    rows = await tx.fetch(
        "select rid, type, body from resource where type = any($1::smallint[]) and not deleted order by rid",
        [type_id(kind) for kind in TABLES],
    )
    names = {type_id(kind): kind for kind in TABLES}
    order = {type_id(kind): nth for nth, kind in enumerate(TABLES)}
    for row in sorted(rows, key=lambda row: order[row["type"]]):
        try:
            async with tx.savepoint():
                await _renew(tx, names[row["type"]], row["rid"], parse(opened(row["rid"], row["body"]).encode()))
        except (Conflict, InvalidResource):
            continue
    return len(rows)


async def _renew(tx: Tx, kind: str, rid: int, resource: Json | None, *, there: bool = True) -> None:
    table, keep = TABLES[kind]
    if there:
        await tx.execute(f"delete from {table} where rid = $1", rid)
    if resource is None:
        return
    try:
        await keep(tx, rid, resource)
    except ExclusionViolationError as error:
        raise _overlap(str(getattr(error, "constraint_name", ""))) from None


def _overlap(rule: str) -> Conflict:
    if rule == "position_one_main":
        return Conflict(
            "This person has another main place of practice at that time: end it first.",
            expression="PractitionerRole.period",
            zh="该人员同一时期已有主要执业机构,请先结束原岗位。",
        )
    if rule == "membership_one_lead":
        return Conflict(
            "The consortium has another lead hospital at that time: end its membership or make it a member first.",
            expression="OrganizationAffiliation.period",
            zh="该医联体同一时期已有牵头医院。",
        )
    return Conflict(
        "This institution is a member of the consortium at that time already: end that membership first.",
        expression="OrganizationAffiliation.period",
        zh="该机构同一时期已是该医联体成员,请先办理退出。",
    )


async def _institution(tx: Tx, rid: int, organization: Json) -> None:
    tier = tiers.tier(institutions.tier_of(dict(organization)))
    if tier:
        await tx.execute("insert into institution (rid, tier, active) values ($1, $2, $3)", rid, tier, organization.get("active", True))


async def _site(tx: Tx, rid: int, location: Json) -> None:
    position = location.get("position") or {}
    if location.get("partOf") or location.get("status", "active") != "active" or not {"latitude", "longitude"} <= position.keys():
        return
    owner = await _key(tx, location.get("managingOrganization"), "Organization")
    latitude, longitude = float(position["latitude"]), float(position["longitude"])
    if owner is None:
        return
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidResource("A position is in degrees, WGS 84.", expression="Location.position", zh="经纬度不正确。")
    await tx.execute(
        "insert into institution_site (rid, organization, latitude, longitude) values ($1, $2, $3, $4)", rid, owner, latitude, longitude
    )


async def _offer(tx: Tx, rid: int, service: Json) -> None:
    said = offers.read(service)
    provider = await _key(tx, service.get("providedBy"), "Organization")
    if provider is None:
        return
    found = (await institutions.of(tx, [provider])).get(provider)
    if found is None:
        return
    await tx.execute(
        """
        insert into service_offer (rid, institution, provider, active, specialties, accepts, needs_approval, direct_booking, attachments)
        values ($1, $2, $3, $4, $5::text[], $6::text[], $7, $8, $9::text[])
        """,
        rid,
        found.rid,
        provider,
        service.get("active", True),
        coded(service.get("specialty", ()), urls.SPECIALTY),
        list(said.accepts),
        said.needs_approval,
        said.direct_booking,
        list(said.attachments),
    )


async def _speak_anew(tx: Tx, organizations: Sequence[int]) -> None:
    """An Organization that moved, or became an institution of its own, takes what is offered under it along."""
    providers = await tx.fetch(
        "select distinct provider, institution from service_offer where provider = any($1::bigint[]) or institution = any($1::bigint[])",
        list(organizations),
    )
    now = await institutions.of(tx, [row["provider"] for row in providers])
    for row in providers:
        if row["provider"] in now and now[row["provider"]].rid != row["institution"]:
            await tx.execute("update service_offer set institution = $2 where provider = $1", row["provider"], now[row["provider"]].rid)


async def _membership(tx: Tx, rid: int, affiliation: Json) -> None:
    consortium = await _key(tx, affiliation.get("organization"), "Organization")
    member = await _key(tx, affiliation.get("participatingOrganization"), "Organization")
    if consortium is None or member is None or not _counts(affiliation):
        return
    await tx.execute(
        "insert into membership (rid, consortium, member, lead, period) values ($1, $2, $3, $4, $5)",
        rid,
        consortium,
        member,
        "lead" in coded(affiliation.get("code", ()), urls.CONSORTIUM_ROLE),
        _days(affiliation, "OrganizationAffiliation"),
    )


async def _position(tx: Tx, rid: int, role: Json) -> None:
    kind = kind_of_position(role)
    practitioner = await _key(tx, role.get("practitioner"), "Practitioner")
    organization = await _key(tx, role.get("organization"), "Organization")
    if practitioner is None or organization is None or not _counts(role):
        return
    await tx.execute(
        "insert into position (rid, practitioner, organization, main, period) values ($1, $2, $3, $4, $5)",
        rid,
        practitioner,
        organization,
        kind == "main",
        _days(role, "PractitionerRole"),
    )


def kind_of_position(role: Json) -> str:
    """A code of `urls.POSITION_KIND`, "" where the post says none. InvalidResource for a strange one."""
    for one in role.get("extension", ()):
        if one.get("url") == urls.POSITION:
            kind = next((str(part.get("valueCode", "")) for part in one.get("extension", ()) if part.get("url") == "kind"), "")
            if kind and kind not in POSITIONS:
                raise InvalidResource(
                    f"A position is of one kind: {', '.join(POSITIONS)}.", expression="PractitionerRole.extension", zh="执业方式不正确。"
                )
            return kind
    return ""


async def _equipment(tx: Tx, rid: int, device: Json) -> None:
    if device.get("patient") or device.get("status") == "entered-in-error":
        return
    owner = await _key(tx, device.get("owner"), "Organization")
    found = (await institutions.of(tx, [owner])).get(owner) if owner is not None else None
    if found is None:
        return
    kinds = coded([device["type"]] if device.get("type") else (), urls.EQUIPMENT_KIND)
    if any(kind not in EQUIPMENT for kind in kinds):
        raise InvalidResource(f"Equipment is of a kind: {', '.join(EQUIPMENT)}.", expression="Device.type", zh="设备类别不正确。")
    names = [str(one.get("name", "")) for one in device.get("deviceName", ())]
    await tx.execute(
        """
        insert into equipment (rid, institution, kind, name, maker, model, asset, shared, working)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        rid,
        found.rid,
        kinds[0] if kinds else "",
        names[0] if names else str((device.get("type") or {}).get("text", "")),
        str(device.get("manufacturer", "")),
        str(device.get("modelNumber", "")),
        str(device.get("serialNumber", "")),
        any(one.get("url") == urls.SHARED_EQUIPMENT and one.get("valueBoolean") is True for one in device.get("extension", ())),
        device.get("status", "active") == "active",
    )


TABLES: dict[str, tuple[str, Keep]] = {
    "Organization": ("institution", _institution),
    "Location": ("institution_site", _site),
    "HealthcareService": ("service_offer", _offer),
    "OrganizationAffiliation": ("membership", _membership),
    "PractitionerRole": ("position", _position),
    "Device": ("equipment", _equipment),
}
"""Resource type → its table, and who fills it."""


async def _key(tx: Tx, reference: Any, kind: str) -> int | None:
    target = parse_reference(str((reference or {}).get("reference", "")))
    if not isinstance(target, Local) or target.type != kind:
        return None
    rid: int | None = await tx.fetchval("select rid from resource where type = $1 and id = $2 and not deleted", type_id(kind), target.id)
    return rid


def coded(concepts: Any, system: str) -> list[str]:
    """The codes of this system in these CodeableConcepts, each once."""
    return list(
        dict.fromkeys(str(c["code"]) for one in concepts for c in one.get("coding", ()) if c.get("system") == system and c.get("code"))
    )


def _counts(resource: Json) -> bool:
    """Whether a membership or post ever held: what was taken back (active false) without an end never did."""
    return bool(resource.get("active", True) or (resource.get("period") or {}).get("end"))


def _days(resource: Json, kind: str) -> Range[date]:
    """Its period as whole days of the region, the last one included; open where a side is not said."""
    period, zone = resource.get("period") or {}, region_zone()
    since = interval(period["start"], zone)[0].astimezone(zone).date() if period.get("start") else None
    until = (interval(period["end"], zone)[1] - timedelta(microseconds=1)).astimezone(zone).date() if period.get("end") else None
    if since is not None and until is not None and until < since:
        raise InvalidResource("A period ends after it starts.", expression=f"{kind}.period", zh="结束日期须不早于开始日期。")
    return Range(since, until + timedelta(days=1) if until is not None else None)
