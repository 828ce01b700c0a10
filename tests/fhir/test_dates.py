"""Dates as intervals, in a region that is neither at Greenwich nor in China."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yilian.errors import BadRequest
from yilian.fhir import dates
from yilian.fhir.dates import FIRST, LAST, interval, region_zone, use_region_zone, zone_named

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [
        ("2023", utc(2022, 12, 31, 16), utc(2023, 12, 31, 16)),
        ("2023-12", utc(2023, 11, 30, 16), utc(2023, 12, 31, 16)),
        ("2024-02-29", utc(2024, 2, 28, 16), utc(2024, 2, 29, 16)),
        ("2023-02-01T08:30", utc(2023, 2, 1, 0, 30), utc(2023, 2, 1, 0, 31)),
        ("2023-02-01T08:30Z", utc(2023, 2, 1, 8, 30), utc(2023, 2, 1, 8, 31)),
        ("2023-02-01T08:30:15+08:00", utc(2023, 2, 1, 0, 30, 15), utc(2023, 2, 1, 0, 30, 16)),
        ("2023-02-01T08:30:15-03:30", utc(2023, 2, 1, 12, 0, 15), utc(2023, 2, 1, 12, 0, 16)),
        ("2023-02-01T08:30:15.25Z", utc(2023, 2, 1, 8, 30, 15, 250000), utc(2023, 2, 1, 8, 30, 15, 260000)),
        ("2023-02-01T08:30:15.1234569Z", utc(2023, 2, 1, 8, 30, 15, 123456), utc(2023, 2, 1, 8, 30, 15, 123457)),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1)),
    ],
)
def test_a_text_covers_all_its_precision_leaves_open(text: str, lo: datetime, hi: datetime) -> None:
    assert interval(text, SHANGHAI) == (lo, hi)


@pytest.mark.parametrize(
    "text",
    [
        "", "0000", "0000-01-01", "23", "2023-13", "2023-00", "2023-02-30", "2023-02-29", "2023-1-1", "2023-02-01T24:00:00Z",
        "2023-02-01T08", "2023-02-01T08:60:00Z", "2023-02-01T08:30:61Z", "2023-02-01 08:30:00",
        "2023-02-01T08:30:00+15:00", "2023-02-01T08:30:00+08:60",
        "2023-02-01T08:30:00.Z", "２０２３", "2023Z", "now", "2023-02-01\x00", "9" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused_in_both_languages(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        interval(text, SHANGHAI)
    assert refused.value.issues[0].zh
    assert len(refused.value.issues[0].diagnostics) < 200


def test_a_day_is_as_long_as_the_calendar_of_its_zone_says() -> None:
    lo, hi = interval("2023-03-26", ZoneInfo("Europe/Berlin"))
    assert hi - lo == timedelta(hours=23)


def test_the_ends_of_time_are_cut_off_and_never_empty() -> None:
    assert interval("9999-12-31", SHANGHAI)[1] == LAST
    assert interval("9999", SHANGHAI)[1] == LAST
    assert interval("0001-01-01T00:00:00+14:00", SHANGHAI)[0] == FIRST
    for text in ("9999-12-31T23:59:60Z", "9999-12-31T23:59:59.9999999-14:00", "0001-01-01", "0001-01-01T00:00:00+14:00"):
        lo, hi = interval(text, SHANGHAI)
        assert lo < hi


moments = st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9998, 12, 31))  # noqa: DTZ001


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_a_finer_text_lies_within_every_coarser_one(moment: datetime, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    stem = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    previous = interval(stem[:16] + offset, UTC)
    for text in (stem + offset, f"{stem}.{moment.microsecond:06}{offset}"):
        lo, hi = interval(text, UTC)
        assert previous[0] <= lo < hi <= previous[1]
        previous = (lo, hi)
    year, month, day = (interval(stem[:length], UTC) for length in (4, 7, 10))
    assert year[0] <= month[0] <= day[0] < day[1] <= month[1] <= year[1]


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        lo, hi = interval(text, SHANGHAI)
    except BadRequest:
        return
    assert lo < hi
    assert lo.tzinfo is UTC


def test_the_regions_zone_is_shanghai_until_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "_region", None)
    assert region_zone().key == "Asia/Shanghai"
    use_region_zone("Asia/Urumqi")
    assert region_zone().key == "Asia/Urumqi"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "\x00"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        zone_named(name)
