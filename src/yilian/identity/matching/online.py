"""One person against everybody: found by keys, weighed by the model in use. Some tens of rows are read, whatever the size of the region.

A key that leads to more than `MOST_OF_A_KEY` patients is not followed. Where that leaves none, `Found.too_common` says so instead of
letting an empty answer look like "nobody".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yilian.identity.matching import features, index, keys, models
from yilian.identity.matching.features import CLEAR, Features
from yilian.identity.matching.model import Model, Scored, Step
from yilian.identity.matching.verdict import Grade, Verdict, verdict
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from typing import Any

    from yilian.db import Tx

MOST_OF_A_KEY = 100

_CANDIDATES = f"""
with hit as (
    select w.key, k.patient, count(*) over (partition by w.key) as shared_by
    from unnest($1::bigint[]) as w (key)
    cross join lateral (select m.patient from match_key m where m.key = w.key limit {MOST_OF_A_KEY + 1}) k
), one as (select distinct patient from hit where shared_by <= {MOST_OF_A_KEY})
select (select count(distinct key) from hit where shared_by > {MOST_OF_A_KEY}) as common,
       f.patient, {", ".join("f." + name for name in CLEAR)}, f.numbers
from (select) nothing left join (
    one join match_feature f using (patient) join resource r on r.rid = f.patient
        and not r.deleted and (r.confined is null or r.confined = $2 or $3) and (r.sensitive = 0 or r.origin = $2 or $3)
) on true
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient (rid) who may be the person asked for."""

    patient: int
    scored: Scored
    grade: Grade


@dataclass(frozen=True, slots=True)
class Found:
    """candidates   the best first, none that is certainly another person
    too_common   the person was told by nothing but what too many share: nobody was compared
    """

    candidates: tuple[Candidate, ...]
    too_common: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pair scores as it does: the steps of the waterfall, their sum, what comes of it, and the model that says so."""

    steps: tuple[Step, ...]
    scored: Scored
    grade: Grade
    model: int


async def find(tx: Tx, scope: Scope, patient: dict[str, Any], *, without: int = 0) -> Found:
    """Who in the region may be this person. `patient`: a Patient, stored or not; `without`: the rid of one not to be found (itself).

    Reads only. Patients outside the scope are found too: whoever answers decides what of them may be told. Those confined to another
    institution are not, nor those whose very registration is sensitive and another's.
    """
    return await find_like(tx, scope, features.of(patient), without=without)


async def find_like(tx: Tx, scope: Scope, person: Features, *, without: int = 0) -> Found:
    """The same by features."""
    asked = keys.asked(person, await index.secret_of(tx))
    if not asked:
        return Found((), False)
    model = (await models.active(tx)).scaled(await region_size(tx))
    policy = await verdict(tx)
    shares = await models.shares_for(tx, model, person)
    rows = await tx.fetch(_CANDIDATES, asked, scope.institution_rid, scope.reach == "everything")
    found: list[Candidate] = []
    for row in rows:
        if row[1] is None or row[1] == without:
            continue
        scored = model.weigh(person, index.of_row(row, 2), shares)
        if scored.score >= policy.worklist:
            found.append(Candidate(row[1], scored, policy.grade(scored)))
    found.sort(key=lambda one: (-one.scored.weight, one.patient))
    return Found(tuple(found), all(row[1] is None for row in rows) and rows[0][0] > 0)


async def explain(tx: Tx, first: int, second: int) -> Explanation | None:
    """The waterfall of two patients by rid, by the model in use; None where one of them has no features. Whoever asks may see both."""
    rows = await tx.fetch(
        f"select patient, {', '.join(CLEAR)}, numbers from match_feature where patient = any($1::bigint[])", [first, second]
    )
    by_rid = {row["patient"]: index.of_row(row, 1) for row in rows}
    if len(by_rid) != 2:
        return None
    return await explain_like(tx, by_rid[first], by_rid[second])


async def explain_like(tx: Tx, a: Features, b: Features) -> Explanation:
    """The same of two persons by their features."""
    model: Model = (await models.active(tx)).scaled(await region_size(tx))
    shares = await models.shares_for(tx, model, a)
    scored = model.weigh(a, b, shares)
    policy: Verdict = await verdict(tx)
    return Explanation(tuple(model.explain(a, b, shares)), scored, policy.grade(scored), model.version)


async def region_size(tx: Tx) -> int:
    """Patients in the index, as PostgreSQL last estimated; counted where it has not."""
    estimated: int = await tx.fetchval("select reltuples::bigint from pg_class where oid = 'match_feature'::regclass")
    return estimated if estimated > 0 else int(await tx.fetchval("select count(*) from match_feature"))


__all__: Sequence[str] = ("Candidate", "Explanation", "Found", "explain", "explain_like", "find", "find_like", "region_size")
