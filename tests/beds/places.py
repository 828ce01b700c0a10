"""Wards, beds and patients in them: for the tests of beds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.referral.region import Region
from yilian.beds.kinds import GENDER, PHYSICAL
from yilian.fhir import urls
from yilian.fhir.definitions import type_id

Json = dict[str, Any]


def ward(id: str = "cardio", organization: str = "first", *, kind: str = "", specialty: str = "03.04", **more: Any) -> Json:
    return _location(id, "wa", kind=kind, specialty=specialty) | {
        "managingOrganization": {"reference": f"Organization/{organization}"},
        **more,
    }


def bed(id: str, ward: str = "cardio", *, kind: str = "", sex: str = "", **more: Any) -> Json:
    return _location(id, "bd", kind=kind, sex=sex) | {"partOf": {"reference": f"Location/{ward}"}, **more}


def room(id: str, ward: str = "cardio") -> Json:
    return _location(id, "ro") | {"partOf": {"reference": f"Location/{ward}"}}


def _location(id: str, physical: str, *, kind: str = "", sex: str = "", specialty: str = "") -> Json:
    said = ((urls.BED_KIND, kind), (GENDER, sex), (urls.SPECIALTY, specialty))
    made: Json = {
        "resourceType": "Location",
        "id": id,
        "status": "active",
        "name": f"{id} 名",
        "physicalType": {"coding": [{"system": PHYSICAL, "code": physical}]},
    }
    types = [{"coding": [{"system": system, "code": code}]} for system, code in said if code]
    return made | ({"type": types} if types else {})


def encounter(id: str, patient: str, *stays: Json, status: str = "in-progress", at: str = "first", **more: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{at}"},
        **({"location": list(stays)} if stays else {}),
        **more,
    }


def stay(bed: str, start: datetime | None = None, end: datetime | None = None, status: str = "active") -> Json:
    period = {key: at.isoformat() for key, at in (("start", start), ("end", end)) if at is not None}
    return {"location": {"reference": f"Location/{bed}"}, "status": status, **({"period": period} if period else {})}


async def states(region: Region) -> dict[str, str]:
    async with region.db.reading() as tx:
        rows = await tx.fetch("select r.id, b.state from bed_now b join resource r using (rid) order by r.id")
    return {row["id"]: row["state"] for row in rows}


async def occupants(region: Region) -> dict[str, str]:
    """Bed → Encounter, of those that are occupied."""
    async with region.db.reading() as tx:
        rows = await tx.fetch(
            "select r.id, e.id as encounter from bed_now b join resource r using (rid) join resource e on e.rid = b.encounter order by r.id"
        )
    return {row["id"]: row["encounter"] for row in rows}


async def rid_of(region: Region, reference: str) -> int:
    kind, id = reference.split("/")
    async with region.db.reading() as tx:
        return int(await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id(kind), id))
