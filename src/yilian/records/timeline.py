"""`$timeline`: everything clinical there is about one patient, newest first, over all types and institutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yilian.fhir.compartments import CLINICAL
from yilian.fhir.definitions import type_id
from yilian.search import timeline as statements
from yilian.store import large, members, read
from yilian.store.page import Page
from yilian.store.read import stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx


async def timeline(tx: Tx, scope: Scope, id: str, *, types: Sequence[str] = (), count: int = 50, cursor: str | None = None) -> Page:
    """One page of the record of Patient/`id` and those linked to it, of these types (all clinical ones when empty).

    What has no date comes last. `total` is how many there are over all pages, within the scope. Raises NotFound when the patient is not
    within the scope, Gone when deleted, NotSupported for a type that is not about one patient, BadRequest for the cursor of another
    timeline.
    """
    patient = await read.by_id(tx, scope, "Patient", id)
    others = await members.others_of(tx, patient.rid)
    asked = statements.timeline(id, types, scope, count=count, cursor=cursor, others=others)
    rows = await tx.fetch(asked.sql, *asked.args)
    here, more = await large.whole(tx.fetch, rows[:count]), len(rows) > count
    matches = [stored(row) for row in here]
    known = not more and cursor is None
    total = len(matches) if known else await _total(tx, scope, [patient.rid, *others], tuple(types) or tuple(CLINICAL))
    return Page(matches, [], total, asked.cursor_after(dict(here[-1])) if more else None)


async def _total(tx: Tx, scope: Scope, patients: list[int], types: tuple[str, ...]) -> int:
    kinds = [type_id(kind) for kind in types]
    return int(
        await tx.fetchval(
            "select count(*) from index_clinical c join resource s on s.rid = c.rid"
            f" where c.patient = any($1::bigint[]) and c.nth = 0 and c.type = any($2::smallint[]) and {scope.condition('s', types)}",
            patients,
            kinds,
        )
    )
