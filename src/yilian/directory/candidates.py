"""Who can take this patient: the institutions that offer what is needed, may be referred to, and take such referrals, best first.

The directory is everybody's who is signed in, and so are free places and the number of free beds; of the patient only the institutions
that sent it here are looked up, for whoever may read the patient (the caller sees to that).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.directory import institutions, tiers, waits
from yilian.directory.institutions import Institution
from yilian.directory.offers import DIRECTIONS, Settings
from yilian.directory.payment import Payment, payments_of
from yilian.directory.ranking import URGENCIES, Facts, Reason, cost, reasons, weights_of
from yilian.directory.roads import Point, Way, road_of, way
from yilian.directory.specialties import SPECIALTIES
from yilian.errors import BadRequest
from yilian.fhir.dates import region_zone
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

AHEAD = timedelta(days=30)
"""How far ahead a free place is looked for."""

FIND = """
with offer as (
    select distinct on (o.institution) o.*, o.specialties @> array[$1::text] as exact
    from service_offer o left join institution p on p.rid = o.provider
    where o.active and o.specialties && $2::text[] and o.institution <> $3
    order by o.institution, o.specialties @> array[$1::text] desc, o.provider = o.institution desc, p.rid is null desc, o.rid)
select o.institution, r.id as service, o.exact, o.accepts, o.needs_approval, o.direct_booking, o.attachments, i.tier,
    s.latitude, s.longitude, f.slot, f.starts,
    exists (select from membership m join membership h on h.consortium = m.consortium
        where m.member = o.institution and h.member = $3 and m.period @> $4::date and h.period @> $4::date) as together
from offer o
join institution i on i.rid = o.institution and i.active
join resource r on r.rid = o.rid
left join lateral (
    select latitude, longitude from institution_site where organization = o.institution order by rid limit 1) s on true
left join lateral (
    select x.id as slot, s.starts from slot s join resource x on x.rid = s.rid
    where s.institution = o.institution and s.specialty = any(o.specialties) and s.specialty = any($2::text[]) and not s.stopped
        and s.kind in ('clinic', 'expert') and s.starts >= greatest($5::timestamptz, now()) and s.starts < $6
        and exists (select from place p where p.slot = s.rid and (p.appointment is null or p.held_until <= now())
            and p.opens <= now() and (p.pool = any($7::text[]) or p.public_from <= now()))
    order by s.starts limit 1) f on true
"""
"""A place is free and open as `scheduling.places` has it."""

BEDS = """
select institution, count(*) as beds, count(*) filter (where state = 'free') as free
from bed_now where institution = any($1::bigint[]) and specialty = any($2::text[]) and state <> 'stopped' group by institution
"""
HERE = "select latitude, longitude from institution_site where organization = $1 order by rid limit 1"
TOGETHER = "select exists (select from membership where member = $1 and period @> $2::date)"
SENT_BY = "select distinct from_org from referral where patient = $1 and to_org = $2 and submitted_at is not null"


@dataclass(frozen=True, slots=True)
class Need:
    """specialty: a code of 诊疗科目. direction: up | down | lateral, "": whoever offers it. near: where the patient is; None: at the
    sender's. since: aware, when a place is wanted at the earliest; None: now. patient: rid, 0 for none; the caller has read it within the
    scope. pools: those whose places are open to the asker (`scheduling.standing`)."""

    specialty: str
    direction: str = ""
    priority: str = "routine"
    near: Point | None = None
    since: datetime | None = None
    patient: int = 0
    pools: tuple[str, ...] = ("public",)
    count: int = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """service: "HealthcareService/…"; slot: "Slot/…" of the next place, "" for none; cost: minutes, see `ranking`; payment: what the
    insurance leaves to the patient, None where the region has no figure."""

    institution: Institution
    service: str
    settings: Settings
    point: Point | None
    way: Way | None
    slot: str
    next_place: datetime | None
    beds_free: int
    beds: int
    waits: tuple[waits.Wait, ...]
    reasons: tuple[Reason, ...]
    cost: float
    payment: Payment | None = None


async def find(tx: Tx, scope: Scope, need: Need) -> list[Candidate]:
    """The best `need.count`, best first, in `tx` or on a reading connection; the asker's own institution is never among them.

    BadRequest for a specialty, a direction or a priority there is not.
    """
    _check(need)
    here, today = scope.institution_rid, tx.now.astimezone(region_zone()).date()
    since = max(need.since, tx.now) if need.since is not None else tx.now
    codes = _matching(need.specialty)
    rows = await tx.fetch(FIND, need.specialty, codes, here, today, since, since + AHEAD, list(need.pools))
    sender = (await institutions.by_rid(tx, [here])).get(here) if here else None
    sent_by = {row["from_org"] for row in await tx.fetch(SENT_BY, need.patient, here)} if need.patient and here else set()
    rule = await policy.value(tx, "referral.tier_rule", tx.now)
    rows = [row for row in rows if row["institution"] in sent_by or _may(row, need.direction, sender, rule)]
    known = await institutions.by_rid(tx, [row["institution"] for row in rows])
    beds = await _beds(tx, list(known), [*codes, ""])
    waited = await waits.latest(tx, list(known), codes)
    weights = weights_of(await policy.value(tx, "directory.candidate_weights", tx.now), need.priority)
    payments = payments_of(await policy.value(tx, "directory.inpatient_payment", tx.now))
    road = road_of(await policy.value(tx, "directory.road", tx.now))
    start = need.near or (await _site(tx, here) if here else None)
    in_one = bool(here) and bool(await tx.fetchval(TOGETHER, here, today))
    found = []
    for row in rows:
        one = known[row["institution"]]
        place = Point(row["latitude"], row["longitude"]) if row["latitude"] is not None else None
        free, all_beds = beds.get(one.rid, (0, 0))
        usual = waited.get(one.rid, ())
        facts = Facts(
            way(start, place, road) if start is not None and place is not None else None,
            _steps(sender, one, need.direction),
            row["together"] if in_one else None,
            row["exact"],
            row["starts"],
            free,
            all_beds,
            next((wait.median_h for wait in usual if wait.measure == "answer"), None),
            one.rid in sent_by,
        )
        why = reasons(facts, weights, since)
        found.append(
            Candidate(
                one,
                f"HealthcareService/{row['service']}",
                Settings(tuple(row["accepts"]), row["needs_approval"], row["direct_booking"], tuple(row["attachments"])),
                place,
                facts.way,
                f"Slot/{row['slot']}" if row["slot"] else "",
                row["starts"],
                free,
                all_beds,
                usual,
                why,
                cost(why),
                payments.get(one.tier),
            )
        )
    found.sort(key=lambda one: (one.institution.rid not in sent_by, one.cost, one.institution.name, one.institution.rid))
    return found[: need.count]


def _check(need: Need) -> None:
    if need.specialty not in SPECIALTIES:
        raise BadRequest(
            f"specialty is a code of 诊疗科目名录, such as 03.04; {need.specialty[:20]!r} is none.",
            expression="specialty",
            zh="请选择诊疗科目。",
        )
    if need.direction and need.direction not in DIRECTIONS:
        raise BadRequest(f"direction is one of {', '.join(DIRECTIONS)}.", expression="direction", zh="转诊方向不正确。")
    if need.priority not in (*URGENCIES, "asap"):
        raise BadRequest("priority is one of routine, urgent, asap, stat.", expression="priority", zh="紧急程度不正确。")
    if not 1 <= need.count <= 200:
        raise BadRequest("_count is 1 to 200.", expression="_count", zh="_count 应为 1 至 200。")


def _matching(specialty: str) -> list[str]:
    """The department itself, and the broader one it is part of."""
    broader = specialty.partition(".")[0]
    return [specialty] if broader == specialty else [specialty, broader]


def _may(row: Any, direction: str, sender: Institution | None, rule: dict[str, list[str]]) -> bool:
    """Whether it takes such referrals, and the rule of tiers allows it. A village post is no receiver of its own: its centre is."""
    if row["tier"] == "village" or (direction and direction not in row["accepts"]):
        return False
    if not direction or sender is None or not sender.tier:
        return True
    return tiers.compare(sender.tier, row["tier"]) in rule[direction]


def _steps(sender: Institution | None, one: Institution, direction: str) -> int:
    """Tiers that are left out: referring goes step by step. An equal one counts as a step where somebody higher or lower is meant."""
    if sender is None or not sender.tier or not direction:
        return 0
    apart = abs(tiers.rank(sender.tier) - tiers.rank(one.tier)) // 10
    return 1 if not apart and direction != "lateral" else max(0, apart - 1)


async def _site(tx: Tx, institution: int) -> Point | None:
    row = await tx.fetchrow(HERE, institution)
    return Point(row["latitude"], row["longitude"]) if row is not None else None


async def _beds(tx: Tx, institutions: list[int], specialties: list[str]) -> dict[int, tuple[int, int]]:
    """Free beds and all in service, by institution; nothing where the house keeps no beds."""
    if await tx.fetchval("select to_regclass('bed_now')") is None:
        return {}
    return {row["institution"]: (row["free"], row["beds"]) for row in await tx.fetch(BEDS, institutions, specialties)}
