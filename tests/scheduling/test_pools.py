"""Which places of a day are kept for whom, until when: laws, and the examples of the regulations."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian import policy
from yilian.scheduling.pools import POOLS, PUBLIC, Release, Rule, release_of, reserved, rules_of, turns

SHANGHAI = ZoneInfo("Asia/Shanghai")
RELEASE = Release(7, time(7))
DAY = date(2026, 12, 10)
NINE = datetime(2026, 12, 10, 9, tzinfo=SHANGHAI)
GRASSROOTS = Rule("grassroots", 0.3, 14, "release", 48)

shares = st.floats(0.01, 1).map(lambda share: round(share, 2))


@given(share=shares, n=st.integers(0, 200))
def test_a_pool_has_its_share_of_the_first_places_however_many_there_are(share: float, n: int) -> None:
    kept = sum(rule is not None for rule in islice(turns([Rule("grassroots", share, 0, "start", 0)]), n))
    assert share * n - 1e-6 <= kept < share * n + 1


@given(share=st.lists(shares, min_size=1, max_size=4).filter(lambda all: sum(all) <= 1), n=st.integers(1, 200))
def test_several_pools_share_a_day_and_none_is_far_behind(share: list[float], n: int) -> None:
    rules = [Rule(pool, one, 0, "start", 0) for pool, one in zip(POOLS[1:], share, strict=False)]
    given_out = list(islice(turns(rules), n))
    for rule in rules:
        assert given_out.count(rule) > rule.share * n - len(rules)
        assert given_out.count(rule) < rule.share * n + 1
    assert given_out.count(None) > (1 - sum(share)) * n - len(rules) - 1e-6


def test_thirty_percent_are_the_grassroots_for_two_days_after_the_rest_opens() -> None:
    places = list(reserved(0, 10, [GRASSROOTS], RELEASE, DAY, NINE, SHANGHAI))
    kept = [place for place in places if place.pool == "grassroots"]
    rest = [place for place in places if place.pool == PUBLIC]
    assert (len(kept), len(rest)) == (3, 7)
    opening = datetime(2026, 12, 3, 7, tzinfo=SHANGHAI)
    assert {place.opens for place in rest} == {place.public_from for place in rest} == {opening}
    assert {place.opens for place in kept} == {opening - timedelta(days=14)}
    assert {place.public_from for place in kept} == {opening + timedelta(hours=48)}


def test_what_is_kept_until_shortly_before_falls_with_the_clock_of_the_slot() -> None:
    rule = Rule("on-site", 1, 0, "start", 2)
    (place,) = reserved(0, 1, [rule], RELEASE, DAY, NINE, SHANGHAI)
    assert place.public_from == NINE - timedelta(hours=2)


def test_a_slot_added_on_the_day_is_open_at_once_and_never_after_it_began() -> None:
    late = Release(0, time(12))
    for rule in (GRASSROOTS, Rule("on-site", 0.5, 0, "start", 500)):
        for place in reserved(0, 4, [rule], late, DAY, NINE, SHANGHAI):
            assert place.opens <= place.public_from <= NINE


def test_midnight_is_the_regions_whatever_clock_the_slot_is_written_in() -> None:
    starts = datetime(2026, 12, 9, 16, 30, tzinfo=UTC)  # half past midnight of the tenth
    (place,) = reserved(0, 1, [], RELEASE, DAY, starts, SHANGHAI)
    assert place.opens == datetime(2026, 12, 2, 23, tzinfo=UTC)


def test_the_hour_that_does_not_exist_in_another_zone_loses_nothing() -> None:
    new_york = ZoneInfo("America/New_York")
    release = Release(0, time(2, 30))  # on 14 March 2027 there is no half past two
    starts = datetime(2027, 3, 14, 9, tzinfo=new_york)
    places = list(reserved(0, 3, [], release, date(2027, 3, 14), starts, new_york))
    assert len(places) == 3
    assert all(place.opens <= starts for place in places)


def test_the_shipped_rules_are_those_of_the_regulations() -> None:
    release_of(policy.defaults()["booking.release"].value)
    shipped = policy.defaults()["booking.pools"].value
    assert rules_of(shipped["clinic"]) == (Rule("grassroots", 0.3, 14, "release", 48),)
    assert rules_of(shipped["expert"])[0].share == 0.5
    assert rules_of(shipped["bed"]) == ()


@pytest.mark.parametrize(
    "row", [{"share": 1.2}, {"share": 0}, {"pool": "vip"}, {"pool": "public"}, {"anchor": "noon"}, {"hours": -1}, {"opens_days": -1}]
)
def test_a_rule_that_makes_no_sense_is_refused(row: dict[str, object]) -> None:
    good = {"pool": "grassroots", "share": 0.3, "opens_days": 14, "anchor": "release", "hours": 48}
    with pytest.raises(ValueError, match=r"booking\.pools"):
        rules_of([{**good, **row}])


def test_more_than_the_whole_is_refused() -> None:
    row = {"pool": "grassroots", "share": 0.6, "opens_days": 0, "anchor": "release", "hours": 48}
    with pytest.raises(ValueError, match="more than the whole"):
        rules_of([row, {**row, "pool": "follow-up"}])
