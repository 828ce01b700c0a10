"""Whoever was just registered or corrected is looked up among everybody else: a second record is on the worklist the same minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.identity.matching import candidates, index, models, online
from yilian.identity.matching.features import CLEAR
from yilian.identity.matching.model import Pair
from yilian.identity.matching.verdict import verdict
from yilian.jobs import Job
from yilian.store.scope import SYSTEM

if TYPE_CHECKING:
    from yilian.db import Database


async def look_up(db: Database, job: Job) -> None:
    """The job of `index.FIND`: the pairs of one patient, by rid. New ones that are no longer alike go, as after a run."""
    patient = int(job.payload["patient"])
    async with db.transaction() as tx:
        row = await tx.fetchrow(f"select patient, {', '.join(CLEAR)}, numbers from match_feature where patient = $1", patient)
        if row is None:  # deleted meanwhile
            return
        found = await online.find_like(tx, SYSTEM, index.of_row(row, 1), without=patient)
        model = await models.active(tx)
        if model.version:
            pairs = [Pair(min(patient, one.patient), max(patient, one.patient), one.scored) for one in found.candidates]
            await candidates.put(tx, pairs, model.version, await verdict(tx), at=tx.now)
        await tx.execute(
            "delete from match_candidate where state = 'new' and (first = $1 or second = $1)"
            " and not (case first when $1 then second else first end) = any($2::bigint[])",
            patient,
            [one.patient for one in found.candidates],
        )
