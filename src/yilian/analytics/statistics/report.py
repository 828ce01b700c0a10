"""A table as FHIR MeasureReport: a stratum for each number that is shown, and for each that is withheld one that says so.

http://hl7.org/fhir/R4/measurereport.html; https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.analytics.statistics.figures import Counted, Line, Period, Statistic
from yilian.analytics.statistics.suppression import published
from yilian.errors import BadRequest
from yilian.fhir import urls

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
POPULATION = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/measure-population", "code": "measure-population"}]}
SMALLEST = urls.BASE + "StructureDefinition/smallest-cell"
"""On a MeasureReport: counts below this are withheld."""
MOST_YEARS = 20


def period_of(year: int, now: datetime, zone: tzinfo) -> Period:
    """The months of `year` that are over at `now`. BadRequest for a year of which none is."""
    here = now.astimezone(zone)
    over = 12 if year < here.year else here.month - 1 if year == here.year else 0
    if over < 1 or year <= here.year - MOST_YEARS:
        raise BadRequest(
            f"There is no month of {year} to count: months are counted when they are over, for {MOST_YEARS} years.",
            expression="periodStart",
            zh=f"{year}年没有可统计的月份:按月统计,当月结束后才计入。",
        )
    since = datetime(year, 1, 1, tzinfo=zone)
    until = datetime(year + over // 12, over % 12 + 1, 1, tzinfo=zone)
    return Period(year, since, until, range(1, over + 1), now, zone)


async def report(tx: Tx, statistic: Statistic, period: Period) -> Json:
    """The MeasureReport of this table, as it may be shown by the policy `statistics.smallest_cell`."""
    least = int(await policy.value(tx, "statistics.smallest_cell", period.now))
    counted = await statistic.count(tx, period)
    rows, columns = _with_somebody(counted)
    table = published(
        [[counted.counts.get((row.code, column.code), 0) for column in columns] for row in rows], least, column_totals=statistic.adds_up
    )
    strata: list[Json] = []
    for row, numbers, total in zip(rows, table.cells, table.row_totals, strict=True):
        strata += [
            _stratum(number, (statistic.by_row, row), (statistic.by_column, column))
            for column, number in zip(columns, numbers, strict=True)
        ]
        strata.append(_stratum(total, (statistic.by_row, row)))
    if rows and table.column_totals is not None:
        strata += [_stratum(total, (statistic.by_column, column)) for column, total in zip(columns, table.column_totals, strict=True)]
    today = period.now.astimezone(period.zone).date()
    first, last = (period.since.date(), period.until.date() - timedelta(days=1)) if statistic.dated else (today, today)
    group: Json = {
        "code": {"text": statistic.zh},
        "stratifier": [{"code": [{"text": f"{statistic.by_row} × {statistic.by_column}"}], "stratum": strata}],
    }
    if statistic.adds_up:
        group["population"] = [_population(table.total)]
    return {
        "resourceType": "MeasureReport",
        "extension": [{"url": SMALLEST, "valueInteger": least}],
        "status": "complete",
        "type": "summary",
        "measure": statistic.url,
        "date": period.now.astimezone(period.zone).isoformat(timespec="seconds"),
        "period": {"start": first.isoformat(), "end": last.isoformat()},
        "group": [group],
    }  # fmt: skip


def _with_somebody(counted: Counted) -> tuple[list[Line], list[Line]]:
    """The lines, without those for what is unknown where nothing is."""

    def kept(line: Line, place: int) -> bool:
        return line.code not in ("unknown", "other") or any(key[place] == line.code for key, many in counted.counts.items() if many)

    return [row for row in counted.rows if kept(row, 0)], [column for column in counted.columns if kept(column, 1)]


def _stratum(number: int | None, *by: tuple[str, Line]) -> Json:
    component = [
        {"code": {"text": what}, "value": {"coding": [{"code": line.code, "display": line.zh}], "text": line.zh}} for what, line in by
    ]
    return {"component": component, "population": [_population(number)]}


def _population(number: int | None) -> Json:
    if number is None:
        return {"code": POPULATION, "_count": {"extension": [{"url": ABSENT, "valueCode": "masked"}]}}
    return {"code": POPULATION, "count": number}
