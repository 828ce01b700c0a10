"""Who shows consent and emergency access in the demo region: a privacy officer, an emergency doctor of the same hospital, and a resident
whom that hospital has never seen, with a sensitive diagnosis made elsewhere and a consent that was taken back.

Beside the region and not part of it: the same residents, visits and accounts come out with or without these.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from yilian.demo.accounts import Account
from yilian.demo.referrals import ZONE
from yilian.demo.region import Region
from yilian.demo.residents import Resident
from yilian.fhir import urls

Resource = dict[str, Any]

HOSPITAL, ELSEWHERE, GRANTED = "yunxi-first", "yunxi-county", "yunxi-tcm"
STAFF = {"privacy": ("白洁", "白", "female", "privacy"), "emergency": ("高远", "高", "male", "physician")}
"""Account → (name, family name, sex, post) of people at the hospital."""
RESIDENT = "resident2"


def accounts(region: Region) -> tuple[Account, ...]:
    """The accounts these sign in with."""
    stranger = _stranger(region)
    found = [Account(id, name, (post,), f"Organization/{HOSPITAL}", f"Practitioner/{id}") for id, (name, _, _, post) in STAFF.items()]
    if stranger is not None:
        about, resident = stranger
        found.append(Account(RESIDENT, resident.name.text, ("resident",), "", about, about))
    return tuple(found)


def resources(region: Region) -> list[Resource]:
    """What is written for them, after the region's residents."""
    stranger = _stranger(region)
    return [*_people(), *([] if stranger is None else _of_the_resident(region, stranger[0]))]


def _people() -> list[Resource]:
    return [
        {
            "resourceType": "Practitioner",
            "id": id,
            "active": True,
            "name": [{"use": "official", "text": name, "family": family, "given": [name.removeprefix(family)]}],
            "gender": sex,
        }
        for id, (name, family, sex, _) in STAFF.items()
    ]


def _of_the_resident(region: Region, about: str) -> list[Resource]:
    """A visit elsewhere with a sensitive diagnosis, and the consent that was taken back. `about`: the reference of the Patient."""
    day = region.today - timedelta(days=75)
    began = datetime.combine(day, time(9, 30), ZONE)
    whose = {"reference": about}
    visit = {
        "resourceType": "Encounter",
        "id": "demo-psychiatry-visit",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "门诊"},
        "serviceType": {"coding": [{"system": urls.SPECIALTY, "code": "15", "display": "精神科"}], "text": "精神科"},
        "subject": whose,
        "period": {"start": began.isoformat(), "end": (began + timedelta(minutes=25)).isoformat()},
        "reasonCode": [{"text": "入睡困难、紧张不安两月余"}],
        "serviceProvider": {"reference": f"Organization/{ELSEWHERE}", "display": region.places[ELSEWHERE].name},
    }
    anxiety = {"coding": [{"system": urls.ICD10, "code": "F41.1", "display": "广泛性焦虑障碍"}], "text": "广泛性焦虑障碍"}
    diagnosis = {
        "resourceType": "Condition",
        "id": "demo-anxiety",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "encounter-diagnosis"}]}],
        "code": anxiety,
        "subject": whose,
        "encounter": {"reference": "Encounter/demo-psychiatry-visit"},
        "onsetDateTime": day.isoformat(),
        "recordedDate": day.isoformat(),
    }
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    to = {"reference": f"Organization/{GRANTED}", "display": region.places[GRANTED].name}
    consent = {
        "resourceType": "Consent",
        "id": "demo-consent-withdrawn",
        "status": "inactive",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": urls.LOINC, "code": "59284-0"}], "text": "健康档案查阅授权"}],
        "patient": whose,
        "dateTime": (began + timedelta(days=10)).isoformat(),
        "performer": [whose],
        "policyRule": {"text": "居民健康档案查阅授权"},
        "provision": {"type": "permit", "actor": [{"role": role, "reference": to}]},
    }
    return [visit, diagnosis, consent]


def _stranger(region: Region) -> tuple[str, Resident] | None:
    """A grown-up resident with a home institution whom the hospital has no ground to see, and the reference of the Patient; None in a very
    small region, where there is no such resident."""
    for resident, bundle in list(zip(region.residents, region.bundles(), strict=True))[1:]:
        seen_by = {str((one.get("serviceProvider") or {}).get("reference", "")) for one in bundle if one["resourceType"] == "Encounter"}
        strange = not any(where.startswith(f"Organization/{HOSPITAL}") for where in seen_by)
        if (
            strange
            and resident.home
            and not resident.case
            and 30 <= resident.age(region.today) <= 60
            and "deceasedDateTime" not in bundle[0]
        ):
            return f"Patient/{bundle[0]['id']}", resident
    return None
