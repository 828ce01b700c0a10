"""Working days of the region: by the week, but for holidays and the weekends that are worked for them (调休).

A table of dated rows that an administrator keeps; `calendar.toml` has what was announced when this version was made. A year nobody has
entered is told as unknown, never guessed at.
全国年节及纪念日放假办法 (国务院令第795号); the arrangement of a year is announced by the 国务院办公厅 in the autumn before.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from yilian.errors import BadRequest

if TYPE_CHECKING:
    from yilian.db import Tx

FILE = Path(__file__).with_name("calendar.toml")
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Day:
    """A day other than by the week. as_weekday: the weekday whose template is followed, 1 Monday to 7; 0: its own. source: who says so."""

    day: date
    works: bool
    name: str
    as_weekday: int
    source: str


@dataclass(frozen=True, slots=True)
class Days:
    """The calendar of some years. `years`: whether a year's arrangement was announced; one that is not in it is unknown."""

    days: Mapping[date, Day]
    years: Mapping[int, bool]

    def weekday(self, day: date) -> int:
        """Which weekday's template a day follows, 1 Monday to 7 Sunday; holidays keep their own."""
        found = self.days.get(day)
        return (found.as_weekday if found and found.works else 0) or day.isoweekday()

    def holiday(self, day: date) -> str:
        """The name of the holiday, "" on any other day."""
        found = self.days.get(day)
        return found.name if found and not found.works else ""

    def unknown(self, since: date, until: date) -> tuple[int, ...]:
        """The years of [since, until) of which no arrangement has been announced."""
        last = max(since, until - timedelta(days=1))
        return tuple(year for year in range(since.year, last.year + 1) if not self.years.get(year))


@cache
def shipped() -> tuple[tuple[tuple[int, bool, str], ...], tuple[Day, ...]]:
    """The years and the days of `calendar.toml`."""
    years: list[tuple[int, bool, str]] = []
    days: list[Day] = []
    for key, year in tomllib.loads(FILE.read_text(encoding="utf-8")).items():
        years.append((int(key), year["announced"], year["source"]))
        for first, last, name in year["rest"]:
            days += [Day(first + timedelta(days=n), False, name, 0, year["source"]) for n in range((last - first).days + 1)]
        days += [Day(day, True, name, weekday, year["source"]) for day, weekday, name in year["work"]]
    return tuple(years), tuple(days)


async def seed(tx: Tx) -> None:
    """Bring what came with the platform up to date, in `tx`. A year of which a region has set anything itself is left alone."""
    years, days = shipped()
    await tx.executemany(
        """
        insert into calendar_year (year, announced, source, shipped) values ($1, $2, $3, true)
        on conflict (year) do update set announced = excluded.announced, source = excluded.source where calendar_year.shipped
        """,
        years,
    )
    await tx.executemany(
        """
        insert into calendar_day (day, works, name, as_weekday, source, shipped)
        select $1, $2, $3, nullif($4::smallint, 0), $5, true
        where exists (select from calendar_year y where y.year = extract(year from $1::date) and y.shipped)
        on conflict (day) do update set
            works = excluded.works, name = excluded.name, as_weekday = excluded.as_weekday, source = excluded.source
        where calendar_day.shipped
        """,
        [(one.day, one.works, one.name, one.as_weekday, one.source) for one in days],
    )


async def days(tx: Tx, since: date, until: date) -> Days:
    """The calendar of [since, until)."""
    rows = await tx.fetch(
        """
        select day, works, name, coalesce(as_weekday, 0) as as_weekday, source from calendar_day where day >= $1 and day < $2 order by day
        """,
        since,
        until,
    )
    years = await tx.fetch("select year, announced from calendar_year")
    return Days({row["day"]: Day(**dict(row)) for row in rows}, {row["year"]: row["announced"] for row in years})


async def put(tx: Tx, one: Day) -> None:
    """Set one day, in `tx`; the year is the region's own from now on. Raises BadRequest for a day without a name, or a weekday there is
    not."""
    if not one.name.strip() or len(one.name) > LONGEST_NAME:
        raise BadRequest(f"A day has a name of at most {LONGEST_NAME} characters.", expression="name", zh="请填写节假日名称。")
    if not 0 <= one.as_weekday <= 7 or (one.as_weekday and not one.works):
        raise BadRequest("as-weekday is 1 (Monday) to 7, on a day that is worked.", expression="as-weekday", zh="请选择按周几出诊。")
    await tx.execute(
        """
        insert into calendar_day (day, works, name, as_weekday, source) values ($1, $2, $3, nullif($4::smallint, 0), $5)
        on conflict (day) do update set works = excluded.works, name = excluded.name, as_weekday = excluded.as_weekday,
            source = excluded.source, shipped = false
        """,
        one.day,
        one.works,
        one.name.strip(),
        one.as_weekday,
        one.source,
    )
    await _own(tx, one.day.year)


async def forget(tx: Tx, day: date) -> bool:
    """Take one day back to its weekday, in `tx`; whether there was anything to take back."""
    gone = await tx.fetchval("delete from calendar_day where day = $1 returning true", day)
    await _own(tx, day.year)
    return bool(gone)


async def announce(tx: Tx, year: int, source: str) -> None:
    """Say that the arrangement of a year is complete, in `tx`."""
    await tx.execute(
        """
        insert into calendar_year (year, announced, source) values ($1, true, $2)
        on conflict (year) do update set announced = true, source = excluded.source, shipped = false
        """,
        year,
        source,
    )


async def _own(tx: Tx, year: int) -> None:
    await tx.execute(
        """
        insert into calendar_year (year, announced, source) values ($1, false, '本地维护')
        on conflict (year) do update set shipped = false
        """,
        year,
    )
