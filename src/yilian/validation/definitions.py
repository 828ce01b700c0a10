"""The reaction to a write of a StructureDefinition, ValueSet or CodeSystem: it is found by its canonical, and every process looks anew.

In the transaction of the write; writers of definitions wait for each other, nobody else waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope
    from yilian.store.write import Written

TYPES = ("StructureDefinition", "ValueSet", "CodeSystem")
PUT = """
insert into profile_definition (rid, url, version) select * from unnest($1::bigint[], $2::text[], $3::text[])
on conflict (rid) do update set url = excluded.url, version = excluded.version
"""


async def follow(tx: Tx, scope: Scope, written: Sequence[Written]) -> None:
    """The hook for `store.hooks.Hooks.reactions`. Writes in `tx`."""
    changed = [one for one in written if one.type in TYPES and not one.unchanged]
    if not changed:
        return
    profiles = [(one.rid, one.resource or {}) for one in changed if one.type == "StructureDefinition"]
    there = [(rid, one) for rid, one in profiles if isinstance(one.get("url"), str)]
    gone = [rid for rid, one in profiles if not isinstance(one.get("url"), str)]
    if there:
        await tx.execute(PUT, [rid for rid, _ in there], [one["url"] for _, one in there], [one.get("version", "") for _, one in there])
    if gone:
        await tx.execute("delete from profile_definition where rid = any($1)", gone)
    await changed_now(tx)


async def changed_now(tx: Tx) -> None:
    """Have every process forget what it knows of definitions, once `tx` is committed."""
    await tx.execute("update definition_generation set generation = nextval('definition_generations')")
