"""Every criterion of the library with values just below, at and just above its limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.criteria.record import PATIENT, condition, judged, medicine, pressure, state, stay, value

Resource = dict[str, Any]
HYPERTENSION, DIABETES, COPD, CORONARY, STROKE = (condition(code) for code in ("I10", "E11.9", "J44.9", "I25.1", "I69.3"))
BLEEDING, PREGNANT, FRACTURE = condition("K92.2", days=1), condition("Z34.9", days=60), condition("S72.0", days=10)


def measured(measure: str, amount: float, *besides: Resource) -> tuple[Resource, ...]:
    return (value(measure, amount), *besides)


def twice(measure: str, amount: float, *besides: Resource) -> tuple[Resource, ...]:
    return (value(measure, amount, days=2), value(measure, amount, days=12), *besides)


LATEST = [
    # criterion                      measure              limit  sign  step  besides
    ("emergency-coma", "coma", 12, "<=", 1, ()),
    ("emergency-breathing", "breath", 30, ">", 1, (value("oxygen", 97),)),
    ("emergency-breathing", "oxygen", 90, "<", 1, (value("breath", 16),)),
    ("emergency-bleeding-shock", "systolic", 90, "<", 1, (BLEEDING,)),
    ("emergency-hypotension", "systolic", 90, "<", 1, (value("pulse", 80),)),
    ("emergency-hypotension", "pulse", 130, ">", 1, (value("systolic", 120),)),
    ("emergency-hypotension", "pulse", 40, "<", 1, (value("systolic", 120),)),
    ("hypertension-severe", "systolic", 180, ">=", 1, (value("diastolic", 80),)),
    ("hypertension-severe", "diastolic", 110, ">=", 1, (value("systolic", 130),)),
    ("hypertension-secondary", "albuminuria", 300, ">=", 1, (HYPERTENSION, value("potassium", 4.2))),
    ("hypertension-secondary", "potassium", 3.5, "<", 0.1, (HYPERTENSION, value("albuminuria", 10))),
    ("hypertension-pregnant", "systolic", 140, ">=", 1, (PREGNANT, value("diastolic", 80))),
    ("hypertension-pregnant", "diastolic", 90, ">=", 1, (PREGNANT, value("systolic", 120))),
    ("hypertension-resistant", "systolic", 140, ">=", 1,
        (HYPERTENSION, medicine("C08CA01"), medicine("C09CA03"), medicine("C03BA11"), value("diastolic", 80))),
    ("diabetes-glucose-emergency", "glucose", 16.7, ">=", 0.1, ()),
    ("diabetes-glucose-emergency", "glucose", 3.9, "<=", 0.1, ()),
    ("diabetes-pregnant", "fasting", 5.1, ">=", 0.1, (PREGNANT,)),
    ("diabetes-organ-damage", "creatinine", 177, ">=", 1, (DIABETES, value("albuminuria", 10))),
    ("diabetes-organ-damage", "albuminuria", 300, ">=", 1, (DIABETES, value("creatinine", 80))),
    ("copd-suspected", "airflow", 70, "<", 0.1, (condition("J42"),)),
    ("copd-severe-exacerbation", "oxygen", 88, "<", 1, (COPD, value("breath", 20))),
    ("copd-severe-exacerbation", "breath", 30, ">=", 1, (COPD, value("oxygen", 95))),
    ("copd-intensive", "oxygen_pressure", 40, "<", 1, (COPD, value("ph", 7.4))),
    ("copd-intensive", "ph", 7.25, "<", 0.01, (COPD, value("oxygen_pressure", 80))),
    ("coronary-acute", "troponin", 0.04, ">=", 0.01, ()),
    ("coronary-new-failure", "ejection", 40, "<", 1, (CORONARY,)),
    ("coronary-lipids", "ldl", 2.6, ">=", 0.1, (CORONARY, medicine("C10AA05"))),
    ("stroke-prevention-failing", "ldl", 2.6, ">=", 0.1, (STROKE, medicine("C10AA05"))),
    ("general-critical-potassium", "potassium", 2.8, "<", 0.1, ()),
    ("general-critical-potassium", "potassium", 6.2, ">", 0.1, ()),
    ("general-down-common", "temperature", 38.5, "<", 0.1, (condition("J06.9", days=2),)),
]  # fmt: skip


@pytest.mark.parametrize(("key", "measure", "limit", "sign", "step", "besides"), LATEST, ids=lambda x: str(x) if type(x) is str else None)
def test_a_value_meets_its_criterion_from_the_limit_on(
    key: str, measure: str, limit: float, sign: str, step: float, besides: tuple[Resource, ...]
) -> None:
    said = [state(key, *measured(measure, round(amount, 3), *besides)) == "met" for amount in (limit - step, limit, limit + step)]
    assert said == {">=": [False, True, True], ">": [False, False, True], "<=": [True, True, False], "<": [True, False, False]}[sign]


RUNNING = [
    ("diabetes-fasting-twice", "fasting", 7.0, 0.1, (DIABETES, medicine("A10BA02")), True),
    ("diabetes-hba1c", "hba1c", 8.0, 0.1, (DIABETES, medicine("A10BA02")), True),
    ("stroke-prevention-failing", "systolic", 160, 1, (STROKE,), True),
    ("diabetes-down-stable", "fasting", 10, 0.1, (DIABETES, medicine("A10BA02")), False),
]


@pytest.mark.parametrize(("key", "measure", "limit", "step", "besides", "above"), RUNNING)
def test_two_days_running_are_what_it_takes(
    key: str, measure: str, limit: float, step: float, besides: tuple[Resource, ...], above: bool
) -> None:
    said = [state(key, *twice(measure, round(amount, 2), *besides)) == "met" for amount in (limit - step, limit, limit + step)]
    assert said == ([False, True, True] if above else [True, False, False])
    beyond = limit + step if above else limit - step
    once = value(measure, beyond, days=2)
    assert state(key, once, *besides) == "lacking", "one is not enough to know"
    same_day = value(measure, beyond, days=2.01)
    assert state(key, once, same_day, *besides) == "lacking", "two on one day are one"
    between = value(measure, limit - step if above else limit + step, days=5)
    assert state(key, once, between, value(measure, beyond, days=20), *besides) != "met", "a good one between breaks the run"


def test_pressure_that_is_not_controlled_twice_is_judged_by_age() -> None:
    old = {**PATIENT, "birthDate": "1950-01-01"}
    treated = (HYPERTENSION, medicine("C08CA01"))
    record = (pressure(145, 80, days=3), pressure(145, 80, days=80), *treated)
    assert state("hypertension-uncontrolled-twice", *record) == "met"
    assert state("hypertension-uncontrolled-twice", *record, patient=old) == "not-met", "65 and older: 150"
    for systolic, expected in ((149, "not-met"), (150, "met")):
        record = (pressure(systolic, 80, days=3), pressure(systolic, 80, days=80), *treated)
        assert state("hypertension-uncontrolled-twice", *record, patient=old) == expected
    for diastolic, expected in ((89, "not-met"), (90, "met")):
        record = (pressure(130, diastolic, days=3), pressure(130, diastolic, days=80), *treated)
        assert state("hypertension-uncontrolled-twice", *record) == expected
    mixed = (pressure(145, 80, days=3), pressure(130, 95, days=80), *treated)
    assert state("hypertension-uncontrolled-twice", *mixed) == "met", "either value, at either visit"
    assert state("hypertension-uncontrolled-twice", *record[:2], HYPERTENSION) == "not-met", "nobody was treated yet"


def test_steady_pressure_goes_down_below_the_limit_alone() -> None:
    treated = (HYPERTENSION, medicine("C08CA01"))
    for high, low, expected in ((139, 89, "met"), (140, 89, "nearly"), (139, 90, "nearly"), (160, 100, "not-met")):
        record = (pressure(high, low, days=1), pressure(high, low, days=6), *treated)
        assert state("hypertension-down-township", *record) == expected


@pytest.mark.parametrize(("oxygen", "breath", "met"), [(90, 24, True), (89, 24, False), (90, 25, False), (95, 18, True)])
def test_copd_goes_down_when_every_value_of_three_days_is_good(oxygen: int, breath: int, met: bool) -> None:
    record = (COPD, medicine("R03BB04"), value("oxygen", oxygen), value("oxygen", 96, days=2), value("breath", breath))
    assert (state("copd-down-stable", *record) == "met") is met


@pytest.mark.parametrize(
    ("systolic", "pulse", "met"), [(100, 100, True), (99, 80, False), (159, 80, True), (160, 80, False), (120, 101, False)]
)
def test_coronary_disease_goes_down_between_its_limits(systolic: int, pulse: int, met: bool) -> None:
    record = (CORONARY, medicine("B01AC06"), value("systolic", systolic), value("pulse", pulse))
    assert (state("coronary-down-stable", *record) == "met") is met


@pytest.mark.parametrize(
    ("systolic", "oxygen", "met"), [(100, 94, True), (99, 94, False), (179, 94, True), (180, 94, False), (120, 93, False)]
)
def test_a_stroke_goes_down_between_its_limits(systolic: int, oxygen: int, met: bool) -> None:
    attack = condition("I63.9", days=8)
    verdicts = judged(attack, value("systolic", systolic), value("oxygen", oxygen))
    assert (verdicts["stroke-down-recovering"].state == "met") is met
    fresh = judged(condition("I63.9", days=6), value("systolic", 120), value("oxygen", 97))
    assert fresh["stroke-down-recovering"].state == "not-met", "the acute phase is a week"


@pytest.mark.parametrize(("temperature", "oxygen", "systolic", "days", "met"), [
    (37.4, 94, 100, 4, True), (37.5, 94, 100, 4, False), (37.0, 93, 120, 4, False), (37.0, 96, 99, 4, False), (37.0, 96, 120, 2, False),
])  # fmt: skip
def test_who_recovers_goes_down_when_stable(temperature: float, oxygen: int, systolic: int, days: int, met: bool) -> None:
    record = (FRACTURE, stay(days), value("temperature", temperature), value("oxygen", oxygen), value("systolic", systolic))
    assert (state("general-down-recovery", *record) == "met") is met


def test_low_glucose_again_and_again() -> None:
    low = [value("glucose", 3.9, days=days) for days in (5, 40)]
    assert state("diabetes-hypoglycaemia", DIABETES, *low) == "met"
    assert state("diabetes-hypoglycaemia", DIABETES, low[0], value("glucose", 4.0, days=40)) == "not-met"
    assert state("diabetes-hypoglycaemia", DIABETES, low[0], value("glucose", 3.5, days=95)) != "met", "90 days"


def test_three_medicines_one_of_them_a_diuretic() -> None:
    high = (HYPERTENSION, value("systolic", 150), value("diastolic", 80))
    three = (medicine("C08CA01"), medicine("C09CA03"), medicine("C03BA11"))
    assert state("hypertension-resistant", *high, *three) == "met"
    assert state("hypertension-resistant", *high, *three[:2]) == "not-met"
    assert state("hypertension-resistant", *high, three[0], three[1], medicine("C07AB02")) == "not-met", "no diuretic"
    assert state("hypertension-resistant", *high, three[0], three[0], three[2]) == "not-met", "the same twice is one"
    old = medicine("C03BA11", days=120)
    assert state("hypertension-resistant", *high, *three[:2], old) == "not-met", "a prescription does not last for ever"
    stopped = medicine("C03BA11", status="stopped")
    assert state("hypertension-resistant", *high, *three[:2], stopped) == "not-met"


def test_low_potassium_by_a_diuretic_is_no_sign_of_another_cause() -> None:
    low = (HYPERTENSION, value("potassium", 3.2), value("albuminuria", 10))
    assert state("hypertension-secondary", *low) == "met"
    assert state("hypertension-secondary", *low, medicine("C03BA11")) == "not-met"
    assert state("hypertension-secondary", *low, medicine("C03DA01")) == "met", "spironolactone spares potassium"


@pytest.mark.parametrize(("key", "code", "years"), [
    ("hypertension-young", "I10", 30), ("diabetes-young", "E11.9", 25), ("stroke-young", "I63.9", 45),
])  # fmt: skip
def test_a_young_beginning_counts_before_the_birthday(key: str, code: str, years: int) -> None:
    onset = "2026-06-15"
    before, after = ({**PATIENT, "birthDate": f"{2026 - years}-06-{day}"} for day in ("16", "14"))
    begun = condition(code, onsetDateTime=onset)
    assert state(key, begun, patient=before) == "met"
    assert state(key, begun, patient=after) == "not-met"
    assert state(key, condition(code, onsetDateTime="2010-01-01"), patient=before) == "not-met", "long known is no first visit"


@pytest.mark.parametrize(("sign", "met"), [
    (value("temperature", 37.4), True), (value("temperature", 37.5), False), (value("oxygen", 93), True), (value("oxygen", 92), False),
    (value("breath", 24), True), (value("breath", 25), False),
])  # fmt: skip
def test_who_is_acutely_ill_does_not_go_down_for_a_steady_pressure(sign: Resource, met: bool) -> None:
    steady = (HYPERTENSION, medicine("C08CA01"), pressure(130, 80, days=1), pressure(128, 78, days=3))
    assert (state("hypertension-down-township", *steady, sign) == "met") is met
    sugar = (DIABETES, medicine("A10BA02"), value("fasting", 6.5, days=1), value("fasting", 6.4, days=3))
    assert (state("diabetes-down-stable", *sugar, sign) == "met") is met
    heart = (CORONARY, medicine("B01AC06"), value("systolic", 120), value("pulse", 70))
    assert (state("coronary-down-stable", *heart, sign) == "met") is met
