"""What the criteria say of a patient, as an asker may know it: the record is gathered, read as facts, and tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access.policy import require
from yilian.criteria import keeping
from yilian.criteria.criterion import Criterion
from yilian.criteria.evaluate import Rules, Verdict, evaluate
from yilian.criteria.facts import facts_of
from yilian.criteria.gather import gather
from yilian.fhir.dates import region_zone
from yilian.fhir.json import parse
from yilian.store import read
from yilian.store.read import Stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was found of one patient. `looked_at`: everything it rests on, for the trail."""

    patient: Resource
    verdicts: tuple[Verdict, ...]
    looked_at: tuple[Stored, ...]


async def suggest(
    tx: Tx,
    scope: Scope,
    patient_id: str,
    *,
    direction: str = "",
    confirmed: Collection[str] = (),
    only: Sequence[Criterion] | None = None,
    beside: Sequence[Resource] = (),
) -> Suggested:
    """Every criterion of a direction ("" for both) tried on Patient/`patient_id`, within the scope.

    confirmed  what the doctor says is so, "key.finding"
    only       these criteria instead of those in force
    beside     resources of another system about the same patient, taken as they are
    Up-criteria are tried in any case, since urgent ones speak against going down. Raises NotFound for a patient outside the scope,
    Forbidden for who reads no Observations or Conditions. Changes nothing.
    """
    for kind in ("Observation", "Condition"):
        require(scope, "read", kind)
    stored = await read.by_id(tx, scope, "Patient", patient_id)
    found = (await gather(tx, scope, [stored.rid]))[stored.rid]
    patient = parse(stored.body)
    facts = facts_of(patient, [*found.resources, *beside], tx.now, region_zone())
    verdicts = evaluate(await keeping.in_force(tx) if only is None else only, facts, await rules(tx), confirmed)
    told = [one for one in verdicts if not direction or one.criterion.direction == direction]
    return Suggested(patient, tuple(told), (stored, *found.rows))


async def rules(tx: Tx) -> Rules:
    """What the region has set for today."""
    days = await policy.value(tx, "criteria.valid_days", tx.now)
    near = await policy.value(tx, "criteria.near_percent", tx.now)
    return Rules({name: int(value) for name, value in days.items()}, Decimal(str(near)))
