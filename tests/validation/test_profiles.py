"""Each thing a profile can ask, kept and broken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.validation.profiled import CORE, OWN, Json, book_of, definition, errors, hold, sound
from yilian.fhir import urls
from yilian.validation.snapshot import tree

LOINC = urls.LOINC


def observation(**more: Any) -> Json:
    return sound({"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, **more})


def part(code: str, **more: Any) -> Json:
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, **more}


def asked(element: str, what: Json, resource: Json) -> list[tuple[str, str]]:
    return errors(hold(book_of(definition("p", (element, what))), resource, "p"))


@pytest.mark.parametrize(
    ("element", "what", "kept", "broken", "place", "code"),
    [
        ("Observation.note", {"min": 1}, {"note": [{"text": "a"}]}, {}, "Observation.note", "required"),
        (
            "Observation.note",
            {"max": "1"},
            {"note": [{"text": "a"}]},
            {"note": [{"text": "a"}, {"text": "b"}]},
            "Observation.note",
            "structure",
        ),
        ("Observation.note", {"max": "0"}, {}, {"note": [{"text": "a"}]}, "Observation.note", "structure"),
        ("Observation.status", {"fixedCode": "final"}, {}, {"status": "amended"}, "Observation.status", "value"),
        (
            "Observation.code",
            {"patternCodeableConcept": {"coding": [{"system": LOINC}]}},
            {},
            {"code": {"coding": [{"system": "urn:x", "code": "a"}]}},
            "Observation.code",
            "value",
        ),
        (
            "Observation.code",
            {"fixedCodeableConcept": {"coding": [{"system": LOINC, "code": "8480-6"}]}},
            {},
            {"code": {"coding": [{"system": LOINC, "code": "8480-6", "display": "more"}]}},
            "Observation.code",
            "value",
        ),
        (
            "Observation.value[x]",
            {"type": [{"code": "Quantity"}]},
            {"valueQuantity": {"value": 1}},
            {"valueString": "1"},
            "Observation.value",
            "structure",
        ),
        (
            "Observation.subject",
            {"type": [{"code": "Reference", "targetProfile": [CORE + "Patient"]}]},
            {"subject": {"reference": "Patient/1"}},
            {"subject": {"reference": "Group/1"}},
            "Observation.subject.reference",
            "value",
        ),
        (
            "Observation.subject",
            {"type": [{"code": "Reference", "targetProfile": [CORE + "Patient"]}]},
            {"subject": {"display": "somebody"}},
            {"subject": {"type": "Device", "display": "something"}},
            "Observation.subject.reference",
            "value",
        ),
        ("Observation.value[x]", {"maxLength": 3}, {"valueString": "abc"}, {"valueString": "abcd"}, "Observation.value", "too-long"),
        ("Observation.value[x]", {"minValueInteger": 3}, {"valueInteger": 3}, {"valueInteger": 2}, "Observation.value", "value"),
        (
            "Observation.effective[x]",
            {"maxValueDateTime": "2026-01-01T00:00:00Z"},
            {"effectiveDateTime": "2025-01-01T00:00:00Z"},
            {"effectiveDateTime": "2026-01-01T00:00:01Z"},
            "Observation.effective",
            "value",
        ),
        (
            "Observation.valueQuantity.value",
            {"maxValueDecimal": Decimal("5.0")},
            {"valueQuantity": {"value": Decimal("5.00")}},
            {"valueQuantity": {"value": Decimal("5.01")}},
            "Observation.value.value",
            "value",
        ),
        (
            "Observation.component",
            {"constraint": [{"key": "c-1", "severity": "error", "human": "Two", "expression": "interpretation.exists()"}]},
            {"component": [part("a", interpretation=[{"text": "x"}])]},
            {"component": [part("a", interpretation=[{"text": "x"}]), part("b")]},
            "Observation.component[1]",
            "invariant",
        ),
        (
            "Observation.component.valueQuantity.unit",
            {"min": 1},
            {"component": [part("a", valueString="s")]},
            {"component": [part("a", valueQuantity={"value": 1})]},
            "Observation.component[0].value.unit",
            "required",
        ),
    ],
)
def test_an_element_is_held_to_what_is_asked(element: str, what: Json, kept: Json, broken: Json, place: str, code: str) -> None:
    assert asked(element, what, observation(**kept)) == []
    assert asked(element, what, observation(**broken)) == [(place, code)]


def test_what_hl7_asks_of_a_blood_pressure_is_asked() -> None:
    pressure = {
        "system": urls.UCUM,
        "code": "mm[Hg]",
        "unit": "mmHg",
    }
    good = observation(
        category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        code={"coding": [{"system": LOINC, "code": "85354-9"}]},
        subject={"reference": "Patient/1"},
        effectiveDateTime="2026-01-01",
        component=[part("8480-6", valueQuantity={"value": 120, **pressure}), part("8462-4", valueQuantity={"value": 80, **pressure})],
    )
    assert errors(hold(book_of(), good, CORE + "bp")) == []
    without_diastolic = {**good, "component": good["component"][:1]}
    assert ("Observation.component", "required") in errors(hold(book_of(), without_diastolic, CORE + "bp"))
    wrong_unit = {**good, "component": [good["component"][0], part("8462-4", valueQuantity={"value": 80, **pressure, "code": "kPa"})]}
    assert errors(hold(book_of(), wrong_unit, CORE + "bp")) == [("Observation.component[1].value.code", "value")]


# --- slices


def sliced(kind: str, path: str, *slices: tuple[str, Json], **slicing: Any) -> Json:
    elements: list[tuple[str, Json]] = [
        ("Observation.component", {"slicing": {"discriminator": [{"type": kind, "path": path}], "rules": "open", **slicing}})
    ]
    return definition("p", *elements, *slices)


def by_code(*codes: str, **slicing: Any) -> Json:
    slices: list[tuple[str, Json]] = []
    for code in codes:
        slices += [
            (f"Observation.component:{code}", {"sliceName": code, "max": "1"}),
            (f"Observation.component:{code}.code", {"patternCodeableConcept": {"coding": [{"system": LOINC, "code": code}]}}),
        ]
    return sliced("pattern", "code", *slices, **slicing)


def components(*codes: str) -> Json:
    return observation(component=[part(code) for code in codes])


def test_open_slices_let_others_be_and_closed_ones_do_not() -> None:
    assert errors(hold(book_of(by_code("a", "b")), components("x", "a", "b"), "p")) == []
    found = errors(hold(book_of(by_code("a", "b", rules="closed")), components("x", "a", "b"), "p"))
    assert found == [("Observation.component[0]", "structure")]


def test_a_slice_has_its_own_cardinality() -> None:
    assert errors(hold(book_of(by_code("a")), components("a", "a"), "p")) == [("Observation.component", "structure")]


def test_ordered_slices_come_in_their_order() -> None:
    assert errors(hold(book_of(by_code("a", "b", ordered=True)), components("a", "x", "b"), "p")) == []
    assert errors(hold(book_of(by_code("a", "b", ordered=True)), components("b", "a"), "p")) == [("Observation.component[1]", "structure")]


def test_open_at_end_lets_others_follow() -> None:
    assert errors(hold(book_of(by_code("a", rules="openAtEnd")), components("a", "x"), "p")) == []
    assert errors(hold(book_of(by_code("a", rules="openAtEnd")), components("x", "a"), "p")) == [("Observation.component[1]", "structure")]


def test_slices_are_told_by_value_below_the_slice_or_in_its_pattern() -> None:
    deep = sliced(
        "value",
        "code.coding.code",
        ("Observation.component:a", {"sliceName": "a", "min": 1}),
        ("Observation.component:a.code.coding.code", {"fixedCode": "a"}),
        ("Observation.component:a.interpretation", {"min": 1}),
    )
    assert errors(hold(book_of(deep), components("b"), "p")) == [("Observation.component", "required")]
    assert errors(hold(book_of(deep), components("b", "a"), "p")) == [("Observation.component[1].interpretation", "required")]


def test_slices_are_told_by_type_exists_and_profile() -> None:
    typed = sliced(
        "type",
        "value",
        ("Observation.component:text", {"sliceName": "text", "max": "1"}),
        ("Observation.component:text.value[x]", {"type": [{"code": "string"}]}),
    )
    words = observation(component=[part("a", valueString="s"), part("b", valueString="t"), part("c", valueInteger=1)])
    assert errors(hold(book_of(typed), words, "p")) == [("Observation.component", "structure")]
    there = sliced(
        "exists",
        "interpretation",
        ("Observation.component:told", {"sliceName": "told", "max": "1"}),
        ("Observation.component:told.interpretation", {"min": 1}),
        ("Observation.component:open", {"sliceName": "open", "max": "1"}),
        ("Observation.component:open.interpretation", {"max": "0"}),
    )
    told = part("a", interpretation=[{"text": "x"}])
    assert errors(hold(book_of(there), observation(component=[told, part("b")]), "p")) == []
    assert len(errors(hold(book_of(there), observation(component=[told, told, part("b"), part("c")]), "p"))) == 2
    metric = definition("metric", ("Quantity.code", {"fixedCode": "m"}), kind="Quantity")
    shaped = sliced(
        "profile",
        "value",
        ("Observation.component:metric", {"sliceName": "metric", "max": "1"}),
        ("Observation.component:metric.value[x]", {"type": [{"code": "Quantity", "profile": [OWN + "metric"]}]}),
    )
    metres = part("a", valueQuantity={"value": 1, "system": urls.UCUM, "code": "m"})
    feet = part("b", valueQuantity={"value": 1, "system": urls.UCUM, "code": "[ft_i]"})
    assert errors(hold(book_of(shaped, metric), observation(component=[metres, feet]), "p")) == []
    assert errors(hold(book_of(shaped, metric), observation(component=[metres, metres]), "p")) == [("Observation.component", "structure")]


def test_references_are_sliced_by_the_type_they_are_to() -> None:
    slicing = {"discriminator": [{"type": "type", "path": "resolve()"}], "rules": "closed"}
    target = {"code": "Reference", "targetProfile": [CORE + "Organization"]}
    profile = definition(
        "p",
        ("Observation.performer", {"slicing": slicing}),
        ("Observation.performer:place", {"sliceName": "place", "min": 1, "max": "1", "type": [target]}),
    )
    assert errors(hold(book_of(profile), observation(performer=[{"reference": "Organization/1"}]), "p")) == []
    found = errors(hold(book_of(profile), observation(performer=[{"reference": "Organization/1"}, {"reference": "Patient/1"}]), "p"))
    assert found == [("Observation.performer[1]", "structure")]


def test_types_of_a_choice_are_slices_of_it() -> None:
    profile = definition(
        "p", ("Observation.value[x]:valueQuantity", {"sliceName": "valueQuantity"}), ("Observation.value[x]:valueQuantity.unit", {"min": 1})
    )
    assert errors(hold(book_of(profile), observation(valueString="s"), "p")) == []
    assert errors(hold(book_of(profile), observation(valueQuantity={"value": 1}), "p")) == [("Observation.value.unit", "required")]


# --- profiles on profiles, with and without a snapshot or ids


def test_a_profile_asks_what_its_bases_ask() -> None:
    first = definition("first", ("Observation.note", {"min": 1}), ("Observation.device", {"max": "0"}))
    second = definition("second", ("Observation.method", {"min": 1}), base=OWN + "first")
    third = definition("third", ("Observation.note", {"max": "1"}), base=OWN + "second")
    resource = observation(device={"reference": "Device/1"})
    assert errors(hold(book_of(first, second, third), resource, "third")) == [
        ("Observation.device", "structure"),
        ("Observation.method", "required"),
        ("Observation.note", "required"),
    ]


def test_a_slice_of_the_base_is_narrowed_and_another_added() -> None:
    base = {**by_code("a"), "url": OWN + "base"}
    narrower = definition(
        "p",
        ("Observation.component:a", {"min": 1}),
        ("Observation.component:a.value[x]", {"min": 1}),
        ("Observation.component:b", {"sliceName": "b", "min": 1}),
        ("Observation.component:b.code", {"patternCodeableConcept": {"coding": [{"code": "b"}]}}),
        base=OWN + "base",
    )
    assert errors(hold(book_of(base, narrower), components("a"), "p")) == [
        ("Observation.component", "required"),
        ("Observation.component[0].value", "required"),
    ]


def test_a_snapshot_alone_is_read() -> None:
    profile = definition("p", ("Observation.note", {"min": 1}))
    profile["snapshot"] = profile.pop("differential")
    assert errors(hold(book_of(profile), observation(), "p")) == [("Observation.note", "required")]
    far = {**profile, "baseDefinition": OWN + "far-away"}
    assert errors(hold(book_of(far), observation(), "p")) == [("Observation.note", "required")]


def test_elements_without_ids_go_by_their_order() -> None:
    profile = by_code("a", "b")
    profile["differential"]["element"] += [{"id": "Observation.component:b.value[x]", "path": "Observation.component.value[x]", "min": 1}]
    for element in profile["differential"]["element"]:
        del element["id"]
    assert errors(hold(book_of(profile), components("a", "b"), "p")) == [("Observation.component[1].value", "required")]


def test_profiles_of_datatypes_are_held_to_where_they_are_named() -> None:
    name = definition("name", ("HumanName.family", {"min": 1}), kind="HumanName")
    patient = definition("p", ("Patient.name", {"type": [{"code": "HumanName", "profile": [OWN + "name"]}]}), kind="Patient")
    assert errors(hold(book_of(name, patient), sound({"resourceType": "Patient", "name": [{"text": "x"}]}), "p")) == [
        ("Patient.name[0].family", "required")
    ]


# --- what is not known is told


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (definition("p", ("Observation.category:a/b", {"sliceName": "a/b"})), "reslicing"),
        (definition("p", ("Observation.colour", {"min": 1})), "no element Observation.colour"),
        (definition("p", base=OWN + "gone"), "its base https://hospital.example/gone is not known"),
        (
            definition("p", ("Observation.note", {"constraint": [{"key": "x", "severity": "error", "human": "x", "expression": "("}]})),
            "constraint x",
        ),
        (sliced("value", "code", ("Observation.component:a", {"sliceName": "a"})), "says nothing about code"),
        (sliced("value", "where(true)", ("Observation.component:a", {"sliceName": "a"})), "not understood"),
        (definition("p", ("Observation.component:a", {"sliceName": "a"})), "no discriminator"),
        (definition("p", ("Observation.value[x]", {"type": [{"code": "Colour"}]})), "'Colour' is no type"),
        ({**definition("p"), "derivation": "specialization"}, "no constraint"),
        ({**definition("p"), "differential": {"element": ["x"]}}, "no path"),
        ({**definition("p"), "differential": {"element": [{"path": "Observation.note", "slicing": 1, "constraint": 5}]}}, "not readable"),
    ],
)
def test_a_profile_that_cannot_be_checked_says_why(profile: Json, words: str) -> None:
    found = hold(book_of(profile), observation(component=[part("a")]), "p")
    assert [one.severity for one in found] == ["warning"]
    assert words in found[0].diagnostics


def test_a_profile_for_another_type_is_an_error() -> None:
    assert errors(hold(book_of(definition("p", kind="Patient")), observation(), "p")) == [("Observation", "structure")]


def test_a_constraint_that_looks_into_another_resource_is_told_as_not_checked() -> None:
    rule = {"key": "c", "severity": "error", "human": "x", "expression": "subject.resolve().active"}
    profile = definition("p")
    profile["differential"]["element"][0]["constraint"] = [rule]
    found = hold(book_of(profile), observation(subject={"reference": "Patient/1"}), "p")
    assert [(one.severity, "not checked" in one.diagnostics) for one in found] == [("warning", True)]


# --- codes


def coded(strength: str) -> Json:
    return definition("p", ("Observation.code", {"binding": {"strength": strength, "valueSet": OWN + "vs"}}))


@pytest.mark.parametrize(
    ("strength", "severity"), [("required", "error"), ("extensible", "warning"), ("preferred", None), ("example", None)]
)
def test_a_binding_speaks_as_strongly_as_it_is(strength: str, severity: str | None) -> None:
    book = book_of(coded(strength), members={(OWN + "vs", LOINC, "8480-6"): False})
    assert [one.severity for one in hold(book, observation(), "p")] == ([severity] if severity else [])


def test_one_member_among_the_codings_is_enough_and_a_text_is_none() -> None:
    book = book_of(coded("required"), members={(OWN + "vs", LOINC, "8480-6"): False, (OWN + "vs", "urn:own", "x"): True})
    two = observation(code={"coding": [{"system": LOINC, "code": "8480-6"}, {"system": "urn:own", "code": "x"}]})
    assert hold(book, two, "p") == []
    assert errors(hold(book, observation(code={"text": "收缩压"}), "p")) == [("Observation.code", "code-invalid")]


def test_a_value_set_that_is_not_known_is_never_passed_in_silence() -> None:
    (found,) = hold(book_of(coded("required")), observation(), "p")
    assert found.severity == "warning"
    assert "not checked" in found.diagnostics


# --- extensions


def birth_place(value: Json, **where: Any) -> Json:
    extension = {"url": CORE + "patient-birthPlace", **value}
    return {"resourceType": "Patient", "extension": [extension]} if not where else {"resourceType": "Patient", **where}


def test_an_extension_holds_what_its_definition_says_where_it_says() -> None:
    profile = definition("p", kind="Patient")
    good = sound(birth_place({"valueAddress": {"city": "云溪"}}))
    assert errors(hold(book_of(profile), good, "p", also_extensions=True)) == []
    wrong = sound(birth_place({"valueString": "云溪"}))
    assert errors(hold(book_of(profile), wrong, "p", also_extensions=True)) == [("Patient.extension[0].value", "structure")]
    elsewhere = sound(
        {"resourceType": "Patient", "_birthDate": {"extension": [{"url": CORE + "patient-birthPlace", "valueAddress": {"city": "x"}}]}}
    )
    found = errors(hold(book_of(profile), elsewhere, "p", also_extensions=True))
    assert found == [("Patient.birthDate.extension[0]", "extension")]
    on_primitive = sound(
        {
            "resourceType": "Patient",
            "birthDate": "2020-01-01",
            "_birthDate": {"extension": [{"url": CORE + "patient-birthTime", "valueDateTime": "2020-01-01T10:00:00Z"}]},
        }
    )
    assert errors(hold(book_of(profile), on_primitive, "p", also_extensions=True)) == []


def test_extensions_nobody_has_defined_are_let_be() -> None:
    own = sound({"resourceType": "Patient", "extension": [{"url": "https://elsewhere.example/x", "valueString": "x"}]})
    assert hold(book_of(definition("p", kind="Patient")), own, "p", also_extensions=True) == []


def test_parts_of_an_extension_are_its_slices() -> None:
    consent = {"url": urls.REFERRAL_CONSENT, "extension": [{"url": "agreed", "valueString": "yes"}]}
    request = sound(
        {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": "Patient/1"},
            "extension": [consent],
        }
    )
    found = errors(hold(book_of(definition("p", kind="ServiceRequest")), request, "p", also_extensions=True))
    assert found == [
        ("ServiceRequest.extension[0].extension", "required"),
        ("ServiceRequest.extension[0].extension", "required"),
        ("ServiceRequest.extension[0].extension[0].value", "structure"),
    ]


def test_the_tree_of_a_profile_keeps_what_is_strictest() -> None:
    root = tree(
        [definition("a", ("Observation.note", {"min": 1, "max": "3"})), definition("b", ("Observation.note", {"min": 0, "max": "2"}))]
    )
    assert (root.children["note"].min, root.children["note"].max) == (1, 2)
