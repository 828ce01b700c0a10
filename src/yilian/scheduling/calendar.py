"""号源日历: places of an institution's schedules by day, or of one schedule by slot: how many, and how many are free to whom.

Anybody who is signed in may ask, as with `$find`; how many are kept for which pool is told to those who may take them, and to the
institution whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yilian.access.institutions import tier_of
from yilian.errors import BadRequest, NotFound
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.scheduling import places
from yilian.scheduling.standing import Standing
from yilian.search.parameters import parameters_of

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST = 31
PRACTITIONER = parameters_of("PractitionerRole")["practitioner"].id

POOLS = ("grassroots", "family-doctor", "follow-up", "on-site", "emergency")
LEFT = f"{places.FREE} and not s.stopped and s.ends > now()"
KEPT = ",\n    ".join(f"""count(*) filter (where {LEFT} and p.pool = '{pool}' and p.public_from > now()) as "{pool}\"""" for pool in POOLS)

CALENDAR = f"""
select s.schedule, {{by}}, count(*) as places,
    count(*) filter (where {LEFT} and {places.open_to("$5")}) as free,
    count(*) filter (where {LEFT}) as left_over,
    count(*) filter (where p.held_until > now()) as held,
    count(*) filter (where p.appointment is not null and p.held_until is null) as taken,
    count(*) filter (where s.stopped) as stopped,
    {KEPT},
    min(p.opens) filter (where p.opens > now() and {places.FREE}) as opens
from slot s join place p on p.slot = s.rid
where s.institution = $1 and s.starts >= $2::date - interval '1 day' and s.starts < $3::date + interval '2 days'
  and s.day between $2 and $3 and ($4::bigint[] is null or s.schedule = any($4))
group by s.schedule, {{group}} order by s.schedule, {{group}}
"""
BY_DAY = CALENDAR.format(by="s.day, min(s.starts) as starts, max(s.ends) as ends, 0::bigint as slot", group="s.day")
BY_SLOT = CALENDAR.format(by="s.day, s.starts, s.ends, s.rid as slot", group="s.day, s.starts, s.ends, s.rid")
SCHEDULES = f"""
select s.rid, r.id, s.kind, s.specialty, s.actor from schedule s join resource r using (rid)
where s.institution = $1 and s.active and ($2 = '' or s.specialty = $2) and ($3::text[] is null or r.id = any($3))
  and ($4 = '' or s.actor in (
    select x.rid from index_reference x join resource n on n.rid = x.target where x.param = {PRACTITIONER} and n.type = $5 and n.id = $4))
order by s.specialty, s.kind desc, s.rid limit 500
"""


@dataclass(frozen=True, slots=True)
class Question:
    """institution: rid; first, last: days of the region, both included; specialty: a code; schedules, practitioner: logical ids; slots: of
    each slot, not of each day."""

    institution: int
    first: date
    last: date
    specialty: str = ""
    schedules: tuple[str, ...] = ()
    practitioner: str = ""
    slots: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """Places of a schedule on a day, or of one slot (its logical id). free: open to the asker now; left: free, opened or not; opens: when
    the next ones open; pools: how many of those left are kept for whom, {} for those who need not know."""

    day: date
    starts: datetime
    ends: datetime
    slot: str
    places: int
    free: int
    left: int
    held: int
    taken: int
    stopped: int
    opens: datetime | None
    pools: dict[str, int]


@dataclass(slots=True)
class Line:
    """A schedule (logical id) and its days. actor: rid."""

    schedule: str
    kind: str
    specialty: str
    actor: int
    days: list[Day] = field(default_factory=list)


async def institution(tx: Tx, id: str) -> int:
    """rid of Organization/`id`. Raises NotFound."""
    rid = await tx.fetchval("select rid from resource where type = $1 and id = $2 and not deleted", type_id("Organization"), id)
    if rid is None:
        raise NotFound(f"There is no Organization/{id}.", zh="没有找到该机构。")
    return int(rid)


@dataclass(frozen=True, slots=True)
class Bookable:
    """An institution (logical id) that has schedules: how many, and of which specialties."""

    id: str
    name: str
    tier: str
    schedules: int
    specialties: tuple[str, ...]


async def institutions(tx: Tx) -> list[Bookable]:
    """Every institution with active schedules, those with most of them first."""
    rows = await tx.fetch(
        """
        select r.id, r.body, count(*) as many, array_agg(distinct s.specialty) filter (where s.specialty <> '') as specialties
        from schedule s join resource r on r.rid = s.institution and not r.deleted
        where s.active group by r.rid order by count(*) desc, r.id
        """
    )
    found = []
    for row in rows:
        body = parse(row["body"].encode())
        name, tier = str(body.get("name", "")), tier_of(body)
        found.append(Bookable(row["id"], name, tier, row["many"], tuple(row["specialties"] or ())))
    return found


async def lines(tx: Tx, question: Question, here: Standing) -> list[Line]:
    """The schedules asked for, with what each has on each day; those that have nothing as well. Raises BadRequest for too many days."""
    if not 0 <= (question.last - question.first).days < LONGEST:
        raise BadRequest(f"A calendar is of 1 to {LONGEST} days.", expression="end", zh=f"日历跨度为 1 至 {LONGEST} 天。")
    rows = await tx.fetch(
        SCHEDULES,
        question.institution,
        question.specialty,
        list(question.schedules) or None,
        question.practitioner,
        type_id("Practitioner"),
    )
    found = {row["rid"]: Line(row["id"], row["kind"], row["specialty"], row["actor"]) for row in rows}
    own = here.institution == question.institution
    days = await tx.fetch(
        BY_SLOT if question.slots else BY_DAY,
        question.institution, question.first, question.last, list(found), list(here.pools(question.institution)),
    )  # fmt: skip
    names = await _ids(tx, [row["slot"] for row in days if row["slot"]])
    for row in days:
        told = {name: row[name] for name in POOLS if row[name]} if own else {}
        if not own and here.grassroots and row["grassroots"]:
            told = {"grassroots": row["grassroots"]}
        found[row["schedule"]].days.append(_day(row, names.get(row["slot"], ""), told))
    return list(found.values())


def _day(row: Any, slot: str, pools: dict[str, int]) -> Day:
    return Day(
        row["day"], row["starts"], row["ends"], slot, row["places"], row["free"], row["left_over"], row["held"], row["taken"],
        row["stopped"], row["opens"], pools,
    )  # fmt: skip


async def _ids(tx: Tx, rids: Sequence[int]) -> dict[int, str]:
    if not rids:
        return {}
    return {row["rid"]: row["id"] for row in await tx.fetch("select rid, id from resource where rid = any($1::bigint[])", list(rids))}
