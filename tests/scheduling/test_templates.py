"""What a template makes of days: by the week, with holidays and the days worked for them, leave, extra clinics, and clocks that jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.region import exception, row, schedule
from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.scheduling.days import Day, Days, shipped
from yilian.scheduling.making import There, compare
from yilian.scheduling.planning import Planned, planned
from yilian.scheduling.templates import Extra, Hours, Leave, Row, Template, template_of

SHANGHAI, BERLIN, CHATHAM = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Chatham")
WORKDAYS = frozenset(range(1, 6))
NIGHT = Hours(time(0), time(6), 60, 1)
MORNING = Hours(time(8), time(12), 60, 5)

YEARS, DAYS = shipped()
CALENDAR = Days({one.day: one for one in DAYS}, {year: announced for year, announced, _ in YEARS})
PLAIN = Days({}, {})


def of_day(template: Template, day: date, zone: ZoneInfo = SHANGHAI, days: Days = CALENDAR) -> list[Planned]:
    return planned(template, days, zone, day, day + timedelta(days=1))


def test_a_working_day_is_cut_into_hours() -> None:
    made = of_day(Template((Row(WORKDAYS, MORNING),)), date(2026, 11, 24))
    assert [one.starts.astimezone(SHANGHAI).hour for one in made] == [8, 9, 10, 11]
    assert {one.places for one in made} == {5}
    assert all(one.ends - one.starts == timedelta(hours=1) for one in made)
    assert of_day(Template((Row(WORKDAYS, MORNING),)), date(2026, 11, 28)) == []


def test_what_is_left_over_is_no_slot() -> None:
    made = of_day(Template((Row(WORKDAYS, Hours(time(8), time(9, 50), 30, 1)),)), date(2026, 11, 24))
    assert [f"{one.starts.astimezone(SHANGHAI):%H:%M}" for one in made] == ["08:00", "08:30", "09:00"]


def test_nobody_sees_patients_on_the_national_day_unless_the_row_says_so() -> None:
    day = date(2026, 10, 1)
    assert of_day(Template((Row(WORKDAYS, MORNING),)), day) == []
    assert len(of_day(Template((Row(WORKDAYS, MORNING, holidays=True),)), day)) == 4


@pytest.mark.parametrize(
    ("day", "weekday"), [(date(2026, 2, 14), 5), (date(2026, 2, 28), 1), (date(2026, 10, 10), 3), (date(2026, 9, 20), 2)]
)
def test_a_weekend_that_is_worked_follows_the_day_it_is_worked_for(day: date, weekday: int) -> None:
    assert day.isoweekday() > 5
    others = WORKDAYS - {weekday}
    assert len(of_day(Template((Row(frozenset({weekday}), MORNING),)), day)) == 4
    assert of_day(Template((Row(others, MORNING),)), day) == []
    assert of_day(Template((Row(frozenset({day.isoweekday()}), MORNING),)), day) == []


def test_the_announcement_of_2026_has_its_days() -> None:
    """33 days off and 6 worked for them, by the announcement of 2025-11-04; 2027 is not announced, and later years are not known."""
    of_2026 = [one for one in DAYS if one.day.year == 2026]
    assert (sum(not one.works for one in of_2026), sum(one.works for one in of_2026)) == (33, 6)
    assert all(one.day.isoweekday() > 5 and 1 <= one.as_weekday <= 5 for one in of_2026 if one.works)
    statutory = [one for one in DAYS if one.day.year == 2027]
    assert len(statutory) == 13
    assert CALENDAR.unknown(date(2026, 12, 1), date(2027, 1, 1)) == ()
    assert CALENDAR.unknown(date(2026, 12, 1), date(2027, 1, 2)) == (2027,)
    assert CALENDAR.unknown(date(2028, 1, 1), date(2029, 1, 2)) == (2028, 2029)


def test_leave_takes_whole_days_or_a_part_of_them() -> None:
    template = Template((Row(WORKDAYS, MORNING),), leaves=(Leave(date(2026, 11, 24), date(2026, 11, 25)),))
    assert of_day(template, date(2026, 11, 24)) == of_day(template, date(2026, 11, 25)) == []
    assert len(of_day(template, date(2026, 11, 26))) == 4
    half = Template((Row(WORKDAYS, MORNING),), leaves=(Leave(date(2026, 11, 24), date(2026, 11, 24), time(9, 30), time(11)),))
    assert [one.starts.astimezone(SHANGHAI).hour for one in of_day(half, date(2026, 11, 24))] == [8, 11]


def test_an_extra_clinic_is_held_on_a_holiday_and_goes_before_the_row_it_meets() -> None:
    extra = Extra(date(2026, 10, 1), date(2026, 10, 1), Hours(time(9), time(10), 30, 2))
    assert [one.places for one in of_day(Template((Row(WORKDAYS, MORNING),), (extra,)), date(2026, 10, 1))] == [2, 2]
    both = Template((Row(WORKDAYS, MORNING),), (Extra(date(2026, 11, 24), date(2026, 11, 24), Hours(time(8), time(9), 30, 2)),))
    assert [one.places for one in of_day(both, date(2026, 11, 24))] == [2, 2, 5, 5, 5]


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        (BERLIN, date(2026, 3, 29), 5),  # 02:00 to 03:00 is left out
        (BERLIN, date(2026, 10, 25), 7),  # and comes twice
        (CHATHAM, date(2026, 9, 27), 5),
        (CHATHAM, date(2026, 4, 5), 7),
        (SHANGHAI, date(2026, 3, 29), 6),
    ],
)
def test_a_night_when_clocks_are_changed_has_whole_slots_only(zone: ZoneInfo, day: date, slots: int) -> None:
    made = of_day(Template((Row(frozenset({day.isoweekday()}), NIGHT),)), day, zone, PLAIN)
    assert len(made) == slots
    assert all(one.ends - one.starts == timedelta(hours=1) for one in made)
    assert all(one.starts.astimezone(zone).date() == day for one in made)
    assert made[-1].ends.astimezone(zone).time() == time(6)


hours = st.builds(
    lambda begin, length, minutes, places: Hours(time(begin), time((begin + length) % 24), minutes, places),
    st.integers(0, 20),
    st.integers(2, 3),
    st.sampled_from([5, 10, 15, 20, 30, 45, 60, 90]),
    st.integers(1, 20),
)
rows = st.builds(Row, st.frozensets(st.integers(1, 7), min_size=1), hours, holidays=st.booleans())
some_days = st.dates(date(2026, 1, 1), date(2027, 12, 1))


@given(
    rows=st.lists(rows, min_size=1, max_size=4),
    since=some_days,
    length=st.integers(1, 20),
    zone=st.sampled_from([SHANGHAI, BERLIN, CHATHAM]),
)
def test_slots_never_overlap_and_days_made_one_by_one_are_the_same(rows: list[Row], since: date, length: int, zone: ZoneInfo) -> None:
    template, until = Template(tuple(rows)), since + timedelta(days=length)
    made = planned(template, CALENDAR, zone, since, until)
    assert all(one.ends <= other.starts for one, other in pairwise(made))
    day_by_day = [one for n in range(length) for one in of_day(template, since + timedelta(days=n), zone)]
    assert made == day_by_day
    assert all(since <= one.starts.astimezone(zone).date() < until for one in made)


def there(start: datetime, *, minutes: int = 60, places: int = 5, taken: int = 0, planned: bool = True, stopped: bool = False) -> There:
    return There(1, "x", start, start + timedelta(minutes=minutes), places, stopped, planned, taken)


NINE = datetime(2026, 11, 24, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_is_taken_stays_and_what_is_not_follows_the_template() -> None:
    wanted = [Planned(NINE, NINE + HOUR, 3)]
    assert compare([], wanted, []).make == tuple(wanted)
    assert compare([there(NINE, places=3)], wanted, []).same == 1
    assert [places for _, places in compare([there(NINE, taken=2)], wanted, []).resize] == [3]
    assert compare([there(NINE, taken=5)], wanted, []).same == 1
    free, taken = compare([there(NINE, minutes=30)], wanted, []), compare([there(NINE, minutes=30, taken=1)], wanted, [])
    assert (len(free.remove), len(free.make)) == (1, 1)
    assert (len(taken.stay), taken.make, taken.remove) == (1, (), ())
    away = compare([there(NINE, taken=1)], [], [(NINE, NINE + HOUR)])
    assert (len(away.stop), away.stay) == (1, ())
    by_hand = compare([there(NINE, planned=False)], [], [])
    assert (by_hand.same, by_hand.remove) == (1, ())


@given(
    lengths=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([30, 60]), st.integers(0, 3), st.booleans()), max_size=12),
    wants=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=12),
)
def test_whatever_is_compared_no_taken_slot_is_removed_and_nothing_new_overlaps(lengths: list[Any], wants: list[Any]) -> None:
    begin = {NINE + timedelta(hours=2 * n): (minutes, taken, planned) for n, minutes, taken, planned in lengths}
    stored = [there(at, minutes=minutes, taken=taken, planned=by_us) for at, (minutes, taken, by_us) in begin.items()]
    wanted = [Planned(at, at + HOUR, places) for at, places in {NINE + timedelta(hours=2 * n): places for n, places in wants}.items()]
    found = compare(stored, wanted, [])
    assert not any(one.taken or not one.planned for one in found.remove)
    left = [one for one in stored if one not in found.remove]
    assert not any(one.starts < other.ends and other.starts < one.ends for one in found.make for other in left)
    assert len(found.same * [0]) + len(found.resize) + len(found.remove) + len(found.stop) + len(found.stay) == len(stored)


def test_a_template_is_read_from_the_schedule() -> None:
    read = template_of(
        schedule("s", "PractitionerRole/x")
        | {
            "extension": [
                row(("mon", "wed"), "08:00:00", "12:00:00", 30, 4, period={"start": "2026-12-01"}, holidays=True),
                exception("leave", "2026-12-07", "2026-12-09", reason="进修"),
                exception("extra", "2026-12-12", "2026-12-12", hours=("08:00:00", "00:00:00", 60, 2)),
                {
                    "url": urls.SCHEDULE_SHARE,
                    "extension": [{"url": "pool", "valueCode": "grassroots"}, {"url": "share", "valueDecimal": 0.6}],
                },
                {"url": "http://elsewhere", "valueString": "left alone"},
            ]
        }
    )
    assert read.rows == (Row(frozenset({1, 3}), Hours(time(8), time(12), 30, 4), date(2026, 12, 1), None, True),)
    assert read.leaves == (Leave(date(2026, 12, 7), date(2026, 12, 9), reason="进修"),)
    assert read.extras == (Extra(date(2026, 12, 12), date(2026, 12, 12), Hours(time(8), time(0), 60, 2)),)
    assert read.shares == {"grassroots": 0.6}
    assert not template_of(schedule("s", "PractitionerRole/x"))


MONDAY = row(("mon",), "08:00:00", "12:00:00", 30, 4)


@pytest.mark.parametrize(
    "broken",
    [
        row((), "08:00:00", "12:00:00", 30, 4),
        row(("someday",), "08:00:00", "12:00:00", 30, 4),
        row(("mon",), "12:00:00", "08:00:00", 30, 4),
        row(("mon",), "08:00:00", "08:20:00", 30, 4),
        row(("mon",), "08:00:30", "12:00:00", 30, 4),
        row(("mon",), "8 o'clock", "12:00:00", 30, 4),
        row(("mon",), "08:00:00", "12:00:00", 1, 4),
        row(("mon",), "08:00:00", "12:00:00", 30, 0),
        row(("mon",), "08:00:00", "12:00:00", 30, 4, period={"start": "2026-12-02", "end": "2026-12-01"}),
        row(("mon",), "08:00:00", "12:00:00", 30, 4, period={"start": "2026-12-02T08:00:00Z"}),
        exception("leave", "2026-12-02", None),
        exception("holiday", "2026-12-02", "2026-12-02"),
        {**MONDAY, "extension": [*MONDAY["extension"], {"url": "colour", "valueCode": "red"}]},
        {"url": urls.SCHEDULE_SHARE, "extension": [{"url": "pool", "valueCode": "public"}, {"url": "share", "valueDecimal": 0.5}]},
        {"url": urls.SCHEDULE_SHARE, "extension": [{"url": "pool", "valueCode": "grassroots"}, {"url": "share", "valueDecimal": 1.5}]},
    ],
)  # fmt: skip
def test_a_template_that_makes_no_sense_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidResource) as refused:
        template_of(schedule("s", "PractitionerRole/x") | {"extension": [broken]})
    assert refused.value.issues[0].expression == "Schedule.extension[0]"
    assert refused.value.issues[0].zh


def test_a_day_of_the_calendar_knows_its_weekday() -> None:
    days = Days({date(2026, 12, 5): Day(date(2026, 12, 5), True, "调休", 0, "本地")}, {})
    assert days.weekday(date(2026, 12, 5)) == 6, "without a weekday of its own it follows its own"
    assert days.holiday(date(2026, 12, 5)) == ""
