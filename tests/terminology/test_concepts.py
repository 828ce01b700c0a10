"""A code system taken apart."""

from __future__ import annotations

from tests.terminology.words import code_system, concept
from yilian.terminology.concepts import rows_of


def test_nesting_and_the_properties_of_r4_make_parents() -> None:
    rows = rows_of(
        code_system(
            concept("a", "", concept("b", "", concept("c"))),
            concept("d", property=[{"code": "parent", "valueCode": "b"}]),
            concept("e", property=[{"code": "child", "valueCode": "d"}]),
            concept("f", property=[{"code": "subsumedBy", "valueCode": "a"}]),
        )
    )
    assert rows.parents == {("a", "b"), ("b", "c"), ("b", "d"), ("e", "d"), ("a", "f")}
    assert [row[:2] for row in rows.concepts] == [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e"), (5, "f")]


def test_a_property_means_what_its_uri_says_whatever_it_is_called() -> None:
    system = code_system(
        concept("a", property=[{"code": "tot", "valueBoolean": True}]),
        concept("b", property=[{"code": "status", "valueCode": "retired"}]),
        concept("c", property=[{"code": "status", "valueCode": "deprecated"}]),
        concept("d", property=[{"code": "notSelectable", "valueBoolean": True}]),
        concept("e", property=[{"code": "inactive", "valueBoolean": False}]),
        property=[{"code": "tot", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"}],
    )
    found = {code: (inactive, abstract) for _, code, _, inactive, abstract, _ in rows_of(system).concepts}
    assert found == {"a": (True, False), "b": (True, False), "c": (False, False), "d": (False, True), "e": (False, False)}


def test_a_concept_is_found_by_code_names_pinyin_and_initials() -> None:
    system = code_system(concept("I10", "重度高血压", designation=[{"language": "en", "value": "Severe  Hypertension"}]))
    assert rows_of(system).texts == [("I10", "i10\n重度高血压\nzhongdugaoxueya\nzdgxy\nsevere hypertension")]


def test_a_code_that_comes_twice_counts_once_with_both_its_parents() -> None:
    rows = rows_of(code_system(concept("a", "", concept("x", "first")), concept("b", "", concept("x", "second"))))
    assert [(row[1], row[2]) for row in rows.concepts] == [("a", "A"), ("x", "first"), ("b", "B")]
    assert rows.parents == {("a", "x"), ("b", "x")}
