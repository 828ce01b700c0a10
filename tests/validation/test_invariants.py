"""HL7's rules between elements; the tables hold against the published definitions, and each rule has a sound and a broken case."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from yilian.fhir.definitions import structure
from yilian.validation import invariants, issues

WHEN = {"start": "2023-02-01T08:30:00+08:00", "end": "2023-02-01T09:00:00+08:00"}
CODE = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def of(kind: str, **elements: Any) -> dict[str, Any]:
    needed: dict[str, dict[str, Any]] = {
        "Appointment": {"status": "booked", "participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"}], **WHEN},
        "AuditEvent": {
            "type": {"code": "rest"},
            "recorded": "2023-02-01T08:30:00Z",
            "agent": [{"requestor": True}],
            "source": {"observer": {"reference": "Device/1"}},
        },
        "Basic": {"code": {"text": "x"}},
        "CarePlan": {"status": "active", "intent": "plan", "subject": {"reference": "Patient/1"}},
        "Composition": {
            "status": "final",
            "type": {"text": "x"},
            "date": "2023",
            "author": [{"reference": "Practitioner/1"}],
            "title": "小结",
        },
        "Condition": {"subject": {"reference": "Patient/1"}},
        "Consent": {"status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}], "policyRule": {"text": "x"}},
        "Group": {"type": "person", "actual": True},
        "Immunization": {
            "status": "completed",
            "vaccineCode": {"text": "x"},
            "patient": {"reference": "Patient/1"},
            "occurrenceDateTime": "2023",
        },
        "List": {"status": "current", "mode": "working"},
        "Observation": {"status": "final", "code": CODE},
        "Organization": {"name": "青石镇卫生院"},
        "Patient": {},
        "Questionnaire": {"status": "draft"},
        "ServiceRequest": {"status": "active", "intent": "order", "subject": {"reference": "Patient/1"}},
        "StructureDefinition": {
            "url": "http://x.example",
            "name": "X",
            "status": "draft",
            "kind": "logical",
            "abstract": False,
            "type": "X",
        },
        "Task": {"status": "draft", "intent": "order"},
    }
    return {"resourceType": kind, **needed[kind], **elements}


def value(kind: str, content: Any) -> dict[str, Any]:
    return of("Basic", extension=[{"url": "http://x.example", f"value{kind}": content}])


def timing(**repeat: Any) -> dict[str, Any]:
    return value("Timing", {"repeat": repeat})


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


MEMBERS = [{"entity": {"reference": "Patient/1"}}]
ITEM = {"linkId": "1", "type": "choice"}
INNER = {"url": "http://x.example", "valueCode": "x"}
EXPRESSION = {"language": "text/x", "expression": "x"}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "app-1",
        of("Appointment", participant=[{"type": [{"text": "x"}], "status": "accepted"}]),
        of("Appointment", participant=[{"status": "accepted"}]),
    ),
    ("app-2", of("Appointment"), of("Appointment", status="proposed") | {"end": None}),
    ("app-3", of("Appointment"), of("Appointment") | {"start": None, "end": None}),
    ("cmp-1", of("Composition", section=[{"section": [{"entry": [{"display": "x"}]}]}]), of("Composition", section=[{"title": "空"}])),
    (
        "cmp-2",
        of("Composition", section=[{"entry": [{"display": "x"}]}]),
        of("Composition", section=[{"entry": [{"display": "x"}], "emptyReason": {"text": "x"}}]),
    ),
    ("con-1", of("Condition", stage=[{"summary": {"text": "x"}}]), of("Condition", stage=[{"type": {"text": "x"}}])),
    (
        "con-2",
        of("Condition", evidence=[{"detail": [{"reference": "Observation/1"}]}]),
        of("Condition", evidence=[{"extension": [{"url": "http://x.example", "valueCode": "x"}]}]),
    ),
    (
        "con-4",
        of("Condition", abatementDateTime="2023", clinicalStatus=coded(CLINICAL, "resolved")),
        of("Condition", abatementDateTime="2023", clinicalStatus=coded(CLINICAL, "active")),
    ),
    (
        "con-5",
        of("Condition", verificationStatus=coded(VERIFICATION, "entered-in-error")),
        of("Condition", verificationStatus=coded(VERIFICATION, "entered-in-error"), clinicalStatus=coded(CLINICAL, "active")),
    ),
    ("ppc-1", of("Consent"), of("Consent") | {"policyRule": None}),
    ("exp-1", value("Expression", {"language": "text/x", "expression": "x"}), value("Expression", {"language": "text/x"})),
    ("imm-1", of("Immunization", education=[{"documentType": "x"}]), of("Immunization", education=[{"publicationDate": "2023"}])),
    ("obs-3", of("Observation", referenceRange=[{"text": "阴性"}]), of("Observation", referenceRange=[{"type": {"text": "x"}}])),
    (
        "obs-6",
        of("Observation", dataAbsentReason={"text": "x"}),
        of("Observation", dataAbsentReason={"text": "x"}, valueString="x"),
    ),
    (
        "obs-7",
        of("Observation", valueString="x", component=[{"code": {"text": "2345-7"}, "valueString": "y"}]),
        of("Observation", valueString="x", component=[{"code": CODE, "valueString": "y"}]),
    ),
    ("org-1", of("Organization"), of("Organization", active=True) | {"name": None}),
    ("org-2", of("Organization", address=[{"use": "work"}]), of("Organization", address=[{"use": "home"}])),
    (
        "org-3",
        of("Organization", telecom=[{"use": "work", "system": "phone", "value": "1"}]),
        of("Organization", telecom=[{"use": "home", "system": "phone", "value": "1"}]),
    ),
    ("pat-1", of("Patient", contact=[{"name": {"text": "李四"}}]), of("Patient", contact=[{"gender": "male"}])),
    (
        "sev-1",
        of("AuditEvent", entity=[{"name": "x"}]),
        of("AuditEvent", entity=[{"name": "x", "query": "AAAA"}]),
    ),
    (
        "cpl-3",
        of("CarePlan", activity=[{"reference": {"reference": "Appointment/1"}}]),
        of("CarePlan", activity=[{"reference": {"reference": "Appointment/1"}, "detail": {"status": "scheduled"}}]),
    ),
    (
        "lst-1",
        of("List", entry=[{"item": {"display": "x"}}]),
        of("List", entry=[{"item": {"display": "x"}}], emptyReason={"text": "x"}),
    ),
    ("grp-1", of("Group", member=MEMBERS), of("Group", actual=False, member=MEMBERS)),
    (
        "que-4",
        of("Questionnaire", item=[ITEM | {"answerValueSet": "http://x.example"}]),
        of("Questionnaire", item=[ITEM | {"answerValueSet": "http://x.example", "answerOption": [{"valueInteger": 1}]}]),
    ),
    (
        "que-11",
        of("Questionnaire", item=[ITEM | {"answerOption": [{"valueInteger": 1}]}]),
        of("Questionnaire", item=[ITEM | {"answerOption": [{"valueInteger": 1}], "initial": [{"valueInteger": 1}]}]),
    ),
    ("prr-1", of("ServiceRequest", orderDetail=[{"text": "x"}], code={"text": "y"}), of("ServiceRequest", orderDetail=[{"text": "x"}])),
    (
        "inv-1",
        of("Task", authoredOn="2023-02-01", lastModified="2023-02-01"),
        of("Task", authoredOn="2023-02-02", lastModified="2023-02-01"),
    ),
    ("att-1", value("Attachment", {"data": "AAAA", "contentType": "image/png"}), value("Attachment", {"data": "AAAA"})),
    ("cpt-2", value("ContactPoint", {"system": "phone", "value": "1"}), value("ContactPoint", {"value": "1"})),
    (
        "qty-3",
        value("Quantity", {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}),
        value("Quantity", {"value": 1, "code": "kg"}),
    ),
    ("ext-1", of("Basic", extension=[INNER]), of("Basic", extension=[INNER | {"extension": [INNER]}])),
    ("per-1", value("Period", WHEN), value("Period", {"start": WHEN["end"], "end": WHEN["start"]})),
    ("rat-1", value("Ratio", {"numerator": {"value": 1}, "denominator": {"value": 2}}), value("Ratio", {"numerator": {"value": 1}})),
    (
        "rng-2",
        value("Range", {"low": {"value": Decimal("3.9"), "unit": "mmol/L"}, "high": {"value": Decimal("6.1"), "unit": "mmol/L"}}),
        value("Range", {"low": {"value": 7, "unit": "mmol/L"}, "high": {"value": Decimal("6.1"), "unit": "mmol/L"}}),
    ),
    ("tim-1", timing(duration=1, durationUnit="h"), timing(duration=1)),
    ("tim-2", timing(period=1, periodUnit="d"), timing(period=1)),
    ("tim-6", timing(period=1, periodMax=2, periodUnit="d"), timing(periodMax=2)),
    ("tim-7", timing(duration=1, durationMax=2, durationUnit="h"), timing(durationMax=2)),
    ("tim-8", timing(count=1, countMax=2), timing(countMax=2)),
    ("tim-10", timing(timeOfDay=["08:00:00"]), timing(timeOfDay=["08:00:00"], when=["MORN"])),
    (
        "trd-1",
        value("TriggerDefinition", {"type": "data-added", "data": [{"type": "Patient"}]}),
        value("TriggerDefinition", {"type": "data-added", "data": [{"type": "Patient"}], "timingDate": "2023"}),
    ),
    (
        "trd-2",
        value("TriggerDefinition", {"type": "data-added", "data": [{"type": "Patient"}], "condition": EXPRESSION}),
        value("TriggerDefinition", {"type": "named-event", "name": "x", "condition": EXPRESSION}),
    ),
    (
        "eld-1",
        of("StructureDefinition", differential={"element": [{"path": "x", "slicing": {"rules": "open", "description": "x"}}]}),
        of("StructureDefinition", differential={"element": [{"path": "x", "slicing": {"rules": "open"}}]}),
    ),
]


def without_none(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in resource.items() if item is not None}


@pytest.mark.parametrize(("key", "sound", "broken"), CASES, ids=[key for key, _, _ in CASES])
def test_a_rule_lets_the_sound_case_through_and_names_itself_in_the_other(key: str, sound: dict[str, Any], broken: dict[str, Any]) -> None:
    assert issues(without_none(sound)) == []
    (issue,) = issues(without_none(broken))
    assert issue.code == "invariant"
    assert f"({key})" in issue.diagnostics
    assert issue.zh


def listed() -> set[tuple[str, str]]:
    tables: list[dict[str, Any]] = [invariants.ONE_OF, invariants.NOT_BOTH, invariants.NEEDS, invariants.LINES]
    return {(name, row[0]) for table in tables for name, rows in table.items() for row in rows}


def test_every_rule_has_a_case() -> None:
    assert {key for _, key in listed()} == {key for key, _, _ in CASES}


def test_every_rule_names_elements_of_its_structure() -> None:
    for table in (invariants.ONE_OF, invariants.NOT_BOTH, invariants.NEEDS):
        for name, rows in table.items():
            keys = {element.choice or element.key for element in structure(name).elements.values()}
            for row in rows:
                names = row[1] if isinstance(row[1], tuple) else row[1:]
                assert set(names) <= keys, (name, row)


@pytest.mark.shared_data
def test_every_rule_is_an_error_hl7_published_for_that_structure(shared_data: Path) -> None:
    published: dict[tuple[str, str], str] = {}
    with gzip.open(shared_data / "fhir-r4-definitions" / "StructureDefinition.ndjson.gz") as lines:
        for line in lines:
            definition = json.loads(line)
            if definition["kind"] == "logical" or (definition.get("derivation") == "constraint" and definition["id"] != "SimpleQuantity"):
                continue
            for element in definition["snapshot"]["element"]:
                for constraint in element.get("constraint", ()):
                    for path in (definition["name"], element["path"], element["path"].rpartition(".")[0]):
                        published[path, constraint["key"]] = constraint["severity"]
    assert {rule: published.get(rule) for rule in listed()} == dict.fromkeys(listed(), "error")


def test_periods_are_compared_as_moments_and_only_where_their_precision_decides() -> None:
    def period(start: str, end: str) -> list[str]:
        return [issue.code for issue in issues(value("Period", {"start": start, "end": end}))]

    assert period("2023-02-01T08:30:00+08:00", "2023-02-01T00:31:00Z") == []
    assert period("2023-02-01T08:30:00+08:00", "2023-02-01T00:29:00Z") == ["invariant"]
    assert period("2023-02-01", "2023-02-01T06:20:00Z") == []
    assert period("2023-02", "2023") == []
    assert period("2023-02-02", "2023-02-01") == ["invariant"]
    assert period("2023-02-01T08:30:00Z", "2023-02-01T08:30:00Z") == []
