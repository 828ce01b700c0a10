"""Consents as tests write them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

LABEL = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PAPER = {"contentType": "application/pdf", "data": "JVBERi0="}


def consent(patient: str, way: str, *institutions: str, labels: tuple[str, ...] = (), purposes: tuple[str, ...] = (), **more: Any) -> Json:
    """An active privacy consent; `way`: permit or deny; `more` replaces elements."""
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    provision: Json = {"type": way}
    if institutions:
        provision["actor"] = [{"role": role, "reference": {"reference": f"Organization/{one}"}} for one in institutions]
    if labels:
        provision["securityLabel"] = [{"system": LABEL, "code": code} for code in labels]
    if purposes:
        provision["purpose"] = [{"system": REASON, "code": code} for code in purposes]
    provision.update(more.pop("provision", {}))
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"text": "居民健康档案查阅授权"},
        "provision": provision,
        **more,
    }
