"""Which kinds a resource belongs to: by codes wherever they stand, by labels, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from yilian.access import sensitivity
from yilian.fhir import urls
from yilian.fhir.json import dump

PSYCHIATRIC, HIV, GENETIC, REPRODUCTIVE, RESTRICTED = 1, 2, 4, 8, 16
LABEL = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
Json = dict[str, Any]


def bits(resource: Json) -> int:
    return sensitivity.of(resource, dump(resource).decode())


def coded(system: str, code: str) -> Json:
    return {"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}}


@pytest.mark.parametrize(
    ("system", "code", "wanted"),
    [
        (urls.ICD10, "F32.1", PSYCHIATRIC),
        (urls.ICD10, "F00", PSYCHIATRIC),
        (urls.ICD10, "f99.x01", PSYCHIATRIC),
        (urls.ICD10, " F20.0", PSYCHIATRIC),
        (urls.ICD10, "B20.1", HIV),
        (urls.ICD10, "A53.9", HIV),
        (urls.ICD10, "Z21", HIV),
        (urls.ICD10, "Q90.9", GENETIC),
        (urls.ICD10, "O04.9", REPRODUCTIVE),
        (urls.ICD10, "Z30.0", REPRODUCTIVE),
        (urls.ICD10, "E11", 0),
        (urls.ICD10, "B25.0", 0),
        (urls.ICD10, "A65", 0),
        (urls.ICD10, "O44.1", 0),
        (urls.ICD10, "F", 0),
        ("http://elsewhere.example/codes", "F32.1", 0),
        (urls.LOINC, "7918-6", HIV),
        (urls.LOINC, "44261-6", PSYCHIATRIC),
        (urls.LOINC, "1558-6", 0),
        (LABEL, "PSY", PSYCHIATRIC),
        (LABEL, "HIV", HIV),
        (LABEL, "STD", HIV),
        (LABEL, "GDIS", GENETIC),
        (LABEL, "SEX", REPRODUCTIVE),
        (LABEL, "AMB", 0),
        ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R", RESTRICTED),
        ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V", RESTRICTED),
        ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "N", 0),
    ],
)
def test_a_code_says_which_kind(system: str, code: str, wanted: int) -> None:
    assert bits(coded(system, code)) == wanted


def test_codes_are_found_wherever_they_stand_and_kinds_add_up() -> None:
    inside = {
        "resourceType": "DiagnosticReport",
        "meta": {"security": [{"system": LABEL, "code": "GDIS"}]},
        "contained": [{"resourceType": "Observation", "code": {"coding": [{"system": urls.LOINC, "code": "7918-6"}]}}],
        "conclusionCode": [{"coding": [{"system": urls.ICD10, "code": "I10"}, {"system": urls.ICD10, "code": "F41.1"}]}],
    }
    assert bits(inside) == PSYCHIATRIC | HIV | GENETIC


def test_a_type_can_be_sensitive_as_such() -> None:
    assert bits({"resourceType": "MolecularSequence", "coordinateSystem": 0}) == GENETIC


def test_words_alone_say_nothing() -> None:
    assert bits({"resourceType": "Condition", "code": {"text": "抑郁症 F32.1"}}) == 0


def test_the_quick_look_at_the_text_misses_no_code_of_the_table() -> None:
    table = sensitivity.table()
    for system, code in table.codes:
        assert bits(coded(system, code)) == table.codes[system, code], (system, code)
    for low, high, bit in table.ranges:
        for code in (low, high, f"{low}.1", high.lower()):
            assert bits(coded(urls.ICD10, code)) & bit, code


def test_every_kind_has_a_bit_of_its_own_and_a_name() -> None:
    kinds = list(sensitivity.table().kinds.values())
    assert [kind.bit for kind in kinds] == [1, 2, 4, 8, 16]
    assert all(kind.zh for kind in kinds)
    assert [kind.name for kind in sensitivity.kinds_of(PSYCHIATRIC | GENETIC)] == ["psychiatric", "genetic"]
