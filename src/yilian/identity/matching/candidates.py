"""The pairs that may be one person, as they are kept for linking and for the worklist.

What was decided stays decided: a run weighs it anew, but neither takes a pair back that somebody called different nor one that is linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from yilian.identity.matching.model import Pair
from yilian.identity.matching.verdict import Verdict

if TYPE_CHECKING:
    from yilian.db import Database, Tx

AT_A_TIME = 5_000

_PUT = """
insert into match_candidate (first, second, score, weight, levels, model, auto, found, weighed)
select first, second, score, weight, levels::jsonb, $6, auto, $8, $8
from unnest($1::bigint[], $2::bigint[], $3::double precision[], $4::double precision[], $5::text[], $7::boolean[])
     as p (first, second, score, weight, levels, auto)
where exists (select from match_feature f where f.patient = p.first) and exists (select from match_feature f where f.patient = p.second)
on conflict (first, second) do update set
    score = excluded.score, weight = excluded.weight, levels = excluded.levels, model = excluded.model, auto = excluded.auto,
    weighed = excluded.weighed
"""


@dataclass(frozen=True, slots=True)
class Count:
    """pairs found, of them those sure enough to be linked without asking; gone: new ones of earlier runs that were not met again"""

    pairs: int
    sure: int
    gone: int


async def keep(db: Database, pairs: Iterable[Pair], model: int, verdict: Verdict, *, run: datetime) -> Count:
    """Keep what a run over all patients found, some thousand pairs a transaction; `run` is when it began (aware)."""
    waiting = iter(pairs)
    found = sure = 0
    while some := list(islice(waiting, AT_A_TIME)):
        async with db.transaction() as tx:
            sure += await put(tx, some, model, verdict, at=run)
        found += len(some)
    async with db.transaction() as tx:
        gone = await tx.fetchval(
            "with gone as (delete from match_candidate where state = 'new' and weighed < $1 returning 1) select count(*) from gone", run
        )
    return Count(found, sure, int(gone))


async def put(tx: Tx, some: Sequence[Pair], model: int, verdict: Verdict, *, at: datetime) -> int:
    """Keep these pairs, in `tx`; how many of them are sure. Pairs of patients who are gone by now are left out."""
    sure = [verdict.is_sure(pair.scored) for pair in some]
    await tx.execute(
        _PUT,
        [pair.first for pair in some],
        [pair.second for pair in some],
        [pair.scored.score for pair in some],
        [pair.scored.weight for pair in some],
        [msgspec.json.encode(pair.scored.levels).decode() for pair in some],
        model,
        sure,
        at,
    )
    return sum(sure)
