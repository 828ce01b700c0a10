"""Nobody writes around this room: its visits, ratings and findings are refused to plain writes. And what it does every night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.aftercare import first_visits, follow_ups, form, lost, ratings, suspicions
from yilian.errors import Conflict
from yilian.fhir.definitions import type_id
from yilian.jobs import Job, Kind, Periodic
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx
    from yilian.store.change import Change

NIGHTLY = "aftercare.nightly"
PERIODIC = (Periodic(NIGHTLY, NIGHTLY, timedelta(hours=24)),)
ROOMS = (follow_ups.RoomScope, ratings.RoomScope, suspicions.RoomScope)


async def guard(tx: Tx, scope: Scope, changes: Sequence[Change]) -> None:
    """For `Hooks.guards`. Raises Conflict."""
    if isinstance(scope, ROOMS) or scope.reach == "everything":
        return
    await follow_ups.guard(tx, scope, changes)
    for kind, column, table in (
        ("QuestionnaireResponse", "response", "referral_rating"),
        ("DetectedIssue", "rid", "referral_suspicion"),
    ):
        ids = [change.id for change in changes if change.type == kind and change.id]
        if ids and await tx.fetchval(
            f"select true from {table} t join resource r on r.rid = t.{column} where r.type = $1 and r.id = any($2::text[]) limit 1",
            type_id(kind),
            ids,
        ):
            raise Conflict(
                f"This {kind} was written by a referral's rating or review and stays as it is.",
                zh="评价和核查记录不能直接修改。",
                expression=kind,
                code="business-rule",
            )


async def nightly(db: Database, job: Job) -> None:
    """Overdue visits, missed first visits, lost patients, referrals that look wrong: one transaction each."""
    async with db.transaction() as tx:
        await follow_ups.remind(tx)
    async with db.transaction() as tx:
        await first_visits.remind(tx)
    async with db.transaction() as tx:
        await lost.tell(tx)
    async with db.transaction() as tx:
        await suspicions.look(tx)


def kinds() -> dict[str, Kind]:
    """The jobs of this room."""
    return {NIGHTLY: jobs.Kind(nightly)}


def definitions() -> list[dict[str, Any]]:
    """Every CodeSystem and Questionnaire of this room, ready to be stored."""
    return [*form.definitions(), *ratings.definitions(), *suspicions.definitions()]
