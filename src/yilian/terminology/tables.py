"""Writing the derived tables: code systems, value sets and concept maps, each replaced as a whole, in the caller's transaction.

Rows go in by COPY; a system of a hundred thousand concepts takes seconds. Nobody but this room writes these tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yilian.fhir.json import dump
from yilian.terminology import concepts, maps

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]


BELOW = {
    "code_system": ("cs", ("code_system_concept", "code_system_parent", "code_system_property", "code_system_text")),
    "value_set": ("vs", ("value_set_use",)),
    "concept_map": ("cm", ("concept_map_target",)),
}
"""Each table of definitions with its key and the tables whose rows belong to one of its rows."""


async def forget(tx: Tx, which: str, *args: Any) -> dict[str, set[str]]:
    """Take out what is derived from the definitions for which the SQL condition `which` holds. Returns their urls, by table."""
    gone: dict[str, set[str]] = {}
    for table, (key, below) in BELOW.items():
        rows = await tx.fetch(f"delete from {table} where {which} returning {key} as key, url", *args)
        gone[table] = {row["url"] for row in rows}
        for name in below if rows else ():
            await tx.execute(f"delete from {name} where {key} = any($1)", [row["key"] for row in rows])
    return gone


async def put_code_systems(tx: Tx, systems: Sequence[tuple[int | None, Json]]) -> None:
    """(rid or None for what came with the server, CodeSystem). Nothing of these rids may be there. A system without url is left out."""
    named = _named(systems)
    taken: list[tuple[int, concepts.Rows]] = []
    rows: list[tuple[Any, ...]] = []
    for cs, (rid, system) in zip(await _keys(tx, "code_system", "cs", len(named)), named, strict=True):
        # A large system takes seconds to take apart; other requests go on meanwhile.
        apart = concepts.rows_of(system) if rid is None else await asyncio.to_thread(concepts.rows_of, system)
        taken.append((cs, apart))
        content, adds_to = str(system.get("content") or "complete"), str(system.get("supplements") or "").partition("|")[0] or None
        head, sensitive = dump(concepts.head_of(system)).decode(), system.get("caseSensitive") is not False
        rows.append((cs, *_identity(system), rid, content, adds_to, sensitive, len(apart.concepts), head))
        await asyncio.sleep(0)
    await _copy(tx, "code_system", "cs url version rid content supplements case_sensitive size head", rows)
    columns = "cs nth code display inactive abstract detail"
    await _copy(tx, "code_system_concept", columns, [(k, *row) for k, r in taken for row in r.concepts])
    await _copy(tx, "code_system_parent", "cs parent code", [(k, *row) for k, r in taken for row in sorted(r.parents)])
    await _copy(tx, "code_system_property", "cs property value code", [(k, *row) for k, r in taken for row in sorted(r.properties)])
    await _copy(tx, "code_system_text", "cs code value", [(k, *row) for k, r in taken for row in r.texts])


async def put_value_sets(tx: Tx, sets: Sequence[tuple[int | None, Json]]) -> None:
    """(rid or None, ValueSet), as for code systems."""
    named = _named(sets)
    keys = await _keys(tx, "value_set", "vs", len(named))
    bodies = [dump({name: value for name, value in one.items() if name not in ("text", "meta")}).decode() for _, one in named]
    rows = [(vs, *_identity(one), rid, body) for vs, (rid, one), body in zip(keys, named, bodies, strict=True)]
    await _copy(tx, "value_set", "vs url version rid body", rows)
    made_of = [(vs, canonical) for vs, (_, one) in zip(keys, named, strict=True) for canonical in sorted(uses(one))]
    await _copy(tx, "value_set_use", "vs uses", made_of)


async def put_concept_maps(tx: Tx, given: Sequence[tuple[int | None, Json]]) -> None:
    """(rid or None, ConceptMap), as for code systems."""
    named = _named(given)
    keys = await _keys(tx, "concept_map", "cm", len(named))
    rows = [
        (cm, *_identity(one), rid, maps.scope_of(one, "source"), maps.scope_of(one, "target"), dump(maps.head_of(one)).decode())
        for cm, (rid, one) in zip(keys, named, strict=True)
    ]
    await _copy(tx, "concept_map", "cm url version rid source target head", rows)
    columns = "cm nth source_system source_code target_system target_code equivalence detail"
    targets = [(cm, *row) for cm, (_, one) in zip(keys, named, strict=True) for row in maps.rows_of(one)]
    await _copy(tx, "concept_map_target", columns, targets)


async def close(tx: Tx, urls: Sequence[str]) -> None:
    """Make `code_ancestor` anew for these systems: every code with all codes above it, and itself, of the version that answers."""
    await tx.execute("delete from code_ancestor where system = any($1)", list(urls))
    await tx.execute(
        """
        with recursive above (cs, code, ancestor) as (
            select c.cs, c.code, c.code from code_system s join code_system_concept c on c.cs = s.cs
            where s.url = any($1) and s.answers and s.content <> 'supplement'
            union
            select a.cs, a.code, p.parent from above a join code_system_parent p on p.cs = a.cs and p.code = a.ancestor
        )
        insert into code_ancestor (system, code, ancestor) select s.url, a.code, a.ancestor from above a join code_system s on s.cs = a.cs
        """,
        list(urls),
    )


def uses(value_set: Json) -> set[str]:
    """Canonicals, without version, of the systems and value sets it is made of."""
    found: set[str] = set()
    compose = value_set.get("compose") or {}
    for key in ("include", "exclude"):
        for part in compose.get(key) or ():
            for canonical in (part.get("system"), *(part.get("valueSet") or ())):
                if type(canonical) is str and not canonical.startswith("#"):
                    found.add(canonical.partition("|")[0])
    for contained in value_set.get("contained") or ():
        found |= uses(contained) if contained.get("resourceType") == "ValueSet" else set()
    return found


async def _copy(tx: Tx, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await tx.copy(table, columns.split(), rows)


async def _keys(tx: Tx, table: str, column: str, count: int) -> list[int]:
    """Fresh keys: rows that go in by COPY bring theirs along."""
    rows = await tx.fetch(f"select nextval(pg_get_serial_sequence('{table}', '{column}')) as key from generate_series(1, $1)", count)
    return [row["key"] for row in rows]


def _named(given: Sequence[tuple[int | None, Json]]) -> list[tuple[int | None, Json]]:
    """Those with a url; the others cannot be asked for."""
    return [(rid, one) for rid, one in given if type(one.get("url")) is str]


def _identity(one: Json) -> tuple[str, str]:
    return one["url"], str(one.get("version") or "")
