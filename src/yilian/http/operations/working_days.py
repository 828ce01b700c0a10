"""The region's days of work and rest over HTTP: Schedule/$working-days, and $set-working-day for administrators.

docs/reference/schedules.md
"""

from __future__ import annotations

from datetime import date
from typing import Any

from yilian.errors import BadRequest, Forbidden
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import days
from yilian.scheduling.days import Day
from yilian.store.scope import Scope

Json = dict[str, Any]

CALENDAR = (
    Parameter("year", "integer"), Parameter("day"), Parameter("works", "boolean"), Parameter("name"), Parameter("as-weekday", "integer"),
    Parameter("source"), Parameter("announced", "boolean"), Parameter("remove", "boolean"),
)  # fmt: skip


async def working_days(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$working-days with year: the days other than by the week, and whether the year's arrangement is known."""
    called = await called_with(request, (Parameter("year", "integer"),))
    async with house.db.reading() as tx:
        return await _year(tx, int(called.one("year") or 0) or tx.now.astimezone(region_zone()).year)


async def set_working_day(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$set-working-day, for administrators: day, works, name, as-weekday and source; day and remove; or year, announced and
    source. The year as it is then."""
    require_calendar(asker)
    called = await called_with(request, CALENDAR)
    async with house.db.transaction() as tx:
        return await _year(tx, await _set_day(tx, called))


async def _year(tx: Any, year: int) -> Answer:
    if not 1 < year < 9999:
        raise BadRequest("year is a year.", expression="year", zh="年份不正确。")
    found = await days.days(tx, date(year, 1, 1), date(year + 1, 1, 1))
    known = [{"name": "announced", "valueBoolean": found.years.get(year, False)}, {"name": "known", "valueBoolean": year in found.years}]
    named = [{"name": "day", "part": day_parts(one)} for one in found.days.values()]
    return parameters([{"name": "year", "valueInteger": year}, *known, *named])


def require_calendar(asker: Scope) -> None:
    """Raises Forbidden unless this asker keeps the region's calendar: administrators and systems of the region."""
    if not (asker.may_write and (asker.reach == "everything" or "admin" in asker.roles)):
        raise Forbidden("The calendar of the region is kept by administrators.", zh="节假日由系统管理员维护。")


async def _set_day(tx: Any, called: Called) -> int:
    day, source = day_of(called, "day"), called.text("source") or "本地维护"
    if day is None:
        if not called.one("year") or not called.flag("announced"):
            raise BadRequest("Give day, or year and announced.", zh="请指定日期。")
        await days.announce(tx, year := int(called.one("year")), source)
        return year
    if called.flag("remove"):
        await days.forget(tx, day)
    else:
        await days.put(tx, Day(day, called.flag("works"), called.text("name"), int(called.one("as-weekday") or 0), source))
    return day.year


def day_parts(one: Day) -> list[Json]:
    parts: list[Json] = [
        {"name": "date", "valueDate": one.day.isoformat()},
        {"name": "works", "valueBoolean": one.works},
        {"name": "name", "valueString": one.name},
        {"name": "source", "valueString": one.source},
    ]
    return [*parts, *([{"name": "as-weekday", "valueInteger": one.as_weekday}] if one.as_weekday else [])]


def parameters(parts: list[Json]) -> Answer:
    return of_json({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


def day_of(called: Called, name: str) -> date | None:
    if not (text := called.text(name)):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name} is a day: 2026-12-01.", expression=name, zh="日期格式不正确。") from None


OURS = urls.BASE + "OperationDefinition/schedule-"
OPERATIONS = (
    Operation("Schedule", "type", "working-days", working_days, False, "Holidays, and weekends that are worked", OURS + "working-days"),
    Operation("Schedule", "type", "set-working-day", set_working_day, True, "Keep the calendar of the region", OURS + "set-working-day"),
)
