"""Patient/$everything: the patient, all that is about the patient, and what that refers to in the directory.

From one index, (patient, type, rid); bodies go out as they are stored.
FHIR R4: http://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from yilian.fhir.definitions import type_id
from yilian.store import cursor as cursors
from yilian.store import read
from yilian.store.history import BEGINNING
from yilian.store.page import Page
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope, readable

if TYPE_CHECKING:
    from yilian.db import Tx

ABOUT = f"""
select {COLUMNS}
from resource r
where r.patient = $1 and r.rid <> $1 and (r.type, r.rid) > ($2, $3)
  and ($4::boolean or r.confined is null or r.confined = $5::bigint)
  and ($6::smallint[] is null or r.type = any($6::smallint[])) and ($7::smallint[] is null or r.type = any($7::smallint[]))
  and r.updated >= $8 and not r.deleted
order by r.type, r.rid limit $9
"""
"""The scope is cut short here: who may read the patient may read what is about them, unless it is confined to another institution."""

BESIDE = f"""
select {COLUMNS}
from resource r
where r.rid in (select p.target from index_reference p where p.rid = any($5::bigint[]))
  and r.patient is null and not r.deleted and ($6::smallint[] is null or r.type = any($6::smallint[])) and {readable("r", 1)}
order by r.type, r.rid
"""


async def everything(
    tx: Tx,
    scope: Scope,
    id: str,
    *,
    since: datetime | None = None,
    types: Sequence[str] = (),
    count: int = 1000,
    cursor: str | None = None,
) -> Page:
    """One page of the record of Patient/`id`, the patient first, then by type.

    `since` (aware): only what was updated then or later. `types`: only these, directory included; all when empty. `included` holds what the
    resources of this page refer to and is about no patient; the same may come again with a later page. `total` is known when one page holds
    all. Raises NotFound when the patient is not within the scope, Gone when deleted, NotSupported for an unknown type, BadRequest for a
    strange cursor.
    """
    wanted = [type_id(name) for name in types] or None
    patient = await read.by_id(tx, scope, "Patient", id)
    sees_all, here, _, may_read = scope.keys()
    matches: list[Stored] = []
    kind, rid = cursors.unpack(cursor, 2) if cursor else (0, 0)
    if not cursor and (not types or "Patient" in types) and (since is None or patient.updated >= since):
        matches.append(patient)
    room = count - len(matches)
    rows = await tx.fetch(ABOUT, patient.rid, kind, rid, sees_all, here, may_read, wanted, since or BEGINNING, room + 1)
    matches += [stored(row) for row in rows[:room]]
    beside = await tx.fetch(BESIDE, *scope.keys(), [found.rid for found in matches], wanted)
    more = len(rows) > room
    following = (cursors.pack(type_id(matches[-1].type), matches[-1].rid) if room else cursors.pack(0, 0)) if more else None
    total = len(matches) if not more and not cursor else None
    return Page(matches, [stored(row) for row in beside], total, following)


__all__ = ["Page", "everything"]
