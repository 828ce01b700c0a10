"""号源池规则 over HTTP: Schedule/$pool-rules, what a change would do ($preview-pool-rules), changing them ($set-pool-rules).

docs/reference/schedules.md
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from yilian.access.policy import may
from yilian.errors import BadRequest, Forbidden
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.http.answer import Answer
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.operations.attendance import id_of
from yilian.http.operations.working_days import day_of, parameters
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.scheduling import calendar, dealing, pool_rules
from yilian.scheduling.pool_rules import Rules
from yilian.scheduling.pools import Release, Rule, release_of, rules_of
from yilian.store.scope import Scope

Json = dict[str, Any]

WHERE = Parameter("institution")
CHANGE = (
    WHERE, Parameter("since"), Parameter("rule", "resource", many=True, of="Parameters"), Parameter("release-days", "integer"),
    Parameter("release-at"),
)  # fmt: skip


async def show(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$pool-rules with institution (Organization/…; else the asker's): what holds today, what will, and who changed it."""
    called = await called_with(request, (WHERE,))
    async with house.db.reading() as tx:
        institution = await _institution(tx, asker, called)
        there = await pool_rules.dated(tx, institution)
        today = tx.now.astimezone(region_zone()).date()
        changes = await pool_rules.history(tx, institution)
    parts: list[Json] = [{"name": "holds", "part": _rules(there.on(day), day)} for day in (today, *there.days(today))]
    parts.append({"name": "region", "part": _rules(there.on(today, region=True), today)})
    parts += [{"name": "change", "part": _change(row)} for row in changes]
    return parameters(parts)


async def preview(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$preview-pool-rules with institution, since, rule (repeats: a Parameters with kind, pool, share, opens-days, anchor,
    hours), release-days and release-at: what would become of the places of two weeks, by day and kind. Nothing is changed."""
    called = await called_with(request, CHANGE)
    async with house.db.reading() as tx:
        institution = await _institution(tx, asker, called)
        since = _since(called)
        pools, release = _proposed(called)
        there = await pool_rules.dated(tx, institution)
        pool_rules.require_enough(there, since, pools)
        found = await dealing.outlook(tx, institution, there.with_change(since, pools, release), since)
    return parameters([{"name": "day", "part": _outlook(one)} for one in found])


async def put(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$set-pool-rules with the same, and source: the rules hold from that day on; made places follow by a job. For the
    office of the institution."""
    called = await called_with(request, (*CHANGE, Parameter("source")))
    async with house.db.transaction() as tx:
        everywhere = asker.reach == "everything" and called.one("institution") is None
        institution = None if everywhere else await _institution(tx, asker, called)
        pools, release = _proposed(called)
        changed = await pool_rules.change(tx, asker, institution, _since(called), pools, release, called.text("source"))
    return parameters([{"name": "changed", "valueInteger": changed}])


async def _institution(tx: Any, asker: Scope, called: Called) -> int:
    """The institution asked about (rid): the asker's own, or any for systems of the region. Raises Forbidden, BadRequest, NotFound."""
    asked = await calendar.institution(tx, id_of(called.text("institution"), "Organization")) if called.one("institution") else 0
    if asker.reach == "everything":
        if not asked:
            raise BadRequest("institution is missing: whose rules.", expression="institution", zh="请指定机构。")
        return asked
    if not asker.institution_rid or asked not in (0, asker.institution_rid) or not may(asker, "read", "Slot") or asker.reach == "self":
        raise Forbidden("The rules of the pools are told to the institution they are of.", zh="只能查看本机构的号源池规则。")
    return asker.institution_rid


def _since(called: Called) -> date:
    since = day_of(called, "since")
    if since is None:
        raise BadRequest("since is a day: from when the rules hold.", expression="since", zh="请填写生效日期。")
    return since


def _proposed(called: Called) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    pools: dict[str, list[Json]] = {}
    for rule in called.all("rule"):
        kind, value = _rule_of(rule)
        pools.setdefault(kind, []).append(value)
    if called.one("release-days") is None or not called.one("release-at"):
        raise BadRequest("release-days and release-at are missing.", expression="release-days", zh="请填写放号提前天数和时间。")
    return pool_rules.proposed(pools, {"days": int(called.one("release-days")), "at": called.text("release-at")})


def _rule_of(given: Json) -> tuple[str, Json]:
    found: Json = {}
    for part in given.get("parameter", ()):
        values = [part[key] for key in part if key.startswith("value")]
        if len(values) == 1:
            found[str(part.get("name", ""))] = values[0]
    try:
        return str(found["kind"]), {
            "pool": str(found["pool"]),
            "share": float(found["share"]),
            "opens_days": int(found["opens-days"]),
            "anchor": str(found["anchor"]),
            "hours": float(found["hours"]),
        }
    except (KeyError, TypeError, ValueError):
        raise BadRequest(
            "A rule has kind, pool, share, opens-days, anchor and hours.", expression="rule", zh="请完整填写每条号源池规则。"
        ) from None


def _rules(found: Rules, day: date) -> list[Json]:
    parts: list[Json] = [
        {"name": "since", "valueDate": max(found.from_pools.since, found.from_release.since).isoformat()},
        {"name": "day", "valueDate": day.isoformat()},
        {"name": "own", "valueBoolean": found.from_pools.own or found.from_release.own},
        {"name": "source", "valueString": (found.from_pools if found.from_pools.own else found.from_release).source},
    ]
    parts += _release(found.release)
    return parts + [{"name": "rule", "part": _rule(kind, rule)} for kind, rules in found.pools.items() for rule in rules]


def _release(release: Release) -> list[Json]:
    return [
        {"name": "release-days", "valueInteger": release.days},
        {"name": "release-at", "valueTime": release.at.isoformat()},
    ]


def _rule(kind: str, rule: Rule) -> list[Json]:
    return [
        {"name": "kind", "valueCode": kind},
        {"name": "pool", "valueCode": rule.pool},
        {"name": "share", "valueDecimal": rule.share},
        {"name": "opens-days", "valueInteger": rule.opens_days},
        {"name": "anchor", "valueCode": rule.anchor},
        {"name": "hours", "valueDecimal": rule.hours},
    ]


def _change(row: Any) -> list[Json]:
    parts: list[Json] = [
        {"name": "what", "valueCode": row["name"].rpartition(".")[2]},
        {"name": "own", "valueBoolean": row["own"]},
        {"name": "since", "valueDate": row["valid_from"].isoformat()},
        {"name": "at", "valueInstant": row["at"].astimezone(region_zone()).isoformat(timespec="seconds")},
        {"name": "source", "valueString": row["source"]},
        {"name": "by", "valueString": row["agent_name"] or "-"},
    ]
    if row["name"] == pool_rules.RELEASE:
        return parts + _release(release_of(row["value"]))
    return parts + [{"name": "rule", "part": _rule(kind, rule)} for kind, rules in row["value"].items() for rule in rules_of(rules)]


def _outlook(one: dealing.Outlook) -> list[Json]:
    parts: list[Json] = [{"name": "date", "valueDate": one.day.isoformat()}, {"name": "kind", "valueCode": one.kind}]
    parts += [{"name": name, "valueInteger": getattr(one, name)} for name in ("places", "taken", "changed")]
    for name, counts in (("now", one.now), ("then", one.then)):
        parts += [{"name": f"{name}-{pool}", "valueInteger": many} for pool, many in sorted(counts.items())]
    return parts


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Schedule", "type", "pool-rules", show, False, "The rules of the pools, by date", OURS + "pool-rules"),
    Operation(
        "Schedule", "type", "preview-pool-rules", preview, False, "What other rules would do", OURS + "preview-pool-rules", ("POST",)
    ),
    Operation("Schedule", "type", "set-pool-rules", put, True, "Change the rules of the pools", OURS + "set-pool-rules"),
)
