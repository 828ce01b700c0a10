"""Chinese identifiers: the published test vectors, and the laws of check digits."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.fhir import identifiers as numbers

TODAY = date(2026, 11, 22)


def test_the_example_of_gb_11643_is_sound_in_both_its_forms() -> None:
    assert numbers.resident_id_fault("11010519491231002X", TODAY) is None
    assert numbers.resident_id_from_15("110105491231002") == "11010519491231002X"
    assert numbers.birth_date_of("11010519491231002X") == date(1949, 12, 31)
    assert numbers.gender_of("11010519491231002X") == "female"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("110105491231002", numbers.NOT_18),
        ("", numbers.NOT_18),
        ("11010519491231002x", numbers.NOT_DIGITS),
        ("１１０１０５１９４９１２３１００２Ｘ", numbers.NOT_DIGITS),
        ("1101051949123100XX", numbers.NOT_DIGITS),
        ("16010519491231002X", numbers.NO_PROVINCE),
        ("110105194902300021", numbers.NO_BIRTHDAY),
        ("110105000012310021", numbers.NO_BIRTHDAY),
        ("110105194912310021", numbers.CHECK_DIGIT),
        ("110105202611230024", numbers.BORN_LATER),
    ],
)
def test_a_wrong_resident_id_says_what_is_wrong(text: str, says: str) -> None:
    assert numbers.resident_id_fault(text, TODAY) == says


def test_someone_born_today_is_registered_today() -> None:
    first17 = "53060120261122001"
    text = first17 + numbers.resident_check_digit(first17)
    assert numbers.resident_id_fault(text, TODAY) is None
    assert numbers.resident_id_fault(text, date(2026, 11, 21)) == numbers.BORN_LATER


born = st.dates(date(1900, 1, 1), TODAY).map(lambda day: day.strftime("%Y%m%d"))


@given(st.sampled_from(sorted(numbers.PROVINCES)), st.integers(0, 9999), born, st.integers(0, 999), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_never_goes_unnoticed(province: str, county: int, day: str, number: int, place: int, by: int) -> None:
    first17 = f"{province}{county:04}{day}{number:03}"
    text = first17 + numbers.resident_check_digit(first17)
    assert numbers.resident_id_fault(text, TODAY) is None
    if text[place] != "X":
        wrong = text[:place] + str((int(text[place]) + by) % 10) + text[place + 1 :]
        assert numbers.resident_id_fault(wrong, TODAY) is not None


def test_a_first_generation_number_has_15_digits() -> None:
    with pytest.raises(ValueError, match="15 digits"):
        numbers.resident_id_from_15("11010549123100X")


def test_the_example_of_gb_32100_is_sound_and_holds_an_organisation_code() -> None:
    assert numbers.uscc_fault("91350100M000100Y43") is None
    assert numbers.organization_code_fault("91350100M000100Y43"[8:17]) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("91350100M000100Y4", numbers.NOT_18),
        ("91350100M000100Y44", numbers.CHECK_DIGIT),
        ("91350100I000100Y43", numbers.NOT_ITS_CHARACTERS),
        ("91350100m000100Y43", numbers.NOT_ITS_CHARACTERS),
        ("9135010AM000100Y43", numbers.NOT_ITS_CHARACTERS),
    ],
)
def test_a_wrong_social_credit_code_says_what_is_wrong(text: str, says: str) -> None:
    assert numbers.uscc_fault(text) == says


def test_the_example_of_gb_11714_is_sound() -> None:
    assert numbers.organization_code_fault("D2143569X") is None
    assert numbers.organization_code_fault("D21435690") == numbers.CHECK_DIGIT
    assert numbers.organization_code_fault("D214356-X") == numbers.NOT_ITS_CHARACTERS
    assert numbers.organization_code_fault("D2143569") == numbers.NOT_9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("53060210100100001", None),
        ("53060210119900001", None),
        ("53060210190100123", None),
        ("53060210100000001", numbers.NO_VILLAGE),
        ("53060210110000001", numbers.NO_VILLAGE),
        ("53060210120000001", numbers.NO_VILLAGE),
        ("53060210190000001", numbers.NO_VILLAGE),
        ("53060210100100000", numbers.NO_SEQUENCE),
        ("00060210100100001", numbers.NO_PROVINCE),
        ("5306021010010000", numbers.NOT_17),
        ("5306021010010000a", numbers.NOT_17),
    ],
)
def test_a_health_file_number_is_made_of_county_township_village_and_person(text: str, says: str | None) -> None:
    assert numbers.health_file_fault(text) == says


@given(st.text(max_size=20))
def test_any_text_has_an_answer_and_each_answer_its_chinese(text: str) -> None:
    for fault in (
        numbers.resident_id_fault(text, TODAY),
        numbers.uscc_fault(text),
        numbers.organization_code_fault(text),
        numbers.health_file_fault(text),
    ):
        assert fault is None or fault in numbers.FAULTS_ZH
        assert fault is None or len(text) < 5 or text not in fault
