"""Values in other units, of other days, of doubtful standing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.criteria.record import RULES, condition, judged, medicine, pressure, state, value
from yilian.criteria.facts import in_unit
from yilian.criteria.vocabulary import vocabulary

MEASURES = vocabulary().measures


@pytest.mark.parametrize(("measure", "amount", "unit", "expected"), [
    ("glucose", "301", "mg/dL", "16.7076"),
    ("glucose", "300", "mg/dL", "16.6520"),
    ("ldl", "100", "mg/dL", "2.5863"),
    ("creatinine", "2.0", "mg/dL", "176.8034"),
    ("systolic", "24", "kPa", "180.0148"),
    ("temperature", "103.1", "[degF]", "39.5"),
    ("oxygen", "0.89", "1", "89"),
    ("albuminuria", "34", "mg/mmol", "300.5658"),
    ("hba1c", "64", "mmol/mol", "8.01"),
    ("hba1c", "53", "mmol/mol", "7.00"),
    ("potassium", "3.4", "meq/L", "3.4"),
    ("hba1c", "0.08", "1", None),
    ("glucose", "7", "mmHg", None),
    ("glucose", "7", "", None),
    ("systolic", "180", "mmHg", "180"),
    ("pulse", "80", "次/分", "80"),
    ("coma", "12", "", "12"),
])  # fmt: skip
def test_a_value_is_compared_in_the_unit_of_its_measure(measure: str, amount: str, unit: str, expected: str | None) -> None:
    found = in_unit(Decimal(amount), unit, MEASURES[measure])
    assert (found if found is None else round(found, 3)) == (None if expected is None else round(Decimal(expected), 3))


@given(st.decimals("0.1", "60", places=2))
def test_milligrams_and_millimoles_are_one_amount(amount: Decimal) -> None:
    there = amount * MEASURES["glucose"].mole / 10  # type: ignore[operator]
    assert in_unit(there, "mg/dL", MEASURES["glucose"]) == pytest.approx(amount, abs=Decimal("0.0001"))


def test_glucose_in_milligrams_meets_the_rule_in_millimoles() -> None:
    assert state("diabetes-glucose-emergency", value("glucose", 301, "mg/dL")) == "met"
    assert state("diabetes-glucose-emergency", value("glucose", 300, "mg/dL")) == "nearly"


def test_a_unit_nobody_can_read_is_lacking_and_told() -> None:
    found = judged(value("glucose", 20, "furlong", coded=False))["diabetes-glucose-emergency"]
    assert found.state == "lacking"
    assert found.findings[0].unreadable == "furlong"


def test_a_value_beyond_the_scale_counts_on_its_side_alone() -> None:
    assert state("diabetes-glucose-emergency", value("glucose", 33.3, comparator=">")) == "met"
    assert state("diabetes-glucose-emergency", value("glucose", 1.1, comparator="<")) == "met"
    assert state("diabetes-glucose-emergency", value("glucose", 3, comparator=">")) != "met", "more than 3 is not at most 3.9"
    assert state("diabetes-glucose-emergency", value("glucose", 20, comparator="<")) != "met"


@pytest.mark.parametrize(("days", "expected"), [(0, "met"), (6, "met"), (8, "lacking")])
def test_an_old_value_is_no_value(days: int, expected: str) -> None:
    assert state("hypertension-severe", pressure(190, 100, days=days)) == expected


def test_how_long_values_hold_is_policy() -> None:
    tested = (condition("J42"), value("airflow", 65, days=1000))
    assert state("copd-suspected", *tested) == "met"
    short = replace(RULES, valid_days={**RULES.valid_days, "lasting": 365})
    assert judged(*tested, rules=short)["copd-suspected"].findings[1].state == "missing"


def test_the_newest_value_decides() -> None:
    assert state("hypertension-severe", pressure(190, 100, days=3), pressure(150, 90, days=1)) == "not-met"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered", "unknown"])
def test_what_was_withdrawn_was_never_measured(status: str) -> None:
    assert state("hypertension-severe", pressure(190, 120, status=status)) == "lacking"


def test_a_value_of_the_future_is_not_there() -> None:
    assert state("hypertension-severe", pressure(190, 120, days=-2)) == "lacking"


def test_a_condition_that_is_over_or_was_refuted_makes_nobody_a_patient() -> None:
    over = {"coding": [{"code": "resolved"}]}
    assert state("diabetes-down-stable", condition("E11.9", clinicalStatus=over)) == "not-applicable"
    assert state("diabetes-down-stable", condition("E11.9", verificationStatus={"coding": [{"code": "refuted"}]})) == "not-applicable"


def test_a_symptom_counts_for_a_week() -> None:
    assert state("emergency-chest-pain", condition("R07.4", days=0.5)) == "met"
    assert state("emergency-chest-pain", condition("R07.4", days=30)) == "ask"


def test_what_is_within_five_per_cent_is_near_and_what_is_not_is_not() -> None:
    for amount, expected in ((171, "nearly"), (170, "not-met"), (179.9, "nearly")):
        assert state("hypertension-severe", value("systolic", amount), value("diastolic", 70)) == expected


def test_what_only_the_doctor_knows_is_asked_and_believed() -> None:
    record = (pressure(185, 100),)
    assert state("hypertension-severe-with-symptoms", *record) == "ask"
    said = judged(*record, confirmed=["hypertension-severe-with-symptoms.ache"])["hypertension-severe-with-symptoms"]
    assert said.state == "met"
    assert [e.text for f in said.findings if f.finding.name == "ache" for e in f.evidence] == ["医生确认"]
    assert state("hypertension-severe-with-symptoms", pressure(150, 90), confirmed=["hypertension-severe-with-symptoms.ache"]) == "not-met"


def test_an_urgent_reason_to_go_up_holds_back_from_going_down() -> None:
    stable = (condition("E11.9"), medicine("A10BA02"), value("fasting", 6.5, days=3), value("fasting", 6.0, days=9))
    assert judged(*stable)["diabetes-down-stable"].may_go
    held = judged(*stable, pressure(190, 100))["diabetes-down-stable"]
    assert held.state == "met"
    assert not held.may_go
    assert held.held_by == ("血压 ≥180/110 mmHg",)
