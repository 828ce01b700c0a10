"""Codes from required value sets; references of the right form to the right type; contained resources; Chinese identifiers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from yilian.fhir import urls
from yilian.validation import identifier, issues

STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"


def faults(resource: dict[str, Any]) -> list[tuple[str, str]]:
    found = issues(resource)
    assert all(issue.zh for issue in found)
    return [(issue.expression, issue.code) for issue in found]


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def allergy(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}, **elements}


def test_a_required_code_is_one_of_its_list_and_the_message_says_which() -> None:
    assert faults(patient(gender="female")) == []
    (issue,) = issues(patient(gender="女"))
    assert (issue.code, issue.expression) == ("code-invalid", "Patient.gender")
    assert "female, male, other, unknown" in issue.diagnostics
    assert "female, male, other, unknown" in issue.zh


def test_a_required_concept_has_a_coding_of_its_value_set() -> None:
    other = {"system": "http://x.example", "code": "aktiv"}
    assert faults(allergy(clinicalStatus={"coding": [other, {"system": STATUS, "code": "active"}]})) == []
    for wrong in ({"text": "active"}, {"coding": [other]}, {"coding": [{"code": "active"}]}, {"coding": [{"system": STATUS}]}):
        assert faults(allergy(clinicalStatus=wrong)) == [("AllergyIntolerance.clinicalStatus", "code-invalid")]


def test_weaker_bindings_let_other_codes_through() -> None:
    assert faults(patient(maritalStatus={"coding": [{"system": "urn:oid:2.16.156.10011.2.3.3.5", "code": "20"}]})) == []


@pytest.mark.parametrize(
    ("value", "sound"),
    [("text/plain", True), ("text/plain; charset=utf-8", True), ("application/fhir+json", True), ("json", False), ("文本", False)],
)
def test_media_types_are_checked_by_their_form(value: str, sound: bool) -> None:
    assert (faults(patient(photo=[{"contentType": value, "url": "http://x.example"}])) == []) is sound


def test_currencies_are_checked_by_their_form() -> None:
    def invoice(currency: str) -> dict[str, Any]:
        return {"resourceType": "Invoice", "status": "draft", "totalNet": {"value": 1, "currency": currency}}

    assert faults(invoice("CNY")) == []
    assert faults(invoice("rmb")) == [("Invoice.totalNet.currency", "code-invalid")]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Organization/1"},
        {"reference": "Organization/1/_history/3", "type": "Organization", "display": "青石镇卫生院"},
        {"reference": "https://other.example/fhir/Organization/1"},
        {"reference": "https://other.example/anything"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "Organization?identifier=x|1"},
        {"identifier": {"system": "http://x.example", "value": "1"}, "type": "Organization"},
        {"display": "某医院"},
    ],
)
def test_a_reference_of_any_form_to_an_allowed_type_is_taken(reference: dict[str, Any]) -> None:
    assert faults(patient(managingOrganization=reference)) == []


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ({"reference": "Patient/1"}, ".reference"),
        ({"reference": "https://other.example/fhir/Patient/1"}, ".reference"),
        ({"reference": "Patient?identifier=1"}, ".reference"),
        ({"reference": "Organization/"}, ".reference"),
        ({"reference": "Organization/a b"}, ".reference"),
        ({"reference": "organization/1"}, ".reference"),
        ({"reference": "Organization/" + "x" * 65}, ".reference"),
        ({"reference": "1"}, ".reference"),
        ({"reference": ""}, ".reference"),
        ({"reference": "Organization/1", "type": "Patient"}, ".reference"),
        ({"type": "Patient", "display": "x"}, ".reference"),
        ({"reference": {"reference": "Organization/1"}}, ".reference"),
        ({}, ""),
        ("Organization/1", ""),
    ],
)
def test_a_reference_that_cannot_be_followed_or_leads_to_another_type_is_refused(reference: Any, place: str) -> None:
    assert [expression for expression, _ in faults(patient(managingOrganization=reference))] == ["Patient.managingOrganization" + place]


def test_the_said_type_and_the_type_in_the_text_must_agree() -> None:
    task = {"resourceType": "Task", "status": "draft", "intent": "order", "focus": {"reference": "ServiceRequest/1", "type": "Patient"}}
    assert faults(task) == [("Task.focus.type", "value")]


ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "青石镇卫生院"}
INNER = {"contained": [ORGANIZATION | {"id": "q"}], "partOf": {"reference": "#q"}}
REFERRED = {"managingOrganization": {"reference": "#o"}}


def test_contained_resources_are_found_by_their_references() -> None:
    assert faults(patient(contained=[ORGANIZATION], managingOrganization={"reference": "#o"})) == []
    back = {"resourceType": "RelatedPerson", "id": "r", "patient": {"reference": "#"}}
    assert faults(patient(contained=[back], link=[{"other": {"reference": "#r"}, "type": "seealso"}])) == []


@pytest.mark.parametrize(
    ("elements", "place", "code"),
    [
        ({"managingOrganization": {"reference": "#o"}}, "Patient.managingOrganization", "invariant"),
        ({"contained": [ORGANIZATION], "managingOrganization": {"reference": "#p", "identifier": {"value": "#o"}}}, "Patient", "invariant"),
        ({"contained": [ORGANIZATION | {"partOf": {"reference": "#x"}}], **REFERRED}, "Patient.contained[0].partOf", "invariant"),
        ({"contained": [ORGANIZATION, ORGANIZATION]}, "Patient.contained[1].id", "duplicate"),
        ({"contained": [{"resourceType": "Organization", "name": "x"}]}, "Patient.contained[0].id", "required"),
        (
            {"contained": [ORGANIZATION | INNER], **REFERRED},
            "Patient",
            "invariant",
        ),
        ({"contained": [ORGANIZATION | {"meta": {"versionId": "1"}}], **REFERRED}, "Patient", "invariant"),
        ({"contained": [{"id": "x"}]}, "Patient.contained[0].resourceType", "structure"),
        ({"contained": [ORGANIZATION | {"x": 1}]}, "Patient.contained[0].x", "structure"),
    ],
)
def test_a_contained_resource_that_is_not_in_order_is_refused(elements: dict[str, Any], place: str, code: str) -> None:
    assert faults(patient(**elements))[0] == (place, code)


def test_an_entry_of_a_bundle_finds_its_own_contained_resources_only() -> None:
    sound = patient(contained=[ORGANIZATION], managingOrganization={"reference": "#o"})
    other = patient(managingOrganization={"reference": "#o"})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": sound}, {"resource": other}]}
    assert faults(bundle) == [("Bundle.entry[1].resource.managingOrganization", "invariant")]


@pytest.mark.parametrize(
    ("system", "value", "sound"),
    [
        (urls.RESIDENT_ID, "11010519491231002X", True),
        (urls.RESIDENT_ID, "110105194912310021", False),
        (urls.RESIDENT_ID, "11010519491231002x", False),
        (urls.RESIDENT_ID, "123", False),
        (urls.RESIDENT_ID, "110105491231002", True),
        (urls.RESIDENT_ID, "110105491331002", False),
        (urls.RESIDENT_ID, "990105491231002", False),
        (urls.HEALTH_FILE, "53060210110100001", True),
        (urls.HEALTH_FILE, "53060210120100001", False),
        (urls.USCC, "91350100M000100Y43", True),
        (urls.USCC, "91350100M000100Y44", False),
        ("http://other.example/id", "123", True),
    ],
)
def test_a_national_identifier_must_be_right_in_itself(system: str, value: str, sound: bool) -> None:
    found = issues(patient(identifier=[{"system": "http://x.example", "value": "0"}, {"system": system, "value": value}]))
    if sound:
        assert found == []
    else:
        assert [(issue.code, issue.expression) for issue in found] == [("value", "Patient.identifier[1].value")]
        assert value not in found[0].diagnostics + found[0].zh, "numbers of persons do not go into messages and logs"


def test_the_check_reaches_identifiers_wherever_they_stand() -> None:
    wrong = {"system": urls.RESIDENT_ID, "value": "1"}
    assert faults(allergy(asserter={"identifier": wrong})) == [("AllergyIntolerance.asserter.identifier.value", "value")]
    assert faults(patient(extension=[{"url": "http://x.example", "valueIdentifier": wrong}])) == [
        ("Patient.extension[0].value.value", "value")
    ]


def test_a_birth_date_in_the_future_is_refused_by_the_calendar_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    newborn = patient(identifier=[{"system": urls.RESIDENT_ID, "value": "53060120261122001X"}])
    monkeypatch.setattr(identifier, "_today", lambda: date(2026, 11, 22))
    assert faults(newborn) == []
    monkeypatch.setattr(identifier, "_today", lambda: date(2026, 11, 21))
    assert faults(newborn) == [("Patient.identifier[0].value", "value")]


def test_an_identifier_without_a_value_yet_is_taken() -> None:
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
    assert faults(patient(identifier=[{"system": urls.RESIDENT_ID, "_value": absent}])) == []
