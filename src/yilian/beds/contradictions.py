"""What cannot be true of beds and was told all the same: for the people who can find out how it is.

two-in-one-bed     two Encounters claim one bed at one time; the later to be told does not stand
two-beds           one patient in two beds, by two Encounters
held-for-another   somebody lies in a bed that is kept for somebody else
out-of-service     somebody lies in a bed that is out of service
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

KINDS = {
    "two-in-one-bed": "同一床位有两名患者",
    "two-beds": "同一患者占用两张床位",
    "held-for-another": "床位已为他人预留",
    "out-of-service": "停用床位上有患者",
}
FIND = """
select 'two-in-one-bed' as kind, c.bed, c.encounter, c.patient, c.starts from bed_claim c join bed b on b.rid = c.bed
where not c.stands and (c.ends is null or c.ends > $2) and b.institution = any($1::bigint[])
union all
select 'two-beds', n.rid, n.encounter, n.patient, n.since from bed_now n
where n.institution = any($1::bigint[]) and n.patient is not null and exists (
    select from bed_claim o where o.patient = n.patient and o.stands and o.ends is null and o.bed <> n.rid)
union all
select 'held-for-another', n.rid, n.encounter, n.patient, n.since from bed_now n
where n.institution = any($1::bigint[]) and n.encounter is not null and n.hold is not null
union all
select 'out-of-service', n.rid, n.encounter, n.patient, n.since from bed_now n join bed b on b.rid = n.rid
where n.institution = any($1::bigint[]) and n.encounter is not null and b.stopped
"""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """kind: a key of `KINDS`; bed, ward, encounter, patient: logical ids ("": nobody knows who it is); since: when that stay began."""

    kind: str
    bed: str
    ward: str
    encounter: str
    patient: str
    since: datetime


async def find(tx: Tx, institutions: Sequence[int], after: datetime | None = None) -> list[Contradiction]:
    """Of the beds of these institutions (rids), by ward and bed. `after` (aware): also of stays that ended since then; None: what is now.

    Whoever asks sees stays of these institutions by virtue of them: the caller's to know.
    """
    rows = await tx.fetch(
        f"""
        select f.kind, b.id as bed, w.id as ward, e.id as encounter, coalesce(p.id, '') as patient, f.starts
        from ({FIND}) f join bed on bed.rid = f.bed join resource b on b.rid = f.bed join resource w on w.rid = bed.ward
        join resource e on e.rid = f.encounter left join resource p on p.rid = f.patient
        order by w.id, b.id, f.kind, f.starts
        """,
        list(institutions),
        after or tx.now,
    )
    return [Contradiction(*row) for row in rows]
