"""`PlanDefinition/{id}/$apply`: one criterion applied to one patient gives a CarePlan that proposes the referral, or nothing. Pure.

FHIR R4: http://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yilian.criteria.answer import canonical, explanation
from yilian.criteria.evaluate import Verdict
from yilian.directory import specialties
from yilian.fhir import urls
from yilian.fhir.dates import region_zone

Resource = dict[str, Any]

REQUEST = "referral"
DIRECTION_ZH = {"up": "上转", "down": "下转"}


def care_plan(subject: str, verdict: Verdict, now: datetime) -> Resource:
    """A draft proposal; its one activity is the contained ServiceRequest, and only where the criterion is met and nothing opposes."""
    one = verdict.criterion
    plan: Resource = {
        "resourceType": "CarePlan",
        "language": "zh-CN",
        "instantiatesCanonical": [canonical(one)],
        "status": "draft",
        "intent": "proposal",
        "title": one.title,
        "description": explanation(verdict),
        "subject": {"reference": subject},
        "created": now.astimezone(region_zone()).isoformat(timespec="milliseconds"),
    }
    if verdict.may_go:
        plan["contained"] = [{**proposal(subject, verdict), "id": REQUEST}]
        plan["activity"] = [{"reference": {"reference": f"#{REQUEST}"}}]
    return plan


def proposal(subject: str, verdict: Verdict) -> Resource:
    """The ServiceRequest a met criterion suggests: direction, urgency, reason, specialty, and what it rests on."""
    one = verdict.criterion
    evidence = [e.reference for found in verdict.findings if found.state == "found" for e in found.evidence if e.reference]
    reasons = [reference for reference in dict.fromkeys(evidence) if reference.startswith(("Condition/", "Observation/"))]
    request: Resource = {
        "resourceType": "ServiceRequest",
        "instantiatesCanonical": [canonical(one)],
        "status": "draft",
        "intent": "proposal",
        "category": [_coded(urls.REFERRAL_DIRECTION, one.direction, DIRECTION_ZH[one.direction])],
        "priority": one.urgency,
        "subject": {"reference": subject},
    }
    if one.reason:
        request["reasonCode"] = [{"coding": [{"system": urls.REFERRAL_REASON, "code": one.reason}], "text": explanation(verdict)}]
    if reasons:
        request["reasonReference"] = [{"reference": reference} for reference in reasons]
    if one.specialty:
        request["locationCode"] = [_coded(urls.SPECIALTY, one.specialty, specialties.name(one.specialty))]
    return request


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}]}
