"""How long people wait at an institution, by department: counted each night from what happened, never typed.

    answer    from when a referral reached the receiver until it was said who sees the patient and when
    arrival   from the same moment until the patient was there
    booking   from when a place was booked until its time

Medians, and what nine in ten waited at most, of the last `directory.wait_days` days; below `directory.wait_least_cases` cases nothing is
said, since a number that rests on a few misleads and may point at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from yilian import policy
from yilian.fhir import urls
from yilian.fhir.dates import region_zone
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx
    from yilian.jobs import Job
    from yilian.store.change import Written

JOB = "directory.waits"
MEASURES = ("answer", "arrival", "booking")
KEPT = timedelta(days=400)
"""A year and a month, to compare with the year before."""
FRESH = timedelta(days=40)
"""What is older than that is told nobody as a wait of today."""

COUNT = """
with happened as (
    select 'answer' as measure, to_org as institution, specialty, arranged_at - submitted_at as waited
    from referral where submitted_at is not null and arranged_at >= $1
    union all
    select 'arrival', f.to_org, f.specialty, a.at - f.submitted_at
    from care_arrival a join referral f on f.task_rid = a.task where a.at >= $1 and f.submitted_at is not null
    union all
    select 'booking', institution, specialty, starts - created
    from appointment where created >= $1 and state in ('booked', 'checked-in', 'fulfilled', 'no-show'))
insert into care_wait (day, measure, institution, specialty, cases, median_h, most_h)
select $2, measure, institution, specialty, count(*),
    percentile_cont(0.5) within group (order by extract(epoch from waited)) / 3600,
    percentile_cont(0.9) within group (order by extract(epoch from waited)) / 3600
from happened where specialty is not null and institution is not null and waited >= interval '0' group by 2, 3, 4 having count(*) >= $3
"""

LATEST = """
select distinct on (institution, measure) institution, measure, specialty, day, cases, median_h, most_h
from care_wait where institution = any($1::bigint[]) and specialty = any($2::text[]) and day > $3
order by institution, measure, specialty desc, day desc
"""
OF_INSTITUTION = """
select distinct on (specialty, measure) institution, measure, specialty, day, cases, median_h, most_h
from care_wait where institution = $1 and day > $2 order by specialty, measure, day desc
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """day: of the region, up to which it was counted; hours."""

    measure: str
    specialty: str
    day: date
    cases: int
    median_h: float
    most_h: float


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """A reaction of the store: when the Task of a referral first said that the patient is there."""
    arrived = [one.rid for one in written if one.type == "Task" and not one.unchanged and one.resource and _says_arrived(one.resource)]
    if arrived:
        await tx.execute("insert into care_arrival (task, at) select unnest($1::bigint[]), $2 on conflict do nothing", arrived, tx.now)


def _says_arrived(task: dict[str, object]) -> bool:
    status = task.get("businessStatus")
    codings = status.get("coding", ()) if isinstance(status, dict) else ()
    return any(c.get("system") == urls.REFERRAL_STATE and c.get("code") == "arrived" for c in codings)


async def count(tx: Tx) -> int:
    """Count up to now, in `tx`, for the day it is in the region; counting again on one day replaces it. How many rows there are now."""
    today = tx.now.astimezone(region_zone()).date()
    days = int(await policy.value(tx, "directory.wait_days", tx.now))
    least = int(await policy.value(tx, "directory.wait_least_cases", tx.now))
    await tx.execute("delete from care_wait where day = $1 or day < $2", today, today - KEPT)
    await tx.execute(COUNT, tx.now - timedelta(days=days), today, max(1, least))
    rows: int = await tx.fetchval("select count(*) from care_wait where day = $1", today)
    return rows


async def carry_out(db: Database, job: Job) -> dict[str, int]:
    """The job of each night."""
    async with db.transaction() as tx:
        return {"rows": await count(tx)}


async def latest(tx: Tx, institutions: Sequence[int], specialties: Sequence[str]) -> dict[int, tuple[Wait, ...]]:
    """What is usual at these institutions now, for the narrowest of these departments that is known, by institution."""
    found: dict[int, list[Wait]] = {}
    for row in await tx.fetch(LATEST, list(institutions), list(specialties), _since(tx)):
        found.setdefault(row["institution"], []).append(
            Wait(row["measure"], row["specialty"], row["day"], row["cases"], row["median_h"], row["most_h"])
        )
    return {institution: tuple(waits) for institution, waits in found.items()}


async def of_institution(tx: Tx, institution: int) -> list[Wait]:
    """All that is known of one institution, by department."""
    rows = await tx.fetch(OF_INSTITUTION, institution, _since(tx))
    return [Wait(row["measure"], row["specialty"], row["day"], row["cases"], row["median_h"], row["most_h"]) for row in rows]


def _since(tx: Tx) -> date:
    return tx.now.astimezone(region_zone()).date() - FRESH
