"""A row of `audit_event` as a FHIR AuditEvent in the patterns of IHE BALP.

IHE ITI Basic Audit Log Patterns 1.1: PatientRead, PatientQuery, PatientCreate, PatientUpdate, PatientDelete (and those without a
patient), and IHE ATNA User Authentication. FHIR R4: http://hl7.org/fhir/R4/auditevent.html. A row keeps every resource of one patient
that one request touched, while BALP has an event for one; `meta.profile` is therefore claimed only where there was one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from yilian.audit.note import LOGIN, LOGOUT, REST, SECURITY_ALERT, USER_ATTRIBUTES_CHANGED, USER_AUTHENTICATION
from yilian.fhir import urls
from yilian.fhir.definitions import type_name

DCM = "http://dicom.nema.org/resources/ontology/DCM"
EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
RESOURCE_TYPE = "http://hl7.org/fhir/resource-types"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ACCESS_GROUND = urls.BASE + "StructureDefinition/access-ground"
OPERATION = urls.BASE + "CodeSystem/operation"

TYPES = {
    REST: {"system": EVENT_TYPE, "code": REST, "display": "Restful Operation"},
    USER_AUTHENTICATION: {"system": DCM, "code": USER_AUTHENTICATION, "display": "User Authentication"},
    SECURITY_ALERT: {"system": DCM, "code": SECURITY_ALERT, "display": "Security Alert"},
}
SUBTYPES = {
    LOGIN: {"system": DCM, "code": LOGIN, "display": "Login"},
    LOGOUT: {"system": DCM, "code": LOGOUT, "display": "Logout"},
    USER_ATTRIBUTES_CHANGED: {"system": DCM, "code": USER_ATTRIBUTES_CHANGED, "display": "User Security Attributes Changed"},
}
SOURCE_ROLE = {"system": DCM, "code": "110153", "display": "Source Role ID"}
DESTINATION_ROLE = {"system": DCM, "code": "110152", "display": "Destination Role ID"}
PROFILES = {"read": "Read", "vread": "Read", "search-type": "Query", "create": "Create", "update": "Update", "delete": "Delete"}


def audit_event(row: Mapping[str, Any], *, base: str = "", discreet: bool = False, patient_name: str = "") -> dict[str, Any]:
    """The resource. `row` has the columns of audit_event, and patient_id, source_type, source_id joined to it.

    base      our FHIR address, for the agent that is this server
    patient_name  how the patient is called, for who may know it; ""
    discreet  for the patient concerned: without the words of the query, which may name others, and without account and network address
    """
    found: dict[str, Any] = {"resourceType": "AuditEvent", "id": str(row["seq"])}
    profile = _profile(row)
    if profile:
        found["meta"] = {"profile": [profile]}
    ground = _ground(row)
    if ground:
        found["extension"] = [ground]
    found["type"] = TYPES[row["type"]]
    found["subtype"] = _subtype(row)
    found["action"] = row["action"]
    found["recorded"] = row["recorded"].isoformat(timespec="milliseconds")
    found["outcome"] = row["outcome"]
    if row["outcome_text"]:
        found["outcomeDesc"] = row["outcome_text"]
    if row["purpose"]:
        found["purposeOfEvent"] = [_purpose(row)]
    found["agent"] = _agents(row, base, discreet)
    found["source"] = {
        "site": "yilian",
        "observer": {"display": "Yilian 医联"},
        "type": [{"system": SOURCE_TYPE, "code": "4", "display": "Application Server"}],
    }
    entities = _entities(row, discreet, patient_name)
    if entities:
        found["entity"] = entities
    return found


def _profile(row: Mapping[str, Any]) -> str:
    name = PROFILES.get(row["subtype"])
    if row["type"] != REST or row["outcome"] != "0" or name is None or (name != "Query" and len(row["entities"]) != 1):
        return ""
    return BALP + ("Patient" if row["patient_id"] else "") + name


def _subtype(row: Mapping[str, Any]) -> list[dict[str, str]]:
    if row["subtype"] in SUBTYPES:
        return [SUBTYPES[row["subtype"]]]
    found = [{"system": INTERACTION, "code": row["subtype"], "display": row["subtype"]}]
    if row["operation"]:
        found.append({"system": OPERATION, "code": row["operation"]})
    return found


def _ground(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why it was allowed: the kind of ground, and what that rests on."""
    if not row["ground"]:
        return None
    parts: list[dict[str, Any]] = [{"url": "kind", "valueCode": row["ground"]}]
    if row["source_id"]:
        parts.append({"url": "source", "valueReference": {"reference": f"{type_name(row['source_type'])}/{row['source_id']}"}})
    return {"url": ACCESS_GROUND, "extension": parts}


def _purpose(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"coding": [{"system": urls.PURPOSE, "code": row["purpose"]}]}


def _agents(row: Mapping[str, Any], base: str, discreet: bool) -> list[dict[str, Any]]:
    """The person, the application, the institution spoken for, and this server."""
    reading = row["subtype"] in ("read", "vread", "history-instance", "history-type", "history-system")
    is_system = row["account"] == row["client"] or row["agent"].startswith("Device/")
    agents: list[dict[str, Any]] = []
    if not is_system:
        kind = "IRCP" if row["action"] in ("R", "E") else "AUT"
        person: dict[str, Any] = {
            "type": {
                "coding": [
                    {"system": PARTICIPATION, "code": kind, "display": "information recipient" if kind == "IRCP" else "author (originator)"}
                ]
            }
        }
        if row["roles"]:
            person["role"] = [{"coding": [{"system": urls.ROLE, "code": code}]} for code in row["roles"].split()]
        person["who"] = {"reference": row["agent"]} if row["agent"] else {"display": row["name"] or "unknown"}
        if row["account"] and not discreet:
            person["altId"] = row["account"]
        if row["name"]:
            person["name"] = row["name"]
        person["requestor"] = True
        if row["purpose"]:
            person["purposeOfUse"] = [_purpose(row)]
        agents.append(person)
    client: dict[str, Any] = {"type": {"coding": [DESTINATION_ROLE if reading else SOURCE_ROLE]}}
    client["who"] = {"identifier": {"value": row["client"] or "yilian"}}
    if is_system and row["agent"]:
        client["who"]["reference"] = row["agent"]
    if is_system and row["name"]:
        client["name"] = row["name"]
    client["requestor"] = is_system
    client["network"] = {"address": "" if discreet else row["address"], "type": "2"}
    if not client["network"]["address"]:
        client["network"] = {"type": "2"}
    agents.append(client)
    if row["institution"]:
        agents.append(
            {
                "type": {"coding": [{"system": ROLE_CLASS, "code": "PROV", "display": "healthcare provider"}]},
                "who": {"reference": row["institution"]},
                "requestor": False,
            }
        )
    server: dict[str, Any] = {
        "type": {"coding": [SOURCE_ROLE if reading else DESTINATION_ROLE]},
        "who": {"display": "Yilian 医联"},
        "requestor": False,
    }
    server["network"] = {"address": base, "type": "5"} if base else {"type": "5"}
    agents.append(server)
    return agents


def _entities(row: Mapping[str, Any], discreet: bool, patient_name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if row["patient_id"]:
        found.append(
            {
                "what": {"reference": f"Patient/{row['patient_id']}"},
                "type": {"system": ENTITY_TYPE, "code": "1", "display": "Person"},
                "role": {"system": ENTITY_ROLE, "code": "1", "display": "Patient"},
                **({"name": patient_name} if patient_name else {}),
            }
        )
    if row["query"]:
        query = row["query"].partition("?")[0] if discreet else row["query"]
        found.append(
            {
                "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
                "role": {"system": ENTITY_ROLE, "code": "24", "display": "Query"},
                "query": b64encode(query.encode()).decode(),
            }
        )
    for reference in row["entities"]:
        # Beside a query, type "2" is the query's in BALP; the resources it found are typed by what they are.
        kind = reference.partition("/")[0]
        coding = (
            {"system": RESOURCE_TYPE, "code": kind} if row["query"] else {"system": ENTITY_TYPE, "code": "2", "display": "System Object"}
        )
        found.append(
            {"what": {"reference": reference}, "type": coding, "role": {"system": ENTITY_ROLE, "code": "4", "display": "Domain Resource"}}
        )
    if row["request_id"]:
        found.append({"what": {"identifier": {"value": row["request_id"]}}, "type": {"system": BALP_ENTITY, "code": "XrequestId"}})
    return found
