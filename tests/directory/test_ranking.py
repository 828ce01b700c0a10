"""The laws of ranking: who is better in one thing and equal in all others never comes later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian import policy
from yilian.directory.ranking import URGENCIES, Facts, Weights, cost, reasons, score, weights_of
from yilian.directory.roads import Point, Road, Way, road_of, straight_km, way

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
ROAD = road_of(policy.defaults()["directory.road"].value)
WEIGHTS = [weights_of(policy.defaults()["directory.candidate_weights"].value, one) for one in (*URGENCIES, "asap")]

minutes = st.floats(0, 2000, allow_nan=False)
ways = st.builds(lambda m: Way(m / 2, m / 1.4, m), minutes)
moments = st.one_of(st.none(), st.builds(lambda h: NOW + timedelta(hours=h), st.floats(0, 720)))
facts = st.builds(
    Facts, ways, st.integers(0, 5), st.sampled_from([None, True, False]), st.booleans(), moments, st.integers(0, 9), st.integers(0, 9),
    st.one_of(st.none(), st.floats(0, 500)), st.booleans(),
)  # fmt: skip
weights = st.sampled_from(WEIGHTS)
points = st.builds(Point, st.floats(-89, 89), st.floats(-179, 179))


def price(one: Facts, by: Weights) -> float:
    return cost(reasons(one, by, NOW))


@given(facts, weights, ways)
def test_nearer_is_never_worse(one: Facts, by: Weights, other: Way) -> None:
    a, b = replace(one, way=other), one
    assert b.way is not None
    assert other.minutes > b.way.minutes or price(a, by) <= price(b, by)


@given(facts, weights)
def test_an_earlier_place_is_never_worse_and_none_is_never_better(one: Facts, by: Weights) -> None:
    if one.next_place is not None:
        earlier = NOW + (one.next_place - NOW) / 2
        assert price(replace(one, next_place=earlier), by) <= price(one, by)
        assert price(one, by) <= price(replace(one, next_place=None), by)


@given(facts, weights)
def test_a_free_bed_the_same_consortium_the_very_department_and_fewer_tiers_never_hurt(one: Facts, by: Weights) -> None:
    for better in (
        replace(one, beds_free=one.beds_free + 1),
        replace(one, consortium=True),
        replace(one, exact=True),
        replace(one, steps=max(0, one.steps - 1)),
        replace(one, answer_h=(one.answer_h or 0) / 2 if one.answer_h is not None else None),
    ):
        assert price(better, by) <= price(one, by)


@given(facts, weights)
def test_the_cost_is_what_its_reasons_add_up_to_and_the_score_falls_with_it(one: Facts, by: Weights) -> None:
    said = reasons(one, by, NOW)
    assert all(reason.zh and reason.en and reason.minutes >= 0 for reason in said)
    assert 0 < score(cost(said)) <= 1
    assert score(cost(said) + 1) < score(cost(said))


@given(points, points)
def test_a_way_is_as_long_back_and_no_shorter_than_the_straight_line(a: Point, b: Point) -> None:
    there, back = way(a, b, ROAD), way(b, a, ROAD)
    assert there.road_km == pytest.approx(back.road_km, abs=1e-6)
    assert there.road_km >= there.km
    assert there.minutes >= ROAD.start_minutes


def test_distances_are_those_of_the_earth() -> None:
    assert straight_km(Point(31.2304, 121.4737), Point(39.9042, 116.4074)) == pytest.approx(1068, rel=0.005)  # Shanghai, Beijing
    assert straight_km(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111.2, rel=0.005)


def test_in_an_emergency_only_the_way_beds_and_the_department_count() -> None:
    by = weights_of(policy.defaults()["directory.candidate_weights"].value, "stat")
    far = Facts(Way(10, 13, 20), 3, False, True, None)
    near = Facts(Way(5, 6, 10), 0, True, True, NOW)
    assert price(far, by) - price(near, by) == pytest.approx(10 * by.travel_minute)


@pytest.mark.parametrize("broken", [{"detour": 0.9}, {"kmh": 0}, {"start_minutes": -1}])
def test_a_road_that_makes_no_sense_is_refused(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"directory\.road"):
        road_of({"detour": 1.3, "kmh": 40, "start_minutes": 5} | broken)
    assert Road(1.3, 40, 5) == road_of({"detour": 1.3, "kmh": 40, "start_minutes": 5})
