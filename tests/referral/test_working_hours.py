"""Limits in working hours: laws that hold for every calendar, and the cases people ask about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.referral.working_hours import ALWAYS, WorkingHours, hours_of

ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York")]
CALENDARS = st.builds(
    WorkingHours,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.sampled_from([time(), time(8), time(8, 30)]),
    st.sampled_from([None, time(17), time(20, 15)]),
    st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.booleans(), max_size=6),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.timedeltas(timedelta(), timedelta(hours=60))


@given(CALENDARS, MOMENTS, LENGTHS, st.sampled_from(ZONES))
def test_what_lies_between_the_start_and_the_end_is_the_limit(
    hours: WorkingHours, since: datetime, length: timedelta, zone: ZoneInfo
) -> None:
    until = hours.after(since, length, zone)
    assert until >= since + length - timedelta(microseconds=10)
    assert abs(hours.between(since, until, zone) - length) < timedelta(milliseconds=1)


@given(CALENDARS, MOMENTS, LENGTHS, LENGTHS, st.sampled_from(ZONES))
def test_a_longer_limit_never_ends_earlier(hours: WorkingHours, since: datetime, one: timedelta, more: timedelta, zone: ZoneInfo) -> None:
    assert hours.after(since, one + more, zone) >= hours.after(since, one, zone)


@given(MOMENTS, LENGTHS, st.sampled_from(ZONES))
def test_round_the_clock_is_plain_addition(since: datetime, length: timedelta, zone: ZoneInfo) -> None:
    assert abs(ALWAYS.after(since, length, zone) - (since + length)) < timedelta(microseconds=10)


def test_four_hours_from_friday_afternoon_end_on_monday_and_after_a_holiday() -> None:
    zone = ZONES[0]
    office = hours_of({"from": "08:00", "to": "17:00", "weekdays": [1, 2, 3, 4, 5]}, {date(2026, 10, 1): False, date(2026, 10, 10): True})
    friday = datetime(2026, 11, 20, 16, 0, tzinfo=zone)
    assert office.after(friday, timedelta(hours=4), zone) == datetime(2026, 11, 23, 11, 0, tzinfo=zone)
    assert office.after(datetime(2026, 9, 30, 16, 30, tzinfo=zone), timedelta(hours=1), zone) == datetime(2026, 10, 2, 8, 30, tzinfo=zone)
    assert office.after(datetime(2026, 10, 9, 16, 0, tzinfo=zone), timedelta(hours=2), zone) == datetime(2026, 10, 10, 9, 0, tzinfo=zone)


@pytest.mark.parametrize(
    "value",
    [
        {"from": "08:00", "to": "07:00", "weekdays": [1]},
        {"from": "08:00", "to": "17:00", "weekdays": []},
        {"from": "8", "to": "x", "weekdays": [9]},
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        hours_of(value, {})
