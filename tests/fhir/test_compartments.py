"""Whom a resource is about; and the house's own tables hold against HL7's definitions."""

from __future__ import annotations

from typing import Any

import pytest

from yilian.fhir.compartments import CLINICAL, PATIENT_TYPES, SHARED_TYPES, patient_references
from yilian.fhir.definitions import RESOURCE_TYPES, compartment_table, search_parameters, structure


def parameters(kind: str) -> dict[str, dict[str, Any]]:
    """Without HL7's examples, one of which calls itself Condition.subject."""
    return {p["code"]: p for p in search_parameters() if kind in p.get("base", ()) and not p["url"].rsplit("/", 1)[1].startswith("example")}


def test_patient_types_are_the_compartment_and_four_more() -> None:
    assert PATIENT_TYPES - set(compartment_table()["Patient"]) == {"Contract", "Device", "GuidanceResponse", "Task"}
    assert set(compartment_table()["Patient"]) <= PATIENT_TYPES <= set(RESOURCE_TYPES)


def test_every_type_with_a_parameter_for_a_patient_is_a_patient_type() -> None:
    for kind in RESOURCE_TYPES:
        own = parameters(kind)
        if "Patient" in own.get("patient", {}).get("target", ()):
            assert kind in PATIENT_TYPES


def test_nothing_that_can_be_about_a_patient_is_shared() -> None:
    assert not SHARED_TYPES & PATIENT_TYPES
    assert set(RESOURCE_TYPES) >= SHARED_TYPES
    assert not SHARED_TYPES & {"Bundle", "Binary", "Parameters", "Subscription", "MessageHeader", "ResearchStudy", "Linkage"}


@pytest.mark.parametrize("kind", sorted(SHARED_TYPES))
def test_no_element_of_a_shared_type_refers_to_a_patient(kind: str) -> None:
    seen: set[str] = set()

    def look(name: str) -> None:
        for element in structure(name).elements.values():
            if element.type == "Reference" and not element.path.startswith(("Extension.", "Annotation.", "Identifier.")):
                assert "Patient" not in element.targets, element.path
            if structure(element.type).kind == "backbone" and element.type not in seen:
                seen.add(element.type)
                look(element.type)

    look(kind)


def test_clinical_keys_are_parameters_of_their_type_and_lead_to_one_patient() -> None:
    for kind, key in CLINICAL.items():
        own = parameters(kind)
        assert kind in PATIENT_TYPES
        assert own[key.patient]["type"] == "reference"
        assert "Patient" in own[key.patient]["target"]
        assert key.code is None or own[key.code]["type"] == "token"
        assert key.date is None or own[key.date]["type"] == "date"
        for path in compartment_table()["patients"][kind]["about"]:
            name = path.split(".")[1]
            if kind != "Contract":
                assert structure(kind).elements[name].max == 1, path


def test_every_patient_path_is_an_element_that_may_refer_to_a_patient() -> None:
    for kind, row in compartment_table()["patients"].items():
        for path in [*row.get("about", ()), *row.get("took_part", ())]:
            names = path.split(".")
            assert names[0] == kind
            owner = kind
            for name in names[1:-1]:
                owner = structure(owner).elements[name].type
            element = structure(owner).elements[names[-1]]
            assert element.type == "Reference"
            assert {"Patient", "Resource"} & set(element.targets) or not element.targets, path


def test_a_patient_is_about_itself_whoever_it_is_linked_to() -> None:
    patient = {"resourceType": "Patient", "id": "a", "link": [{"other": {"reference": "Patient/b"}, "type": "seealso"}]}
    assert patient_references(patient) == ["Patient/a"]


def test_the_subject_counts_and_not_those_who_took_part() -> None:
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/child"}, "asserter": {"reference": "Patient/mother"}}
    assert patient_references(condition) == ["Patient/child"]
    message = {"resourceType": "Communication", "recipient": [{"reference": "Practitioner/x"}, {"reference": "Patient/mother"}]}
    assert patient_references(message) == ["Patient/mother"]


def test_several_patients_are_all_named_once_in_their_order() -> None:
    participants = [{"actor": {"reference": f"Patient/{name}"}} for name in ("b", "a", "b")]
    assert patient_references({"resourceType": "Appointment", "participant": participants}) == ["Patient/b", "Patient/a"]


def test_absolute_and_conditional_references_count_and_those_to_others_do_not() -> None:
    for text in ("https://h.example/fhir/Patient/1", "Patient?identifier=1", "Patient/1/_history/2"):
        assert patient_references({"resourceType": "Observation", "subject": {"reference": text}}) == [text]
    for text in ("Group/1", "#p", "urn:uuid:1", "https://h.example/fhir/Group/1"):
        assert patient_references({"resourceType": "Observation", "subject": {"reference": text}}) == []
    assert patient_references({"resourceType": "Task", "for": {"reference": "urn:uuid:1", "type": "Patient"}}) == ["urn:uuid:1"]


@pytest.mark.parametrize(
    "resource",
    [{}, {"resourceType": 5}, {"resourceType": "Observation", "subject": [[1], None, {"reference": 4}]}, {"resourceType": "Patient"}],
)
def test_no_shape_makes_it_raise(resource: dict[str, Any]) -> None:
    assert patient_references(resource) == []
