"""The library as it stands: sound, complete, and told of as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.criteria.record import library
from yilian import policy, validation
from yilian.criteria import shipped
from yilian.criteria.cds.services import SERVICES
from yilian.criteria.evaluate import STATES
from yilian.criteria.vocabulary import GROUPS, vocabulary
from yilian.referral.codes import DOWN_REASONS, UP_REASONS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "criteria.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("plan", shipped.plans(), ids=lambda plan: str(plan["id"]))
def test_every_plan_is_sound_fhir(plan: dict[str, object]) -> None:
    assert not [one for one in validation.issues(plan) if one.severity in ("error", "fatal")]


def test_every_reason_up_and_down_has_a_criterion() -> None:
    assert {one.reason for one in library() if one.direction == "up"} == set(UP_REASONS)
    assert {one.reason for one in library() if one.direction == "down"} == set(DOWN_REASONS)


def test_every_criterion_tells_its_rule_and_where_it_comes_from() -> None:
    for one in library():
        assert "{" not in one.rule
        assert one.source
        assert one.evidence in ("S", "S2", "M", "example")
        assert one.topic in shipped.TOPICS
        assert len(one.title) < 60
        for finding in one.findings:
            assert "(近 0 天" not in finding.text, "a rule of some days says how many"


def test_the_page_lists_the_library_the_states_and_the_services() -> None:
    rows = dict(re.findall(r"^\| (\w+) \| (`[a-z0-9`, -]+`) \|$", PAGE, re.M))
    told = {f"{topic}-{key}" for topic, keys in rows.items() for key in re.findall(r"`([a-z0-9-]+)`", keys)}
    assert told == {one.key for one in library()}
    assert set(re.findall(r"^\| `([a-z-]+)` \| (?!`|the same|up to)", PAGE, re.M)) >= set(STATES)
    assert all(f"`{one.id}` | `{one.hook}`" in PAGE for one in SERVICES.values())


def test_every_group_of_measures_has_its_days() -> None:
    days = policy.defaults()["criteria.valid_days"].value
    assert set(days) == {*GROUPS, "symptom"}
    assert {one.group for one in vocabulary().measures.values()} <= set(GROUPS)
