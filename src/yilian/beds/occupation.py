"""Who lies in which bed: what Encounters say by `location`, as rows, in the transaction that writes them.

An Encounter that is under way claims the beds of its `location` entries. Of several that are open at once the one that began last is where
the patient is: each ends where the next begins. One bed has one patient at a time, which the database keeps (`bed_claim`): what says
otherwise is stored and listed as a contradiction, and what stood before stands. As soon as it no longer contradicts, it stands too.

    Encounter.status               planned, cancelled, entered-in-error: no bed; finished: every stay has ended
    Encounter.location.status      planned, reserved: no bed
    Encounter.location.period      from when to when; without a beginning that of the Encounter, else when it was written. An end that lies
                                   ahead is one that is expected
    `urls.PLANNED_END`             expected discharge (plannedEndDate of R5)

ADT A01, A02, A03, A08, A11 to A13 come to this. FHIR R4: http://hl7.org/fhir/R4/encounter-definitions.html#Encounter.location
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yilian import policy
from yilian.fhir import urls
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.definitions import type_id
from yilian.fhir.references import Local
from yilian.fhir.references import parse as parse_reference

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.write import Written

Json = Mapping[str, Any]

IN_NO_BED = ("planned", "cancelled", "entered-in-error", "unknown")
OVER = ("finished",)
NOT_YET = ("planned", "reserved")

BEDS = "select r.id, b.rid, b.institution from resource r join bed b using (rid) where r.type = $1 and r.id = any($2::text[])"
THERE = """
select encounter, nth, bed, patient, starts, ends, expected from bed_claim where encounter = any($1::bigint[]) order by encounter, nth
"""
LOCK = "select rid, institution from bed where rid = any($1::bigint[]) order by rid for update"
CLAIM = """
insert into bed_claim (encounter, nth, bed, patient, starts, ends, expected, stands)
values ($1, $2, $3, $4, $5, $6, $7, not exists (
    select from bed_claim o where o.bed = $3 and o.stands and tstzrange(o.starts, o.ends) && tstzrange($5, $6)))
returning stands
"""
WAITING = "select encounter, nth from bed_claim where bed = any($1::bigint[]) and not stands order by bed, starts, encounter, nth"
STAND = """
update bed_claim c set stands = true where encounter = $1 and nth = $2 and not exists (
    select from bed_claim o where o.bed = c.bed and o.stands and tstzrange(o.starts, o.ends) && tstzrange(c.starts, c.ends))
"""
CLEANED = """
update bed b set clean_at = m.at
from (select w.bed, (select max(c.ends) from bed_claim c where c.bed = w.bed and c.stands) + w.time as at
      from unnest($1::bigint[], $2::interval[]) as w (bed, time)) m
where b.rid = m.bed and b.clean_at is distinct from m.at
"""
ADMITTED = """
update bed_hold h set state = 'admitted', ended = $2
where h.ended is null and exists (
    select from bed_claim c join bed b on b.rid = c.bed
    left join person_member here on here.patient = c.patient left join person_member held on held.patient = h.patient
    where c.encounter = any($1::bigint[]) and c.stands and c.ends is null and b.institution = h.institution
      and (c.patient = h.patient or here.person = held.person))
"""


@dataclass(frozen=True, slots=True)
class Stay:
    """One entry of Encounter.location, whatever the place. bed: logical id of the Location; aware times; ends None: still there; expected:
    when it is expected to end, None where nobody says."""

    nth: int
    bed: str
    starts: datetime
    ends: datetime | None
    expected: datetime | None


def stays(encounter: Json, written: datetime, known: Mapping[int, tuple[datetime, datetime | None]] | None = None) -> list[Stay]:
    """The stays an Encounter tells of, in the order of their entries. `written`: when this version was; `known`: beginning and end of the
    entries of the version before, which hold for what is not dated."""
    status = encounter.get("status")
    if status in IN_NO_BED:
        return []
    begun, ended = _period(encounter.get("period") or {})
    planned = _planned_end(encounter)
    last = min(ended, written) if ended is not None and status in OVER else written if status in OVER else None
    found: list[Stay] = []
    for nth, entry in enumerate(encounter.get("location", ())):
        target = parse_reference(str((entry.get("location") or {}).get("reference", "")))
        if not isinstance(target, Local) or target.type != "Location" or entry.get("status", "active") in NOT_YET:
            continue
        start, end = _period(entry.get("period") or {})
        before, over = (known or {}).get(nth, (written, None))
        starts = min(start or begun or before, written)
        ahead = end if end is not None and end > written else None
        left = end if end is not None and end <= written else (over or written) if entry.get("status") == "completed" else last
        found.append(Stay(nth, target.id, starts, left if last is None or left is None else min(left, last), ahead or planned))
    return found


def one_at_a_time(found: Sequence[Stay]) -> list[Stay]:
    """The same stays, each ending where the next begins at the latest; what is empty then is left out."""
    ordered = sorted(found, key=lambda stay: (stay.starts, stay.nth))
    made = []
    for place, stay in enumerate(ordered):
        following = ordered[place + 1] if place + 1 < len(ordered) else None
        ends = stay.ends
        if following is not None and (ends is None or ends > following.starts):
            ends = following.starts
        if ends is None or ends > stay.starts:
            made.append(Stay(stay.nth, stay.bed, stay.starts, ends, stay.expected if ends is None else None))
    return made


async def follow(tx: Tx, written: Sequence[Written]) -> None:
    """Part of the room's reaction: `bed_claim` in step with these Encounters, and what follows from it: when a bed is ready again, and the
    end of a hold whose patient has come."""
    concerned = [one for one in written if (one.resource or {}).get("location") or (one.previous and b'"location"' in one.previous)]
    if not concerned:
        return
    there: dict[int, list[tuple[Any, ...]]] = {one.rid: [] for one in concerned}
    for row in await tx.fetch(THERE, list(there)):
        there[row["encounter"]].append(tuple(row))
    told: dict[int, list[Stay]] = {}
    for one in concerned:
        known = {nth: (starts, ends) for _, nth, _, _, starts, ends, _ in there[one.rid]}
        told[one.rid] = stays(one.resource, one.updated, known) if one.resource is not None else []
    rows = await tx.fetch(BEDS, type_id("Location"), sorted({stay.bed for some in told.values() for stay in some}))
    beds = {row["id"]: row["rid"] for row in rows}
    wanted: dict[int, list[tuple[Any, ...]]] = {}
    for one in concerned:
        patient = one.patient if one.patient is not None and one.patient > 0 else None
        mine = one_at_a_time([stay for stay in told[one.rid] if stay.bed in beds])
        wanted[one.rid] = sorted((one.rid, s.nth, beds[s.bed], patient, s.starts, s.ends, s.expected) for s in mine)
    changed = [rid for rid in wanted if wanted[rid] != there[rid]]
    if changed:
        await _put(tx, changed, there, wanted)


async def _put(
    tx: Tx, changed: Sequence[int], there: Mapping[int, list[tuple[Any, ...]]], wanted: Mapping[int, list[tuple[Any, ...]]]
) -> None:
    touched = {claim[2] for rid in changed for claim in (*there[rid], *wanted[rid])}
    locked = await tx.fetch(LOCK, list(touched))
    await tx.execute("delete from bed_claim where encounter = any($1::bigint[])", list(changed))
    for claim in sorted((claim for rid in changed for claim in wanted[rid]), key=lambda claim: (claim[4], claim[0], claim[1])):
        await tx.fetchval(CLAIM, *claim)
    for row in await tx.fetch(WAITING, list(touched)):
        await tx.execute(STAND, row["encounter"], row["nth"])
    await _make_ready(tx, {row["rid"]: row["institution"] for row in locked})
    if any(claim[5] is None for rid in changed for claim in wanted[rid]):
        await tx.execute(ADMITTED, list(changed), tx.now)


async def _make_ready(tx: Tx, beds: Mapping[int, int]) -> None:
    """Beds (rid → institution) are ready again some minutes after the last patient."""
    minutes = {one: float(await policy.value(tx, "beds.cleaning_minutes", tx.now, one)) for one in set(beds.values())}
    await tx.execute(CLEANED, list(beds), [timedelta(minutes=minutes[institution]) for institution in beds.values()])


def _period(period: Json) -> tuple[datetime | None, datetime | None]:
    start, end = str(period.get("start", "")), str(period.get("end", ""))
    return interval(start, region_zone())[0] if start else None, interval(end, region_zone())[0 if "T" in end else 1] if end else None


def _planned_end(encounter: Json) -> datetime | None:
    for extension in _of(encounter.get("extension", ()), urls.PLANNED_END):
        if said := str(extension.get("valueDateTime", "")):
            start, end = interval(said, region_zone())
            return start if "T" in said else end - timedelta(minutes=1)
    return None


def _of(extensions: Iterable[Json], url: str) -> Iterable[Json]:
    return (extension for extension in extensions if extension.get("url") == url)
