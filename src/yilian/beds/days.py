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
BY = {"institution": ("null::bigint", "null::date"), "ward": ("{ward}", "null::date"), "day": ("null::bigint", "{day}")}
"""What is told apart, besides institutions: the ward and the day (SQL)."""
USED = """
with open_days as (
    select d.institution, {of_day} , sum(d.beds)::bigint as beds, sum(d.occupied)::bigint as occupied, count(distinct d.day) as days
    from bed_day d where d.institution = any($1::bigint[]) and d.day >= $2 and d.day < $3 and d.kind not in ('day', 'newborn')
    group by 1, 2, 3),
gone as (
    select b.institution, {of_stay}, count(*) as left_
    from bed_claim c join bed b on b.rid = c.bed
    where b.institution = any($1::bigint[]) and b.kind not in ('day', 'newborn') and c.stands and c.ends >= $4 and c.ends < $5
      and c.ends <= $7 and not exists (select from bed_claim o where o.encounter = c.encounter and o.stands and o.starts >= c.ends)
    group by 1, 2, 3)
select o.institution, o.ward, o.day, o.beds, o.occupied, o.days, coalesce(g.left_, 0) as discharged
from open_days o left join gone g on g.institution = o.institution and g.ward is not distinct from o.ward
    and g.day is not distinct from o.day
where $6::text <> '' order by 1, 3 nulls first, 2
"""


def _used(by: str) -> str:
    ward, day = BY[by]
    of_day = f"{ward.format(ward='d.ward')} as ward, {day.format(day='d.day')} as day"
    at = "(c.ends at time zone $6)::date"
    return USED.format(of_day=of_day, of_stay=f"{ward.format(ward='b.ward')} as ward, {day.format(day=at)} as day")


@dataclass(frozen=True, slots=True)
class Use:
    """Of an institution, a ward of it, or a day (rids; None: of all). beds, occupied: bed days; days: of how many days they are known;
    discharged: stays that ended in a bed of it by leaving the house, on any day of the period."""

    institution: int
    ward: int | None
    day: date | None
    beds: int
    occupied: int
    days: int
    discharged: int

    @property
    def rate(self) -> float | None:
        """0 to 1 and more (beds that were added); None where nothing was open."""
        return self.occupied / self.beds if self.beds else None

    @property
    def turnover(self) -> float | None:
        """床位周转次数: 出院人数 ÷ 平均开放床位数 of the days that are known; None where nothing was open."""
        return self.discharged * self.days / self.beds if self.beds else None


async def close(tx: Tx, now: datetime, *, since: date | None = None) -> int:
    """Write down the days that are over by `now` (aware) and not yet written, and the last `AGAIN` anew, in `tx`: how many.

    since: where none is written yet, from which day on; else from yesterday. What is open now is then taken to have been open.
    """
    zone = region_zone()
    today = now.astimezone(zone).date()
    last = await tx.fetchval("select max(day) from bed_day")
    first = (since or today - timedelta(days=1)) if last is None else min(last + timedelta(days=1), today - timedelta(days=AGAIN))
    written = await tx.fetchval("select min(day) from bed_day") or first
    day = max(first, written, today - timedelta(days=LONGEST))
    done = 0
    while day < today:
        await tx.execute(PUT, day, _end(day))
        day += timedelta(days=1)
        done += 1
    return done


async def used(tx: Tx, institutions: Sequence[int], start: date, end: date, *, by: str = "institution") -> list[Use]:
    """Of these institutions (rids), from the day `start` to the day before `end`, by a key of `BY`. Beds of day wards and of newborns are
    no 开放床位 and not among them. Raises BadRequest for no day, for more than a year, and for what cannot be told apart."""
    if not timedelta(0) < end - start <= timedelta(days=LONGEST):
        raise BadRequest(f"From start to end it is 1 to {LONGEST} days.", expression="end", zh="统计时段须为 1 至 366 天。")
    if by not in BY:
        raise BadRequest(f"by is {', '.join(BY)}.", expression="by", zh="统计口径不正确。")
    since, until = _end(start - timedelta(days=1)), _end(end - timedelta(days=1))
    return [Use(*row) for row in await tx.fetch(_used(by), list(institutions), start, end, since, until, str(region_zone()), tx.now)]


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), region_zone())
