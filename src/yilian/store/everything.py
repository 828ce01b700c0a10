"""$everything: a patient or an encounter, all that belongs to it, and what that refers to.

Each from one index; bodies go out as they are stored.
FHIR R4: http://hl7.org/fhir/R4/patient-operation-everything.html, http://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yilian.fhir.definitions import type_id
from yilian.store import cursor as cursors
from yilian.store import large, members, read
from yilian.store.history import BEGINNING
from yilian.store.large import PAGED
from yilian.store.page import Page
from yilian.store.read import Stored, stored
from yilian.store.scope import Scope, of_readable_type, readable

if TYPE_CHECKING:
    from yilian.db import Tx

END = datetime.max.replace(tzinfo=UTC)

ABOUT = f"""
select {PAGED}
from resource r
where r.patient = $1 and r.rid <> $1 and (r.type, r.rid) > ($2, $3)
  and case when r.sensitive = 0 and not exists (select from consent_rule d where d.patient = $1 and not d.permit)
      then ($4::boolean or r.confined is null or r.confined = abs($5::bigint)) and {of_readable_type("r", "$7::smallint[]")}
      else {readable("r", 4)} end
  and ($8::smallint[] is null or r.type = any($8::smallint[]))
  and r.updated >= $9 and not r.deleted
  and ($10::timestamptz is null
       or not exists (select from index_clinical c
                      where c.rid = r.rid and c.nth = 0 and c.hi > '-infinity' and not (c.hi > $10 and c.lo < $11)))
order by r.type, r.rid limit $12
"""
"""The scope is cut short where it can be: who may read the patient may read what is about them, unless it is confined to another
institution. What is sensitive, and patients who have refused somebody something, are looked at one resource at a time."""

OF_EACH = ABOUT.replace("r.patient = $1 and r.rid <> $1", "r.patient = w.patient and r.rid <> $13")
ABOUT_ALL = f"""
select r.* from unnest($1::bigint[]) w (patient) cross join lateral (
    {OF_EACH.replace("d.patient = $1", "d.patient = w.patient")}
) r order by r.type, r.rid limit $12
"""
"""The same for all records of one person, each from its own stretch of the index; $13 is the one that was asked for."""

BESIDE = f"""
select {PAGED}
from resource r
where r.rid in (select p.target from index_reference p where p.rid = any($5::bigint[]))
  and r.patient is null and not r.deleted and ($6::smallint[] is null or r.type = any($6::smallint[])) and {readable("r", 1)}
order by r.type, r.rid
"""


OF_ENCOUNTER = f"""
select {PAGED}
from resource r
where r.rid in (select x.rid from index_reference x where x.target = $1) and r.rid <> $1 and (r.type, r.rid) > ($2, $3)
  and ($4::smallint[] is null or r.type = any($4::smallint[])) and r.updated >= $5 and not r.deleted and {readable("r", 6)}
order by r.type, r.rid limit $10
"""

BESIDE_ENCOUNTER = f"""
select {PAGED}
from resource r
where (r.rid in (select p.target from index_reference p where p.rid = any($5::bigint[])) or r.rid = $7) and r.rid <> all($5::bigint[])
  and not r.deleted and ($6::smallint[] is null or r.type = any($6::smallint[])) and {readable("r", 1)}
order by r.type, r.rid
"""
"""The patient, and whatever else the encounter and its documents refer to: places, people, the conditions it was about."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What of everything is wanted.

    since       (aware) only what was updated then or later
    types       only these, what goes along included; all when empty
    start, end  (aware, half-open) only care of that time; what has no date of care is in any time
    """

    since: datetime | None = None
    types: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    @property
    def type_ids(self) -> list[int] | None:
        return [type_id(name) for name in self.types] or None


ALL = Wish()


async def everything(tx: Tx, scope: Scope, id: str, wish: Wish = ALL, *, count: int = 1000, cursor: str | None = None) -> Page:
    """One page of the record of Patient/`id` and those linked to it, the patient first, then by type.

    `included` holds what the resources of this page refer to and is about no patient; the same may come again with a later page. `total` is
    known when one page holds all. Raises NotFound when the patient is not within the scope, Gone when deleted, NotSupported for an unknown
    type, BadRequest for a strange cursor.
    """
    wanted, since = wish.type_ids, wish.since
    patient = await read.by_id(tx, scope, "Patient", id)
    matches: list[Stored] = []
    kind, rid = cursors.unpack(cursor, 2) if cursor else (0, 0)
    if not cursor and (not wish.types or "Patient" in wish.types) and (since is None or patient.updated >= since):
        matches.append(patient)
    room = count - len(matches)
    within = (wish.start or BEGINNING, wish.end or END) if wish.start or wish.end else (None, None)
    place = (kind, rid, *scope.keys(), wanted, since or BEGINNING, *within, room + 1)
    if others := await members.others_of(tx, patient.rid):
        rows = await tx.fetch(scope.finely(ABOUT_ALL), [patient.rid, *others], *place, patient.rid)
    else:
        rows = await tx.fetch(scope.finely(ABOUT), patient.rid, *place)
    matches += [stored(row) for row in await large.whole(tx.fetch, rows[:room])]
    beside = await large.whole(tx.fetch, await tx.fetch(scope.finely(BESIDE), *scope.keys(), [found.rid for found in matches], wanted))
    return _page(matches, [stored(row) for row in beside], len(rows) > room, room, cursor)


async def of_encounter(tx: Tx, scope: Scope, id: str, wish: Wish = ALL, *, count: int = 1000, cursor: str | None = None) -> Page:
    """One page of what belongs to Encounter/`id`: the encounter first, then all that refers to it, by type; `included` is what these refer
    to. Of a wish, `start` and `end` are not heeded: an encounter has its own time. Raises as `everything`.
    """
    wanted = wish.type_ids
    encounter = await read.by_id(tx, scope, "Encounter", id)
    matches: list[Stored] = []
    kind, rid = cursors.unpack(cursor, 2) if cursor else (0, 0)
    if not cursor and (not wish.types or "Encounter" in wish.types) and (wish.since is None or encounter.updated >= wish.since):
        matches.append(encounter)
    room = count - len(matches)
    rows = await tx.fetch(scope.finely(OF_ENCOUNTER), encounter.rid, kind, rid, wanted, wish.since or BEGINNING, *scope.keys(), room + 1)
    matches += [stored(row) for row in await large.whole(tx.fetch, rows[:room])]
    patient = encounter.patient if encounter.patient is not None and encounter.patient > 0 else None
    keys = [found.rid for found in matches]
    beside = await large.whole(tx.fetch, await tx.fetch(scope.finely(BESIDE_ENCOUNTER), *scope.keys(), keys, wanted, patient))
    return _page(matches, [stored(row) for row in beside], len(rows) > room, room, cursor)


def _page(matches: list[Stored], beside: list[Stored], more: bool, room: int, cursor: str | None) -> Page:
    following = (cursors.pack(type_id(matches[-1].type), matches[-1].rid) if room else cursors.pack(0, 0)) if more else None
    total = len(matches) if not more and not cursor else None
    return Page(matches, beside, total, following)
