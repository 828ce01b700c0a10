"""What is compared of a Patient: identifiers of every form, telephone numbers, dates, addresses however they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.identity.matching.conftest import person
from yilian.fhir import urls
from yilian.identity.matching import features, keys, places
from yilian.identity.matching.shown import masked, recognisable

SECRET = b"0123456789abcdef"


def test_an_old_identity_number_is_the_new_one() -> None:
    old = features.of(person("a", document="516621560312003"))
    new = features.of(person("b", document=features.document("516621560312003")))
    assert old.document == new.document
    assert len(old.document or "") == 18


@pytest.mark.parametrize("text", ["12345", "51662119560312003Y", "", "无"])
def test_what_is_no_identity_number_is_none(text: str) -> None:
    assert features.document(text) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+86 169 0012 3456", "16900123456"),
        ("0086-16900123456", "16900123456"),
        ("16900123456", "16900123456"),
        ("0819-8123456", "08198123456"),
        ("13800138000", None),
        ("11111111111", None),
        ("110", None),
        ("无", None),
    ],
)
def test_telephone_numbers_are_digits_within_the_country(written: str, read: str | None) -> None:
    assert features.phone(written) == read


def test_a_date_of_birth_counts_when_the_day_is_known() -> None:
    assert features.of(person("a", born="1956-03-12")).born == "19560312"
    assert features.of(person("a", born="1956-03")).born is None
    assert features.of(person("a", born=None)).born is None


def test_an_address_is_the_same_as_text_and_in_parts() -> None:
    whole = places.of([{"text": "四川省云溪市云溪县青石镇石坎村3组12号"}])
    parts = places.of([{"state": "四川省", "city": "云溪市", "district": "云溪县", "line": ["青石镇石坎村3组12号"]}])
    short = places.of([{"text": "云溪市云溪县青石镇石坎村3-12"}])
    assert whole == parts == short == places.Place("云溪", "云溪县", "青石镇", "石坎村3-12")


def test_an_address_of_a_municipality() -> None:
    assert places.of([{"text": "北京市朝阳区望京街道3号楼2单元501室"}]) == places.Place("北京", "朝阳区", "望京街道", "3-2-501")
    assert places.of([{"use": "old", "text": "北京市朝阳区"}]) == places.NOWHERE


KEYS = ["use", "text", "family", "given", "system", "value", "line", "city", "type", "coding", "code"]
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
json = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(st.sampled_from(["name", "telecom", "identifier", "address", "birthDate", "gender"]), json))
def test_whatever_a_patient_holds_features_are_made_or_absent(patient: dict[str, Any]) -> None:
    found = features.of({"resourceType": "Patient", **patient})
    assert features.unpacked(features.packed(found)) == [getattr(found, name) for name in features.NUMBERS]
    assert keys.stored(found, SECRET) == sorted(set(keys.stored(found, SECRET)))


def test_two_records_of_one_person_share_a_key_whichever_part_was_mistyped() -> None:
    one = person("a", document="516621195603120038", phone="16900123456", address="四川省云溪市云溪县青石镇石坎村3组12号")
    for other in (
        {**one, "name": [{"text": "山雄新"}], "telecom": [], "identifier": []},
        {**one, "birthDate": "1965-03-12", "telecom": [], "identifier": []},
        {**one, "birthDate": "1956-12-03", "telecom": [], "identifier": [], "address": []},
        {**one, "birthDate": "1957-04-11", "telecom": [], "identifier": []},
        {**one, "name": [{"text": "李四"}], "birthDate": "1999-01-01", "identifier": []},
    ):
        asked = keys.asked(features.of(other), SECRET)
        assert set(asked) & set(keys.stored(features.of(one), SECRET)), other


def test_keys_tell_nothing_without_the_secret() -> None:
    found = features.of(person("a", phone="16900123456"))
    assert not set(keys.stored(found, SECRET)) & set(keys.stored(found, b"another secret"))
    assert all(0 <= key < 2**63 for key in keys.stored(found, SECRET))


def test_of_a_stranger_only_what_it_takes_to_recognise_is_told() -> None:
    told = recognisable(
        {
            **person("a", document="516621195603120038", phone="16900123456", address="四川省云溪市云溪县青石镇石坎村3组12号"),
            "maritalStatus": {"text": "离异"},
            "contact": [{"name": {"text": "李四"}}],
            "photo": [{"url": "x"}],
            "generalPractitioner": [{"reference": "Practitioner/gp"}],
        }
    )
    assert told.keys() <= {
        "resourceType",
        "id",
        "meta",
        "identifier",
        "active",
        "name",
        "telecom",
        "gender",
        "birthDate",
        "address",
        "managingOrganization",
    }
    assert told["identifier"] == [{"system": urls.RESIDENT_ID, "value": "**************0038"}]
    assert told["telecom"][0]["value"] == "169****3456"
    assert "石坎" not in str(told)
    assert masked("12345") == "*****"
