"""What the model found becomes links and questions: sure pairs are linked, the others wait for a person (主索引核对).

Fed by the job that looks up whoever was just registered (`look_up`) and by `yilian match run` (`feed_all`). Nothing is linked that somebody
has looked at already, that came with one identifier and two names (`claims`), or that would bring together two records the model or a
person tells apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.errors import Conflict, NotFound
from yilian.identity import links, matching, persons
from yilian.identity.matching.verdict import verdict
from yilian.jobs import Job
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Database, Tx

MATCHING = Scope(reach="everything", user="yilian", agent="Device/yilian", name="主索引自动匹配", purpose="HOPERAT")
"""Who links without asking."""

REASON = "相似度 {score:.4f},达到自动关联标准(模型 {model})"

_OF_PATIENT = "($1::bigint is null or c.first = $1 or c.second = $1)"

TOGETHER = f"""
update match_candidate c set state = 'linked', decided = now()
from person_member m, person_member o
where c.state = 'new' and m.patient = c.first and o.patient = c.second and m.person = o.person and {_OF_PATIENT}
"""

ASK = f"""
insert into match_task as t (first, second, why, score, state, opened)
select c.first, c.second, 'alike', c.score, 'open', $2 from match_candidate c
where c.state = 'new' and not c.auto and {_OF_PATIENT} order by c.first, c.second
on conflict (first, second) do update set score = excluded.score where t.score <> excluded.score
returning xmax = 0 as new
"""

WEIGHED = f"""
update match_task t set score = c.score from match_candidate c
where c.first = t.first and c.second = t.second and t.score <> c.score and {_OF_PATIENT}
"""

STALE = """
delete from match_task t
where t.state = 'open' and t.why = 'alike' and t.decided is null and ($1::bigint is null or t.first = $1 or t.second = $1)
and not exists (select from match_candidate c where c.first = t.first and c.second = t.second)
"""

SURE = f"""
select c.first, c.second, c.score, c.model from match_candidate c
where c.state = 'new' and c.auto and {_OF_PATIENT}
  and not exists (
    select from match_task t where t.first = c.first and t.second = c.second and (t.decided is not null or t.why = 'contested'))
order by c.weight desc, c.first, c.second
"""

QUESTION = """
insert into match_task as t (first, second, why, score, state, opened)
select first, second, 'alike', score, 'open', $3 from match_candidate where first = $1 and second = $2
on conflict (first, second) do nothing
"""


@dataclass(frozen=True, slots=True)
class Fed:
    """Pairs linked without asking, and new questions."""

    linked: int
    asked: int


async def look_up(db: Database, job: Job) -> None:
    """The job of `matching.FIND`: weigh one patient against everybody, then link and ask."""
    await matching.look_up(db, job)
    await feed(db, int(job.payload["patient"]))


async def feed(db: Database, patient: int | None = None) -> Fed:
    """Link and ask what `match_candidate` says of one patient (rid), or of everybody. Each link is a transaction of its own."""
    async with db.transaction() as tx:
        await tx.execute(TOGETHER, patient)
        rows = await tx.fetch(ASK, patient, tx.now)
        await tx.execute(WEIGHED, patient)
        await tx.execute(STALE, patient)
        sure = await tx.fetch(SURE, patient)
    linked, asked = 0, sum(row["new"] for row in rows)
    for row in sure:
        async with db.transaction() as tx:
            if await _link(tx, row["first"], row["second"], REASON.format(score=row["score"], model=row["model"])):
                linked += 1
            else:
                await tx.execute(QUESTION, row["first"], row["second"], tx.now)
                asked += 1
    return Fed(linked, asked)


async def _link(tx: Tx, first: int, second: int, reason: str) -> bool:
    """Whether the pair is linked now; not where anything speaks against it by now."""
    await persons.hold(tx)
    touched = await tx.fetchval(
        "select true from match_task where first = $1 and second = $2 and (decided is not null or why = 'contested')", first, second
    )
    if touched or not await _agree(tx, await links.members(tx, first), await links.members(tx, second)):
        return False
    try:
        async with tx.savepoint():
            await links.link(tx, MATCHING, first, second, reason=reason, by_hand=False)
    except (Conflict, NotFound):
        return False
    return True


async def _agree(tx: Tx, mine: Sequence[int], its: Sequence[int]) -> bool:
    """Whether no record on one side is barred from being one with a record on the other: links are not carried over a third record."""
    policy = await verdict(tx)
    for a in mine:
        for b in its:
            told = await matching.explain(tx, a, b) if a != b else None
            if told is not None and {f"{comparison}:{level}" for comparison, level in told.scored.levels.items()} & policy.bars:
                return False
    return True
