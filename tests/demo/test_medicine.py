"""Medical sense: what is prescribed, found and done fits the person, the illness and the time."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from statistics import mean

import pytest

from tests.demo.conftest import TODAY
from tests.demo.reading import Resource, charts, codes, day, of
from yilian.demo.clinical.diabetes import hba1c_of
from yilian.demo.medication import DRUGS
from yilian.demo.region import Region

# ATC prefix -> ICD-10 prefixes one of which the patient must have.
INDICATIONS = {
    "A10": ("E11", "O24"),
    "C02": ("I10",), "C03": ("I10", "I50"), "C08": ("I10",), "C09": ("I10", "I2", "I50"),
    "C07": ("I10", "I2", "I4", "I5"), "C10": ("I2", "I6", "E78"), "C01DA": ("I2",),
    "B01AC24": ("I2",), "B01AC04": ("I2", "I6"), "B01AC06": ("I2", "I6", "G45"), "B01AD": ("I6",), "B01AB": ("I2", "S72"),
    "R03": ("J44", "J96", "J18"), "H02": ("J44", "J96"),
    "J01": ("J", "K35", "K80", "N39", "O", "S72", "A0"), "J05AH02": ("J11",), "B03AA": ("D50", "O99"), "B03BB": ("Z34",),
    "M05": ("M81",), "H01BB": ("O8",), "A02BC": ("K29", "K80", "K92"),
}  # fmt: skip

FAMILIES = {
    "J01C": ("J01C",),
    "J01D": ("J01D",),
    "J01E": ("J01E", "M01AH01", "C03AA03", "C03BA11", "C03CA01"),
    "B01AC06": ("B01AC06", "M01AE", "M02AA"),
}


def _atc(one: Resource) -> str:
    coding = one["medicationCodeableConcept"].get("coding")
    return str(coding[0]["code"]) if coding else ""


def _values(chart: list[Resource], code: str) -> list[tuple[date, float]]:
    found = [one for one in of(chart, "Observation") if one["code"].get("coding", [{}])[0].get("code") == code and "valueQuantity" in one]
    return sorted((day(one["effectiveDateTime"]), float(one["valueQuantity"]["value"])) for one in found)


def _pressures(chart: list[Resource]) -> list[tuple[date, int, int]]:
    found = [one for one in of(chart, "Observation") if one["code"].get("coding", [{}])[0].get("code") == "85354-9"]
    return sorted((day(one["effectiveDateTime"]), *(c["valueQuantity"]["value"] for c in one["component"])) for one in found)


@pytest.mark.parametrize("prefix", INDICATIONS)
def test_medicines_have_an_indication(region: Region, prefix: str) -> None:
    taken = 0
    for resident, chart in charts(region):
        if any(_atc(one).startswith(prefix) for one in of(chart, "MedicationRequest")):
            taken += 1
            assert codes(chart, *INDICATIONS[prefix]), (resident.id, prefix)
    assert taken or prefix == "C02"


def test_nobody_gets_what_they_are_allergic_to(region: Region) -> None:
    allergic = 0
    for resident, chart in charts(region):
        for allergy in of(chart, "AllergyIntolerance"):
            atc = allergy["code"].get("coding", [{}])[0].get("code", "")
            for prefix in FAMILIES.get(atc, ()):
                allergic += 1
                given = [one for one in of(chart, "MedicationRequest") if _atc(one).startswith(prefix)]
                assert not given, (resident.id, atc, given[0]["medicationCodeableConcept"]["text"])
    assert allergic >= 8


def test_quinolones_are_for_grown_ups_who_are_not_pregnant(region: Region) -> None:
    for resident, chart in charts(region):
        for one in of(chart, "MedicationRequest"):
            if _atc(one).startswith("J01MA"):
                when = day(one["authoredOn"])
                assert resident.age(when) >= 18
                carried = [day(c["onsetDateTime"]) for c in codes(chart, "Z34")]
                assert not any(start <= when <= start + timedelta(days=290) for start in carried)


def test_one_blocker_of_the_angiotensin_system_at_a_time(region: Region) -> None:
    for resident, chart in charts(region):
        active = [_atc(one) for one in of(chart, "MedicationRequest") if one["status"] == "active"]
        assert len({atc for atc in active if atc.startswith("C09")}) <= 1, resident.id
        long_term = [
            _atc(one)
            for one in of(chart, "MedicationRequest")
            if one["status"] == "active" and one["courseOfTherapyType"]["text"] == "长期用药"
        ]
        assert len(long_term) == len(set(long_term)), resident.id


def test_long_term_patients_have_active_medicines(region: Region) -> None:
    for resident, chart in charts(region):
        if resident.conditions.keys() & {"hypertension", "diabetes", "coronary"} and not resident.died and not resident.case:
            assert [one for one in of(chart, "MedicationRequest") if one["status"] == "active"], resident.id


def test_dosages_are_told_in_words_and_structured(region: Region) -> None:
    for _, chart in charts(region):
        for one in of(chart, "MedicationRequest"):
            dosage = one["dosageInstruction"][0]
            assert dosage["text"]
            assert dosage.get("timing") or dosage["asNeededBoolean"]
            assert dosage["doseAndRate"][0]["doseQuantity"]["value"] > 0
            assert one["dispenseRequest"]["quantity"]["value"] >= 1
    assert len(DRUGS) > 50


def test_the_pregnant_are_women_of_the_age(region: Region) -> None:
    found = 0
    for resident, chart in charts(region):
        for condition in codes(chart, "Z34", "O"):
            found += 1
            assert resident.sex == "female"
            assert 18 <= resident.age(day(condition["recordedDate"])) <= 45
    assert found >= 15


def test_births_lead_to_a_child_of_the_household(region: Region) -> None:
    births = 0
    for resident, chart in charts(region):
        for condition in codes(chart, "O80", "O82"):
            born = day(condition["onsetDateTime"])
            assert resident.household is not None
            assert any(member.born == born for member in resident.household.members), resident.id
            births += 1
    assert births >= 5


def test_illnesses_of_women_and_of_the_old_are_theirs(region: Region) -> None:
    for resident, chart in charts(region):
        for condition in codes(chart, "D25"):
            assert resident.sex == "female", condition["id"]
        for condition in codes(chart, "H25", "M81"):
            assert resident.age(day(condition["recordedDate"])) >= 55
        for condition in codes(chart, "I10", "E11", "I25", "J44"):
            assert resident.age(day(condition["onsetDateTime"])) >= 28, (resident.id, condition["code"]["text"])


# Vaccine -> youngest age in days at a dose.
YOUNGEST = {
    "08": (0, 26, 170),
    "19": (0,),
    "10": (58, 88),
    "178": (999, 999, 118, 1400),
    "03": (238, 540),
    "85": (540,),
    "118": (4700, 4750),
}


def test_vaccines_are_given_at_the_right_age_in_the_right_order(region: Region) -> None:
    shots = 0
    for resident, chart in charts(region):
        given: dict[str, list[tuple[date, int]]] = {}
        for one in of(chart, "Immunization"):
            applied, when = one["protocolApplied"][0], day(one["occurrenceDateTime"])
            code, dose = one["vaccineCode"]["coding"][0]["code"], applied["doseNumberPositiveInt"]
            assert dose <= applied["seriesDosesPositiveInt"]
            if code == "88":
                continue
            shots += 1
            assert resident.born <= when < TODAY
            name = one["vaccineCode"]["text"]
            given.setdefault(name, []).append((when, dose))
            if code in YOUNGEST and code != "178":
                assert resident.days(when) >= YOUNGEST[code][dose - 1], (resident.id, one["vaccineCode"]["text"], dose)
            if code == "118":
                assert resident.sex == "female"
                assert when >= date(2025, 11, 10)
        for name, doses in given.items():
            assert [dose for _, dose in sorted(doses)] == sorted(dose for _, dose in doses), (resident.id, name)
            gaps = [(later - earlier).days for (earlier, _), (later, _) in pairwise(sorted(doses))]
            assert all(gap >= 28 for gap in gaps), (resident.id, name)
    assert shots > 500


def test_children_are_up_to_date_and_grow(region: Region) -> None:
    for resident, chart in charts(region):
        if resident.home and 200 < resident.days(TODAY) < 5000:
            names = {one["vaccineCode"]["coding"][0]["code"] for one in of(chart, "Immunization")}
            assert {"08", "19", "10", "20"} <= names, resident.id
            heights = _values(chart, "8302-2")
            assert heights == sorted(heights, key=lambda pair: (pair[0], pair[1]))


def test_treatment_brings_the_pressure_down(region: Region) -> None:
    controlled, treated, falls = 0, 0, []
    for resident, chart in charts(region):
        if "hypertension" not in resident.conditions or resident.case or resident.died:
            continue
        readings = _pressures(chart)
        problem = codes(chart, "I10")[0]
        found = day(problem["recordedDate"])
        if problem["onsetDateTime"] == found.isoformat():
            first = [systolic for when, systolic, _ in readings if when == found]
            later = [systolic for when, systolic, _ in readings if when > found + timedelta(days=100)]
            if first and later:
                falls.append(first[0] - mean(later))
        systolic, diastolic = readings[-1][1:]
        treated += 1
        controlled += systolic < (150 if resident.age(TODAY) >= 65 and "diabetes" not in resident.conditions else 140) and diastolic < 90
    assert treated > 50
    assert 0.6 < controlled / treated < 0.95
    assert len(falls) >= 3
    assert mean(falls) > 12


def test_people_without_hypertension_are_not_overlooked(region: Region) -> None:
    for resident, chart in charts(region):
        if "hypertension" not in resident.conditions and not resident.case and resident.home:
            out = [one for one in _pressures(chart) if one[1] >= 145 or one[2] >= 95]
            visits = {day(one["period"]["start"]) for one in of(chart, "Encounter") if one["class"]["code"] in ("IMP", "EMER")}
            assert not [one for one in out if one[0] not in visits], resident.id


def test_glucose_and_hba1c_tell_the_same_story(region: Region) -> None:
    pairs = 0
    for resident, chart in charts(region):
        longs, fasts = _values(chart, "4548-4"), _values(chart, "1558-6")
        diabetic = bool(codes(chart, "E11"))
        if not diabetic:
            assert all(value < 6.5 for _, value in longs), resident.id
            assert all(value < 7.0 for _, value in fasts), resident.id
        if resident.case or not diabetic:
            continue
        for when, value in longs:
            near = [glucose for then, glucose in fasts if 0 <= (when - then).days < 200]
            if near:
                pairs += 1
                assert abs(hba1c_of(mean(near)) - value) < 1.6, (resident.id, when, near, value)
    assert pairs > 60


def test_infarctions_are_treated_as_they_should_be(region: Region) -> None:
    found = 0
    for resident, chart in charts(region):
        stays = [
            e
            for e in of(chart, "Encounter")
            if e["class"]["code"] == "IMP" and any("心肌梗死" in d["condition"]["display"] for d in e["diagnosis"])
        ]
        for stay in stays:
            here = [one for one in chart if one.get("encounter", {}).get("reference") == f"Encounter/{stay['id']}"]
            if not codes(here, "I21"):
                continue
            found += 1
            assert max(value for _, value in _values(here, "10839-9")) > 1
            assert any(p["code"]["coding"][0]["code"] == "36.07" for p in of(here, "Procedure"))
            atcs = {_atc(one)[:7] for one in of(here, "MedicationRequest")}
            assert atcs & {"B01AC04", "B01AC24"}
            assert atcs & {"C10AA05", "C10AA07"}
            assert region.places[stay["serviceProvider"]["reference"].split("/")[1]].tier == "city", resident.id
    assert found >= 3


def test_copd_is_proved_by_spirometry(region: Region) -> None:
    measured = 0
    for _, chart in charts(region):
        ratios = _values(chart, "19926-5")
        assert all(value < 70 for _, value in ratios)
        if ratios:
            measured += 1
            assert codes(chart, "J44")
    assert measured >= 8


def test_the_old_are_checked_once_a_year(region: Region) -> None:
    checked = 0
    for resident, chart in charts(region):
        checks = sorted(day(e["period"]["start"]) for e in of(chart, "Encounter") if e["type"][0]["text"] == "老年人健康体检")
        if checks:
            checked += 1
            assert resident.age(checks[0]) >= 65
            assert all(later - earlier > timedelta(days=250) for earlier, later in pairwise(checks))
    assert checked > 0.5 * sum(r.age(TODAY) >= 66 for r in region.residents)


def test_some_at_qingshi_ought_to_be_referred_and_nobody_has_yet(region: Region) -> None:
    """国家基本公共卫生服务规范(第三版): 180/110, suspected coronary syndrome, HbA1c out of control two visits running."""
    referred = {plan.patient for plan in region.referrals}
    pressure, sugar, heart = [], [], []
    for resident, chart in charts(region):
        if resident.home != "qingshi" or resident.id in referred:
            continue
        last = _pressures(chart)[-1:]
        if last and (last[0][1] >= 180 or last[0][2] >= 110):
            pressure.append(resident.id)
        longs = [value for _, value in _values(chart, "4548-4")][-2:]
        if len(longs) == 2 and min(longs) >= 9:
            sugar.append(resident.id)
        if any(value > 0.1 and (TODAY - when).days <= 2 for when, value in _values(chart, "10839-9")):
            heart.append(resident.id)
    assert pressure
    assert sugar
    assert heart


def test_some_in_hospital_are_ready_to_come_home(region: Region) -> None:
    ready = [plan for plan in region.referrals if plan.ends == "arrived" and plan.direction == "up"]
    assert len(ready) >= 2
    by_id = dict(zip((r.id for r in region.residents), region.charts, strict=True))
    for plan in ready:
        running = [e for e in of(by_id[plan.patient], "Encounter") if e["status"] == "in-progress"]
        assert [e["serviceProvider"]["reference"] for e in running] == [f"Organization/{plan.receiver}"]
