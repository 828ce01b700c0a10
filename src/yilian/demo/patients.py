"""Residents as FHIR: Patient, the people around them (RelatedPerson), and their insurance (Coverage)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from yilian.demo import geography
from yilian.demo.clinical.visit import stamp
from yilian.demo.geography import DISTRICTS, TOWN
from yilian.demo.institutions import INSURANCE, Institution
from yilian.demo.names import ETHNIC_GROUPS
from yilian.demo.people import Staff
from yilian.demo.residents import Resident
from yilian.fhir import urls

Resource = dict[str, Any]

_ETHNIC_SYSTEM = "urn:oid:2.16.156.10011.2.3.3.3"  # GB/T 3304
_MARITAL_SYSTEM = "urn:oid:2.16.156.10011.2.3.3.5"  # GB/T 2261.2
_MARITAL = {"10": ("未婚", "S", "未婚"), "20": ("已婚", "M", "已婚"), "30": ("丧偶", "W", "丧偶"), "40": ("离婚", "D", "离婚")}
_INSURANCE = {"310": "职工基本医疗保险", "390": "城乡居民基本医疗保险"}
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_SPOUSE, _MOTHER, _FATHER, _CHILD = ("SPS", "配偶"), ("MTH", "母亲"), ("FTH", "父亲"), ("CHILD", "子女")


def resources(everyone: list[Resident], staff: Staff, places: Mapping[str, Institution], today: date) -> Iterator[Resource]:
    """Patient, RelatedPersons and Coverage of each resident, in the order of their numbers."""
    for resident in everyone:
        yield patient(resident, staff, places, today)
        yield from related(resident, today)
        yield coverage(resident, places)


def patient(resident: Resident, staff: Staff, places: Mapping[str, Institution], today: date) -> Resource:
    """One Patient."""
    town = TOWN[resident.town]
    district = DISTRICTS[town.district]
    identifiers = []
    if resident.identity:
        identifiers.append({"use": "official", "system": urls.RESIDENT_ID, "value": resident.identity})
    if resident.file:
        identifiers.append({"use": "usual", "system": urls.HEALTH_FILE, "value": resident.file})
    if resident.identity and resident.number % 3 == 0:
        identifiers.append(
            {"use": "secondary", "system": urls.HEALTH_CARD, "value": f"{geography.CITY_CODE}{resident.number * 7351 % 100000000:012d}"}
        )
    out: Resource = {
        "resourceType": "Patient",
        "id": resident.id,
        "extension": [
            {
                "url": urls.ETHNICITY,
                "valueCodeableConcept": {
                    "coding": [{"system": _ETHNIC_SYSTEM, "code": resident.ethnic, "display": ETHNIC_GROUPS[resident.ethnic]}],
                    "text": ETHNIC_GROUPS[resident.ethnic],
                },
            }
        ],
    }
    if identifiers:
        out["identifier"] = identifiers
    out["active"] = True
    out["name"] = resident.name.human()
    if resident.phone:
        out["telecom"] = [{"system": "phone", "value": resident.phone, "use": "mobile"}]
    out["gender"] = resident.sex
    out["birthDate"] = resident.born.isoformat()
    if resident.died is not None:
        out["deceasedDateTime"] = stamp(datetime.combine(resident.died, time(10, 30)))
    address = geography.address(district, resident.line)
    address.update(use="home")
    out["address"] = [address]
    if resident.age(today) >= 18:
        code, common, text = _MARITAL[resident.married][0], _MARITAL[resident.married][1], _MARITAL[resident.married][2]
        out["maritalStatus"] = {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": common, "display": text},
                {"system": _MARITAL_SYSTEM, "code": resident.married, "display": code},
            ],
            "text": text,
        }
    contact = _contact(resident, today)
    if contact:
        out["contact"] = [contact]
    out["communication"] = [
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "zh-CN", "display": "中文"}]}, "preferred": True}
    ]
    if resident.doctor:
        out["generalPractitioner"] = [staff.by_id[resident.doctor].reference]
    if resident.home:
        out["managingOrganization"] = places[resident.home].reference
    return out


def _kin(resident: Resident, today: date) -> list[tuple[tuple[str, str], Resident]]:
    """Who of the household would be called: parents of a child, husband or wife, grown children."""
    assert resident.household is not None
    others = [m for m in resident.household.members if m is not resident and m.died is None]
    age = resident.age(today)
    if age < 18:
        mother = resident.household.mother_of(resident)
        father = next((m for m in others if m.sex == "male" and 18 <= (resident.born - m.born).days / 365.25 <= 46), None)
        return [(kind, one) for kind, one in ((_MOTHER, mother), (_FATHER, father)) if one is not None]
    out: list[tuple[tuple[str, str], Resident]] = []
    if {resident.role} <= {"户主", "配偶"}:
        out += [(_SPOUSE, m) for m in others if m.role in ("户主", "配偶") and m.sex != resident.sex]
        out += [(_CHILD, m) for m in others if m.role in ("子", "女") and m.age(today) >= 18]
    elif resident.role in ("父亲", "母亲"):
        out += [(_CHILD, m) for m in others if m.role == "户主"]
    return out


def _contact(resident: Resident, today: date) -> Resource | None:
    for (code, display), one in _kin(resident, today):
        if one.phone:
            return {
                "relationship": [{"coding": [{"system": _ROLES, "code": code, "display": display}], "text": display}],
                "name": {"text": one.name.text, "family": one.name.family, "given": [one.name.given]},
                "telecom": [{"system": "phone", "value": one.phone, "use": "mobile"}],
                "gender": one.sex,
            }
    return None


def related(resident: Resident, today: date) -> Iterator[Resource]:
    """Parents of minors under 14, and a grown child of people of 80 and more: who speaks for them."""
    age = resident.age(today)
    if 14 <= age < 80:
        return
    for nth, ((code, display), one) in enumerate(_kin(resident, today), 1):
        out: Resource = {
            "resourceType": "RelatedPerson",
            "id": f"{resident.id}-kin{nth}",
        }
        if one.identity:
            out["identifier"] = [{"use": "official", "system": urls.RESIDENT_ID, "value": one.identity}]
        out["active"] = True
        out["patient"] = {"reference": f"Patient/{resident.id}", "display": resident.name.text}
        out["relationship"] = [{"coding": [{"system": _ROLES, "code": code, "display": display}], "text": display}]
        out["name"] = one.name.human()
        if one.phone:
            out["telecom"] = [{"system": "phone", "value": one.phone, "use": "mobile"}]
        out["gender"] = one.sex
        out["birthDate"] = one.born.isoformat()
        yield out


def coverage(resident: Resident, places: Mapping[str, Institution]) -> Resource:
    """Basic medical insurance of the city."""
    text = _INSURANCE[resident.insured]
    return {
        "resourceType": "Coverage",
        "id": f"{resident.id}-insurance",
        "status": "active" if resident.died is None else "cancelled",
        "type": {"text": text},
        "beneficiary": {"reference": f"Patient/{resident.id}", "display": resident.name.text},
        "relationship": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/subscriber-relationship", "code": "self", "display": "本人"}]
        },
        "payor": [{"reference": f"Organization/{INSURANCE}", "display": "云溪市医疗保障局"}],
    }
