"""The house's own profiles: right for what the region writes, and definitions HL7's package has are all here."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.validation.profiled import CORE, Json, book_of, errors, hold
from yilian.demo.region import Region, build
from yilian.fhir import urls
from yilian.fhir.identifiers import resident_check_digit
from yilian.fhir.json import parse
from yilian.fhir.path import compile
from yilian.validation import issues, profiles, shipped
from yilian.validation.profiles.patient import CHECK_DIGIT
from yilian.validation.slicing import parts_of
from yilian.validation.snapshot import Node, Unusable

RESIDENT, INSTITUTION, LAB = (
    urls.BASE + "StructureDefinition/" + key for key in ("yilian-patient", "yilian-institution", "yilian-laboratory-result")
)


@pytest.fixture(scope="module")
def region() -> Region:
    return build(1, 60, date(2026, 11, 22))


def profile_of(resource: Json) -> str:
    kind = resource["resourceType"]
    if kind == "Patient":
        return RESIDENT
    if kind == "Organization" and any(e["url"] == urls.TIER for e in resource.get("extension", ())):
        return INSTITUTION
    lab = kind == "Observation" and resource["category"][0]["coding"][0]["code"] == "laboratory"
    return LAB if lab else ""


def everything(region: Region) -> Iterator[Json]:
    yield from region.directory
    for bundle in region.bundles():
        yield from bundle


def test_our_definitions_are_sound_and_named_once() -> None:
    definitions = profiles.definitions()
    assert [one["id"] for one in definitions if issues(one)] == []
    assert len({one["url"] for one in definitions}) == len({one["id"] for one in definitions}) == len(definitions)
    assert {urls.TIER, urls.ETHNICITY, urls.REFERRAL_SENDER, urls.ARRANGED} <= {one["url"] for one in definitions}


def test_the_demo_region_meets_our_profiles(region: Region) -> None:
    tiers: dict[tuple[str, str, str], bool | None] = {
        (urls.BASE + "ValueSet/institution-tier", urls.INSTITUTION_TIER, tier): True for tier in ("city", "county", "township", "village")
    }
    book = book_of(members=tiers)
    counted: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for resource in everything(region):
        profile = profile_of(resource)
        if profile:
            counted[profile] += 1
            found = hold(book, resource, profile, also_extensions=True)
            assert errors(found) == [], resource["id"]
            told.update(one.diagnostics for one in found)
    assert counted[RESIDENT] == 60
    assert counted[INSTITUTION] > 20
    assert counted[LAB] > 300
    assert set(told) <= {"Observation: A number is easier to read with its reference range (yll-2)."}


@pytest.mark.parametrize(
    ("profile", "change", "found"),
    [
        (RESIDENT, {"gender": None}, [("Patient.gender", "required")]),
        (RESIDENT, {"identifier": [{"value": "7"}]}, [("Patient.identifier[0]", "invariant")]),
        (RESIDENT, {"name": [{"given": ["x"]}]}, [("Patient.name[0]", "invariant")]),
        (LAB, {"performer": None}, [("Observation.performer", "required")]),
        (LAB, {"code": {"text": "尿蛋白"}}, [("Observation.code.coding", "required")]),
        (LAB, {"effectiveDateTime": None, "effectiveInstant": "2026-01-01T10:00:00Z"}, [("Observation.effective", "structure")]),
        (LAB, {"valueQuantity": None, "valueCodeableConcept": None}, [("Observation", "invariant")]),
        (INSTITUTION, {"extension": None}, [("Organization.extension", "required")]),
        (INSTITUTION, {"identifier": None}, [("Organization.identifier", "required"), ("Organization.identifier", "required")]),
    ],
)
def test_what_is_missing_is_told(region: Region, profile: str, change: Json, found: list[tuple[str, str]]) -> None:
    resource = next(one for one in everything(region) if profile_of(one) == profile)
    changed = {key: value for key, value in (resource | change).items() if value is not None}
    assert issues(changed) == []
    assert errors(hold(book_of(), changed, profile)) == found


def test_birthday_and_sex_of_another_number_are_warned_of(region: Region) -> None:
    resource = next(one for one in everything(region) if profile_of(one) == RESIDENT and one["identifier"][0]["system"] == urls.RESIDENT_ID)
    other = {**resource, "birthDate": "1901-01-01", "gender": {"male": "female", "female": "male"}[resource["gender"]]}
    found = hold(book_of(), other, RESIDENT)
    assert errors(found) == []
    assert sorted(one.diagnostics[-7:-2] for one in found) == ["ylp-5", "ylp-6"]
    assert all(any(char >= "\u4e00" for char in one.zh) for one in found)


def test_a_number_of_15_digits_has_its_birthday_and_sex_too(region: Region) -> None:
    resource = next(one for one in everything(region) if profile_of(one) == RESIDENT and one["identifier"][0]["system"] == urls.RESIDENT_ID)
    number = {**resource["identifier"][0], "value": "110105491231002"}
    right = {**resource, "identifier": [number], "birthDate": "1949-12-31", "gender": "female"}
    assert issues(right) == []
    assert hold(book_of(), right, RESIDENT) == []
    found = hold(book_of(), {**right, "birthDate": "1949-12-30", "gender": "male"}, RESIDENT)
    assert sorted(one.diagnostics[-7:-2] for one in found) == ["ylp-5", "ylp-6"]


def test_the_rule_in_the_profile_finds_the_check_digits_the_house_finds() -> None:
    rule = compile(CHECK_DIGIT, "string")
    for number in range(0, 10**17, 10**17 // 97):
        first = f"{number:017d}"
        right = resident_check_digit(first)
        assert [
            digit
            for digit in "0123456789X"
            if rule.truth(
                first + digit,
            )
        ] == [right]
    assert rule.truth("12345") is False
    assert rule.truth("110105491231002") is True


# --- what HL7 ships


def test_every_shipped_definition_can_be_used_but_for_three_whose_slices_are_named() -> None:
    book = book_of()
    for url in shipped.urls():
        book.definitions[url] = shipped.definition(url)
    unusable = {}
    for url in shipped.urls():
        wanted: set[tuple[str, ...]] = set()
        profile = book.profile(url, wanted)
        assert isinstance(profile, Node), url
        assert not wanted
        try:
            _every_slice(profile)
        except Unusable as reason:
            unusable[url.removeprefix(CORE)] = str(reason)
    assert unusable == {
        "catalog": "the slices of date have no discriminator",
        "familymemberhistory-genetic": "the slices of relationship have no discriminator",
        "lipidprofile": "the discriminator value:resolve().code looks into another resource, which is not done here",
    }


def _every_slice(node: Node) -> None:
    if node.slices:
        parts_of(node)
    for below in (*node.children.values(), *node.slices.values()):
        _every_slice(below)


CORE_TYPES = ("SimpleQuantity", "MoneyQuantity")
EXAMPLES = ("example-composition", "example-section-library")
OF_HL7S_TOOLS = tuple(f"structuredefinition-{name}-type" for name in ("json", "rdf", "xml"))
"""What the package the table is made from does not have."""


@pytest.mark.shared_data
def test_hl7s_profiles_and_extensions_are_all_here_and_say_the_same(shared_data: Path) -> None:
    official: dict[str, Any] = {}
    with gzip.open(shared_data / "fhir-r4-definitions" / "StructureDefinition.ndjson.gz") as lines:
        for line in lines:
            one = parse(line)
            if one.get("derivation") == "constraint" and one["url"].startswith(CORE):
                official[one["url"]] = one
    left_out = {CORE + name for name in (*CORE_TYPES, *EXAMPLES, *OF_HL7S_TOOLS)}
    assert set(official) - set(shipped.urls()) == left_out
    for url, one in official.items():
        mine = shipped.definition(url)
        if mine is not None:
            assert (mine["type"], mine["baseDefinition"]) == (one["type"], one["baseDefinition"])
            asked = [(e["path"], e.get("sliceName"), e.get("min"), e.get("max")) for e in one["differential"]["element"]]
            assert [(e["path"], e.get("sliceName"), e.get("min"), e.get("max")) for e in mine["differential"]["element"]] == asked, url
