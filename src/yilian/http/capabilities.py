"""GET /metadata: the CapabilityStatement, put together from the tables and lists the server itself works by.

FHIR R4: http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from yilian import __version__
from yilian.audit.events import SEARCH_PARAMETERS as AUDIT_PARAMETERS
from yilian.exchange.subscriptions.definition import BACKPORT, PROFILE
from yilian.exchange.subscriptions.topics import catalogue
from yilian.fhir.compartments import COMPARTMENTS, SHARED_TYPES
from yilian.fhir.definitions import ADDRESSED_TYPES
from yilian.fhir.json import dump
from yilian.http import operations
from yilian.http.operations.subscriptions import socket_address
from yilian.search.parameters import INCLUDABLE_TYPES, SUPPORTED_TYPES, parameters_of, when_redefined

READS = ("read", "vread", "history-instance", "history-type", "search-type")
WRITES = ("create", "update", "patch", "delete")
OF_THE_SYSTEM = ("transaction", "batch", "search-system", "history-system")
PATCHES = ("application/json-patch+json", "application/fhir+json", "application/fhir+xml")
WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
NAMED_BY_SYSTEMS = (
    "New resources get their id from this server: POST them, or PUT them with a condition and without an id. Systems of the region may also"
    " create with PUT under an id of their own."
)
TOPIC_OFFERED = BACKPORT + "capabilitystatement-subscriptiontopic-canonical"
BULK_DATA = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"
OF_ANY_SEARCH = (
    ("_has", "_has:Observation:patient:code: of what points to a resource; nested as far as one likes, within eight references"),
    ("_list", "The id of a List, or $current-problems, $current-allergies, $current-drug-allergies, $current-medications"),
    ("_type", "The types of a search at the root or over a compartment"),
)
"""Parameters of every search that HL7 defines in words alone."""
SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@lru_cache(maxsize=8)
def statement(base: str, started: datetime) -> bytes:
    """The statement for callers who reach us at `base`; dated when this server started."""
    origin = base.removesuffix("/fhir")
    return dump(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": started.isoformat(timespec="seconds"),
            "kind": "instance",
            "instantiates": [BULK_DATA],
            "software": {"name": "Yilian 医联", "version": __version__},
            "implementation": {"description": "Yilian 医联: shared records and two-way referral of one region", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
            "patchFormat": list(PATCHES),
            "rest": [
                {
                    "mode": "server",
                    "security": {
                        "cors": False,
                        "service": [
                            {
                                "coding": [
                                    {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
                                ]
                            }
                        ],
                        "description": "OAuth 2.1: authorization code with PKCE for people, client credentials for systems.",
                        "extension": [
                            {
                                "url": SMART,
                                "extension": [
                                    {"url": "authorize", "valueUri": f"{origin}/oauth2/authorize"},
                                    {"url": "token", "valueUri": f"{origin}/oauth2/token"},
                                    {"url": "revoke", "valueUri": f"{origin}/oauth2/revoke"},
                                ],
                            }
                        ],
                    },
                    "extension": [{"url": WEBSOCKET, "valueUri": socket_address(base)}],
                    "resource": [_resource(kind) for kind in ADDRESSED_TYPES],
                    "interaction": [{"code": code} for code in OF_THE_SYSTEM],
                    "searchParam": [
                        {"name": p.code, "definition": p.url, "type": p.type}
                        for p in sorted(parameters_of("Binary").values(), key=lambda p: p.code)  # has what all types have
                    ]
                    + [{"name": name, "type": "special", "documentation": words} for name, words in OF_ANY_SEARCH],
                    **({"operation": ours} if (ours := _operations("")) else {}),
                    "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{owner.lower()}" for owner in COMPARTMENTS],
                }
            ],
        }
    )


def _resource(kind: str) -> dict[str, Any]:
    if kind == "AuditEvent":
        return {
            "type": kind,
            "documentation": "Written by the server itself for every access; nobody can write or change one over the interface.",
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "versioning": "no-version",
            "searchParam": [{"name": name, "type": type_} for name, type_ in sorted(AUDIT_PARAMETERS.items())],
        }
    known = parameters_of(kind)
    beside: dict[str, Any] = {}
    if kind == "Subscription":
        beside["extension"] = [{"url": TOPIC_OFFERED, "valueCanonical": url} for url in catalogue()]
        beside["supportedProfile"] = [PROFILE]
    if kind not in SHARED_TYPES:
        beside["documentation"] = NAMED_BY_SYSTEMS
    found: dict[str, Any] = {
        "type": kind,
        **beside,
        "interaction": [{"code": code} for code in READS + WRITES],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": kind in SHARED_TYPES,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "local", "enforced"],
        "searchInclude": ["*", f"{kind}:*", *sorted(f"{kind}:{p.code}" for p in known.values() if p.type in INCLUDABLE_TYPES)],
        "searchRevInclude": ["*", *_pointing_to()[kind]],
        "searchParam": [
            {"name": p.code, "definition": p.url, "type": p.type}
            for p in sorted(known.values(), key=lambda p: p.code)
            if p.type in SUPPORTED_TYPES
        ],
    }
    if ours := _operations(kind):
        found["operation"] = ours
    return found


@cache
def _pointing_to() -> dict[str, list[str]]:
    """Type → the references that may lead to it, as `_revinclude` names them. AuditEvents never go along."""
    found: dict[str, list[str]] = {kind: [] for kind in ADDRESSED_TYPES}
    for source in ADDRESSED_TYPES:
        if source != "AuditEvent":
            for parameter in sorted(parameters_of(source).values(), key=lambda p: p.code):
                literal = "Reference" in parameter.value_types
                for target in found.keys() & {t for t in parameter.targets if literal or "url" in parameters_of(t)}:
                    found[target].append(f"{source}:{parameter.code}")
    return found


def _operations(kind: str) -> list[dict[str, str]]:
    """Each once, at however many levels it is there."""
    found = {o.name: {"name": o.name, "definition": o.definition, "documentation": o.purpose} for o in operations.of_type(kind)}
    return list(found.values())


when_redefined(statement.cache_clear)
when_redefined(_pointing_to.cache_clear)
