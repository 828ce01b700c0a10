"""The parameters of each type, and the numbers that stand in the database."""

from __future__ import annotations

from hashlib import sha256

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import RESOURCE_TYPES, search_parameters
from yilian.search.parameters import COMPUTED, INDEXED_TYPES, by_id, parameters_of, patient_codes, refused_parameters_of


def every() -> list[tuple[int, str, str]]:
    found = [
        (p.id, p.base, p.code) for kind in RESOURCE_TYPES for known in (parameters_of, refused_parameters_of) for p in known(kind).values()
    ]
    return sorted(found)


def test_numbers_are_the_places_of_the_sorted_pairs_and_never_change() -> None:
    found = every()
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert [(base, code) for _, base, code in found] == sorted((base, code) for _, base, code in found)
    assert len(found) == 3165 < 10_000
    assert sha256(repr(found).encode()).hexdigest()[:16] == FROZEN
    assert by_id(1).base == "Account"


FROZEN = "0d687aaa81bbb30d"


def test_every_published_parameter_of_a_type_is_known() -> None:
    for row in search_parameters():
        for base in row.get("base", ()):
            if base in RESOURCE_TYPES and "example" not in row["url"].rsplit("/", 1)[-1]:
                found = parameters_of(base).get(row["code"]) or refused_parameters_of(base)[row["code"]]
                assert (found.type, found.url) == (row["type"], row["url"])


def test_what_can_be_searched_has_a_way_to_its_values() -> None:
    for kind in RESOURCE_TYPES:
        for parameter in parameters_of(kind).values():
            assert parameter.code in COMPUTED or parameter.value_types <= INDEXED_TYPES[parameter.type], (kind, parameter.code)
            assert bool(parameter.targets) is (parameter.type == "reference")


def test_what_cannot_be_searched_says_why() -> None:
    said = {p.refused for kind in RESOURCE_TYPES for p in refused_parameters_of(kind).values()}
    assert said == {
        "composite parameters are not supported yet",
        "special parameters are not supported yet",
        "HL7 gives it no expression",
        "what it points to cannot be indexed",
    }
    unusual = {
        (kind, p.code)
        for kind in RESOURCE_TYPES
        for p in refused_parameters_of(kind).values()
        if p.type != "composite" and p.code[0] != "_"
    }
    assert unusual == {
        ("Bundle", "composition"),
        ("Bundle", "message"),
        ("Location", "near"),
        ("Patient", "age"),
        ("Patient", "birthOrderBoolean"),
    }


def test_common_parameters_are_everyones() -> None:
    for kind in RESOURCE_TYPES:
        assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} <= parameters_of(kind).keys()


def test_targets_are_what_element_and_expression_allow() -> None:
    observation = parameters_of("Observation")
    assert observation["patient"].targets == ("Patient",)
    assert observation["subject"].targets == ("Device", "Group", "Location", "Patient")
    assert parameters_of("Encounter")["subject"].targets == ("Group", "Patient")


def test_patient_and_subject_are_one_place_in_a_clinical_resource() -> None:
    assert patient_codes("Observation") == {"patient", "subject"}
    assert patient_codes("Claim") == {"patient"}
    assert patient_codes("Coverage") == {"patient", "beneficiary"}
    assert patient_codes("Organization") == frozenset()
    assert all(parameters_of(kind)[code].type == "reference" for kind in CLINICAL for code in patient_codes(kind))
