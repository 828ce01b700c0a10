"""The visits somebody has to make, and those of the patients one sent down: counted and paged; and how many were visited in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from yilian import policy
from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone
from yilian.search.persons import records_of
from yilian.store import cursor as cursors
from yilian.store.page import Page
from yilian.store.read import COLUMNS, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

LISTS = {
    # code → 中文, the rows of it, newest first
    "overdue": ("已逾期", "f.state = 'due' and f.due_on < $5::date", False),
    "due": ("待随访", "f.state = 'due'", False),
    "done": ("已随访", "f.state = 'done'", True),
    "sent": ("我院下转的患者", "f.state <> 'stopped'", False),
}
SOON_DAYS = 3650


async def follow_ups(tx: Tx, scope: Scope, name: str, *, within_days: int = SOON_DAYS, count: int = 50, cursor: str | None = None) -> Page:
    """One page of a list of visits: Tasks, beside them the Patients; `total` counts the whole list. By day, "done" the newest first.

    due, overdue, done   visits of the asker's institution; sent: of patients it sent down; a resident's are their own, in any list
    within_days          of "due" and "sent": not later than so many days from today
    Raises BadRequest for a list or cursor that is none.
    """
    if name not in LISTS:
        raise BadRequest(f"There is no list {name[:40]!r}; there are {', '.join(LISTS)}.", zh="没有这个随访列表。")
    _, which, newest = LISTS[name]
    whose = _whose(scope, name)
    if not whose:
        return Page([], [], total=0)
    today = tx.now.astimezone(region_zone()).date()
    day = "f.done_on" if newest else "f.due_on"
    last = today + timedelta(days=min(within_days, SOON_DAYS))
    seen = scope.finely(readable("r", 1))
    base = (
        f"follow_up f join resource r on r.rid = f.task_rid where not r.deleted and {seen} and {whose} and {which}"
        f" and $5::date is not null and {day} <= $6::date"
    )
    args = [*scope.keys(), today, last]
    total = await tx.fetchval(f"select count(*) from {base}", *args)
    after = ""
    if cursor is not None:
        place, rid = cursors.unpack(cursor, 2)
        try:
            after = f" and ({day}, f.task_rid) {'<' if newest else '>'} ($7::date, $8::bigint)"
            args += [date.fromordinal(place), rid]
        except (ValueError, OverflowError):
            raise BadRequest("_cursor is not from a link of this list; start again from the first page.", zh="分页参数无效。") from None
    order = f"{day} desc, f.task_rid desc" if newest else f"{day}, f.task_rid"
    rows = await tx.fetch(f"select {COLUMNS}, f.patient as whom, {day} as day from {base}{after} order by {order} limit {count + 1}", *args)
    here = rows[:count]
    beside = await tx.fetch(
        f"select {COLUMNS} from resource r where r.rid = any($5::bigint[]) and not r.deleted and {seen}",
        *scope.keys(),
        list({row["whom"] for row in here}),
    )
    following = cursors.pack(here[-1]["day"].toordinal(), here[-1]["rid"]) if len(rows) > count else None
    return Page([stored(row) for row in here], [stored(row) for row in beside], total, following)


async def counts(tx: Tx, scope: Scope) -> dict[str, int]:
    """How many visits stand in each list but "done"; "today": due by today."""
    found = {name: (await follow_ups(tx, scope, name, count=1)).total or 0 for name in LISTS if name != "done"}
    return {**found, "today": (await follow_ups(tx, scope, "due", within_days=0, count=1)).total or 0}


@dataclass(frozen=True, slots=True)
class Rate:
    """两周内首访率: of the patients sent down and accepted in a time, how many were visited first within the days of the policy."""

    institution: int | None
    sent: int
    in_time: int


async def first_visits(tx: Tx, start: date, end: date) -> list[Rate]:
    """By receiving institution, for down-referrals submitted from `start` to `end` (days of the region, both in) whose time is over or that
    were visited. Numbers alone: for those who count the region, with small cells to be withheld by whoever shows them."""
    days = int(await policy.value(tx, "follow_up.first_within_days", tx.now))
    rows = await tx.fetch(
        """
        with sent as (
            select r.to_org, (r.submitted_at at time zone $3)::date as sent_on,
                   (select min(f.done_on) from follow_up f where f.referral = r.task_rid and f.state = 'done') as first_on
            from referral r
            where r.direction = 'down' and r.submitted_at is not null and (r.submitted_at at time zone $3)::date between $1 and $2
              and r.state in ('accepted', 'held', 'booked', 'arrived', 'completed'))
        select to_org, count(*) as sent, count(*) filter (where first_on <= sent_on + $4::integer) as in_time
        from sent where first_on is not null or sent_on + $4::integer < $5::date group by 1 order by 1
        """,
        start,
        end,
        str(region_zone()),
        days,
        tx.now.astimezone(region_zone()).date(),
    )
    return [Rate(row["to_org"], row["sent"], row["in_time"]) for row in rows]


def _whose(scope: Scope, name: str) -> str:
    """Keys of ours as literals."""
    if scope.reach == "grounds" and scope.institution_rid:
        return f"f.{'sender' if name == 'sent' else 'institution'} = {int(scope.institution_rid)}"
    if scope.reach == "self":
        return f"f.patient = any(array({records_of(str(int(scope.patient_rid)))}))"
    return "true" if scope.reach == "everything" else ""
