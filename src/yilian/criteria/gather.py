"""What criteria need of a record, read in one statement for any number of patients, within the scope of the asker.

Of each code the newest values that the asker may read: whoever may not see a value is told nothing that rests on it, and a hidden newer one
pushes no visible older one out. All records of one person count, as everywhere (`search.persons`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from yilian.criteria.vocabulary import vocabulary
from yilian.fhir import urls
from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.search.parameters import parameters_of
from yilian.search.persons import records_of
from yilian.search.rows import token_hash
from yilian.store.read import COLUMNS, Stored, stored
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

Resource = dict[str, Any]

PANELS = ("85354-9", "55284-4", "35094-2")
"""LOINC codes of blood pressure as one Observation with components."""
OF_EACH = 24
"""Values of one code: enough for every rule that counts."""
OF_OTHERS = 300
OLDEST = timedelta(days=1100)
OTHERS = ("Condition", "MedicationRequest", "MedicationStatement", "Encounter")
TYPES = ("Observation", *OTHERS)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read about one patient: the resources, and the rows they came in for the trail."""

    resources: tuple[Resource, ...]
    rows: tuple[Stored, ...]


async def gather(tx: Tx, scope: Scope, patients: Sequence[int]) -> dict[int, Gathered]:
    """By the rid of each patient that was asked for. `patients` are within the scope; what is about them is looked at row by row."""
    if not patients:
        return {}
    observed = scope.condition("o", ("Observation",))
    others = [kind for kind in OTHERS if scope.condition("o", (kind,)) != "false"]
    seen = scope.condition("o", tuple(others)) if others else "false"
    rows = await tx.fetch(
        f"""
        select w.seed, {COLUMNS} from unnest($1::bigint[]) w (seed)
        cross join lateral ({records_of("w.seed")}) p
        cross join lateral (
            select n.rid from unnest($2::bigint[]) k (code) cross join lateral (
                select c.rid from index_clinical c join resource o on o.rid = c.rid
                where c.patient = p.patient and c.code = k.code and c.type = {type_id("Observation")} and c.lo >= $3 and {observed}
                order by c.lo desc, c.rid desc limit {OF_EACH}) n
            union
            select n.rid from unnest($4::smallint[]) k (kind) cross join lateral (
                select c.rid from index_clinical c join resource o on o.rid = c.rid
                where c.patient = p.patient and c.type = k.kind and c.nth = 0 and {seen}
                order by c.lo desc, c.rid desc limit {OF_OTHERS}) n
        ) x
        join resource r on r.rid = x.rid and not r.deleted
        """,
        list(patients),
        list(_codes()),
        tx.now - OLDEST,
        [type_id(kind) for kind in others],
    )
    found: dict[int, dict[int, Stored]] = {patient: {} for patient in patients}
    for row in rows:
        one = stored(tuple(row)[1:])
        found[row["seed"]][one.rid] = one
    return {
        patient: Gathered(tuple(parse(one.body) for one in by_rid.values()), tuple(by_rid.values())) for patient, by_rid in found.items()
    }


@cache
def _codes() -> tuple[int, ...]:
    parameter = next(one for one in parameters_of("Observation").values() if one.code == "code")
    wanted = sorted({*vocabulary().by_code, *PANELS})
    return tuple(token_hash(parameter.id, urls.LOINC, code) for code in wanted)
