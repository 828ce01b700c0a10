"""Which criteria are in force on a day; and what may be written as one.

The platform's own (`shipped`) are written when the server starts and by nobody else. A region puts its own PlanDefinition of the same
url beside it, from a day on: with other limits, or retired, which switches the rule off. Of one url the region's goes before the
platform's, and the one that began last before others. A PlanDefinition with a url of its own is a criterion more. Nothing is overwritten,
so what held on any day can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from yilian.criteria import shipped
from yilian.criteria.criterion import Criterion, NotSound, is_criterion, read
from yilian.criteria.evaluate import URGENT
from yilian.errors import Conflict, InvalidResource, NotFound
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.json import parse
from yilian.store.scope import SYSTEM, Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx
    from yilian.store.change import Change, Written

KEPT = "select c.rid, r.ver, c.url, c.since, c.until, c.shipped from criterion c join resource r on r.rid = c.rid and not r.deleted"

_read: WeakKeyDictionary[Database, dict[int, tuple[int, Criterion]]] = WeakKeyDictionary()


async def in_force(tx: Tx, day: date | None = None) -> list[Criterion]:
    """Every criterion that holds on this day of the region (today when None), one for each url, also those that are switched off."""
    on = day or tx.now.astimezone(region_zone()).date()
    best: dict[str, Any] = {}
    for row in await tx.fetch(KEPT):
        if row["since"] > on or (row["until"] is not None and row["until"] < on):
            continue
        rank = (not row["shipped"], row["since"], row["rid"])
        if row["url"] not in best or rank > best[row["url"]][0]:
            best[row["url"]] = (rank, row)
    return await _criteria(tx, [row for _, row in sorted(best.values(), key=lambda pair: pair[1]["rid"])])


async def by_id(tx: Tx, id: str) -> Criterion:
    """The criterion in this PlanDefinition, whether it is in force or not. Raises NotFound."""
    rows = await tx.fetch(f"{KEPT} where r.id = $1", id)
    if not rows:
        raise NotFound(f"There is no criterion PlanDefinition/{id[:64]}.", zh="没有找到该转诊标准。")
    return (await _criteria(tx, rows))[0]


async def urgent(tx: Tx) -> list[Criterion]:
    """Those in force that speak against going down when they are met."""
    return [one for one in await in_force(tx) if one.direction == "up" and one.urgency in URGENT]


async def changes(tx: Tx) -> dict[str, int]:
    """How many PlanDefinitions of the region stand under each url."""
    rows = await tx.fetch("select url, count(*) as times from criterion where not shipped group by url")
    return {row["url"]: row["times"] for row in rows}


async def _criteria(tx: Tx, rows: Sequence[Any]) -> list[Criterion]:
    cache = _read.setdefault(tx.db, {})
    stale = [row["rid"] for row in rows if row["rid"] not in cache or cache[row["rid"]][0] != row["ver"]]
    if stale:
        for row in await tx.fetch("select rid, ver, body from resource where rid = any($1::bigint[]) and not deleted", stale):
            cache[row["rid"]] = (row["ver"], read(parse(row["body"].encode())))
    return [cache[row["rid"]][1] for row in rows if row["rid"] in cache]


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`. A criterion that cannot be understood is refused (InvalidResource), and so is whoever would change what comes
    with the platform (Conflict): a region writes its own beside it."""
    for change in changes:
        if change.type != "PlanDefinition":
            continue
        if change.id in _shipped_ids() and scope is not SYSTEM:
            raise Conflict(
                f"PlanDefinition/{change.id} comes with the platform and stays as it is. Write one of your own with the same url,"
                " another id and an effectivePeriod: PlanDefinition/{id}/$adjust does that.",
                zh="平台自带的转诊标准不能直接修改,请使用“调整”另存为本地区标准。",
                expression=change.place,
                code="business-rule",
            )
        resource = change.resource
        if resource is not None and is_criterion(resource):
            try:
                read({"id": change.id or "", **resource})
            except NotSound as error:
                raise InvalidResource(error.issues[0].diagnostics, issues=error.issues) from None


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: keeps the table `criterion`."""
    for one in written:
        if one.type != "PlanDefinition" or one.unchanged:
            continue
        if one.resource is None or not is_criterion(one.resource):
            await tx.execute("delete from criterion where rid = $1", one.rid)
            continue
        found = read({"id": one.id, **one.resource})
        end = one.resource.get("effectivePeriod", {}).get("end")
        await tx.execute(
            """
            insert into criterion (rid, url, since, until, shipped) values ($1, $2, $3, $4, $5)
            on conflict (rid) do update set url = excluded.url, since = excluded.since, until = excluded.until, shipped = excluded.shipped
            """,
            one.rid,
            found.url,
            found.since,
            interval(end, region_zone())[0].astimezone(region_zone()).date() if end else None,
            one.id in _shipped_ids(),
        )


def _shipped_ids() -> frozenset[str]:
    return frozenset(plan["id"] for plan in shipped.plans())
