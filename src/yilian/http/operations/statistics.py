"""Measure/$evaluate-measure: a table of the region's numbers, with small cells withheld.

FHIR R4: http://hl7.org/fhir/R4/measure-operation-evaluate-measure.html. Of the standard's parameters those that choose persons (subject,
practitioner) or lists of them (reportType subject-list) are refused: no person is told of here.
"""

from __future__ import annotations

import re

from yilian.access.policy import require_counting
from yilian.analytics.statistics import figures
from yilian.analytics.statistics.report import period_of, report
from yilian.audit.record import note_read
from yilian.errors import BadRequest
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store.scope import Scope

KNOWN = (Parameter("measure"), Parameter("periodStart"), Parameter("periodEnd"), Parameter("reportType"))
_YEAR = re.compile(r"(?P<year>[12]\d{3})(-01(-01)?|-12(-31)?)?")


async def evaluate(house: House, asker: Scope, request: Request) -> Answer:
    """measure: the canonical address of a table; periodStart and periodEnd: one whole year ("2026", or its first and last day)."""
    require_counting(asker)
    called = await called_with(request, KNOWN)
    statistic = figures.of(called.text("measure"))
    if (kind := called.text("reportType")) not in ("", "summary", "population"):
        raise BadRequest(
            f"reportType is summary; {kind[:40]!r} would tell of persons.", expression="reportType", zh="只提供汇总统计,不提供个人名单。"
        )
    year = _year(called.text("periodStart"), called.text("periodEnd"))
    asked = f"Measure/$evaluate-measure?measure={statistic.url}&periodStart={year}&periodEnd={year}"
    async with house.db.transaction() as tx:
        found = await report(tx, statistic, period_of(year, tx.now, house.zone))
    await note_read(house.reads, asker, [], "evaluate-measure", request.address, query=asked, kind="MeasureReport")
    return of_json(found)


def _year(start: str, end: str) -> int:
    first, last = _YEAR.fullmatch(start), _YEAR.fullmatch(end)
    whole = first is not None and last is not None and first["year"] == last["year"] and "-12" not in start[4:7] and "-01" not in end[4:7]
    if first is None or not whole:
        raise BadRequest(
            "periodStart and periodEnd are one whole calendar year: 2026-01-01 and 2026-12-31. Shorter ones are not counted, since two of"
            " them could be subtracted.",
            expression="periodStart",
            zh="请按整年统计(如 2026-01-01 至 2026-12-31)。",
        )
    return int(first["year"])


OPERATIONS = (
    Operation(
        "Measure", "type", "evaluate-measure", evaluate, False, "Numbers of the region, without persons", HL7 + "Measure-evaluate-measure"
    ),
)
