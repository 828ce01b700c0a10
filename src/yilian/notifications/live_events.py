"""The reaction of the store that calls pages: what was written concerns whoever has a ground for the patient it is about.

Institutions are looked up after the commit, beside the request, by the same grounds the scope goes by; nothing of what was written leaves
with a call but its topic and tag.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import asyncpg

from yilian.errors import YilianError
from yilian.notifications import live
from yilian.store.change import Written
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

log = logging.getLogger("yilian.live")

TOPIC_OF: Mapping[str, str] = {
    "Task": "referrals",
    "ServiceRequest": "referrals",
    "Communication": "conversation",
    "Appointment": "bookings",
    "Encounter": "beds",
}
"""Of these types pages show lists that change under somebody's eyes."""
MOST = 20
"""Of one write: whoever stores more of them at once (a load, an import) is not followed page by page."""
GATHER_S = 0.05

CONCERNED = """
select g.patient, array_agg(distinct g.institution) as institutions from access_ground g
where g.patient = any($1::bigint[]) and (g.until is null or g.until > now()) group by g.patient
"""


@dataclass(frozen=True, slots=True)
class _Changed:
    topic: str
    reference: str
    patient: int
    confined: int | None


@dataclass(slots=True)
class _Gathering:
    changed: dict[_Changed, None] = field(default_factory=dict)
    looking: asyncio.Task[None] | None = None


_gatherings: WeakKeyDictionary[Database, _Gathering] = WeakKeyDictionary()


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """For `Hooks.reactions`: call pages once this is committed. Asks the database nothing before."""
    changed = [
        _Changed(TOPIC_OF[one.type], f"{one.type}/{one.id}", one.patient, one.confined)
        for one in written
        if one.type in TOPIC_OF and not one.unchanged and one.patient is not None and one.patient > 0
    ]
    if not changed or len(changed) > MOST:
        return
    db = tx.db
    tx.after_commit.append(lambda: _gather(db, changed))


def _gather(db: Database, changed: Sequence[_Changed]) -> None:
    gathering = _gatherings.setdefault(db, _Gathering())
    gathering.changed |= dict.fromkeys(changed)
    if gathering.looking is None or gathering.looking.done():
        gathering.looking = asyncio.get_running_loop().create_task(_look(db, gathering))


async def _look(db: Database, gathering: _Gathering) -> None:
    await asyncio.sleep(GATHER_S)
    changed, gathering.changed = list(gathering.changed), {}
    gathering.looking = None
    try:
        async with db.transaction() as tx:
            rows = await tx.fetch(CONCERNED, sorted({one.patient for one in changed}))
    except (YilianError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.debug("no page was called, they will look by themselves: %s", error)
        return
    grounds = {row["patient"]: frozenset(row["institutions"]) for row in rows}
    for one in changed:
        institutions = frozenset({one.confined}) if one.confined is not None else grounds.get(one.patient, frozenset())
        patients = frozenset({one.patient}) if one.confined is None else frozenset[int]()
        if institutions or patients:
            live.send(db, live.Hint(one.topic, live.tag_of(one.reference), institutions, patients=patients))
