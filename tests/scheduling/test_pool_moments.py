"""The moments at which places open and fall to everybody: midnight, holidays, clocks that change, and a schedule's own shares. Each place's
moments are worked out when it is made, so these are the whole of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.scheduling.pools import PUBLIC, Release, Rule, own_shares, reserved

SHANGHAI, BERLIN, CHATHAM, KATHMANDU = (ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "Pacific/Chatham", "Asia/Kathmandu"))
GRASSROOTS = Rule("grassroots", 0.3, 14, "release", 48)
EXPERT = Rule("grassroots", 0.5, 14, "release", 48)
zones = st.sampled_from([SHANGHAI, BERLIN, CHATHAM, KATHMANDU])


def test_places_that_open_at_midnight_open_with_the_day_of_the_region_not_of_greenwich() -> None:
    starts = datetime(2026, 12, 10, 9, tzinfo=SHANGHAI)
    kept, public = list(reserved(0, 2, [EXPERT], Release(7, time(0)), date(2026, 12, 10), starts, SHANGHAI))
    assert public.opens == datetime(2026, 12, 2, 16, tzinfo=UTC)
    assert kept.opens == datetime(2026, 11, 18, 16, tzinfo=UTC)
    assert kept.public_from == public.opens + timedelta(hours=48)


def test_a_clinic_on_a_holiday_opens_as_on_any_day_and_a_holiday_in_between_moves_nothing() -> None:
    """The rules count days, not working days: 国庆节 2026 lies between release and clinic."""
    starts = datetime(2026, 10, 8, 8, tzinfo=SHANGHAI)
    [public] = reserved(1, 1, [GRASSROOTS], Release(7, time(7)), date(2026, 10, 8), starts, SHANGHAI)
    assert (public.pool, public.opens) == (PUBLIC, datetime(2026, 10, 1, 7, tzinfo=SHANGHAI))


def test_a_slot_just_after_midnight_is_of_its_own_day() -> None:
    starts = datetime(2026, 12, 10, 0, 30, tzinfo=SHANGHAI)
    [public] = reserved(1, 1, [GRASSROOTS], Release(7, time(7)), date(2026, 12, 10), starts, SHANGHAI)
    assert public.opens.astimezone(SHANGHAI) == datetime(2026, 12, 3, 7, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("zone", "day"), [(BERLIN, date(2026, 4, 2)), (BERLIN, date(2026, 10, 29)), (CHATHAM, date(2026, 10, 1))])
def test_the_release_is_at_the_same_wall_time_where_clocks_change_in_between(zone: ZoneInfo, day: date) -> None:
    starts = datetime.combine(day, time(9), zone)
    for place in reserved(0, 4, [EXPERT], Release(7, time(7)), day, starts, zone):
        assert place.opens.astimezone(zone).time() == time(7)


@pytest.mark.parametrize(
    ("zone", "day", "at", "opens"),
    [
        (BERLIN, date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # there is no 02:30: it is 03:30
        (BERLIN, date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 02:30 comes twice: the first
        (CHATHAM, date(2026, 9, 27), time(3), datetime(2026, 9, 26, 14, 15, tzinfo=UTC)),  # 02:45 becomes 03:45
        (CHATHAM, date(2026, 4, 5), time(3), datetime(2026, 4, 4, 13, 15, tzinfo=UTC)),  # 03:45 becomes 02:45: 03:00 comes twice
        (CHATHAM, date(2026, 9, 27), time(0), datetime(2026, 9, 26, 11, 15, tzinfo=UTC)),  # midnight is before the change
    ],
)
def test_a_release_in_the_hour_that_is_missing_or_comes_twice_is_at_one_moment(
    zone: ZoneInfo, day: date, at: time, opens: datetime
) -> None:
    on = day + timedelta(days=7)
    [public] = reserved(1, 1, [GRASSROOTS], Release(7, at), on, datetime.combine(on, time(9), zone), zone)
    assert public.opens == opens


@pytest.mark.parametrize(
    ("zone", "release"),
    [(BERLIN, date(2026, 3, 28)), (BERLIN, date(2026, 10, 24)), (CHATHAM, date(2026, 9, 26)), (CHATHAM, date(2026, 4, 4))],
)
@pytest.mark.parametrize("anchor", ["release", "start"])
def test_hours_are_true_hours_where_clocks_are_changed(zone: ZoneInfo, release: date, anchor: Literal["release", "start"]) -> None:
    """The night of the change lies within the 48 hours after the release, and within the 48 before the slot."""
    days = 7 if anchor == "release" else 0
    day = release + timedelta(days=7 if anchor == "release" else 2)
    starts = datetime.combine(day, time(9), zone)
    rule = Rule("grassroots", 1, 14, anchor, 48)
    [kept] = reserved(0, 1, [rule], Release(days or 7, time(7)), day, starts, zone)
    if anchor == "release":
        assert kept.public_from - datetime.combine(release, time(7), zone).astimezone(UTC) == timedelta(hours=48)
    else:
        assert starts.astimezone(UTC) - kept.public_from == timedelta(hours=48)


def test_a_slot_in_the_hour_that_comes_twice_is_kept_until_its_own_start() -> None:
    """02:30 the second time: what falls a quarter of an hour before it falls after 02:30 the first time."""
    starts = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    [kept] = reserved(0, 1, [Rule("emergency", 1, 0, "start", 0.25)], Release(1, time(7)), date(2026, 10, 25), starts, BERLIN)
    assert kept.public_from == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert kept.public_from.astimezone(UTC) - first.astimezone(UTC) == timedelta(minutes=45)


def test_a_worked_weekend_is_released_by_its_own_date_whichever_weekday_it_is_worked_for() -> None:
    """2026-10-10 is a Saturday that is worked; the release of a day that follows Friday's template goes by the Saturday."""
    day = date(2026, 10, 10)
    starts = datetime.combine(day, time(8), SHANGHAI)
    [public] = reserved(1, 1, [GRASSROOTS], Release(7, time(0)), day, starts, SHANGHAI)
    assert public.opens == datetime(2026, 10, 2, 16, tzinfo=UTC), "00:00 of 3 October in China, within the holidays"


@given(
    zone=zones,
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    at=st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
    hour=st.integers(0, 23),
    days=st.integers(0, 60),
    hours=st.integers(0, 400),
    anchor=st.sampled_from(["release", "start"]),
)
def test_whatever_the_rules_no_place_opens_after_its_slot_and_none_is_kept_beyond_it(
    zone: ZoneInfo, day: date, at: time, hour: int, days: int, hours: int, anchor: str
) -> None:
    rule = Rule("grassroots", 0.5, 14, "release" if anchor == "release" else "start", hours)
    starts = datetime.combine(day, time(hour), zone)
    for place in reserved(0, 6, [rule], Release(days, at), day, starts, zone):
        assert place.opens <= place.public_from <= starts
        if place.pool == PUBLIC:
            assert place.opens == place.public_from


def test_a_schedule_keeps_more_for_a_pool_by_the_times_of_the_rule_and_knows_new_pools() -> None:
    first, second = own_shares([GRASSROOTS], {"grassroots": 0.5, "follow-up": 0.2})
    assert (first.share, first.opens_days, first.hours) == (0.5, 14, 48)
    assert (second.pool, second.share, second.anchor) == ("follow-up", 0.2, "release")
    assert own_shares([GRASSROOTS], {}) == (GRASSROOTS,)
    for wrong in ({"grassroots": 0.2}, {"follow-up": 0.8}):
        with pytest.raises(ValueError, match=r"rule keeps|whole"):
            own_shares([GRASSROOTS], wrong)


@given(share=st.sampled_from([0.3, 0.5]), places=st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_a_day_keeps_its_share_in_whole_places_however_it_is_cut_into_slots(share: float, places: list[int]) -> None:
    """Slot after slot, as they are made: never less than the share of all places so far, never a whole place more."""
    rule, day = Rule("grassroots", share, 14, "release", 48), date(2026, 12, 10)
    starts, made, kept = datetime(2026, 12, 10, 8, tzinfo=SHANGHAI), 0, 0
    for many in places:
        kept += sum(one.pool != PUBLIC for one in reserved(made, many, [rule], Release(7, time(7)), day, starts, SHANGHAI))
        made += many
        assert share * made - 1e-6 <= kept < share * made + 1
