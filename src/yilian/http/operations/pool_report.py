"""The report of the pools over HTTP: Schedule/$pool-report.

docs/reference/schedules.md
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from yilian.access.policy import may, policy
from yilian.errors import BadRequest, Forbidden
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.http.answer import Answer
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.working_days import day_of, parameters
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import pool_report
from yilian.scheduling.pool_report import Line, Places, Target
from yilian.store.scope import Scope

Json = dict[str, Any]


async def report(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$pool-report with start and end (the last day) and institution: the places of a period beside what is asked for."""
    called = await called_with(request, (Parameter("start"), Parameter("end"), Parameter("institution", many=True)))
    since, last = day_of(called, "start"), day_of(called, "end")
    if since is None or last is None:
        raise BadRequest("start and end are days.", expression="start", zh="请选择统计的起止日期。")
    wanted = [text.removeprefix("Organization/") for text in called.all("institution")]
    everywhere = sees_all(asker)
    if not everywhere and not (asker.institution_rid and may(asker, "read", "Appointment")):
        raise Forbidden("The pools of an institution are its own, its office's and the region's to see.", zh="您的岗位不能查看号源报表。")
    async with house.db.reading() as tx:
        only = None if everywhere else (asker.institution_rid,)
        if wanted:
            rows = await tx.fetch("select rid from resource where type = $1 and id = any($2::text[])", type_id("Organization"), wanted)
            only = tuple(row["rid"] for row in rows if only is None or row["rid"] in only)
        lines = await pool_report.report(tx, since, last + timedelta(days=1), only)
    return parameters([{"name": "institution", "part": _line(one)} for one in lines])


def sees_all(asker: Scope) -> bool:
    """Whether this asker sees the numbers of every institution: who counts for the region, the consortium's office, systems of the
    region."""
    roles = policy().roles
    return asker.reach == "everything" or any(code == "office" or (code in roles and roles[code].counts) for code in asker.roles)


def _line(one: Line) -> list[Json]:
    parts: list[Json] = [
        {"name": "reference", "valueReference": {"reference": one.reference, "display": one.name}},
        *([{"name": "tier", "valueCoding": {"system": urls.INSTITUTION_TIER, "code": one.tier}}] if one.tier else []),
        *({"name": "kind", "part": [{"name": "code", "valueCode": kind}, *_places(of)]} for kind, of in sorted(one.kinds.items())),
        {"name": "all", "part": _places(one.all)},
        {"name": "visits", "valueInteger": one.visits},
        {"name": "booked", "valueInteger": one.booked},
    ]
    for name in ("released", "reserved", "reserved_expert", "booking"):
        parts.append({"name": name.replace("_", "-"), "part": _target(getattr(one, name))})
    return parts


def _places(of: Places) -> list[Json]:
    return [{"name": name.replace("_", "-"), "valueInteger": getattr(of, name)} for name in Places.__slots__]


def _target(of: Target) -> list[Json]:
    parts: list[Json] = []
    if of.share is not None:
        parts.append({"name": "share", "valueDecimal": round(of.share, 4)})
    if of.least is not None:
        parts.append({"name": "least", "valueDecimal": of.least})
    if of.reached is not None:
        parts.append({"name": "reached", "valueBoolean": of.reached})
    return parts or [{"name": "none", "valueBoolean": True}]


OURS = urls.BASE + "OperationDefinition/schedule-pool-report"
OPERATIONS = (Operation("Schedule", "type", "pool-report", report, False, "What became of the places of a period", OURS),)
