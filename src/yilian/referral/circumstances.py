"""What makes an open referral void: the patient died, or lies in a ward of a house that is neither of the two.

A reaction of the store marks every open referral of the person in the same transaction, and both sides are told. It proposes to end the
referral (`proposals`) and ends none by itself, but what a region says (policy `referral.ended_by_itself`). A death that was recorded in
error, or a stay that is over, takes its mark away again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import institutions
from yilian.fhir import json
from yilian.referral import commands, rules
from yilian.referral.codes import CIRCUMSTANCES, INPATIENT
from yilian.referral.parameters import Act, Circumstance
from yilian.search.persons import records_of
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.change import Written

LYING = ("in-progress", "onleave")

OPEN = f"""
select f.task_rid, f.from_org, f.to_org, f.ending, f.ending_rid from referral f
where f.closed_at is null and f.patient = any(array({records_of("$1")})) order by f.task_rid
"""
BY_SOURCE = "select task_rid from referral where ending_rid = $1 and closed_at is null order by task_rid"


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: marks the open referrals of whom the Patients and Encounters just written are about."""
    for one in written:
        if one.unchanged or one.type not in ("Patient", "Encounter"):
            continue
        before = json.parse(one.previous) if one.previous else {}
        if one.type == "Patient":
            await _patient(tx, one, before)
        else:
            await _encounter(tx, one, before)


async def _patient(tx: Tx, one: Written, before: dict[str, Any]) -> None:
    now, was = rules.is_deceased(one.resource or {}), rules.is_deceased(before)
    if now and not was:
        for row in await tx.fetch(OPEN, one.rid):
            await _mark(tx, row["task_rid"], Circumstance("deceased", one.rid, tx.now))
    elif was and not now:
        await _lift(tx, one.rid)


async def _encounter(tx: Tx, one: Written, before: dict[str, Any]) -> None:
    now, was = _lies(one.resource or {}), _lies(before)
    if was and not now:
        await _lift(tx, one.rid)
    if not now or one.patient is None or one.sensitive or one.confined is not None:
        return  # what not everybody may know is told to nobody
    provider = await institutions.by_reference(tx, str((one.resource or {}).get("serviceProvider", {}).get("reference", "")))
    if provider is None:
        return
    for row in await tx.fetch(OPEN, one.patient):
        if row["ending"] is None and provider.rid not in (row["from_org"], row["to_org"]):
            await _mark(tx, row["task_rid"], Circumstance("admitted", one.rid, tx.now))


def _lies(encounter: dict[str, Any]) -> bool:
    return encounter.get("status") in LYING and encounter.get("class", {}).get("code") in INPATIENT


async def _mark(tx: Tx, task_rid: int, found: Circumstance) -> None:
    marked = await commands.by_the_house(tx, task_rid, Act("mark", frozenset(), circumstance=found))
    if marked and found.kind in await policy.value(tx, "referral.ended_by_itself", tx.now):
        await commands.by_the_house(tx, task_rid, Act("end", frozenset({"reason"}), reason={"text": CIRCUMSTANCES[found.kind][0]}))


async def _lift(tx: Tx, source: int) -> None:
    for row in await tx.fetch(BY_SOURCE, source):
        await commands.by_the_house(tx, row["task_rid"], Act("mark", frozenset()))


__all__ = ["follow"]
