"""HL7's invariants: all of them compile, each slip has its reason, and those that people meet have a sound and a broken case."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from yilian.fhir.definitions import constraints, structure_names
from yilian.fhir.path import compile
from yilian.validation import issues
from yilian.validation.constraints import Rule, chinese, rules_of, slips, text_rules

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
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Element",
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


ELEMENT = {"id": "X.x", "path": "X.x"}
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
        of(
            "StructureDefinition",
            differential={"element": [ELEMENT | {"slicing": {"rules": "open", "description": "x"}}]},
        ),
        of("StructureDefinition", differential={"element": [ELEMENT | {"slicing": {"rules": "open"}}]}),
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


def every_rule() -> Iterator[tuple[str, Rule]]:
    for name in structure_names():
        for severity in ("error", "warning"):
            for rule in rules_of(name, severity):
                if rule.of == name:
                    yield name, rule


def test_every_rule_of_the_standard_compiles_and_names_elements_that_exist() -> None:
    rules = list(every_rule())
    for name, rule in rules:
        compile(rule.text, name if not rule.at else None)
    left_out = [slip for slip in slips().values() if "expression" not in slip]
    assert sum(len(rows) for rows in constraints().values()) == 239
    assert len(rules) == 239 - len(left_out) + sum(len(rows) for rows in text_rules().values())


def test_every_slip_is_of_a_published_rule_and_says_why() -> None:
    published = {(name, row["key"]): row["expression"] for name, rows in constraints().items() for row in rows}
    for place, slip in slips().items():
        assert place in published
        assert slip["reason"].endswith((".", ")"))
        assert slip.get("expression") != published[place]


def test_every_chinese_text_is_of_a_rule() -> None:
    keys = {rule.key for _, rule in every_rule()} | {f"{name}/{rule.key}" for name, rule in every_rule()}
    assert set(chinese()) <= keys


def test_a_rule_that_is_broken_deep_inside_is_named_with_its_place() -> None:
    contact = [{"name": {"text": "李四"}}, {"gender": "male"}]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:1", "resource": of("Patient", contact=contact)}],
    }
    (issue,) = issues(bundle)
    assert issue.expression == "Bundle.entry[0].resource.contact[1]"
    (issue,) = issues(of("Observation", component=[{"code": CODE, "valuePeriod": {"start": "2023-02", "end": "2023-01"}}]))
    assert issue.expression == "Observation.component[0].value"
    (issue,) = issues(of("Organization", telecom=[{"system": "phone", "value": "1"}, {"use": "home", "system": "phone", "value": "2"}]))
    assert (issue.expression, issue.zh) == ("Organization.telecom[1]", "机构联系方式不能为家庭用途(org-3)。")


def test_contained_resources_must_be_referred_to_and_found() -> None:
    held = {"resourceType": "Organization", "id": "o", "name": "青石镇卫生院"}
    assert issues(of("Patient", contained=[held], managingOrganization={"reference": "#o"})) == []
    for resource, key in (
        (of("Patient", contained=[held]), "dom-3"),
        (of("Patient", contained=[held], managingOrganization={"reference": "#p"}), "ref-1"),
        (of("Patient", contained=[held | {"meta": {"versionId": "1"}}], managingOrganization={"reference": "#o"}), "dom-4"),
        (of("Patient", contained=[held | {"meta": {"security": [{"code": "R"}]}}], managingOrganization={"reference": "#o"}), "dom-5"),
    ):
        assert any(f"({key})" in issue.diagnostics for issue in issues(resource))
    deep = {"resourceType": "Organization", "id": "o", "name": "x", "contained": [held | {"id": "q"}], "partOf": {"reference": "#q"}}
    assert any(
        "(dom-2)" in issue.diagnostics for issue in issues(of("Patient", contained=[deep], managingOrganization={"reference": "#o"}))
    )


def test_a_canonical_names_a_contained_resource_too() -> None:
    held = {"resourceType": "ValueSet", "id": "v", "status": "draft"}
    assert issues(of("Questionnaire", contained=[held], item=[ITEM | {"answerValueSet": "#v"}])) == []


def test_warnings_are_told_when_asked_for() -> None:
    patient = of("Patient", name=[{"text": "张伟"}])
    assert issues(patient) == []
    (issue,) = issues(patient, warnings=True)
    assert (issue.severity, issue.code) == ("warning", "invariant")
    assert "(dom-6)" in issue.diagnostics


def bundle(kind: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


PATIENT_ENTRY = {"fullUrl": "http://x.example/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}}
REQUEST = {"request": {"method": "GET", "url": "Patient/1"}}


@pytest.mark.parametrize(
    ("key", "broken"),
    [
        ("bdl-1", bundle("collection", PATIENT_ENTRY, total=1)),
        ("bdl-2", bundle("collection", PATIENT_ENTRY | {"search": {"mode": "match"}})),
        ("bdl-3", bundle("batch", PATIENT_ENTRY)),
        ("bdl-3", bundle("collection", PATIENT_ENTRY | REQUEST)),
        ("bdl-4", bundle("batch-response", PATIENT_ENTRY)),
        ("bdl-5", bundle("collection", {"fullUrl": "http://x.example/Patient/1"})),
        ("bdl-7", bundle("collection", PATIENT_ENTRY, PATIENT_ENTRY)),
        ("bdl-8", bundle("collection", PATIENT_ENTRY | {"fullUrl": "http://x.example/Patient/1/_history/2"})),
        ("bdl-9", bundle("document", PATIENT_ENTRY)),
        ("bdl-10", bundle("document", PATIENT_ENTRY)),
        ("bdl-11", bundle("document", PATIENT_ENTRY)),
        ("bdl-12", bundle("message", PATIENT_ENTRY)),
    ],
)
def test_bundles_keep_their_rules(key: str, broken: dict[str, Any]) -> None:
    assert issues(bundle("collection", PATIENT_ENTRY)) == []
    assert issues(bundle("batch", REQUEST)) == []
    assert any(f"({key})" in issue.diagnostics for issue in issues(broken))


def test_periods_are_compared_as_moments_and_only_where_their_precision_decides() -> None:
    def period(start: str, end: str) -> list[str]:
        return [issue.code for issue in issues(value("Period", {"start": start, "end": end}))]

    assert period("2023-02-01T08:30:00+08:00", "2023-02-01T00:31:00Z") == []
    assert period("2023-02-01T08:30:00+08:00", "2023-02-01T00:29:00Z") == ["invariant"]
    assert period("2023-02-01", "2023-02-01T06:20:00Z") == []
    assert period("2023-02", "2023") == []
    assert period("2023-02-02", "2023-02-01") == ["invariant"]
    assert period("2023-02-01T08:30:00Z", "2023-02-01T08:30:00Z") == []
