"""References: what they point to, finding them all, rewriting them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.fhir.references import Conditional, Contained, Elsewhere, Local, Malformed, Urn, found, parse, rewrite, rewritten, walk

BASE = "https://region.example/fhir"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", Local("Patient", "1")),
        ("Patient/1/_history/2", Local("Patient", "1", "2")),
        (BASE + "/Patient/1", Local("Patient", "1")),
        ("https://other.example/fhir/Patient/1", Elsewhere("https://other.example/fhir/Patient/1", "Patient", "1")),
        ("https://region.example/fhirx/Patient/1", Elsewhere("https://region.example/fhirx/Patient/1", "Patient", "1")),
        ("http://h/r/Patient/1/_history/3", Elsewhere("http://h/r/Patient/1/_history/3", "Patient", "1")),
        ("http://example.org/anything", Elsewhere("http://example.org/anything")),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", Urn("urn:uuid:c757873d-ec9a-4326-a141-556f43239520")),
        ("#p1", Contained("p1")),
        ("#", Contained("")),
        ("Patient?identifier=s|1", Conditional("Patient", "identifier=s|1")),
        ("", Malformed("")),
        ("Patient", Malformed("Patient")),
        ("Patient/", Malformed("Patient/")),
        ("Patient/a b", Malformed("Patient/a b")),
        ("patient/1", Malformed("patient/1")),
        ("Foo/1", Malformed("Foo/1")),
        ("Foo?a=b", Malformed("Foo?a=b")),
        ("Patient/" + "x" * 65, Malformed("Patient/" + "x" * 65)),
        ("urn:", Malformed("urn:")),
        ("/Patient/1", Malformed("/Patient/1")),
    ],
)
def test_a_text_is_one_of_six_things(text: str, target: object) -> None:
    assert parse(text, BASE) == target


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert parse(text, BASE)


def bundle() -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {
                    "resourceType": "MedicationRequest",
                    "text": {
                        "status": "generated",
                        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:1">urn:uuid:1</a></div>',
                    },
                    "contained": [{"resourceType": "Medication", "id": "m", "manufacturer": {"reference": "urn:uuid:4"}}],
                    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1", "assigner": {"reference": "urn:uuid:4"}}],
                    "medicationReference": {"reference": "#m"},
                    "subject": {"reference": "urn:uuid:2", "display": "urn:uuid:2"},
                    "_status": {"extension": [{"url": "http://x.example/why", "valueReference": {"reference": "urn:uuid:3"}}]},
                    "instantiatesUri": ["urn:uuid:1", "urn:uuid:9"],
                    "note": [{"text": "urn:uuid:2", "authorReference": {"reference": "Practitioner?identifier=1"}}],
                },
            }
        ],
    }


def test_every_reference_is_found_with_its_place() -> None:
    places = [(place, reference["reference"]) for place, reference in walk(bundle())]
    stem = "Bundle.entry[0].resource."
    assert places == [
        (stem + "contained[0].manufacturer", "urn:uuid:4"),
        (stem + "identifier[0].assigner", "urn:uuid:4"),
        (stem + "medication", "#m"),
        (stem + "subject", "urn:uuid:2"),
        (stem + "status.extension[0].value", "urn:uuid:3"),
        (stem + "note[0].author", "Practitioner?identifier=1"),
    ]
    assert sorted(r["reference"] for r in found(bundle())) == sorted(text for _, text in places)


def test_elements_called_reference_that_are_none_are_left_alone() -> None:
    issue = {
        "resourceType": "DetectedIssue",
        "status": "final",
        "reference": "http://x.example/evidence",
        "patient": {"reference": "Patient/1"},
    }
    assert [place for place, _ in walk(issue)] == ["DetectedIssue.patient"]
    dose = {"resourceType": "Immunization", "education": [{"reference": "http://x.example/leaflet"}], "patient": {"reference": "Patient/1"}}
    assert [r["reference"] for r in found(dose)] == ["Patient/1"]


def test_rewriting_touches_references_and_uris_but_no_strings() -> None:
    value = bundle()
    mapping = {"urn:uuid:1": "MedicationRequest/a", "urn:uuid:2": "Patient/b", "urn:uuid:4": "Organization/c"}
    assert rewrite(value, mapping | {"Practitioner?identifier=1": "Practitioner/d"}) == 7
    entry = value["entry"][0]
    resource = entry["resource"]
    assert entry["fullUrl"] == "MedicationRequest/a"
    assert resource["subject"] == {"reference": "Patient/b", "display": "urn:uuid:2"}
    assert resource["identifier"][0]["value"] == "urn:uuid:1"
    assert resource["identifier"][0]["assigner"]["reference"] == "Organization/c"
    assert resource["contained"][0]["manufacturer"]["reference"] == "Organization/c"
    assert resource["instantiatesUri"] == ["MedicationRequest/a", "urn:uuid:9"]
    assert resource["text"]["div"].endswith('<a href="MedicationRequest/a">urn:uuid:1</a></div>')
    assert resource["note"][0] == {"text": "urn:uuid:2", "authorReference": {"reference": "Practitioner/d"}}
    assert resource["_status"]["extension"][0]["valueReference"]["reference"] == "urn:uuid:3"


def test_rewriting_and_finding_can_be_one_walk() -> None:
    mapping = {"urn:uuid:1": "Patient/1", "urn:uuid:2": "Binary/2"}
    whole, apart = bundle(), bundle()
    there = rewritten(whole, mapping)
    assert rewrite(apart, mapping) > 1
    assert whole == apart
    assert sorted(one["reference"] for one in there) == sorted(one["reference"] for one in found(apart))


def test_without_a_mapping_nothing_changes() -> None:
    value = bundle()
    assert rewrite(value, {}) == 0
    assert rewrite(value, {"urn:uuid:none": "Patient/x"}) == 0
    assert value == bundle()


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "subject", "contained", "entry", "resource", "reference", "extension", "div"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    st.dictionaries(
        st.sampled_from(["resourceType", "subject", "contained", "entry", "extension"]), nonsense | st.sampled_from(["Patient", "Bundle"])
    )
)
def test_no_shape_makes_it_raise(value: dict[str, Any]) -> None:
    assert all(isinstance(reference, dict) for _, reference in walk(value))
    found(value)
    assert rewrite(value, {"no such reference": "b"}) == 0
