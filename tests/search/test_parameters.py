"""The parameters of each type, and the numbers that stand in the database."""

from __future__ import annotations

from hashlib import sha256

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import RESOURCE_TYPES, search_parameters
from yilian.search.kinds.composite import elements, parts_of
from yilian.search.parameters import COMPUTED, INDEXED_TYPES, by_id, parameters_of, patient_codes, refused_parameters_of
from yilian.search.unknown import NEVER


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
            if parameter.type == "composite":
                assert [len(one.parts) for one in elements(parameter)] == [len(parts_of(parameter))] * len(elements(parameter)) != []
                continue
            assert parameter.code in COMPUTED or parameter.value_types <= INDEXED_TYPES[parameter.type], (kind, parameter.code)
            assert bool(parameter.targets) is (parameter.type == "reference")


def test_what_cannot_be_searched_says_why() -> None:
    said = {p.refused for kind in RESOURCE_TYPES for p in refused_parameters_of(kind).values()}
    assert said == {
        "HL7 does not say where its values are",
        "HL7 does not say where its values are; the element is Patient.multipleBirthBoolean",
        "it is another every day while the record stays the same; ask by birthdate (birthdate=le2006-11-22)",
        "it points into the Bundle itself, whose entries are not resources of their own here",
    }
    unusual = {(kind, p.code) for kind in RESOURCE_TYPES for p in refused_parameters_of(kind).values() if p.code not in NEVER}
    assert unusual == {("Bundle", "composition"), ("Bundle", "message"), ("Patient", "age"), ("Patient", "birthOrderBoolean")}


def test_the_parts_of_every_composite_are_found_and_those_that_look_at_the_same_share_their_rows() -> None:
    observation = parameters_of("Observation")
    every = [p for kind in RESOURCE_TYPES for p in parameters_of(kind).values() if p.type == "composite"]
    assert len(every) == 72
    assert all(part.branches for p in every for one in elements(p) for part in one.parts)
    assert [p.code for p in parts_of(parameters_of("DocumentReference")["relationship"])] == ["relation", "relatesto"]
    combo, component = (elements(observation[f"{name}-code-value-quantity"]) for name in ("combo", "component"))
    assert (len(combo), len(component)) == (2, 1)
    assert combo[1].group == component[0].group
    assert [p.code for p in combo[0].parts] == ["code", "value-quantity"]


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
