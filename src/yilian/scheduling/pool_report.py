"""号源报表: what became of the places of a period, by institution, beside what the region asks for (APT-3, APT-4, APT-5).

    放号率      places that are not kept for the house itself, of all places that were not stopped
    基层预留    places of clinics and experts that were the grassroots' alone for so many hours (`booking.targets`) or longer, of all of
                these; the same of the experts' alone
    使用        places somebody has, of all; of the reserved ones, those that went to the grassroots
    预约率      outpatient visits that had been booked before (not at the counter), of all outpatient visits

Visits are Encounters of the class ambulatory that took place; that one had been booked is known from the check-in. Nobody is named: these
are numbers of places. Days are the region's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.access import institutions
from yilian.directory.tiers import rank, tier
from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone
from yilian.fhir.definitions import type_id
from yilian.scheduling.standing import OF_THE_HOUSE
from yilian.search.parameters import parameters_of
from yilian.search.rows import token_hash

if TYPE_CHECKING:
    from yilian.db import Tx

LONGEST = timedelta(days=366)
OUTPATIENT = ("clinic", "expert")
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

_CLASS = token_hash(parameters_of("Encounter")["class"].id, ACT, "AMB")
_TOOK_PLACE = ", ".join(
    str(token_hash(parameters_of("Encounter")["status"].id, "", state))
    for state in ("arrived", "triaged", "in-progress", "onleave", "finished")
)
PLACES = f"""
select s.institution, s.kind, s.stopped, count(*) as places,
    count(*) filter (where p.pool <> all('{{{",".join(OF_THE_HOUSE)}}}')) as released,
    count(*) filter (where p.pool = 'grassroots' and p.public_from - p.opens >= $4::interval) as reserved,
    count(*) filter (where a.state is not null) as taken,
    count(*) filter (where a.state is not null and p.pool = 'grassroots') as reserved_taken,
    count(*) filter (where a.state is not null and a.pool = 'grassroots' and p.pool = 'grassroots') as reserved_used,
    count(*) filter (where a.state is not null and a.pool = 'grassroots') as by_grassroots,
    count(*) filter (where a.state = 'no-show') as missed
from slot s join place p on p.slot = s.rid
left join appointment a on a.rid = p.appointment and a.state in ('booked', 'checked-in', 'fulfilled', 'no-show')
where s.day >= $1 and s.day < $2 and ($3::bigint[] is null or s.institution = any($3)) group by 1, 2, 3
"""
VISITS = f"""
select p.target as institution, count(*) as visits,
    count(*) filter (where exists (
        select from attendance t join appointment a on a.rid = t.appointment
        where t.encounter = i.rid and a.channel <> 'on-site')) as booked
from index_clinical i
join index_reference p on p.rid = i.rid and p.param = {parameters_of("Encounter")["service-provider"].id}
where i.type = {type_id("Encounter")} and i.nth = 0 and i.lo >= $1 and i.lo < $2 and ($3::bigint[] is null or p.target = any($3))
    and exists (select from index_token t where t.rid = i.rid and t.h = {_CLASS})
    and exists (select from index_token t where t.rid = i.rid and t.h in ({_TOOK_PLACE}))
group by 1
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Of one kind (or all): how many there were, and what became of them. missed: whoever had one did not come."""

    places: int = 0
    stopped: int = 0
    released: int = 0
    reserved: int = 0
    taken: int = 0
    reserved_taken: int = 0
    reserved_used: int = 0
    by_grassroots: int = 0
    missed: int = 0

    def __add__(self, other: Places) -> Places:
        return Places(*(getattr(self, name) + getattr(other, name) for name in Places.__slots__))


@dataclass(frozen=True, slots=True)
class Target:
    """A share beside what is asked for. share: None where there is nothing to have a share of; least: None where nothing is asked for."""

    share: float | None
    least: float | None

    @property
    def reached(self) -> bool | None:
        return None if self.share is None or self.least is None else self.share + 1e-9 >= self.least


@dataclass(frozen=True, slots=True)
class Line:
    """An institution. kinds: kind → its places; visits, booked: outpatient visits, and those of them that had been booked before."""

    rid: int
    reference: str
    name: str
    tier: str
    kinds: dict[str, Places]
    visits: int
    booked: int
    released: Target
    reserved: Target
    reserved_expert: Target
    booking: Target

    @property
    def all(self) -> Places:
        return sum(self.kinds.values(), Places())


async def report(tx: Tx, since: date, until: date, only: tuple[int, ...] | None = None) -> list[Line]:
    """Every institution that had places on the days [since, until), or visits that should have been booked, the highest tier first; `only`
    these (rids). Raises BadRequest for a period of more than a year."""
    if not timedelta() < until - since <= LONGEST:
        raise BadRequest("The period is 1 to 366 days.", expression="start", zh="统计时段应在一年以内。")
    asked = await policy.value(tx, "booking.targets", tx.now)
    zone, which = region_zone(), list(only) if only is not None else None
    hours = timedelta(hours=float(asked["reserved_hours"]))
    kinds: dict[int, dict[str, Places]] = {}
    for row in await tx.fetch(PLACES, since, until, which, hours):
        there = kinds.setdefault(row["institution"], {})
        there[row["kind"]] = there.get(row["kind"], Places()) + _places(row)
    bounds = [datetime.combine(day, time(), zone) for day in (since, until)]
    visits = {row["institution"]: row for row in await tx.fetch(VISITS, *bounds, which)}
    speak_for = await institutions.of(tx, {*kinds, *visits})
    counted: dict[int, tuple[int, int]] = {}
    for rid, row in visits.items():
        here = speak_for[rid].rid if rid in speak_for else rid
        seen, booked = counted.get(here, (0, 0))
        counted[here] = seen + row["visits"], booked + row["booked"]
    named = await institutions.of(tx, {*kinds, *counted})
    lines = [_line(named[rid], kinds.get(rid, {}), counted.get(rid, (0, 0)), asked) for rid in {*kinds, *counted} if rid in named]
    lines = [one for one in lines if one.kinds or one.booking.least is not None]
    return sorted(lines, key=lambda one: (-rank(one.tier), -one.all.places, one.name))


def _places(row: Any) -> Places:
    """What was stopped could not be taken, and counts as nothing else."""
    if row["stopped"]:
        return Places(stopped=row["places"])
    return Places(**{name: row[name] for name in Places.__slots__ if name != "stopped"})


def _line(here: institutions.Institution, kinds: dict[str, Places], visits: tuple[int, int], asked: Any) -> Line:
    level = tier(here.tier)
    everything = sum(kinds.values(), Places())
    outpatient = sum((kinds.get(kind, Places()) for kind in OUTPATIENT), Places())
    expert = kinds.get("expert", Places())
    hospital = rank(level) >= rank("county")
    return Line(
        here.rid,
        here.reference,
        here.name,
        level,
        kinds,
        *visits,
        released=Target(_share(everything.released, everything.places), asked["released"].get(level)),
        reserved=Target(_share(outpatient.reserved, outpatient.places), asked["reserved"] if hospital else None),
        reserved_expert=Target(_share(expert.reserved, expert.places), asked["reserved_expert"] if hospital else None),
        booking=Target(_share(visits[1], visits[0]), asked["booked"].get(level)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
