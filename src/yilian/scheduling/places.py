"""Taking a place, keeping it, giving it back: the statements of which exactly one wins.

A place is free while it has no appointment, or one whose hold is over. Whoever takes it locks its row; who comes at the same moment goes
on to the next one, and where there is none waits for those that are locked, since who locked them may still give up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

FREE = "(p.appointment is null or p.held_until <= now())"


def open_to(pools: str) -> str:
    """That a place `p` is open by now to who may take those of these pools (SQL, text[])."""
    return f"p.opens <= now() and (p.pool = any({pools}::text[]) or p.public_from <= now())"


_TAKE = f"""
with free as (
    select p.slot, p.nth from place p join slot s on s.rid = p.slot
    where p.slot = $1 and not s.stopped and s.ends > now() and {FREE} and {open_to("$3")}
    order by p.public_from <= now(), p.nth limit 1 for update of p %s)
update place t set appointment = $2, held_until = $4 from free
where t.slot = free.slot and t.nth = free.nth
returning t.pool
"""
TAKE, TAKE_WAITING = _TAKE % "skip locked", _TAKE % ""
"""Of what is open to these pools the reserved places come first, so that the public's are left to the public."""

KEEP = """
update place p set held_until = null
where p.appointment = $1 and p.held_until > now() and not exists (select from slot s where s.rid = p.slot and s.stopped) returning p.slot
"""
GIVE_BACK = "update place set appointment = null, held_until = null where appointment = $1 returning slot"


async def take(tx: Tx, slot: int, appointment: int, pools: Sequence[str], held_until: datetime | None) -> str | None:
    """A place of this slot for this appointment (rids), in `tx`: the pool it is of, or None where nothing is free to these pools.

    held_until: aware, by the database's clock; None: for good. The row of the appointment has to be there.
    """
    for statement in (TAKE, TAKE_WAITING):
        if (pool := await tx.fetchval(statement, slot, appointment, list(pools), held_until)) is not None:
            return str(pool)
    return None


async def keep(tx: Tx, appointment: int) -> int:
    """Make what this appointment holds its own: how many places. 0: the hold is over."""
    return len(await tx.fetch(KEEP, appointment))


async def give_back(tx: Tx, appointment: int) -> list[int]:
    """Free the places of this appointment, for whoever they are open to by then: the slots (rids) they are of."""
    return [row["slot"] for row in await tx.fetch(GIVE_BACK, appointment)]
