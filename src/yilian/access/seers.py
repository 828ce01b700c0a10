"""Who may see a record just now, and on what ground: for the patient whose record it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from yilian.errors import NotFound
from yilian.fhir.json import parse
from yilian.store import read
from yilian.store.scope import EMERGENCY, Scope

if TYPE_CHECKING:
    from yilian.db import Tx

GROUNDS = f"""
select o.id, o.body, g.kind, min(g.since) as since, case when bool_or(g.until is null) then null else max(g.until) end as until,
    bool_or(g.sensitive) as sensitive,
    exists (select from consent_rule d where d.patient = $1 and not d.permit and d.mask = 0
        and (d.institution is null or d.institution = g.institution) and (d.until is null or d.until > now())
        and case when g.kind = 'emergency' then d.purpose = {EMERGENCY} else coalesce(d.purpose, 1) = 1 end) as refused
from access_ground g join resource o on o.rid = g.institution
where g.patient = $1 and (g.until is null or g.until > now())
group by g.institution, o.id, o.body, g.kind order by o.id, g.kind
"""


@dataclass(frozen=True, slots=True)
class Seer:
    """An institution (logical id and name) and one kind of ground it has; times aware, until None for as long as its source stands.
    refused: the patient barred it from what others wrote; sensitive: an emergency access that asked for sensitive kinds."""

    institution: str
    name: str
    kind: str
    since: datetime
    until: datetime | None
    sensitive: bool
    refused: bool


async def seers(tx: Tx, scope: Scope, id: str) -> list[Seer]:
    """Whoever has a ground to read Patient/`id`. For the patient and for systems of the region: NotFound for everybody else, who are told
    of no other institution."""
    patient = await read.by_id(tx, scope, "Patient", id)
    if scope.reach not in ("self", "everything"):
        raise NotFound("Who may see a record is told to its patient.", zh="仅患者本人可以查询。")
    return [
        Seer(
            row["id"],
            str((parse(row["body"].encode()) if row["body"] else {}).get("name", row["id"])),
            row["kind"],
            row["since"],
            row["until"],
            row["sensitive"],
            row["refused"],
        )
        for row in await tx.fetch(GROUNDS, patient.rid)
    ]
