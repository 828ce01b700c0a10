"""日间手术占择期手术的比例: of the patients an institution operated on by plan and discharged, how many were day surgery.

Counted are finished Encounters of the classes in-patient and short stay (v3-ActCode IMP, ACUTE, NONAC, SS) that ended in the period, with
a completed operation: a Procedure coded by ICD-9-CM-3, chapters 00 to 86 (87 to 99 are no operations). By plan is what
Encounter.priority does not call emergency or urgent (v3-ActPriority EM, UR), and who did not come through the emergency department
(hospitalization.admitSource emd). Day surgery is class SS, or a stay in a day bed. DAY-1: 日间手术占择期手术 20 %, 三级综合医院.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yilian.errors import BadRequest
from yilian.fhir.dates import interval, region_zone
from yilian.fhir.json import parse
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx

OPERATION = "urn:oid:2.16.156.10011.2.3.3.12"
"""ICD-9-CM-3 as the health-information standards name it."""
LAST_CHAPTER = 86
STAYS = ("IMP", "ACUTE", "NONAC", "SS")
SHORT = "SS"
URGENT = ("EM", "UR")
FIND = """
select e.rid, e.body, p.rid as procedure, p.body as done,
    exists (select from bed_claim c join bed b on b.rid = c.bed where c.encounter = e.rid and c.stands and b.kind = 'day') as by_the_hour
from access_ground g join resource e on e.rid = g.source
join index_reference i on i.target = e.rid and i.param = 2415
join resource p on p.rid = i.rid and not p.deleted
where g.institution = $1 and g.kind = 'encounter' and g.derived_from is null and not e.deleted
  and exists (select from index_clinical d where d.rid = e.rid and d.hi > $2 and d.lo < $3)
"""
"""2415: Procedure?encounter. When an Encounter was, index_clinical knows."""


@dataclass(frozen=True, slots=True)
class Share:
    """elective: patients operated on by plan; day: of these, those of day surgery."""

    elective: int
    day: int

    @property
    def share(self) -> float | None:
        """0 to 1; None where nobody was operated on."""
        return self.day / self.elective if self.elective else None


async def share(tx: Tx, institution: int, start: datetime, end: datetime) -> Share:
    """Of this institution (rid), among those discharged from `start` to before `end` (aware). Numbers alone; that the asker may have them
    is the caller's to know. Raises BadRequest where the period is none."""
    if start >= end:
        raise BadRequest("The period ends after it starts.", expression="end", zh="统计时段不正确。")
    elective: set[int] = set()
    day: set[int] = set()
    known: dict[int, bool] = {}
    for row in await tx.fetch(FIND, institution, start, end):
        rid = row["rid"]
        if rid not in known:
            stay = parse(opened(rid, row["body"]).encode())
            known[rid] = _counts(stay, start, end)
            if row["by_the_hour"] or stay.get("class", {}).get("code") == SHORT:
                day.add(rid)
        if known[rid] and rid not in elective and _is_operation(parse(opened(row["procedure"], row["done"]).encode())):
            elective.add(rid)
    return Share(len(elective), len(elective & day))


def _counts(stay: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    left = str((stay.get("period") or {}).get("end", ""))
    if stay.get("status") != "finished" or not left or stay.get("class", {}).get("code") not in STAYS:
        return False
    if not start <= interval(left, region_zone())[0] < end:
        return False
    urgent = {c.get("code") for c in (stay.get("priority") or {}).get("coding", ())} & set(URGENT)
    source = ((stay.get("hospitalization") or {}).get("admitSource") or {}).get("coding", ())
    return not urgent and all(c.get("code") != "emd" for c in source)


def _is_operation(procedure: Mapping[str, Any]) -> bool:
    if procedure.get("status") != "completed":
        return False
    codes = [str(c.get("code", "")) for c in (procedure.get("code") or {}).get("coding", ()) if c.get("system") == OPERATION]
    return any(code[:2].isdigit() and int(code[:2]) <= LAST_CHAPTER for code in codes)
