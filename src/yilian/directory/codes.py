"""The code systems of the directory as FHIR resources: institution tiers and 诊疗科目. Seeded at start where they differ."""

from __future__ import annotations

from typing import Any

from yilian.directory.specialties import SPECIALTIES
from yilian.directory.tiers import TIERS
from yilian.fhir import urls
from yilian.fhir.vocabulary import code_system, concept, value_set


def definitions() -> list[dict[str, Any]]:
    """CodeSystems and ValueSets of this room, ready to be stored. Chinese is the display."""
    tiers = [concept(code, zh, en) for code, (_, zh, en) in TIERS.items()]
    return [
        code_system(urls.INSTITUTION_TIER, "InstitutionTier", "机构层级", tiers),
        code_system(urls.SPECIALTY, "ClinicalDepartment", "诊疗科目名录", [concept(code, zh) for code, zh in SPECIALTIES.items()]),
        value_set("institution-tier", "InstitutionTier", "机构层级", urls.INSTITUTION_TIER),
        value_set("clinical-department", "ClinicalDepartment", "诊疗科目", urls.SPECIALTY),
    ]
