"""What a bed is for, and for whom: codes of `Location.type`, and which patient they suit.

A bed, or the ward for all of its beds, says its kind by `urls.BED_KIND`, its 诊疗科目 by `urls.SPECIALTY`, and whom it is set apart for by
FHIR's administrative-gender, each as a coding of `Location.type`. What is not said is general, of no 诊疗科目, for anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.vocabulary import code_system, concept, value_set

Json = Mapping[str, Any]

GENDER = "http://hl7.org/fhir/administrative-gender"
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
KINDS = {
    "general": ("普通床", "for anybody"),
    "child": ("儿童床", "for children"),
    "newborn": ("新生儿床", "for newborns"),
    "isolation": ("隔离床", "isolation"),
    "intensive": ("重症监护床", "intensive care"),
    "day": ("日间床位", "day ward, by the hour"),
}
"""Code → (中文, English)."""
SEXES = ("male", "female")
OUT_OF_SERVICE = {"C": "停用", "K": "污染待处理"}
"""v2-0116: what takes a bed out of service. H (housekeeping), O, U and I are not looked at: that somebody lies there is the Encounter's to
say, that a bed is free nobody's."""


@dataclass(frozen=True, slots=True)
class Traits:
    """kind: a key of `KINDS`, "" where nothing is said; sex: male, female or ""; specialty: 诊疗科目 or ""."""

    kind: str
    sex: str
    specialty: str


@dataclass(frozen=True, slots=True)
class Body:
    """Of a patient what decides about beds. sex: Patient.gender or ""; years: whole years of age, None where nobody knows."""

    sex: str
    years: int | None


def traits(location: Json) -> Traits:
    """What the Location says of itself. Raises InvalidResource for a kind there is not, and for two of one sort."""
    kinds, sexes, specialties = (_codes(location, system) for system in (urls.BED_KIND, GENDER, urls.SPECIALTY))
    wrong = [code for code in kinds if code not in KINDS] + [code for code in sexes if code not in SEXES]
    if wrong or len(kinds) > 1 or len(sexes) > 1:
        raise InvalidResource(
            f"A bed is of one kind ({', '.join(KINDS)}) and for one sex (male, female) or anybody.",
            expression="Location.type",
            zh="床位类别或适用性别不正确。",
        )
    return Traits(*(found[0] if found else "" for found in (kinds, sexes, specialties)))


def physical(location: Json) -> str:
    """The code of location-physical-type: wa, ro, bd, …; "" where it names none."""
    return next((str(c.get("code", "")) for c in location.get("physicalType", {}).get("coding", ()) if c.get("system") == PHYSICAL), "")


def is_there(location: Json) -> bool:
    """Whether it counts among the beds or wards at all."""
    return bool(location.get("status", "active") != "inactive" and location.get("mode", "instance") == "instance")


def is_stopped(location: Json) -> bool:
    """Whether it is out of service."""
    status = location.get("operationalStatus") or {}
    closed = status.get("system", STATUS) == STATUS and status.get("code") in OUT_OF_SERVICE
    return bool(closed or location.get("status") == "suspended")


def body(patient: Json, now: datetime) -> Body:
    """Sex and age on the day of `now` in the region's zone; a birth date that is only a year or a month counts from its first day."""
    born = str(patient.get("birthDate", ""))
    years = None
    if born:
        year, month, day = (int(part) for part in (born + "-01-01").split("-")[:3])
        today = now.astimezone(region_zone()).date()
        years = max(today.year - year - ((today.month, today.day) < (month, day)), 0)
    return Body(str(patient.get("gender", "")), years)


def definitions() -> list[dict[str, Any]]:
    """The code system of bed kinds, ready to be stored."""
    return [
        code_system(urls.BED_KIND, "BedKind", "床位类别", [concept(code, zh, en) for code, (zh, en) in KINDS.items()]),
        value_set("bed-kind", "BedKind", "床位类别", urls.BED_KIND),
    ]


def _codes(location: Json, system: str) -> list[str]:
    found = [
        str(c["code"]) for part in location.get("type", ()) for c in part.get("coding", ()) if c.get("system") == system and c.get("code")
    ]
    return list(dict.fromkeys(found))
