"""The reaction to a write: whenever a CodeSystem, ValueSet or ConceptMap changes, what is derived from it changes in the same transaction.

Everything is made anew at once, also the lists of value sets that depend on it: each is one statement in the database, so there is no
moment at which a search answers by an older list. Writers of terminology wait for each other; nobody else waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.terminology import expansions, ranking, tables

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope
    from yilian.store.write import Written

Json = dict[str, Any]
TYPES = ("CodeSystem", "ValueSet", "ConceptMap")
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext('yilian terminology'))"


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """The hook for `store.hooks.Hooks.reactions`. Writes in `tx`."""
    changed = [one for one in written if one.type in TYPES and not one.unchanged]
    if not changed:
        return
    await tx.execute(ONE_AT_A_TIME)
    touched = await tables.forget(tx, "rid = any($1)", [one.rid for one in changed])
    by_type: dict[str, list[tuple[int | None, Json]]] = {kind: [] for kind in TYPES}
    for one in changed:
        if one.resource is not None:
            by_type[one.type].append((one.rid, one.resource))
    await replace(tx, by_type["CodeSystem"], by_type["ValueSet"], by_type["ConceptMap"], touched)


async def replace(
    tx: Tx,
    systems: Sequence[tuple[int | None, Json]],
    sets: Sequence[tuple[int | None, Json]],
    concept_maps: Sequence[tuple[int | None, Json]],
    touched: dict[str, set[str]],
) -> None:
    """Put these in; `touched`: urls by table that something was taken out of. Everything that depends on either is made anew."""
    await tables.put_code_systems(tx, systems)
    await tables.put_value_sets(tx, sets)
    await tables.put_concept_maps(tx, concept_maps)
    system_urls = touched["code_system"] | _urls(systems)
    set_urls = touched["value_set"] | _urls(sets)
    await ranking.choose(tx, "code_system", "cs", system_urls)
    await ranking.choose(tx, "value_set", "vs", set_urls)
    await ranking.choose(tx, "concept_map", "cm", touched["concept_map"] | _urls(concept_maps))
    await tables.close(tx, sorted(system_urls))
    await expansions.renew(tx, system_urls | set_urls)


def _urls(given: Sequence[tuple[int | None, Json]]) -> set[str]:
    return {one["url"] for _, one in given if type(one.get("url")) is str}
