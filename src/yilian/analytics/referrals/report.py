"""A table of referrals as FHIR MeasureReport: a stratum for each line, a population for each number, the median time as its score.

http://hl7.org/fhir/R4/measurereport.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yilian.analytics.referrals.figures import FIGURES, Line, Table
from yilian.analytics.referrals.workbook import SIDES
from yilian.fhir import urls

Json = dict[str, Any]

FIGURE = urls.BASE + "CodeSystem/referral-figure"
BEFORE = "a-year-before"
MEASURE = urls.BASE + "Measure/referral-process"
MORE = urls.BASE + "StructureDefinition/lines-left-out"


def report(table: Table, now: datetime) -> Json:
    """The MeasureReport; scores in hours."""
    asked = table.asked
    group: Json = {
        "code": {"coding": [{"code": asked.side, "display": SIDES[asked.side]}]},
        **_numbers(table.whole, table.hours),
        "stratifier": [
            {
                "code": [{"coding": [{"code": asked.by}]}],
                "stratum": [
                    {"value": {"coding": [{"code": line.code, "display": line.zh}], "text": line.zh}, **_numbers(line, table.hours)}
                    for line in table.lines
                ],
            }
        ],
    }
    if not table.lines:
        del group["stratifier"]
    return {
        "resourceType": "MeasureReport",
        **({"extension": [{"url": MORE, "valueInteger": table.more}]} if table.more else {}),
        "status": "complete",
        "type": "summary",
        "measure": MEASURE,
        "date": now.astimezone(asked.zone).isoformat(timespec="seconds"),
        "period": {"start": asked.since.isoformat(), "end": asked.until.isoformat()},
        "group": [group],
    }


def _numbers(line: Line, hours: int) -> Json:
    names = {code: one.zh for code, one in FIGURES.items()} | {"in-time": f"{hours}小时内应答", BEFORE: "上年同期"}
    counted = {**line.numbers, BEFORE: line.before}
    populations = [
        {"code": {"coding": [{"system": FIGURE, "code": code, "display": names[code]}]}, "count": number}
        for code, number in counted.items()
    ]
    if line.median is None:
        return {"population": populations}
    score = {"value": round(line.median.total_seconds() / 3600, 2), "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    return {"population": populations, "measureScore": score}
