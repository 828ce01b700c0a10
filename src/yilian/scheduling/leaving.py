"""Who came goes: seen, or after all not. What becomes of the visit that the check-in began or joined.

A visit ends with the last for whom somebody came in it. Whoever was seen by one of them has been there: the visit is finished. Who goes
before anybody began has not: it is cancelled, and its ground to the record ends with it (`access.grounds`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from yilian.fhir.json import parse
from yilian.identity import visits
from yilian.store.scope import Scope, lent

if TYPE_CHECKING:
    from yilian.db import Tx

LEFT = "update attendance set state = 'left', ended = now() where appointment = $1 and ended is null"
LAST = """
select r.id, exists (select from attendance d where d.encounter = a.encounter and d.state = 'done') as was_seen
from attendance a join resource r on r.rid = a.encounter and not r.deleted
where a.appointment = $1 and not exists (select from attendance o where o.encounter = a.encounter and o.ended is null)
"""
"""The visit of an attendance that has just ended, where no other goes on in it, and whether anybody was seen in it."""


@dataclass(frozen=True, slots=True)
class _AtTheDesk(Scope):
    """To write the visit of somebody who checks in alone, in the name of the institution they came to."""


async def desk_of(tx: Tx, scope: Scope, institution: int) -> Scope:
    """The permission to write visits to this institution (rid), as its desk. Whoever asks for it has looked who comes, or goes."""
    here = await tx.fetchrow("select id, body from resource where rid = $1", institution)
    assert here is not None
    name = str(parse(here["body"].encode()).get("name", ""))
    lent_ = lent(scope, _AtTheDesk, "everything")
    return replace(lent_, institution=f"Organization/{here['id']}", institution_rid=institution, institution_name=name)


async def end_visit(tx: Tx, scope: Scope, row: Any) -> None:
    """The attendance of this appointment (its row) is over, in `tx`: so is its visit (`visits.end`), unless somebody else has still to see
    the patient in it."""
    visit = await tx.fetchrow(LAST, row["rid"])
    if visit is not None:
        await visits.end(tx, await desk_of(tx, scope, row["institution"]), visit["id"], was_seen=visit["was_seen"])


async def leave(tx: Tx, scope: Scope, row: Any) -> None:
    """Who had checked in goes after all, in the transaction that cancels the appointment (its locked row)."""
    await tx.execute(LEFT, row["rid"])
    await end_visit(tx, scope, row)
