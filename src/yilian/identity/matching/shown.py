"""What may be told of a patient to whom has no ground to read it: enough to recognise somebody who stands there, and nothing clinical.

Name, sex, date of birth, where registered, address down to the town; of identifiers and telephone numbers the last four characters.
个人信息保护法 6: no more than the purpose needs. The mark SUBSETTED tells that it is not the whole resource.
"""

from __future__ import annotations

from typing import Any

from yilian.fhir import urls

Json = dict[str, Any]

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
SHOWN = 4
_IDENTIFIERS = (urls.RESIDENT_ID, urls.HEALTH_CARD, urls.HEALTH_FILE)


def recognisable(patient: Json) -> Json:
    """The part of a stored Patient that is told; a new object."""
    told: Json = {"resourceType": "Patient", "id": patient["id"], "meta": {"tag": [SUBSETTED]}}
    identifiers = [
        {"system": one["system"], "value": masked(str(one["value"]))}
        for one in patient.get("identifier", ())
        if one.get("system") in _IDENTIFIERS and one.get("value")
    ]
    if identifiers:
        told["identifier"] = identifiers
    if "active" in patient:
        told["active"] = patient["active"]
    names = [
        {key: one[key] for key in ("use", "text", "family", "given") if key in one}
        for one in patient.get("name", ())
        if one.get("use") not in ("old", "nickname")
    ]
    if any(names):
        told["name"] = [name for name in names if name]
    phones = [
        {"system": one["system"], "value": masked(str(one["value"]), 3)}
        for one in patient.get("telecom", ())
        if one.get("system") in ("phone", "sms") and one.get("value")
    ]
    if phones:
        told["telecom"] = phones
    for key in ("gender", "birthDate"):
        if key in patient:
            told[key] = patient[key]
    places = [{key: one[key] for key in ("state", "city", "district") if key in one} for one in patient.get("address", ())]
    if any(places):
        told["address"] = [place for place in places if place]
    if "managingOrganization" in patient:
        told["managingOrganization"] = patient["managingOrganization"]
    return told


def masked(value: str, before: int = 0) -> str:
    """The last four characters, and `before` of the first, the others as *: "138****5678". Of a short value nothing is shown."""
    if len(value) < SHOWN + before + 3:
        return "*" * len(value)
    return value[:before] + "*" * (len(value) - before - SHOWN) + value[-SHOWN:]
