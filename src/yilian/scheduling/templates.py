"""排班: what a Schedule says of the slots that are to be made for it, read from its extensions.

    urls.SCHEDULE_TEMPLATE    weekday (valueCode mon…sun, repeats), from, to (valueTime), minutes, places (valuePositiveInt), and where
                              wanted period (valuePeriod, days) and holidays (valueBoolean: also on holidays)
    urls.SCHEDULE_EXCEPTION   kind (valueCode leave | extra), period (valuePeriod, days); from and to, for leave only where it is part of
                              the days; minutes and places for extra; reason (valueString)
    urls.SCHEDULE_SHARE       pool (valueCode), share (valueDecimal): this schedule keeps more for a pool than the region's rule says

Times are the region's; `to` of 00:00 is midnight at the end of the day. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, TypeVar

from yilian.errors import InvalidResource
from yilian.fhir import urls
from yilian.scheduling.pools import POOLS, PUBLIC

Json = Mapping[str, Any]
T = TypeVar("T")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = time(0)
MOST_PARTS = 60
"""Rows and exceptions one schedule may have."""
SHORTEST, LONGEST = 5, 24 * 60
MOST_PLACES = 500
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of a day cut into slots of so many minutes, each with so many places. What is left over at its end is no slot."""

    begins: time
    ends: time
    minutes: int
    places: int


@dataclass(frozen=True, slots=True)
class Row:
    """Hours on these weekdays (1 Monday to 7), on the days [since, until] where these are given; on holidays only if `holidays`."""

    weekdays: frozenset[int]
    hours: Hours
    since: date | None = None
    until: date | None = None
    holidays: bool = False

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra clinic on the days [since, until], whatever the week or the holidays say."""

    since: date
    until: date
    hours: Hours


@dataclass(frozen=True, slots=True)
class Leave:
    """No slots on the days [since, until], whole days or between these times."""

    since: date
    until: date
    begins: time = MIDNIGHT
    ends: time = MIDNIGHT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Everything a Schedule says of its slots. `shares`: pool → share, where it keeps more than the rule."""

    rows: tuple[Row, ...] = ()
    extras: tuple[Extra, ...] = ()
    leaves: tuple[Leave, ...] = ()
    shares: Mapping[str, float] | None = None

    def __bool__(self) -> bool:
        return bool(self.rows or self.extras)


def template_of(schedule: Json) -> Template:
    """The template of a Schedule; empty where it has none. Raises InvalidResource, with the place of the fault, for what makes no sense."""
    rows: list[Row] = []
    extras: list[Extra] = []
    leaves: list[Leave] = []
    shares: dict[str, float] = {}
    for place, extension in enumerate(schedule.get("extension", ())):
        parts = _Parts(extension, f"Schedule.extension[{place}]")
        match extension.get("url"):
            case urls.SCHEDULE_TEMPLATE:
                rows.append(_row(parts))
            case urls.SCHEDULE_EXCEPTION if parts.code("kind", ("leave", "extra")) == "leave":
                leaves.append(_leave(parts))
            case urls.SCHEDULE_EXCEPTION:
                extras.append(Extra(*parts.days("period"), _hours(parts)))
            case urls.SCHEDULE_SHARE:
                pool = parts.code("pool", tuple(pool for pool in POOLS if pool != PUBLIC))
                shares[pool] = parts.share("share")
            case _:
                continue
        parts.done()
    if len(rows) + len(extras) + len(leaves) > MOST_PARTS:
        raise InvalidResource(
            f"A schedule has at most {MOST_PARTS} rows and exceptions; end old ones.",
            expression="Schedule.extension",
            zh=f"一个排班最多 {MOST_PARTS} 条规则,请删除已过期的规则。",
        )
    return Template(tuple(rows), tuple(extras), tuple(leaves), shares or None)


def _row(parts: _Parts) -> Row:
    weekdays = frozenset(1 + WEEKDAYS.index(code) for code in parts.codes("weekday", WEEKDAYS))
    since, until = parts.bounds("period")
    return Row(weekdays, _hours(parts), since, until, parts.flag("holidays"))


def _hours(parts: _Parts) -> Hours:
    hours = Hours(parts.time("from"), parts.time("to"), parts.number("minutes", SHORTEST, LONGEST), parts.number("places", 1, MOST_PLACES))
    length = _minutes(hours.ends, last=True) - _minutes(hours.begins)
    if length < hours.minutes:
        raise parts.wrong("to", "there is no room for a slot between from and to", "开始与结束时间之间不足一个时段")
    return hours


def _leave(parts: _Parts) -> Leave:
    since, until = parts.days("period")
    begins, ends = parts.time("from", MIDNIGHT), parts.time("to", MIDNIGHT)
    if _minutes(ends, last=True) <= _minutes(begins):
        raise parts.wrong("to", "it ends after it begins", "结束时间须晚于开始时间")
    return Leave(since, until, begins, ends, parts.text("reason"))


def _minutes(at: time, last: bool = False) -> int:
    return 24 * 60 if last and at == MIDNIGHT else at.hour * 60 + at.minute


class _Parts:
    """The parts of one complex extension, taken one by one; what is left over is a fault."""

    def __init__(self, extension: Json, where: str) -> None:
        self.where = where
        self.left: dict[str, list[Any]] = {}
        for part in extension.get("extension", ()):
            values = [value for key, value in part.items() if key.startswith("value")]
            if len(values) != 1:
                raise self.wrong(str(part.get("url", "")), "one value each", "缺少内容")
            self.left.setdefault(str(part.get("url", "")), []).append(values[0])

    def wrong(self, name: str, diagnostics: str, zh: str) -> InvalidResource:
        return InvalidResource(f"{name[:40]}: {diagnostics}.", expression=self.where, zh=f"排班规则有误:{zh}。")

    def done(self) -> None:
        if self.left:
            raise self.wrong(", ".join(sorted(self.left)), "not known here", "含有无法识别的内容")

    def codes(self, name: str, known: Sequence[str]) -> list[str]:
        found = self.left.pop(name, [])
        if not found or any(code not in known for code in found):
            raise self.wrong(name, f"one or more of {', '.join(known)}", "请选择出诊的星期")
        return [str(code) for code in found]

    def code(self, name: str, known: Sequence[str]) -> str:
        found = self._one(name)
        if found not in known:
            raise self.wrong(name, f"one of {', '.join(known)}", "类别不正确")
        return str(found)

    def time(self, name: str, default: time | None = None) -> time:
        return self._read(name, _time, "a time (08:00:00)", "请填写时间", default)

    def number(self, name: str, least: int, most: int) -> int:
        found = self._one(name)
        if type(found) is not int or not least <= found <= most:
            zh = f"每个时段为 {least} 至 {most} 分钟" if name == "minutes" else f"号源数为 {least} 至 {most}"
            raise self.wrong(name, f"a whole number of {least} to {most}", zh)
        return found

    def share(self, name: str) -> float:
        found = self._read(name, lambda value: float(str(value)), "a number", "请填写比例")
        if not 0 < found <= 1:
            raise self.wrong(name, "above 0 and at most 1", "比例应在 0 到 100% 之间")
        return found

    def flag(self, name: str) -> bool:
        found = self._one(name, False)
        if type(found) is not bool:
            raise self.wrong(name, "true or false", "内容不正确")
        return found

    def text(self, name: str) -> str:
        return str(self._one(name, ""))[:200]

    def bounds(self, name: str) -> tuple[date | None, date | None]:
        """The first and last day of a Period, either of which may be open."""
        period = self._one(name, {})
        if not isinstance(period, Mapping):
            raise self.wrong(name, "a Period of days", "起止日期不正确")
        try:
            since, until = (_day(one) if one is not None else None for one in (period.get("start"), period.get("end")))
        except ValueError:
            raise self.wrong(name, "days as 2026-12-01", "起止日期不正确") from None
        if since and until and until < since:
            raise self.wrong(name, "ends after it begins", "结束日期不能早于开始日期")
        return since, until

    def days(self, name: str) -> tuple[date, date]:
        since, until = self.bounds(name)
        if since is None or until is None:
            raise self.wrong(name, "both a first and a last day", "请填写起止日期")
        return since, until

    def _read(self, name: str, read: Callable[[Any], T], diagnostics: str, zh: str, default: T | None = None) -> T:
        found = self._one(name)
        if found is None and default is not None:
            return default
        try:
            return read(found)
        except (TypeError, ValueError):
            raise self.wrong(name, diagnostics, zh) from None

    def _one(self, name: str, default: Any = None) -> Any:
        found = self.left.pop(name, [default])
        if len(found) != 1:
            raise self.wrong(name, "only once", "内容重复")
        return found[0]


def _time(value: Any) -> time:
    found = time.fromisoformat(value)
    if found.second or found.microsecond or found.tzinfo:
        raise ValueError("whole minutes")
    return found


def _day(value: Any) -> date:
    if type(value) is not str or not _DAY.fullmatch(value):
        raise ValueError("no day")
    return date.fromisoformat(value)
