"""Short words for what stands in a record, and what the criteria say of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from yilian.criteria import shipped
from yilian.criteria.criterion import Criterion, read
from yilian.criteria.evaluate import Rules, Verdict, evaluate
from yilian.criteria.facts import facts_of
from yilian.criteria.vocabulary import vocabulary
from yilian.fhir import urls
from yilian.fhir.dates import region_zone

Resource = dict[str, Any]

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
RULES = Rules({"vital": 30, "laboratory": 90, "slow": 365, "lasting": 1095, "symptom": 7}, Decimal(5))
PATIENT: Resource = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1966-03-12"}
_numbers = itertools.count(1)


def ago(days: float = 0) -> str:
    """A moment so many days before, and an hour."""
    return (NOW - timedelta(days=days, hours=1)).isoformat()


def value(measure: str, amount: float | str, unit: str = "", *, days: float = 0, coded: bool = True, **more: Any) -> Resource:
    """One value of a measure of the vocabulary; `unit` UCUM, its own when "". coded=False: only written, as people write it."""
    known = vocabulary().measures[measure]
    written = unit or known.unit
    quantity: Resource = {"value": Decimal(str(amount)), "unit": written}
    if coded:
        quantity |= {"system": urls.UCUM, "code": written}
    if "comparator" in more:
        quantity["comparator"] = more.pop("comparator")
    return _observation(sorted(known.codes)[0], {"valueQuantity": quantity}, days, **more)


def pressure(systolic: float, diastolic: float, *, days: float = 0, **more: Any) -> Resource:
    parts = [
        {"code": _loinc(code), "valueQuantity": {"value": amount, "unit": "mmHg", "system": urls.UCUM, "code": "mm[Hg]"}}
        for code, amount in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return _observation("85354-9", {"component": parts}, days, **more)


def condition(code: str, *, days: float = 400, **more: Any) -> Resource:
    return {
        "resourceType": "Condition",
        "id": f"c{next(_numbers)}",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"coding": [{"system": urls.ICD10, "code": code}], "text": code},
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": ago(days),
        **more,
    }


def medicine(atc: str, *, days: float = 20, **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{next(_numbers)}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": atc}], "text": atc},
        "authoredOn": ago(days),
        **more,
    }


def stay(days: float, *, ended: bool = False, **more: Any) -> Resource:
    period = {"start": ago(days)} | ({"end": ago(0)} if ended else {})
    return {
        "resourceType": "Encounter",
        "id": f"e{next(_numbers)}",
        "status": "finished" if ended else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": period,
        **more,
    }


def judged(*record: Resource, patient: Resource = PATIENT, confirmed: Collection[str] = (), rules: Rules = RULES) -> dict[str, Verdict]:
    """Every verdict by the key of its criterion."""
    facts = facts_of(patient, record, NOW, region_zone())
    return {one.criterion.key: one for one in evaluate(library(), facts, rules, confirmed)}


def state(key: str, *record: Resource, **more: Any) -> str:
    return judged(*record, **more)[key].state


@cache
def library() -> Sequence[Criterion]:
    return tuple(read(plan) for plan in shipped.plans())


def _observation(code: str, content: Resource, days: float, **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"o{next(_numbers)}",
        "status": "final",
        "code": _loinc(code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": ago(days),
        **content,
        **more,
    }


def _loinc(code: str) -> Resource:
    return {"coding": [{"system": urls.LOINC, "code": code}]}
