"""床位使用率: how many of the beds that were open were used, day by day.

实际占用床日 ÷ 实际开放床日 (卫生健康统计, china-facts §8.9): both counted at the end of each day of the region, at 24:00. What was open is
written down when the day is over, since Locations tell only how it is now; what was occupied is counted from the stays, and again for some
days after, since what is told late is told all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone

if TYPE_CHECKING:
    from yilian.db import Tx

CLOSE = "beds.days"
AGAIN = 7
"""Days for which what was occupied is counted again."""
LONGEST = 366
PUT = """
insert into bed_day (day, ward, kind, institution, specialty, beds, occupied)
select $1, b.ward, b.kind, w.institution, w.specialty, count(*) filter (where not b.stopped), count(c.bed)
from bed b join ward w on w.rid = b.ward
left join bed_claim c on c.bed = b.rid and c.stands and c.starts < $2 and (c.ends is null or c.ends >= $2)
where b.active group by b.ward, b.kind, w.institution, w.specialty
on conflict (day, ward, kind) do update set occupied = excluded.occupied
"""
USED = """
select d.institution, case when $4 then d.ward end as ward, sum(d.beds)::bigint as beds, sum(d.occupied)::bigint as occupied,
    count(distinct d.day) as days
from bed_day d where d.institution = any($1::bigint[]) and d.day >= $2 and d.day < $3 and d.kind not in ('day', 'newborn')
group by 1, 2 order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Use:
    """Of an institution, or one ward of it (rids; None: of all wards). beds, occupied: bed days; days: of how many days they are known."""

    institution: int
    ward: int | None
    beds: int
    occupied: int
    days: int

    @property
    def rate(self) -> float | None:
        """0 to 1 and more (beds that were added); None where nothing was open."""
        return self.occupied / self.beds if self.beds else None


async def close(tx: Tx, now: datetime) -> int:
    """Write down the days that are over by `now` (aware) and not yet written, and the last `AGAIN` anew, in `tx`: how many."""
    zone = region_zone()
    today = now.astimezone(zone).date()
    last = await tx.fetchval("select max(day) from bed_day")
    first = today - timedelta(days=1) if last is None else min(last + timedelta(days=1), today - timedelta(days=AGAIN))
    written = await tx.fetchval("select min(day) from bed_day") or first
    day = max(first, written, today - timedelta(days=LONGEST))
    done = 0
    while day < today:
        await tx.execute(PUT, day, _end(day))
        day += timedelta(days=1)
        done += 1
    return done


async def used(tx: Tx, institutions: Sequence[int], start: date, end: date, *, by_ward: bool = False) -> list[Use]:
    """Of these institutions (rids), from the day `start` to the day before `end`. Beds of day wards and of newborns are no 开放床位 and not
    among them. Raises BadRequest for no day, and for more than a year."""
    if not timedelta(0) < end - start <= timedelta(days=LONGEST):
        raise BadRequest(f"From start to end it is 1 to {LONGEST} days.", expression="end", zh="统计时段须为 1 至 366 天。")
    return [Use(*row) for row in await tx.fetch(USED, list(institutions), start, end, by_ward)]


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), region_zone())
