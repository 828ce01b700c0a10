"""Whose guardian the resident with an account is: a grandchild's and an old neighbour's, so that booking for them can be looked at."""

from __future__ import annotations

from typing import Any

from yilian.demo.region import Region
from yilian.fhir import urls

Resource = dict[str, Any]

HOLDER = "resident-0001"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def resources(region: Region) -> list[Resource]:
    """RelatedPersons with the holder's own number; none where the region is too small to have such wards."""
    everybody = {one["id"]: one for one in region.patients if one["resourceType"] == "Patient" and "deceasedDateTime" not in one}
    holder = everybody.pop(HOLDER, None)
    number = next((one["value"] for one in (holder or {}).get("identifier", ()) if one["system"] == urls.RESIDENT_ID), "")
    if holder is None or not number:
        return []
    others = sorted(everybody.values(), key=lambda one: str(one["id"]))
    year = region.today.year
    child = next((one for one in others if 3 <= year - int(one["birthDate"][:4]) < 12), None)
    old = next((one for one in reversed(others) if year - int(one["birthDate"][:4]) > 80), None)
    return [_guardian(holder, number, ward, nth) for nth, ward in enumerate((child, old), 1) if ward is not None]


def _guardian(holder: Resource, number: str, ward: Resource, nth: int) -> Resource:
    return {
        "resourceType": "RelatedPerson",
        "id": f"demo-guardian-{nth}",
        "identifier": [{"use": "official", "system": urls.RESIDENT_ID, "value": number}],
        "active": True,
        "patient": {"reference": f"Patient/{ward['id']}", "display": ward["name"][0]["text"]},
        "relationship": [{"coding": [{"system": ROLES, "code": "GUARD", "display": "监护人"}], "text": "监护人"}],
        "name": holder["name"],
        "gender": holder["gender"],
        "birthDate": holder["birthDate"],
    }
