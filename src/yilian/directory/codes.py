"""The code systems of the directory as FHIR resources: institution tiers and 诊疗科目. Seeded at start where they differ."""

from __future__ import annotations

from typing import Any

from yilian.directory.specialties import SPECIALTIES
from yilian.directory.tiers import TIERS
from yilian.fhir import urls


def definitions() -> list[dict[str, Any]]:
    """CodeSystems and ValueSets of this room, ready to be stored. Chinese is the display."""
    tiers = [{"code": code, "display": zh, "designation": [{"language": "en", "value": en}]} for code, (_, zh, en) in TIERS.items()]
    return [
        _code_system(urls.INSTITUTION_TIER, "InstitutionTier", "机构层级", tiers),
        _code_system(urls.SPECIALTY, "ClinicalDepartment", "诊疗科目名录", [{"code": c, "display": zh} for c, zh in SPECIALTIES.items()]),
        _value_set("institution-tier", "InstitutionTier", "机构层级", urls.INSTITUTION_TIER),
        _value_set("clinical-department", "ClinicalDepartment", "诊疗科目", urls.SPECIALTY),
    ]


def _code_system(url: str, name: str, title: str, concepts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "id": url.rsplit("/", 1)[1],
        "language": "zh-CN",
        "url": url,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": concepts,
    }


def _value_set(key: str, name: str, title: str, system: str) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "id": key,
        "language": "zh-CN",
        "url": f"{urls.BASE}ValueSet/{key}",
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "compose": {"include": [{"system": system}]},
    }
