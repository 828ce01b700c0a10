"""Unknown elements, JSON types, cardinality, choices, extensions of primitives: each fault with its place, in both languages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from yilian.validation import issues

EXTENSION = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "血糖"}, **elements}


def faults(resource: Any) -> list[tuple[str, str]]:
    """(expression, code) of each issue; every one of them must speak both languages."""
    found = issues(resource)
    for issue in found:
        assert issue.severity == "error"
        assert issue.diagnostics.startswith(issue.expression + ": ")
        assert issue.zh
        assert len(issue.diagnostics) < 1000
        (issue.diagnostics + issue.zh + issue.expression).encode("utf-8")
    return [(issue.expression, issue.code) for issue in found]


PRESCRIPTION = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"reference": "Patient/1"}}
CAPABILITIES = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2023",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "implementation": {"description": "x"},
    "rest": [{"mode": "server"}],
}

SOUND: list[dict[str, Any]] = [
    patient(),
    patient(id="a-1.B", active=True, birthDate="1949", name=[{"text": "张三", "family": "张", "given": ["三"]}]),
    patient(_birthDate={"extension": [EXTENSION]}),
    patient(birthDate="1949-12", _birthDate={"id": "x1", "extension": [EXTENSION]}),
    patient(name=[{"given": ["a", None], "_given": [None, {"extension": [EXTENSION]}]}]),
    patient(name=[{"_given": [{"extension": [EXTENSION]}]}]),
    patient(name=[{"given": ["a", "b"], "_given": [{"extension": [EXTENSION]}]}]),
    patient(deceasedBoolean=False, multipleBirthInteger=2),
    patient(_deceasedBoolean={"extension": [EXTENSION]}),
    patient(extension=[{"url": "http://x.example/a", "extension": [{"url": "b", "valueQuantity": {"value": Decimal("1.50")}}]}]),
    observation(valueQuantity={"value": Decimal("6.0"), "unit": "mmol/L"}, effectiveDateTime="2023-02-01T08:30:00+08:00"),
    observation(component=[{"code": {"text": "a"}, "valueString": "多行\n文字\t全角　空格"}]),
    {"resourceType": "Observation", "_status": {"extension": [EXTENSION]}, "code": {"text": "x"}},
    PRESCRIPTION | {"medicationCodeableConcept": {"text": "氨氯地平"}},
    {"resourceType": "Binary", "contentType": "text/plain", "data": "aGVs\nbG8="},
    {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}]},
    {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": patient()}, {"name": "n", "valueDecimal": 1}]},
    CAPABILITIES | {"format": ["json", "application/fhir+json"]},
]  # fmt: skip


@pytest.mark.parametrize("resource", SOUND, ids=[str(n) for n in range(len(SOUND))])
def test_a_sound_resource_has_no_faults(resource: dict[str, Any]) -> None:
    assert faults(resource) == []


WRONG: list[tuple[Any, str, str]] = [
    ({}, "Resource.resourceType", "structure"),
    ({"resourceType": "Foo"}, "Resource.resourceType", "structure"),
    ({"resourceType": ["Patient"]}, "Resource.resourceType", "structure"),
    ({"resourceType": "DomainResource"}, "Resource.resourceType", "structure"),
    ([], "Resource", "structure"),
    (None, "Resource", "structure"),
    ("Patient", "Resource", "structure"),
    (10**5000, "Resource", "structure"),
    ({"resourceType": 10**5000}, "Resource.resourceType", "structure"),
    (patient(surname="张"), "Patient.surname", "structure"),
    (patient(_surname={"id": "x"}), "Patient._surname", "structure"),
    (patient(_name=[{"id": "x"}]), "Patient._name", "structure"),
    (patient(名=1), "Patient.'名'", "structure"),
    (patient(**{"\ud800\x00": 1}), r"Patient.'\ud800\x00'", "structure"),
    (patient(**{"x" * 100_000: 1}), "Patient.'" + "x" * 60 + "…'", "structure"),
    (patient(active="true"), "Patient.active", "structure"),
    (patient(active=None), "Patient.active", "structure"),
    (patient(birthDate=1949), "Patient.birthDate", "structure"),
    (patient(name={"text": "张三"}), "Patient.name", "structure"),
    (patient(name=["张三"]), "Patient.name[0]", "structure"),
    (patient(name=[]), "Patient.name", "structure"),
    (patient(name=[{}]), "Patient.name[0]", "structure"),
    (patient(name=[{"id": "x"}]), "Patient.name[0]", "structure"),
    (patient(name=[{"text": "a"}, None]), "Patient.name[1]", "structure"),
    (patient(name=[[{"text": "a"}]]), "Patient.name[0]", "structure"),
    (patient(maritalStatus=[{"text": "已婚"}]), "Patient.maritalStatus", "structure"),
    (patient(name=[{"given": ["a", None]}]), "Patient.name[0].given[1]", "structure"),
    (patient(name=[{"given": [None], "_given": [None]}]), "Patient.name[0].given[0]", "structure"),
    (patient(name=[{"given": ["a", None], "_given": [{"extension": [EXTENSION]}]}]), "Patient.name[0].given[1]", "structure"),
    (patient(name=[{"given": ["a"], "_given": [None, None]}]), "Patient.name[0].given[1]", "structure"),
    (patient(name=[{"_given": [None]}]), "Patient.name[0].given", "structure"),
    (patient(name=[{"_given": []}]), "Patient.name[0].given", "structure"),
    (patient(name=[{"_given": {"extension": [EXTENSION]}}]), "Patient.name[0].given", "structure"),
    (patient(_birthDate=[{"extension": [EXTENSION]}]), "Patient.birthDate", "structure"),
    (patient(_birthDate={}), "Patient.birthDate", "structure"),
    (patient(_birthDate={"id": "x"}), "Patient.birthDate", "structure"),
    (patient(_birthDate={"value": "1949"}), "Patient.birthDate.value", "structure"),
    (patient(_birthDate={"extension": [{"url": "http://x.example"}]}), "Patient.birthDate.extension[0]", "invariant"),
    (patient(meta={}), "Patient.meta", "structure"),
    (patient(deceasedBoolean=True, deceasedDateTime="2023"), "Patient.deceased", "structure"),
    (patient(deceasedBoolean=True, _deceasedDateTime={"extension": [EXTENSION]}), "Patient.deceased", "structure"),
    (observation(valueString="a", valueInteger=1), "Observation.value", "structure"),
    (observation(valueFoo=1), "Observation.valueFoo", "structure"),
    (observation(value="a"), "Observation.value", "structure"),
    (observation(valueQuantity={"value": "6.0"}), "Observation.value.value", "structure"),
    (observation(referenceRange=[{"low": {"value": 1, "comparator": "<"}}]), "Observation.referenceRange[0].low.comparator", "structure"),
    ({"resourceType": "Observation", "code": {"text": "x"}}, "Observation.status", "required"),
    (observation(component=[{"valueInteger": 1}]), "Observation.component[0].code", "required"),
    (PRESCRIPTION, "MedicationRequest.medication", "required"),
    (patient(extension=[{"valueString": "x"}]), "Patient.extension[0].url", "required"),
    ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {}}]}, "Bundle.entry[0].resource.resourceType", "structure"),
    ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(x=1)}]}, "Bundle.entry[0].resource.x", "structure"),
]


@pytest.mark.parametrize(("resource", "place", "code"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_a_fault_is_named_with_its_place(resource: Any, place: str, code: str) -> None:
    assert faults(resource) == [(place, code)]


def test_every_fault_is_listed_not_only_the_first() -> None:
    wrong = patient(gender="m", birthDate="x", name=[{"use": "y"}, {"given": [1, 2]}], contact=[{"foo": 1}])
    assert [place for place, _ in faults(wrong)] == [
        "Patient.gender",
        "Patient.birthDate",
        "Patient.name[0].use",
        "Patient.name[1].given[0]",
        "Patient.name[1].given[1]",
        "Patient.contact[0].foo",
    ]


def test_a_body_that_is_wrong_throughout_is_not_described_in_full() -> None:
    for wrong in ({"name": [{"given": [1] * 1_000_000}]}, {"name": [{}] * 1_000_000}, {f"x{n}": 1 for n in range(100_000)}):
        found = issues(patient(**wrong))
        assert len(found) == 101
        assert "more faults" in found[-1].diagnostics


def test_nesting_without_end_is_refused_and_does_no_harm() -> None:
    resource = inner = patient()
    for _ in range(20_000):
        inner["extension"] = [{"url": "http://x.example"}]
        inner = inner["extension"][0]
    assert [(issue.code, bool(issue.zh)) for issue in issues(resource)] == [("too-costly", True)]
