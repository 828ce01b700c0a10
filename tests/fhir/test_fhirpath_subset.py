"""The subset of FHIRPath: HL7's search expressions all compile and give what another implementation gives; what is not known is refused."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from yilian.errors import NotSupported
from yilian.fhir.definitions import RESOURCE_TYPES, search_parameters, structure, structure_names
from yilian.fhir.fhirpath import Truth, branches, compile_path, referred_type
from yilian.fhir.json import parse

SLIPS = {
    "%resource.referenceSeq.chromosome": "the component of a composite that looks outside it",
    "%resource.referenceSeq.referenceSeqId": "the component of a composite that looks outside it",
    "value.as(DateTime) | value.as(Period)": "HL7 writes a type that is called dateTime",
}
"""Component expressions of 4.0.1 that are not compiled; they come with composite parameters."""


def expressions() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for row in search_parameters():
        for base in row.get("base", ()):
            if row.get("expression"):
                yield base, row["expression"], row


def test_every_search_expression_of_the_standard_compiles() -> None:
    compiled = 0
    for base, expression, row in expressions():
        for kind in RESOURCE_TYPES if base in ("Resource", "DomainResource") else (base,):
            if base != "DomainResource" or structure(kind).base == "DomainResource":
                found = branches(expression, kind)
                assert found or row["url"].endswith("/example-extension"), (kind, expression)
                compiled += 1
    assert len({row["url"] for _, _, row in expressions()}) == 1384
    assert compiled > 2500


def test_component_expressions_compile_but_for_known_slips() -> None:
    for base, expression, row in expressions():
        for part in row.get("component", ()):
            for branch in branches(expression, base):  # type: ignore[union-attr]
                if part["expression"] in SLIPS:
                    with pytest.raises(NotSupported):
                        branches(part["expression"], branch.type)
                else:
                    assert branches(part["expression"], branch.type) or "ofType" in part["expression"] or "as" in part["expression"]


def test_every_value_comes_with_a_type_that_exists() -> None:
    for base, expression, _ in expressions():
        found = branches(expression, base)
        assert isinstance(found, Truth) or all(branch.type in structure_names() for branch in found)


# --- worked examples


OBSERVATION = {
    "resourceType": "Observation",
    "subject": {"reference": "Patient/1"},
    "effectivePeriod": {"start": "2020"},
    "valueCodeableConcept": {"text": "阴性", "coding": [{"code": "1"}]},
    "component": [{"valueQuantity": {"value": 1}}, {"valueString": "x"}, {"valueQuantity": {"value": 2}}],
    "extension": [{"url": "https://x", "valueCode": "a"}, {"url": "https://y", "valueCode": "b"}],
    "performer": [{"reference": "Patient/1"}, {"reference": "Practitioner/2"}, {"display": "?"}],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Observation.subject", [({"reference": "Patient/1"}, "Reference")]),
        ("Observation.effective", [({"start": "2020"}, "Period")]),
        ("(Observation.value as CodeableConcept).text", [("阴性", "string")]),
        (
            "Observation.value.as(Quantity) | Observation.component.value.as(Quantity)",
            [({"value": 1}, "Quantity"), ({"value": 2}, "Quantity")],
        ),
        ("Observation.component.value.ofType(string)", [("x", "string")]),
        ("Observation.component[0].value", [({"value": 1}, "Quantity")]),
        ("Observation.component.first().value as Quantity", [({"value": 1}, "Quantity")]),
        ("Observation.extension('https://y').value", [("b", "code")]),
        ("Observation.performer.where(resolve() is Practitioner)", [({"reference": "Practitioner/2"}, "Reference")]),
        ("Patient.name | Observation.value.coding.code", [("1", "code")]),
        ("value.coding.where(code='1').code", [("1", "code")]),
        ("value.coding.where(code='2')", []),
        ("Observation.component.exists()", [(True, "boolean")]),
        ("Observation.note.exists() or Observation.component.exists()", [(True, "boolean")]),
        ("Observation.status = 'final'", []),
        ("Patient.name", []),
    ],
)
def test_worked_examples(expression: str, expected: list[tuple[Any, str]]) -> None:
    assert compile_path(expression, "Observation")(OBSERVATION) == expected


@pytest.mark.parametrize(
    ("patient", "dead"),
    [({}, False), ({"deceasedBoolean": False}, False), ({"deceasedBoolean": True}, True), ({"deceasedDateTime": "2020"}, True)],
)
def test_whoever_died_is_deceased(patient: dict[str, Any], dead: bool) -> None:
    expression = "Patient.deceased.exists() and Patient.deceased != false"
    assert compile_path(expression, "Patient")(patient) == [(dead, "boolean")]


def test_nulls_beside_extensions_of_primitives_are_no_values() -> None:
    patient = {"name": [{"given": ["a", None, "b"], "_given": [None, {"extension": []}, None]}]}
    assert compile_path("Patient.name.given", "Patient")(patient) == [("a", "string"), ("b", "string")]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "https://a.example/fhir/Patient/1"},
        {"reference": "https://a.example/fhir/Patient/1/_history/2"},
        {"reference": "urn:uuid:1", "type": "Patient"},
    ],
)
def test_the_type_of_a_reference_is_read_from_its_text(reference: dict[str, Any]) -> None:
    assert referred_type(reference) == "Patient"


def test_a_reference_that_says_no_type_is_of_none() -> None:
    assert referred_type({"reference": "urn:uuid:1"}) == ""
    assert referred_type({"type": "Patient", "display": "only words"}) == ""
    assert referred_type({}) == ""


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("Observation.nothing", "no element 'nothing'"),
        ("Observation.subject.resolve()", r"function resolve\(\)"),
        ("Observation.component[1]", r"only \[0\]"),
        ("Observation.value.as(Money2)", "no type 'Money2'"),
        ("Observation.code.where(text ~ 'x')", "this condition"),
        ("Observation.code.where(nothing='x')", "no element 'nothing'"),
        ("Observation.code.text + 'x'", r"'\+' is not known"),
        ("Observation.code)", "at character 17"),
        ("(Observation.code", "is expected"),
        ("Observation.status = 1", "comparing with a text"),
        ("Observation.status = other", "comparing with a text"),
        ("(Observation.value | Observation.code).first()", "first of a union"),
        ("Observation.component.exists() | Observation.code", "truth value"),
        ("'x'", "Literal at character 1"),
        ("", "at character 1"),
        ("%resource.id", "at character 1"),
    ],
)
def test_what_is_not_known_is_refused(expression: str, said: str) -> None:
    with pytest.raises(NotSupported, match=said):
        branches(expression, "Observation")


# --- against another implementation


@cache
def oracle(expression: str) -> Any:
    import fhirpathpy
    from fhirpathpy.models import models

    return fhirpathpy.compile(expression, models["r4"])


def test_the_values_are_those_another_implementation_finds(shared_data: Path) -> None:
    """fhirpathpy cannot resolve references, so expressions that do are left out."""
    source = shared_data / "synthea-r4" / "bundles.ndjson.gz"
    if not source.exists():
        pytest.skip("no Synthea bundles there")
    with gzip.open(source) as lines:
        bundle = parse(next(lines))
    sample: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle["entry"]:
        kept = sample.setdefault(entry["resource"]["resourceType"], [])
        if len(kept) < 2:
            kept.append(entry["resource"])
    compared = 0
    for base, expression, _ in expressions():
        own = " | ".join(part for part in expression.split(" | ") if re.search(rf"\b{base}\b", part))
        if base not in sample or "resolve()" in own or not own:
            continue
        for resource in sample[base]:
            expected = oracle(own)(json.loads(json.dumps(resource, default=float)))
            found = [value for value, _ in compile_path(expression, base)(resource)]
            assert [plain(value) for value in found] == [plain(value) for value in expected], (base, expression)
            compared += bool(found)
    assert compared > 150


def plain(value: Any) -> Any:
    """Numbers as floats, for fhirpathpy knows no other."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value
