"""Whom a resource is about, what everyone may read, and the parameters for patient, code and date of clinical resources.

The Patient compartment is HL7's (http://hl7.org/fhir/R4/compartmentdefinition-patient.html), read from the tables.
`SHARED_TYPES` and `CLINICAL` are decisions of this house; tests hold them against the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yilian.fhir.definitions import compartment_table

_table = compartment_table()

PATIENT_TYPES: frozenset[str] = frozenset(_table["patients"]) | {"Patient"}
"""Types that can be about a patient: HL7's Patient compartment with Patient, and four that HL7 leaves out of it although they have a search
parameter `patient` (Contract, Device, GuidanceResponse, Task)."""

SHARED_TYPES: frozenset[str] = frozenset(
    {
        # the directory: who and what there is
        "Endpoint", "HealthcareService", "InsurancePlan", "Location", "Organization", "OrganizationAffiliation", "Practitioner",
        "PractitionerRole", "Slot",
        # terminology and conformance
        "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "GraphDefinition", "ImplementationGuide",
        "MessageDefinition", "NamingSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "StructureMap",
        "TerminologyCapabilities", "ValueSet",
        # knowledge and definitions
        "ActivityDefinition", "ChargeItemDefinition", "DeviceDefinition", "EventDefinition", "Library", "Measure", "Medication",
        "MedicationKnowledge", "ObservationDefinition", "PlanDefinition", "Questionnaire", "SpecimenDefinition",
    }
)  # fmt: skip
"""Readable by everyone who is signed in: types that cannot be about a patient and have no business with one.
An allow-list: what is not here is not shared."""


COMPARTMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    owner: {
        kind: tuple("_id" if code == "{def}" else code for code in (*codes, *(["_id"] if kind == owner else [])))
        for kind, codes in row.items()
    }
    for owner, row in _table.items()
    if owner != "patients"
}
"""Owner → type → search parameters any of which puts a resource of the type into the owner's compartment. An owner is in its own."""


@dataclass(frozen=True, slots=True)
class ClinicalKey:
    """Codes of the search parameters that give a type's patient, main code and main date; None where it has none."""

    patient: str
    code: str | None
    date: str | None


_K = ClinicalKey

CLINICAL: dict[str, ClinicalKey] = {
    "AdverseEvent": _K("subject", "event", "date"),
    "AllergyIntolerance": _K("patient", "code", "date"),
    "Basic": _K("subject", "code", "created"),
    "BodyStructure": _K("patient", "location", None),
    "CarePlan": _K("subject", "category", "date"),
    "CareTeam": _K("subject", "category", "date"),
    "ChargeItem": _K("subject", "code", "occurrence"),
    "Claim": _K("patient", None, "created"),
    "ClaimResponse": _K("patient", None, "created"),
    "ClinicalImpression": _K("subject", None, "date"),
    "Communication": _K("subject", "category", "sent"),
    "CommunicationRequest": _K("subject", "category", "authored"),
    "Composition": _K("subject", "type", "date"),
    "Condition": _K("subject", "code", "onset-date"),
    "Consent": _K("patient", "category", "date"),
    "Coverage": _K("beneficiary", "type", None),
    "CoverageEligibilityRequest": _K("patient", None, "created"),
    "CoverageEligibilityResponse": _K("patient", None, "created"),
    "DetectedIssue": _K("patient", "code", "identified"),
    "DeviceRequest": _K("subject", "code", "authored-on"),
    "DeviceUseStatement": _K("subject", None, None),
    "DiagnosticReport": _K("subject", "code", "date"),
    "DocumentManifest": _K("subject", "type", "created"),
    "DocumentReference": _K("subject", "type", "date"),
    "Encounter": _K("subject", "type", "date"),
    "EnrollmentRequest": _K("subject", None, None),
    "EpisodeOfCare": _K("patient", "type", "date"),
    "ExplanationOfBenefit": _K("patient", None, "created"),
    "FamilyMemberHistory": _K("patient", "code", "date"),
    "Flag": _K("subject", None, "date"),
    "Goal": _K("subject", "category", "start-date"),
    "GuidanceResponse": _K("subject", None, None),
    "ImagingStudy": _K("subject", "modality", "started"),
    "Immunization": _K("patient", "vaccine-code", "date"),
    "ImmunizationEvaluation": _K("patient", "target-disease", "date"),
    "ImmunizationRecommendation": _K("patient", "vaccine-type", "date"),
    "Invoice": _K("subject", "type", "date"),
    "List": _K("subject", "code", "date"),
    "MeasureReport": _K("subject", None, "date"),
    "Media": _K("subject", "type", "created"),
    "MedicationAdministration": _K("subject", "code", "effective-time"),
    "MedicationDispense": _K("subject", "code", "whenhandedover"),
    "MedicationRequest": _K("subject", "code", "authoredon"),
    "MedicationStatement": _K("subject", "code", "effective"),
    "MolecularSequence": _K("patient", "type", None),
    "NutritionOrder": _K("patient", None, "datetime"),
    "Observation": _K("subject", "code", "date"),
    "Procedure": _K("subject", "code", "date"),
    "QuestionnaireResponse": _K("subject", None, "authored"),
    "RequestGroup": _K("subject", "code", "authored"),
    "ResearchSubject": _K("individual", None, "date"),
    "RiskAssessment": _K("subject", "risk", "date"),
    "ServiceRequest": _K("subject", "code", "authored"),
    "Specimen": _K("subject", "type", "collected"),
    "SupplyDelivery": _K("patient", None, None),
    "Task": _K("subject", "code", "authored-on"),
    "VisionPrescription": _K("patient", None, "datewritten"),
}
"""The types that are about one patient at most, which the table `index_clinical` holds."""

_Paths = tuple[tuple[str, ...], ...]


def _split(expressions: list[str]) -> _Paths:
    return tuple(tuple(expression.split(".")[1:]) for expression in expressions)


_paths: dict[str, tuple[_Paths, _Paths]] = {
    kind: (_split(row.get("about", [])), _split(row.get("took_part", []))) for kind, row in _table["patients"].items() if kind != "Patient"
}


def patient_references(resource: dict[str, Any]) -> list[str]:
    """The patients a resource is about, as reference texts (`Patient/123`, absolute, or conditional), each once, in their order.

    By the parameters of the Patient compartment. Where one of them names a subject and the subject is a patient, that is the answer, and
    patients who only took part (asserter, payee, sender …) are left out: a child's illness is not about the mother who reported it.
    A Patient is about itself; links to other Patients do not count. References that do not say they are to a Patient (`urn:uuid:…`,
    `#…`) are not returned unless `Reference.type` says so: resolve them first. Never raises, whatever the shape.
    """
    kind = resource.get("resourceType")
    if kind == "Patient":
        own = resource.get("id")
        return [f"Patient/{own}"] if isinstance(own, str) else []
    about, took_part = _paths.get(kind, ((), ())) if isinstance(kind, str) else ((), ())
    return _patients_at(resource, about) or _patients_at(resource, took_part)


def _patients_at(resource: dict[str, Any], paths: _Paths) -> list[str]:
    found: dict[str, None] = {}
    for path in paths:
        nodes: list[Any] = [resource]
        for key in path:
            below = [node.get(key) for node in nodes if type(node) is dict]
            nodes = [item for node in below for item in (node if type(node) is list else (node,))]
        for node in nodes:
            if type(node) is dict:
                text = node.get("reference")
                if type(text) is str and _is_patient(text, node.get("type")):
                    found[text] = None
    return list(found)


def _is_patient(text: str, said: object) -> bool:
    if text.startswith(("Patient/", "Patient?")):
        return True
    if text.startswith(("http://", "https://")):
        return "/Patient/" in text
    return said == "Patient" and text.startswith("urn:")
