"""`PlanDefinition/{id}/$adjust`: the office gives a criterion other limits, or switches it off or on, from a day on, and says why.

A new PlanDefinition of the same url is written beside the one that holds; nothing is overwritten, so it can be told what held when. Its
version names the day. FHIR R4: http://hl7.org/fhir/R4/plandefinition.html#bnc (status, effectivePeriod, derived-from)
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from yilian.criteria import shipped
from yilian.criteria.criterion import is_criterion, read
from yilian.errors import BadRequest, Conflict
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.store import read as store_read
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

LONGEST_REASON = 500
FURTHEST = Decimal("1000000")


async def adjust(tx: Tx, scope: Scope, id: str, *, since: date, limits: Mapping[str, Decimal], active: bool, reason: str) -> Resource:
    """The PlanDefinition that holds from `since` on, written in `tx` with the asker's own rights. `limits` by the name of a finding.

    BadRequest for a day that has passed, a finding without a limit, an impossible number, or no reason. Conflict where one begins on that
    day already. NotFound and Forbidden as for any write.
    """
    today = tx.now.astimezone(region_zone()).date()
    if since < today:
        raise BadRequest(
            f"A criterion is not changed for the past; {since} is before {today}.", zh="生效日期不能早于今天。", expression="since"
        )
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise BadRequest(f"Say why, in at most {LONGEST_REASON} characters.", zh="请填写调整原因。", expression="reason")
    stored = await store_read.by_id(tx, scope, "PlanDefinition", id)
    base = parse(stored.body)
    if not is_criterion(base):
        raise BadRequest(f"PlanDefinition/{id} is no criterion of referral.", zh="该条目不是转诊标准。")
    taken = await tx.fetchval("select true from criterion where url = $1 and since = $2 and not shipped", base["url"], since)
    if taken:
        raise Conflict(f"The criterion already changes on {since}; choose another day.", zh="该标准在这一天已有调整,请选择其他日期。")
    plan = adjusted(base, since, limits, active=active, reason=reason.strip())
    (written,) = await write(tx, scope, [Change("POST", "PlanDefinition", None, plan)])
    return {**plan, "id": written.id, "meta": {"versionId": str(written.version)}}


def adjusted(base: Resource, since: date, limits: Mapping[str, Decimal], *, active: bool, reason: str) -> Resource:
    """The plan with these limits from that day on, its texts told anew. Pure. Raises BadRequest."""
    plan = {key: value for key, value in deepcopy(base).items() if key not in ("id", "meta", "text")}
    known = {one.name: one for one in read(base).findings}
    for name, value in limits.items():
        if name not in known or known[name].limit is None or not known[name].measure:
            listed = ", ".join(one.name for one in known.values() if one.limit is not None and one.measure) or "none"
            raise BadRequest(f"{name[:40]!r} has no limit to set; those that have: {listed}.", zh=f"“{name[:40]}”没有可调整的阈值。")
        if not value.is_finite() or abs(value) > FURTHEST:
            raise BadRequest(f"{value} is no limit.", zh="阈值不正确。")
    for extension in plan["action"][0].get("extension", []):
        if extension.get("url") == urls.CRITERION_FINDING:
            _set(extension["extension"], limits)
    old = {name: f"{one.limit.value:f}" for name, one in known.items() if one.limit is not None}
    plan["description"] = _told_anew(plan, old, limits)
    plan["version"] = f"{shipped.VERSION}-{since:%Y%m%d}"
    plan["status"] = "active" if active else "retired"
    plan["effectivePeriod"] = {"start": since.isoformat()}
    citations = [one for one in plan.get("relatedArtifact", []) if one.get("type") != "derived-from"]
    plan["relatedArtifact"] = [*citations, {"type": "derived-from", "resource": f"{base['url']}|{base['version']}"}]
    plan["purpose"] = reason
    return plan


def _set(parts: list[Resource], limits: Mapping[str, Decimal]) -> None:
    head = next(part["valueExpression"] for part in parts if part.get("url") == "finding")
    if head["name"] not in limits:
        return
    quantity = next(part["valueQuantity"] for part in parts if part.get("url") == "limit")
    before, after = _plain(Decimal(str(quantity["value"]))), _plain(limits[head["name"]])
    quantity["value"] = limits[head["name"]]
    head["description"] = head.get("description", "").replace(before, after, 1)


def _told_anew(plan: Resource, old: Mapping[str, str], limits: Mapping[str, Decimal]) -> str:
    """The rule with its new numbers: that of the library from its own form, another's with what changed set behind it."""
    template = shipped.templates().get(plan["url"])
    if template is not None:
        return template.format(**{name: _plain(limits.get(name, Decimal(value))) for name, value in old.items()})
    changes = "、".join(f"{name} {_plain(Decimal(old[name]))} → {_plain(value)}" for name, value in limits.items())
    return str(plan.get("description", "")) + (f"(阈值调整:{changes})" if changes else "")


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
