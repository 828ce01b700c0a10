"""What a desk needs of the referrals by which somebody comes: number, from where, to which department, how urgent, in which state.

Nothing clinical: not the question, not the diagnosis. The referral itself is for those who treat (`worklists`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from yilian.directory.institutions import by_rid
from yilian.directory.specialties import SPECIALTIES
from yilian.referral.worklists import WAITING_FOR_A_PLACE
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

EXPECTED = ("submitted", "received", *WAITING_FOR_A_PLACE, "arrived")


@dataclass(frozen=True, slots=True)
class Arriving:
    """One referral to the asker's institution. `task` is "Task/…"; `submitted` is UTC."""

    number: str
    task: str
    state: str
    priority: str
    direction: str
    specialty: str
    department: str
    sender: str
    submitted: datetime


async def arriving(tx: Tx, scope: Scope, patient: int) -> list[Arriving]:
    """The open referrals of a patient (by rid, whom the scope may read) to the scope's own institution, the most urgent first."""
    if scope.reach != "grounds" or not scope.institution_rid:
        return []
    rows = await tx.fetch(
        """
        select number, task_id, state, priority, direction, specialty, from_org, submitted_at
        from referral
        where patient = $1 and to_org = $2 and submitted_at is not null and state = any($3::text[])
        order by urgency, submitted_at desc
        """,
        patient,
        scope.institution_rid,
        list(EXPECTED),
    )
    senders = await by_rid(tx, [row["from_org"] for row in rows])
    return [
        Arriving(
            row["number"],
            f"Task/{row['task_id']}",
            row["state"],
            row["priority"],
            row["direction"],
            row["specialty"],
            SPECIALTIES.get(row["specialty"], row["specialty"]),
            senders[row["from_org"]].name if row["from_org"] in senders else "",
            row["submitted_at"],
        )
        for row in rows
    ]
