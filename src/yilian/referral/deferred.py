"""等待号源床位: referrals that wait for a place are offered what comes free: whoever may book is told, the most urgent first.

Nothing is held for them, so no place stands idle; they are told again only after some hours. What is free is asked of the tables each time:
a server that slept, or places that were made by hand, make no difference.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from yilian import jobs, policy
from yilian.beds.holds import FREE as BED_FREE
from yilian.notifications import Message, Reader
from yilian.referral import booking, register
from yilian.referral.informing import URGENT, desk, local, tell_all, values_of
from yilian.scheduling import places

if TYPE_CHECKING:
    from datetime import datetime

    from yilian.db import Database, Tx

SWEEP = "referral.deferred"
AT_ONCE = 200

WAITING = """
select task_rid from referral
where state = 'deferred' and (offered_at is null or offered_at <= $1) order by urgency, submitted_at limit $2
"""
NEXT_PLACE = f"""
select min(s.starts) from slot s
where s.institution = $1 and s.specialty = $2 and not s.stopped and s.starts > now()
    and exists (select from place p where p.slot = s.rid and {places.FREE} and {places.open_to("$3")})
"""
BED = f"""
select exists (select from bed b where b.institution = $1 and b.specialty = $2 and {BED_FREE.format(patient="0")})
"""


async def sweep(db: Database, job: jobs.Job) -> dict[str, int]:
    """The job: looks at everybody who waits and was not told lately, each in a transaction of its own. How many were told."""
    async with db.reading() as tx:
        again = tx.now - timedelta(hours=float(await policy.value(tx, "referral.place_told_again_hours", tx.now)))
        rows = await tx.fetch(WAITING, again, AT_ONCE)
    done = 0
    for row in rows:
        async with db.transaction() as tx:
            done += await offer(tx, row["task_rid"])
    return {"told": done}


async def offer(tx: Tx, task_rid: int) -> bool:
    """Tell the receiver, and a referrer who may book, that there is something for this referral, in `tx`; whether there is."""
    referral = await register.lock(tx, task_rid)
    if referral is None or referral.state != "deferred" or referral.to_org is None:
        return False
    open_to = ["public", "on-site", *(await booking.pools(tx, referral))]
    place: datetime | None = await tx.fetchval(NEXT_PLACE, referral.to_org, referral.specialty, open_to)
    if place is None and not await tx.fetchval(BED, referral.to_org, referral.specialty):
        return False
    values = {key: text for key, text in (await values_of(tx, referral)).items() if key != "until"}
    if place is not None:
        values["when"] = local(place)
    readers = [await desk(tx, referral.to_org)]
    if await booking.is_direct(tx, referral):
        readers.append(Reader.account(referral.referrer))
    message = Message(
        "referral.place-free", tuple(readers), f"Task/{referral.task_id}", referral.patient, values, urgent=referral.priority in URGENT
    )
    await tell_all(tx, message)
    await tx.execute("update referral set offered_at = $2 where task_rid = $1", task_rid, tx.now)
    return True
