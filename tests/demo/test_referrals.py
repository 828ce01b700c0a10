"""The plans of referral: every state, directions that fit the tiers, evidence from the patient's own chart, people who may act."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tests.demo.conftest import TODAY
from tests.demo.reading import charts
from yilian.demo.region import Region
from yilian.directory import tiers
from yilian.referral import states
from yilian.referral.codes import CONSENT_WAYS, DECLINE_REASONS, PRIORITIES, REASONS

STATES = {
    "draft", "in-approval", "submitted", "received", "need-info", "accepted", "declined", "referred-onward", "arrived", "completed",
    "cancelled",
}  # fmt: skip


def test_there_are_many_in_every_state_and_direction(region: Region) -> None:
    plans = region.referrals
    assert len(plans) >= 24
    assert {plan.ends for plan in plans} == STATES
    assert {plan.direction for plan in plans} == {"up", "down", "lateral"}
    assert len({(plan.sender, plan.receiver) for plan in plans}) >= 12
    assert len({plan.key for plan in plans}) == len(plans)


def test_the_doctor_of_qingshi_has_something_in_every_list(region: Region) -> None:
    mine = [plan for plan in region.referrals if "qingshi" in (plan.sender, plan.receiver)]
    sent = {plan.ends for plan in mine if plan.sender == "qingshi"}
    assert sent == STATES
    returned = {plan.ends for plan in mine if plan.receiver == "qingshi" and plan.direction == "down"}
    assert {"submitted", "received", "accepted"} <= returned
    assert any(plan.direction == "lateral" and plan.receiver == "qingshi" for plan in mine)


def test_directions_fit_the_tiers_and_receivers_are_licensed(region: Region) -> None:
    stands = {"up": {"higher", "equal"}, "down": {"lower"}, "lateral": {"equal"}}
    for plan in region.referrals:
        sender, receiver = region.places[plan.sender], region.places[plan.receiver]
        assert tiers.compare(sender.tier, receiver.tier) in stands[plan.direction], plan.key
        assert plan.reason in REASONS[plan.direction]
        assert plan.priority in PRIORITIES
        assert plan.consent in ("", *CONSENT_WAYS)


def test_people_act_for_their_own_institution(region: Region) -> None:
    for plan in region.referrals:
        assert region.staff.by_id[plan.referrer].institution == plan.sender, plan.key
        for step in plan.steps:
            row = next(row for row in states.ROWS if row.action == step.action)
            own = plan.sender if set(row.who) & {"referrer", "approver"} else plan.receiver
            assert region.staff.by_id[step.who].institution == own, (plan.key, step.action)
            assert set(step.gives) <= row.takes, (plan.key, step.action)
            assert set(row.requires) <= set(step.gives), (plan.key, step.action)


def test_steps_lead_to_the_state_the_plan_names(region: Region) -> None:
    """Walked through the table alone; test_play walks it through the real commands."""
    for plan in region.referrals:
        asks = region.places[plan.sender].asks_approval and plan.priority != "stat"
        state = ("in-approval" if asks else "submitted") if plan.submit else "draft"
        for step in plan.steps:
            row = states.row(state, step.action)
            assert row is not None, (plan.key, state, step.action)
            state = row.end[-1]
        assert state == plan.ends, plan.key


def test_steps_follow_one_another_in_time(region: Region) -> None:
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 1, 30, tzinfo=UTC)
    for plan in region.referrals:
        moments = [plan.made.instant(TODAY, now), *(step.when.instant(TODAY, now) for step in plan.steps)]
        assert moments == sorted(moments), plan.key
        assert moments[-1] <= now


def test_evidence_is_of_the_patients_own_chart(region: Region) -> None:
    mine = {resident.id: {f"{one['resourceType']}/{one['id']}" for one in chart} for resident, chart in charts(region)}
    with_evidence = 0
    for plan in region.referrals:
        with_evidence += bool(plan.evidence)
        for one in plan.evidence:
            assert one["reference"] in mine[plan.patient], plan.key
            assert one["display"]
    assert with_evidence > 0.8 * len(region.referrals)


def test_down_referrals_answer_a_completed_one_or_say_why(region: Region) -> None:
    by_key = {plan.key: plan for plan in region.referrals}
    answers = [plan for plan in region.referrals if plan.based_on]
    assert len(answers) >= 5
    for plan in answers:
        first = by_key[plan.based_on]
        assert first.ends == "completed"
        assert (first.patient, first.sender, first.receiver) == (plan.patient, plan.receiver, plan.sender)
        assert list(by_key).index(plan.based_on) < list(by_key).index(plan.key)
    planned = [plan for plan in region.referrals if plan.direction == "down" and any("plan" in step.gives for step in plan.steps)]
    assert len(planned) >= 2


def test_declines_give_a_reason_of_the_list(region: Region) -> None:
    for plan in region.referrals:
        for step in plan.steps:
            if step.action == "decline":
                assert step.gives["reason"]["coding"][0]["code"] in DECLINE_REASONS
                assert step.gives["note"]


def test_nobody_has_two_open_referrals_for_one_specialty(region: Region) -> None:
    live = [(plan.patient, plan.specialty) for plan in region.referrals if plan.ends in states.LIVE]
    assert len(live) == len(set(live))


def test_the_words_of_the_referrer_fit_the_patient(region: Region) -> None:
    people = {resident.id: resident for resident in region.residents}
    for plan in region.referrals:
        resident = people[plan.patient]
        assert f"{'男' if resident.sex == 'male' else '女'},{resident.age(TODAY)} 岁" in plan.note, plan.key
        assert resident.home in (plan.sender, plan.receiver) or plan.sender in ("yunxi-county", "yunxi-first", "songping-county"), plan.key


def test_what_the_referrer_says_stands_in_the_chart(region: Region) -> None:
    by_patient = {resident.id: chart for resident, chart in charts(region)}
    said = 0
    for plan in region.referrals:
        chart = by_patient[plan.patient]
        pressures = {
            "/".join(str(part["valueQuantity"]["value"]) for part in one["component"])
            for one in chart
            if one["resourceType"] == "Observation" and "component" in one
        }
        values = {f"{one['valueQuantity']['value']}" for one in chart if one["resourceType"] == "Observation" and "valueQuantity" in one}
        # what is measured at the visit: pressure, HbA1c, troponin, creatinine, haemoglobin; targets and other people's values are left out
        text = re.sub(r"目标[^。]*|低于[^,。;]*|出院[^。]*", "", plan.note)
        for pressure in re.findall(r"(\d{2,3}/\d{2,3})(?: mmHg|、|,)", text):
            if plan.direction == "up":
                said += 1
                assert pressure in pressures, (plan.key, pressure)
        for value in re.findall(r"(?:糖化血红蛋白|肌钙蛋白 I|肌酐|血红蛋白|空腹血糖|血钾|血小板|NT-proBNP) ?(\d+(?:\.\d+)?)", text):
            if plan.direction == "up":
                said += 1
                assert any(float(value) == float(found) for found in values), (plan.key, value)
    assert said > 25


def test_three_medicines_and_a_diuretic_where_the_referrer_says_so(region: Region) -> None:
    by_patient = {resident.id: chart for resident, chart in charts(region)}
    for key in ("crisis", "twice-high"):
        plan = next(plan for plan in region.referrals if plan.key == key)
        taken = {
            one["medicationCodeableConcept"]["coding"][0]["code"]
            for one in by_patient[plan.patient]
            if one["resourceType"] == "MedicationRequest" and one["status"] == "active"
        }
        assert len({atc for atc in taken if atc.startswith(("C03", "C08", "C09"))}) >= 3, key
        assert any(atc.startswith("C03") for atc in taken), key


def test_smokers_are_recorded_as_smokers(region: Region) -> None:
    by_patient = {resident.id: chart for resident, chart in charts(region)}
    for plan in region.referrals:
        if re.search(r"吸烟 ?\d+ 年", plan.note):
            answers = [
                one["valueCodeableConcept"]["text"] for one in by_patient[plan.patient] if one.get("code", {}).get("text") == "吸烟状况"
            ]
            assert answers == ["目前每日吸烟"], plan.key
