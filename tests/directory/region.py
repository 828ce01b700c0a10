"""Institutions, services and memberships for the tests of the directory."""

from __future__ import annotations

from typing import Any

from yilian.db import Database
from yilian.directory import columns, offers
from yilian.directory.offers import Settings
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
DIRECTORY = Hooks(validate=lambda resource: [], reactions=(columns.follow,))


def organization(id: str, tier: str = "", **more: Any) -> Json:
    resource: Json = {"resourceType": "Organization", "id": id, "name": f"{id}院"}
    if tier:
        resource["extension"] = [{"url": urls.TIER, "valueCode": tier}]
    return resource | more


def site(organization: str, latitude: float, longitude: float) -> Json:
    return {
        "resourceType": "Location",
        "id": f"{organization}-site",
        "position": {"latitude": latitude, "longitude": longitude},
        "managingOrganization": {"reference": f"Organization/{organization}"},
    }


def service(id: str, provider: str, specialty: str, settings: Settings | None = None) -> Json:
    return {
        "resourceType": "HealthcareService",
        "id": id,
        **({"extension": [offers.extension(settings)]} if settings else {}),
        "active": True,
        "providedBy": {"reference": f"Organization/{provider}"},
        "specialty": [{"coding": [{"system": urls.SPECIALTY, "code": specialty}]}],
        "name": f"{provider} {specialty}",
    }


def affiliation(id: str, consortium: str, member: str, start: str, end: str = "", *, lead: bool = False) -> Json:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": id,
        "active": not end,
        "period": {"start": start} | ({"end": end} if end else {}),
        "organization": {"reference": f"Organization/{consortium}"},
        "participatingOrganization": {"reference": f"Organization/{member}"},
        "code": [{"coding": [{"system": urls.CONSORTIUM_ROLE, "code": "lead" if lead else "member"}]}],
    }


async def put(db: Database, *resources: Json) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])
