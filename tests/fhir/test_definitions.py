"""What other rooms rely on in `fhir.definitions`, without the official package at hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from yilian.errors import NotSupported
from yilian.fhir import definitions
from yilian.fhir.definitions import RESOURCE_TYPES, structure, type_id, type_name


def test_type_numbers_are_places_in_the_sorted_list_and_stay() -> None:
    assert list(RESOURCE_TYPES) == sorted(RESOURCE_TYPES)
    assert [type_id(name) for name in RESOURCE_TYPES] == list(range(1, 147))
    assert all(type_name(type_id(name)) == name for name in RESOURCE_TYPES)
    # These numbers are in databases. If one of them changes, stored data changes its meaning.
    known = {"Account": 1, "Encounter": 44, "Observation": 96, "Patient": 103, "Task": 140, "VisionPrescription": 146}
    assert {name: type_id(name) for name in known} == known


@pytest.mark.parametrize("name", ["", "patient", "Resource", "DomainResource", "HumanName", "Patient\x00", "X" * 1000])
def test_a_name_that_is_no_concrete_resource_type_is_refused(name: str) -> None:
    assert not definitions.is_resource_type(name)
    with pytest.raises(NotSupported):
        type_id(name)


@pytest.mark.parametrize("number", [0, -1, 147])
def test_a_number_that_is_no_type_is_refused(number: int) -> None:
    with pytest.raises(NotSupported):
        type_name(number)


def test_a_choice_is_one_element_for_each_type() -> None:
    value = structure("Observation").elements["valueQuantity"]
    assert (value.path, value.type, value.choice, value.many) == ("Observation.value[x]", "Quantity", "value[x]", False)
    assert "value[x]" not in structure("Observation").elements
    assert structure("MedicationRequest").elements["medicationReference"].targets == ("Medication",)


def test_backbones_and_content_references_lead_to_structures() -> None:
    assert structure("Patient").elements["contact"].type == "Patient.contact"
    assert structure("Patient.contact").kind == "backbone"
    assert "modifierExtension" in structure("Patient.contact").elements
    assert structure("Questionnaire.item").elements["item"].type == "Questionnaire.item"
    assert "modifierExtension" not in structure("Timing.repeat").elements


def test_every_element_leads_to_a_structure_and_every_target_is_a_type() -> None:
    for name in definitions.structure_names():
        for element in structure(name).elements.values():
            assert structure(element.type), element
            assert set(element.targets) <= {*RESOURCE_TYPES, "Resource"}, element
            assert element.many == (element.max != 1), element


def test_required_codes_are_known_by_value_set_with_or_without_version() -> None:
    gender = {"male", "female", "other", "unknown"}
    assert definitions.required_codes("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1") == gender
    assert definitions.required_codes("http://hl7.org/fhir/ValueSet/administrative-gender") == gender
    assert ("http://hl7.org/fhir/administrative-gender", "male") in (
        definitions.required_codings("http://hl7.org/fhir/ValueSet/administrative-gender") or ()
    )
    assert definitions.required_codes("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1") is None


def test_importing_the_whole_room_takes_no_longer_than_its_budget() -> None:
    """Start of the server: 150 ms of CPU on the reference machine; three times that here, since machines differ."""
    code = (
        "import time; import zoneinfo, msgspec, decimal, re, xml.parsers.expat; start = time.process_time();"
        "import yilian.fhir.definitions, yilian.fhir.compartments, yilian.fhir.references, yilian.fhir.dates, yilian.fhir.json,"
        "yilian.fhir.outcome, yilian.fhir.identifiers, yilian.fhir.urls; print(time.process_time() - start)"
    )
    taken = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert taken < 0.45
