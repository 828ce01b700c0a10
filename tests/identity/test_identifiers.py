"""Numbers patients come with: what is wrong with one, how it is compared, whose alone it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.identity.conftest import Region, person
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit
from yilian.identity import identifiers
from yilian.identity.identifiers import fault_of, numbers_of

TODAY = date(2026, 11, 23)
TAIWANESE = "83000019900101001"
FOREIGN = "91156000019900101"[:17]


@pytest.mark.parametrize(
    ("system", "value", "says"),
    [
        (urls.RESIDENT_ID, "11010519491231002X", None),
        (urls.RESIDENT_ID, "110105491231002", None),
        (urls.RESIDENT_ID, "110105194912310021", "校验码"),
        (urls.RESIDENT_ID, TAIWANESE + resident_check_digit(TAIWANESE), None),
        (urls.FOREIGN_RESIDENT_ID, FOREIGN + resident_check_digit(FOREIGN), None),
        (urls.FOREIGN_RESIDENT_ID, FOREIGN + ("0" if resident_check_digit(FOREIGN) != "0" else "1"), "校验码"),
        (urls.FOREIGN_RESIDENT_ID, "123", "9 开头"),
        (urls.HK_MACAO_PERMIT, "H12345678", None),
        (urls.HK_MACAO_PERMIT, "H1234567801", None),
        (urls.HK_MACAO_PERMIT, "T12345678", "H 或 M"),
        (urls.TAIWAN_PERMIT, "12345678", None),
        (urls.TAIWAN_PERMIT, "1234567", "8 位"),
        (urls.PASSPORT + "CHN", "E12345678", None),
        (urls.PASSPORT, "E12345678", "国家"),
        (urls.PASSPORT + "chn", "E12345678", "国家"),
        (urls.PASSPORT + "CHN", "E1", "5 至 20"),
        (urls.HEALTH_FILE, "53060210110100001", None),
        (urls.HEALTH_FILE, "53060210120100001", "001-099"),
        (urls.HEALTH_CARD, "5306", "至少"),
        (urls.MEDICAL_INSURANCE, "530600000012345", None),
        (urls.INPATIENT_NO, "1", None),
        ("urn:somebody", "?", None),
    ],
)
def test_what_is_wrong_with_a_number(system: str, value: str, says: str | None) -> None:
    found = fault_of({"system": system, "value": value}, TODAY)
    assert (found is None) == (says is None)
    if found is not None and says is not None:
        assert says in identifiers.ZH[found[1]]
        assert value not in found[1] or len(value) < 3


def of(*given: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one.kind.code, one.issuer, one.plain) for one in numbers_of({"identifier": list(given)})]


def test_numbers_are_compared_in_one_form() -> None:
    assert of({"system": urls.RESIDENT_ID, "value": "110105491231002"}) == of({"system": urls.RESIDENT_ID, "value": "11010519491231002X"})
    assert of({"system": urls.HK_MACAO_PERMIT, "value": "h12345678 02"}) == [("hk-macao-permit", "", "H12345678")]
    assert of({"system": urls.TAIWAN_PERMIT, "value": "1234567801"}) == [("taiwan-permit", "", "12345678")]


def test_passports_of_two_countries_are_two_numbers() -> None:
    both = of({"system": urls.PASSPORT + "CHN", "value": "E12345678"}, {"system": urls.PASSPORT + "USA", "value": "E12345678"})
    assert both == [("passport", "CHN", "E12345678"), ("passport", "USA", "E12345678")]


def test_what_is_old_or_lent_is_nobodys_alone() -> None:
    for use in ("old", "temp"):
        assert of({"system": urls.RESIDENT_ID, "value": "11010519491231002X", "use": use}) == []
    assert of({"system": urls.RESIDENT_ID}) == []


def test_every_kind_says_whose_alone_it_is() -> None:
    alone = {kind.code for kind in identifiers.KINDS.values() if kind.alone == "record"}
    assert alone == {"outpatient", "inpatient", "record"}


async def test_a_wrong_number_is_refused_with_its_place_and_nothing_is_stored(region: Region) -> None:
    wrong = person("p", identifier=[{"system": urls.HK_MACAO_PERMIT, "value": "H12345678"}, {"system": urls.PASSPORT, "value": "E1234567"}])
    with pytest.raises(InvalidResource) as refused:
        await region.put(wrong)
    (issue,) = refused.value.issues
    assert issue.expression == "Patient.identifier[1].value"
    assert "签发国家" in issue.zh
    assert await region.value("select count(*) from resource where id = 'p'") == 0


async def test_a_newborn_comes_without_and_is_completed_later(region: Region) -> None:
    await region.put(person("baby", name="单雄信之子", born="2026-11-20"))
    assert await region.value("select count(*) from identifier_claim") == 0
    await region.put(person("baby", name="单小信", born="2026-11-20", document="11010519491231002X"))
    assert await region.value("select count(*) from identifier_claim") == 1
