"""The region as a whole: always the same, the size it should have, and everything in it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from tests.demo.conftest import TODAY
from tests.demo.reading import charts, everything, of
from yilian.demo.region import Region, build
from yilian.directory.specialties import SPECIALTIES
from yilian.directory.tiers import TIERS
from yilian.fhir import urls
from yilian.fhir.json import dump


def _bytes(region: Region) -> list[bytes]:
    return [dump(one) for one in everything(region)]


def test_the_same_seed_and_day_give_the_same_bytes(region: Region) -> None:
    again = build(1, 520, TODAY)
    assert _bytes(again) == _bytes(region)
    assert again.referrals == region.referrals
    assert again.accounts == region.accounts


def test_another_seed_gives_another_region(region: Region) -> None:
    other = build(2, 520, TODAY)
    assert [r.name.text for r in other.residents] != [r.name.text for r in region.residents]
    assert [a.name for a in other.accounts] == [a.name for a in region.accounts]


def test_institutions_are_those_of_the_contract(region: Region) -> None:
    places = region.places.values()
    assert Counter(p.tier for p in places) == {"city": 3, "county": 3, "township": 12, "village": 30}
    assert {p.kind for p in places if p.tier == "city"} == {"A100", "G100", "A210"}
    assert region.places["yunxi-first"].level == "3a"
    assert {region.places[id].name for id in ("qingshi", "liuhe", "yunxi-county")} == {"青石镇卫生院", "柳河镇卫生院", "云溪县人民医院"}
    asks = {p.id for p in places if p.asks_approval}
    assert "qingshi" in asks
    assert "liuhe" not in asks


def test_each_organization_says_its_tier_and_whether_it_asks_for_approval(region: Region) -> None:
    for one in of(region.directory, "Organization"):
        place = region.places.get(one["id"])
        if place is None:
            continue
        said = {e["url"]: e for e in one["extension"]}
        assert said[urls.TIER]["valueCoding"]["code"] in TIERS
        if urls.NEEDS_APPROVAL in said:
            assert said[urls.NEEDS_APPROVAL]["valueBoolean"] is place.asks_approval


def test_every_institution_but_a_village_post_has_an_approver_and_a_referral_office(region: Region) -> None:
    for place in region.places.values():
        if place.tier != "village":
            for post in ("head", "coordinator"):
                assert region.staff.with_post(place.id, post)


def test_services_are_of_the_national_list(region: Region) -> None:
    services = of(region.directory, "HealthcareService")
    assert len(services) > 200
    for one in services:
        coding = one["specialty"][0]["coding"][0]
        assert coding["system"] == urls.SPECIALTY
        assert coding["code"] in SPECIALTIES


def test_people_and_beds_are_there(region: Region) -> None:
    assert 230 <= len(of(region.directory, "Practitioner")) <= 340
    posts = of(region.directory, "PractitionerRole")
    people = [one["practitioner"]["reference"] for one in posts]
    assert len(set(people)) == len(of(region.directory, "Practitioner")), "everybody has a post"
    assert len(people) == len(set(people)) + 2, "and two have another one elsewhere"
    beds = [one for one in of(region.directory, "Location") if one["physicalType"]["coding"][0]["code"] == "bd"]
    assert len([bed for bed in beds if bed["id"].startswith("yunxi-first")]) >= 50
    assert {bed.get("operationalStatus", {}).get("code") for bed in beds} == {None, "C"}, "nobody types that a bed is free or occupied"


def test_three_beds_in_four_are_occupied_and_none_twice(region: Region) -> None:
    beds = [one for one in of(region.directory, "Location") if one["physicalType"]["coding"][0]["code"] == "bd" and "day" not in one["id"]]
    lying = [stay for chart in region.charts for stay in of(chart, "Encounter") if stay["status"] == "in-progress" and "period" in stay]
    taken = [place["location"]["reference"] for stay in lying for place in stay["location"] if "-bed" in place["location"]["reference"]]
    assert len(set(taken)) == len(taken)
    assert 0.6 < len(taken) / len(beds) < 0.85
    assert not {f"Location/{bed['id']}" for bed in beds if bed["status"] == "suspended"} & set(taken)


def test_the_account_names_are_those_of_the_contract(region: Region) -> None:
    table = {a.name: (a.roles, a.institution) for a in region.accounts}
    assert table == {
        "gp": (("gp",), "Organization/qingshi"),
        "gp2": (("gp",), "Organization/liuhe"),
        "head": (("head",), "Organization/qingshi"),
        "county": (("physician",), "Organization/yunxi-county"),
        "coordinator": (("coordinator",), "Organization/yunxi-first"),
        "expert": (("consultant",), "Organization/yunxi-first"),
        "office": (("office",), "Organization/yunxi-first"),
        "regulator": (("regulator",), "Organization/yunxi-commission"),
        "pharmacist": (("pharmacist",), "Organization/yunxi-first"),
        "steward": (("data-steward",), "Organization/yunxi-first"),
        "admin": (("admin",), ""),
        "registrar": (("registrar",), "Organization/yunxi-county"),
        "registrar2": (("registrar",), "Organization/qingshi"),
        "resident": (("resident",), ""),
    }
    people = {one["id"] for one in of(region.directory, "Practitioner")}
    roles = {one["id"] for one in of(region.directory, "PractitionerRole")}
    for account in region.accounts:
        if account.name == "resident":
            assert account.patient == "Patient/resident-0001"
        else:
            assert account.agent == f"Practitioner/{account.name}"
            assert account.name in people
            assert f"{account.name}-role" in roles


def test_residents_are_many_old_and_mostly_registered(region: Region) -> None:
    everyone = region.residents
    assert len(everyone) == 520
    ages = [r.age(TODAY) for r in everyone]
    assert 0.18 < sum(age >= 65 for age in ages) / len(ages) < 0.30
    assert 0.10 < sum(age < 15 for age in ages) / len(ages) < 0.20
    for start in range(0, 90, 10):
        assert any(start <= age < start + 10 for age in ages), f"nobody between {start} and {start + 9}"
    homes = Counter(r.home for r in everyone)
    assert homes["qingshi"] >= 45
    assert homes["liuhe"] >= 40
    assert homes[""] <= 0.05 * len(everyone)
    assert sum(r.doctor == "gp" for r in everyone) >= 45


def test_families_share_address_and_mostly_surname(region: Region) -> None:
    families = {id(r.household): r.household for r in region.residents}.values()
    larger = [f.members for f in families if f is not None and len(f.members) > 1]
    assert len(larger) > 100
    for members in larger:
        assert len({m.line for m in members}) == 1
        assert len({m.home for m in members}) <= 2
    assert sum(len({m.name.family for m in members}) < len(members) for members in larger) > 0.5 * len(larger)


def test_unusual_people_are_there(region: Region) -> None:
    names = {r.name.text for r in region.residents}
    assert "阿卜杜热西提·买买提依明" in names
    assert len({r.ethnic for r in region.residents}) >= 4
    assert any(not r.phone and r.age(TODAY) >= 20 for r in region.residents)
    newborns = [r for r in region.residents if r.days(TODAY) < 30]
    assert newborns
    assert all(not r.identity for r in newborns)
    assert any(r.died for r in region.residents)


def test_the_size_is_that_of_a_working_region(region: Region) -> None:
    sizes = [len(bundle) for bundle in region.bundles()]
    assert 25_000 <= sum(sizes) <= 36_000
    assert 30 <= sum(sizes) / len(sizes) <= 70
    types = Counter(one["resourceType"] for one in everything(region))
    for kind in ("Encounter", "Observation", "DiagnosticReport", "MedicationRequest", "Condition", "Immunization", "Procedure", "CarePlan"):
        assert types[kind] > 80, kind
    assert types["AllergyIntolerance"] >= 20
    assert types["RelatedPerson"] >= 50


def test_every_bundle_begins_with_its_patient_and_ids_are_unique(region: Region) -> None:
    for number, bundle in enumerate(region.bundles(), 1):
        assert (bundle[0]["resourceType"], bundle[0]["id"]) == ("Patient", f"resident-{number:04d}")
        assert [one["resourceType"] for one in bundle].count("Patient") == 1
    seen = [(one["resourceType"], one["id"]) for one in everything(region)]
    assert len(set(seen)) == len(seen)


def test_programmes_are_documented_over_years(region: Region) -> None:
    for prefix, least in {"I10": 60, "E11": 25, "J44": 12, "I25": 10, "I69": 8, "I21": 3, "Z34": 8, "S": 5, "J18": 5, "K35": 2}.items():
        having = [
            r for r, chart in charts(region) if any(c["code"]["coding"][0]["code"].startswith(prefix) for c in of(chart, "Condition"))
        ]
        assert len(having) >= least, f"{prefix}: {len(having)}"
    spans = []
    for resident, chart in charts(region):
        if "hypertension" in resident.conditions:
            days = sorted(one["period"]["start"][:10] for one in of(chart, "Encounter"))
            spans.append((date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days / 365.25)
    assert sum(span > 1 for span in spans) > 0.7 * len(spans)
    assert max(spans) > 2


@pytest.mark.parametrize("count", [60, 200])
def test_a_smaller_region_is_whole_too(count: int) -> None:
    small = build(3, count, TODAY - timedelta(days=200))
    assert len(small.residents) == count
    assert len(small.bundles()) == count
    assert {plan.patient for plan in small.referrals} <= {r.id for r in small.residents}
