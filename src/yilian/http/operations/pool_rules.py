"""号源池规则 over HTTP: Schedule/$pool-rules, what a change would do ($preview-pool-rules), changing them ($set-pool-rules).

docs/reference/schedules.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from yilian.scheduling.pool_rules import Dated, Keeping, Rules
from yilian.scheduling.pools import Release, Rule, release_of, rules_of
from yilian.store.scope import Scope

Json = dict[str, Any]

WHERE, LEVEL = Parameter("institution"), Parameter("level")
LEVELS = ("institution", "region")
CHANGE = (
    WHERE, LEVEL, Parameter("since"), Parameter("rule", "resource", many=True, of="Parameters"), Parameter("release-days", "integer"),
    Parameter("release-at"),
)  # fmt: skip


async def show(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Schedule/$pool-rules with level (region, or institution) and institution (Organization/…; else the asker's): what holds today,
    what will, and who changed it; of the region, which institutions have rules of their own, as they will hold in the end."""
    called = await called_with(request, (WHERE, LEVEL))
    async with house.db.reading() as tx:
        institution = await _whose(tx, asker, called)
        there = await pool_rules.dated(tx, institution)
        today = tx.now.astimezone(region_zone()).date()
        changes = await pool_rules.history(tx, institution)
        own = await pool_rules.with_own(tx) if institution is None else []
    parts: list[Json] = [{"name": "holds", "part": _held(there, day)} for day in (today, *there.days(today))]
    parts.append({"name": "region", "part": _rules(there.on(today, region=True), today)})
    parts += [{"name": "institution", "part": _keeping(one, (today, *one.there.days(today))[-1])} for one in own]
    parts += [{"name": "change", "part": _change(row)} for row in changes]
    return parameters(parts)


async def preview(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$preview-pool-rules with level, institution, since, rule (repeats: a Parameters with kind, pool, share, opens-days,
    anchor, hours), release-days and release-at: what would become of the places of two weeks, by day and kind; of the region, also which
    institutions' own rules would then be less. Nothing is changed."""
    called = await called_with(request, CHANGE)
    async with house.db.reading() as tx:
        institution = await _whose(tx, asker, called)
        since = _since(called)
        pools, release = _proposed(called)
        if institution is None:
            found = await dealing.region_outlook(tx, since, lambda there: there.with_change(since, pools, release, own=False))
            own = [replace(one, there=one.there.with_change(since, pools, release, own=False)) for one in await pool_rules.with_own(tx)]
        else:
            there, own = await pool_rules.dated(tx, institution), []
            pool_rules.require_enough(there, since, pools)
            found = await dealing.outlook(tx, institution, there.with_change(since, pools, release), since)
    less = [{"name": "institution", "part": _keeping(one, since)} for one in own if one.there.is_less(since)]
    return parameters([*({"name": "day", "part": _outlook(one)} for one in found), *less])


async def put(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Schedule/$set-pool-rules with the same, and source: the rules hold from that day on; made places follow by a job. For the
    office of the institution, and for administrators of the region."""
    called = await called_with(request, (*CHANGE, Parameter("source")))
    async with house.db.transaction() as tx:
        everywhere = asker.reach == "everything" and called.one("institution") is None
        institution = None if everywhere else await _whose(tx, asker, called)
        pools, release = _proposed(called)
        changed = await pool_rules.change(tx, asker, institution, _since(called), pools, release, called.text("source"))
    return parameters([{"name": "changed", "valueInteger": changed}])


async def _whose(tx: Any, asker: Scope, called: Called) -> int | None:
    """Whose rules: None for the region's, which every post that may read slots sees, else as `_institution`."""
    level = called.text("level") or "institution"
    if level not in LEVELS or (level == "region" and called.one("institution") is not None):
        raise BadRequest("level is region, or institution with an institution.", expression="level", zh="规则层级不正确。")
    if level == "institution":
        return await _institution(tx, asker, called)
    if asker.reach == "self" or not may(asker, "read", "Slot"):
        raise Forbidden("The rules of the region are told to those who work with them.", zh="区域号源池规定仅供工作人员查看。")
    return None


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


def _held(there: Dated, day: date) -> list[Json]:
    """What holds on a day, with which of it is the institution's own, and whether that is less than the region asks for."""
    found, own = there.on(day), there.own_rules(day)
    parts = [one for one in _rules(found, day) if one["name"] != "rule"]
    parts.append({"name": "less", "valueBoolean": there.is_less(day)})
    for kind, rules in found.pools.items():
        parts += [{"name": "rule", "part": [*_rule(kind, rule), {"name": "own", "valueBoolean": rule in own[kind]}]} for rule in rules]
    return parts


def _keeping(one: Keeping, day: date) -> list[Json]:
    """What an institution with rules of its own goes by on a day."""
    return [
        {"name": "organization", "valueReference": {"reference": f"Organization/{one.id}", "display": one.name}},
        *_held(one.there, day),
    ]


def _rules(found: Rules, day: date) -> list[Json]:
    parts: list[Json] = [
        {"name": "since", "valueDate": max(found.from_pools.since, found.from_release.since).isoformat()},
        {"name": "day", "valueDate": day.isoformat()},
        {"name": "own", "valueBoolean": found.from_pools.own or found.from_release.own},
        {"name": "source", "valueString": _source(found) or "-"},
        {"name": "own-release", "valueBoolean": found.from_release.own},
    ]
    parts += _release(found.release)
    return parts + [{"name": "rule", "part": _rule(kind, rule)} for kind, rules in found.pools.items() for rule in rules]


def _source(found: Rules) -> str:
    """Of what changed last, the institution's own before the region's. Of what came with the platform, the hospitals the release is of."""
    return max((found.from_release, found.from_pools), key=lambda row: (row.own, row.since)).source


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
