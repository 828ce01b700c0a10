"""FHIR's dates as intervals: "2023" is a year long, "2023-02-01T08:30:00+08:00" a second.

A date without an offset is a day of the region (default Asia/Shanghai), not of Greenwich.
http://hl7.org/fhir/R4/datatypes.html#dateTime, http://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yilian.errors import BadRequest

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)

_form = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,40}))?)?(?P<offset>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_region: ZoneInfo | None = None


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises BadRequest when the machine knows none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(
            f"{name[:60]!r} is no time zone; write an IANA name such as Asia/Shanghai.",
            zh="时区名称无效,请使用 IANA 名称,如 Asia/Shanghai。",
        ) from None


def region_zone() -> ZoneInfo:
    """The zone of the region: what `use_region_zone` was told at start, else Asia/Shanghai."""
    return _region or zone_named("Asia/Shanghai")


def use_region_zone(name: str) -> None:
    """Set the region's zone, once, where the house is wired. Raises BadRequest for an unknown name."""
    global _region
    _region = zone_named(name)
    _interval.cache_clear()


def interval(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """The half-open interval [lo, hi) that a date, dateTime or instant of any precision covers, as aware UTC datetimes.

    `zone` is used where the text has no offset. Minutes without seconds are taken, as in search parameters. What is finer than a
    microsecond covers the microsecond it lies in; a leap second covers the second after it. The years 1 to 9999 are all there is.
    Raises BadRequest when the text is not such a date, or there is no such day (2023-02-30).
    """
    lo, hi = _interval(text, zone)
    return (lo, hi) if lo < hi else (LAST - _MICROSECOND, LAST)


@lru_cache(maxsize=8192)
def _interval(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    match = _form.fullmatch(text)
    if match is None:
        raise _not_a_date(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        return _bounds(int(year), month, day, hour, minute, second, fraction, offset, zone)
    except ValueError:
        raise _not_a_date(text) from None


def _bounds(
    year: int,
    month: str | None,
    day: str | None,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    offset: str | None,
    zone: tzinfo,
) -> tuple[datetime, datetime]:
    if hour is None or minute is None:
        start = datetime(year, int(month or 1), int(day or 1), tzinfo=zone)
        return _utc(start), _end_of_days(start, month, day, zone)
    leap = second == "60"
    micros = int((fraction or "").ljust(6, "0")[:6]) if fraction else 0
    lo = _utc(
        datetime(
            year,
            int(month or 1),
            int(day or 1),
            int(hour),
            int(minute),
            59 if leap else int(second or 0),
            0 if leap else micros,
            tzinfo=_offset(offset, zone),
        )
    )
    if leap:
        lo = _later(lo, _SECOND)
        return lo, _later(lo, _SECOND)
    if second is None:
        return lo, _later(lo, _MINUTE)
    return lo, _later(lo, _SECOND if fraction is None else max(_MICROSECOND, _SECOND / 10 ** min(len(fraction), 6)))


def _end_of_days(start: datetime, month: str | None, day: str | None, zone: tzinfo) -> datetime:
    """The first instant after the day, month or year. By the calendar, since a day may have 23 hours."""
    if day is not None:
        after = start.date().toordinal() + 1
        try:
            following = datetime.fromordinal(after)
        except ValueError:
            return LAST
        return _utc(following.replace(tzinfo=zone))
    year, number = (start.year, start.month + 1) if month is not None else (start.year + 1, 1)
    if number == 13:
        year, number = year + 1, 1
    return LAST if year > 9999 else _utc(datetime(year, number, 1, tzinfo=zone))


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if int(text[4:6]) > 59 or minutes > 14 * 60:
        raise ValueError(text)
    return _fixed(-minutes if text[0] == "-" else minutes)


@lru_cache(maxsize=128)
def _fixed(minutes: int) -> tzinfo:
    return timezone(timedelta(minutes=minutes))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return LAST


def _not_a_date(text: str) -> BadRequest:
    return BadRequest(
        f"{text[:60]!r} is not a date; write 2023, 2023-02, 2023-02-01 or 2023-02-01T08:30:00+08:00.",
        zh=f"“{text[:60]}”不是有效的日期,请写成 2023-02-01 或 2023-02-01T08:30:00+08:00。",
    )
