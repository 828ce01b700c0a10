"""Which SearchParameters of a region are understood, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from yilian.errors import BadRequest, NotSupported, Unavailable
from yilian.search import custom, parameters
from yilian.search.extract import extract
from yilian.search.parameters import parameters_of
from yilian.search.query import parse

EYES = "https://region.example/StructureDefinition/eye-colour"


def definition(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "url": "https://region.example/SearchParameter/eye-colour",
        "name": "EyeColour",
        "status": "active",
        "description": "eye colour",
        "code": "eye-colour",
        "base": ["Patient"],
        "type": "token",
        "expression": f"Patient.extension.where(url='{EYES}').value",
        **more,
    }


@pytest.fixture(autouse=True)
def only_those_of_hl7() -> Iterator[None]:
    yield
    parameters.use((), {})


@pytest.mark.parametrize(
    ("more", "place", "says"),
    [
        ({"code": "birthdate"}, "code", "HL7's http://hl7.org/fhir/SearchParameter/individual-birthdate"),
        ({"code": "_mine"}, "code", "standard's"),
        ({"base": ["Petient"]}, "base", "Petient is no concrete resource type"),
        ({"base": ["Resource"]}, "base", "name each type"),
        ({"type": "composite"}, "type", "cannot be defined here"),
        ({"expression": ""}, "expression", "An expression is needed"),
        ({"expression": "Patient.name.given.count()"}, "expression", "function count() is not known"),
        ({"expression": "Patient.eyes"}, "expression", "no element 'eyes'"),
        ({"expression": "Patient.name.where("}, "expression", "cannot be"),
        ({"expression": "Patient.photo"}, "expression", "nothing a token parameter takes up"),
        ({"expression": "Observation.code"}, "expression", "nothing a token parameter takes up"),
        ({"expression": "Patient.name.first().family", "type": "string"}, "expression", "first of several"),
        ({"expression": "Patient.deceased.exists()", "type": "string"}, "type", "is a token"),
        ({"target": ["Dog"]}, "target", "Dog is no resource type"),
    ],
)
def test_what_is_not_understood_is_said_exactly(more: dict[str, Any], place: str, says: str) -> None:
    (fault,) = custom.faults(definition(**more))
    assert fault.expression == f"SearchParameter.{place}"
    assert says in fault.diagnostics


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"expression": "Patient.deceased.exists()"},
        {"expression": f"(Patient.extension.where(url='{EYES}').value as CodeableConcept)"},
        {"expression": "Patient.maritalStatus | Observation.bodySite", "base": ["Patient", "Observation"]},
        {"type": "reference", "expression": "Patient.contact.organization", "target": ["Organization"]},
        {"type": "date", "expression": "Patient.contact.period"},
        {"type": "quantity", "base": ["Encounter"], "expression": "Encounter.length"},
        {"type": "number", "expression": f"Patient.extension.where(url='{EYES}').value"},
    ],
)
def test_what_is_understood_has_no_faults(more: dict[str, Any]) -> None:
    assert custom.faults(definition(**more)) == []


def test_drafts_and_hl7s_own_do_nothing() -> None:
    assert custom.is_live(definition())
    assert not custom.is_live(definition(status="draft"))
    own = definition(url="http://hl7.org/fhir/SearchParameter/individual-birthdate", code="birthdate")
    assert not custom.is_live(own)
    assert custom.is_live({**own, "url": "https://region.example/other"})


def test_a_parameter_of_the_region_is_indexed_and_searched_like_any() -> None:
    mine = custom.parameter(10_000, "Patient", definition())
    parameters.use([mine], {})
    brown = {"resourceType": "Patient", "id": "1", "extension": [{"url": EYES, "valueCode": "brown"}]}
    assert (10_000, "", "brown") in extract(brown).tokens
    assert parameters_of("Patient")["eye-colour"] is mine is parameters.by_id(10_000)
    assert parse("Patient", [("eye-colour", "brown"), ("_sort", "eye-colour")], zone=UTC).clauses[0].parameter is mine
    assert parse("Observation", [("patient.eye-colour", "brown")], zone=UTC).clauses[0].chain is not None
    parameters.use([], {})
    assert all(param < 10_000 for param, _, _ in extract(brown).tokens)
    with pytest.raises(KeyError):
        parameters.by_id(10_000)
    with pytest.raises(NotSupported, match="no search parameter 'eye-colour'"):
        parse("Patient", [("eye-colour", "brown")], zone=UTC)


def test_what_is_being_taken_up_has_rows_and_gives_no_answers() -> None:
    parameters.use([custom.parameter(10_000, "Patient", definition(), "it is being taken up, 40 % so far")], {})
    assert extract({"resourceType": "Patient", "id": "1", "extension": [{"url": EYES, "valueCode": "brown"}]}).tokens
    for pairs in ([("eye-colour", "brown")], [("_sort", "eye-colour")], [("eye-colour:missing", "true")]):
        with pytest.raises(NotSupported, match="40 %"):
            parse("Patient", pairs, zone=UTC)
    with pytest.raises((NotSupported, BadRequest)):
        parse("Observation", [("patient.eye-colour", "brown")], zone=UTC)


def test_what_is_withheld_gives_no_answers_in_any_place() -> None:
    parameters.use([], {"quantity": "its index is being made anew, 12 % so far"})
    for kind, pairs in (
        ("Observation", [("value-quantity", "6")]),
        ("Observation", [("value-quantity:missing", "true")]),
        ("Observation", [("code-value-quantity", "http://loinc.org|1$6")]),
        ("Observation", [("_sort", "-value-quantity")]),
        ("Patient", [("_has:Observation:patient:value-quantity", "6")]),
        ("DiagnosticReport", [("result.value-quantity", "6")]),
    ):
        with pytest.raises(Unavailable, match="12 %"):
            parse(kind, pairs, zone=UTC)
    parameters.use([], {})
    parse("Observation", [("value-quantity", "6")], zone=UTC)


def test_objects_of_the_standard_outlive_a_change() -> None:
    before = parameters_of("Patient")["birthdate"]
    parameters.use([custom.parameter(10_000, "Patient", definition())], {})
    assert parameters_of("Patient")["birthdate"] is before
