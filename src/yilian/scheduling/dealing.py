"""Sharing out anew places that are made already, when other rules of the pools begin to hold; and what that would do, before it is done.

Whoever has a place keeps it, and what everybody may take already stays everybody's; what is left follows the new rules (`pools.dealt`).
Every place still tells when it opens and when it falls to the public, so nothing has to happen at those moments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from yilian import jobs
from yilian.fhir.dates import region_zone
from yilian.scheduling import pool_rules
from yilian.scheduling.pool_rules import Dated
from yilian.scheduling.pools import PUBLIC, Reserved, at_least, dealt, of_rule

if TYPE_CHECKING:
    from yilian.db import Database, Tx

PREVIEW_DAYS = 14
AT_ONCE = 100
SCHEDULES = """
select distinct s.schedule from slot s where ($1::bigint is null or s.institution = $1) and s.day >= $2 and s.schedule > $3
order by s.schedule limit $4
"""
LOCK = """
select from place where slot in (select rid from slot where schedule = $1 and day >= $2) order by slot, nth for update
"""
"""In the order in which the places of a slot are locked elsewhere."""
PLACES = """
select s.schedule, s.kind, s.day, s.starts, s.rid as slot, p.nth, p.pool, p.opens, p.public_from, c.shares::text as shares, c.institution,
    p.appointment is not null as taken, p.public_from <= now() as falls
from slot s join place p on p.slot = s.rid join schedule c on c.rid = s.schedule
where {which} and s.day >= $2 and s.day < $3 and not s.stopped order by s.schedule, s.day, s.starts, s.rid, p.nth
"""
OF_SCHEDULE, OF_INSTITUTION = PLACES.format(which="s.schedule = $1"), PLACES.format(which="s.institution = $1")
PUT = """
update place p set pool = n.pool, opens = n.opens, public_from = n.public_from
from unnest($1::bigint[], $2::smallint[], $3::text[], $4::timestamptz[], $5::timestamptz[]) as n (slot, nth, pool, opens, public_from)
where p.slot = n.slot and p.nth = n.nth and p.appointment is null
"""
INSTITUTIONS = "select distinct institution from slot where day >= $1 and day < $2 and not stopped order by institution"
NEVER = date(9999, 1, 1)


@dataclass(slots=True)
class Outlook:
    """A day of one kind of slots: how many places, how many somebody has, how many would change, and by pool how many are kept now and how
    many would be ("public": the rest)."""

    day: date
    kind: str
    places: int = 0
    taken: int = 0
    changed: int = 0
    now: dict[str, int] = field(default_factory=dict)
    then: dict[str, int] = field(default_factory=dict)


async def outlook(tx: Tx, institution: int, rules: Dated, since: date) -> list[Outlook]:
    """What rules would do to the places of an institution (rid) that are made already, for two weeks from a day on, by day and kind."""
    found: dict[tuple[date, str], Outlook] = {}
    rows = await tx.fetch(OF_INSTITUTION, institution, since, since + timedelta(days=PREVIEW_DAYS))
    for row, new in _dealt(rows, rules):
        one = found.setdefault((row["day"], row["kind"]), Outlook(row["day"], row["kind"]))
        one.places += 1
        one.taken += row["taken"]
        before = PUBLIC if row["falls"] and not row["taken"] else row["pool"]
        after = before if new is None else new.pool
        one.changed += new is not None and (new.pool, new.opens, new.public_from) != (row["pool"], row["opens"], row["public_from"])
        one.now[before] = one.now.get(before, 0) + 1
        one.then[after] = one.then.get(after, 0) + 1
    return [found[key] for key in sorted(found)]


async def region_outlook(tx: Tx, since: date, change: Callable[[Dated], Dated]) -> list[Outlook]:
    """The same for every institution of the region together. `change`: the rules an institution goes by, with what is looked at."""
    every: dict[tuple[date, str], Outlook] = {}
    for row in await tx.fetch(INSTITUTIONS, since, since + timedelta(days=PREVIEW_DAYS)):
        there = change(await pool_rules.dated(tx, row["institution"]))
        for one in await outlook(tx, row["institution"], there, since):
            whole = every.setdefault((one.day, one.kind), Outlook(one.day, one.kind))
            whole.places, whole.taken, whole.changed = whole.places + one.places, whole.taken + one.taken, whole.changed + one.changed
            for counts, more in ((whole.now, one.now), (whole.then, one.then)):
                for pool, many in more.items():
                    counts[pool] = counts.get(pool, 0) + many
    return [every[key] for key in sorted(every)]


async def deal(tx: Tx, schedule: int, since: date) -> int:
    """Share out anew the places of a schedule (rid) from a day on, in `tx`, by the rules that hold by now: how many changed."""
    await tx.execute(LOCK, schedule, since)
    rows = await tx.fetch(OF_SCHEDULE, schedule, since, NEVER)
    if not rows:
        return 0
    rules = await pool_rules.dated(tx, rows[0]["institution"])
    changed = [
        (row["slot"], row["nth"], new.pool, new.opens, new.public_from)
        for row, new in _dealt(rows, rules)
        if new is not None and (new.pool, new.opens, new.public_from) != (row["pool"], row["opens"], row["public_from"])
    ]
    if changed:
        await tx.execute(PUT, *(list(column) for column in zip(*changed, strict=True)))
    return len(changed)


async def work(db: Database, job: jobs.Job) -> dict[str, int]:
    """The job `pool_rules.DEAL`: every schedule in a transaction of its own, so it may be ended anywhere and done again."""
    institution, since = job.payload["institution"], date.fromisoformat(job.payload["since"])
    done, last = 0, 0
    while True:
        async with db.reading() as tx:
            some = [row["schedule"] for row in await tx.fetch(SCHEDULES, institution, since, last, AT_ONCE)]
        for schedule in some:
            async with db.transaction() as tx:
                done += await deal(tx, schedule, since)
        if len(some) < AT_ONCE:
            return {"places": done}
        last = some[-1]


def _dealt(rows: Sequence[Any], rules: Dated) -> Iterator[tuple[Any, Reserved | None]]:
    """Each row, by schedule and day, with what becomes of its place; None: it stays."""
    zone = region_zone()
    known: dict[date, pool_rules.Rules] = {}
    for (_, day), group in groupby(rows, key=lambda row: (row["schedule"], row["day"])):
        some = list(group)
        on = known.get(day) or known.setdefault(day, rules.on(day))
        shares = json.loads(some[0]["shares"]) if some[0]["shares"] else {}
        own = at_least(on.pools.get(some[0]["kind"], ()), shares)
        stays = [(row["pool"] if row["taken"] else PUBLIC, row["taken"] or row["falls"]) for row in some]
        for row, rule in zip(some, dealt(stays, own), strict=True):
            yield row, None if rule == "stays" else of_rule(rule, on.release, day, row["starts"], zone)
