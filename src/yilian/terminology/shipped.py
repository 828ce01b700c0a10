"""What HL7 publishes with R4 (its own code systems and value sets, v3, the v2 tables), put into the derived tables once.

It comes in `tables/r4.jsonl.xz`, one resource a line without narrative, made by `tools/make_terminology.py`. It is loaded when the digest
of that file is not the one loaded last; every later start is one look at one row. These definitions are no resources of the store: they
have no history and nobody edits them; a region that wants another one stores its own under the same url, which then answers. With it what
is derived from the region's own definitions is made anew, so that a database older than this version has it too.
"""

from __future__ import annotations

import lzma
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.fhir.definitions import type_id
from yilian.fhir.json import parse
from yilian.terminology import expansions, ranking, tables

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]
FILE = Path(__file__).parent / "tables" / "r4.jsonl.xz"
TABLES = {"CodeSystem": "code_system", "ValueSet": "value_set", "ConceptMap": "concept_map"}
BATCH = 200
EDITION = "1"
"""Changes when what is derived from the same file changes."""


def resources() -> Iterator[Json]:
    """All of them, read anew, one at a time: nothing of it stays in memory."""
    for line in lzma.decompress(FILE.read_bytes()).splitlines():
        yield msgspec.json.decode(line)


@cache
def digest() -> str:
    return sha256(EDITION.encode() + FILE.read_bytes()).hexdigest()


async def load(tx: Tx) -> bool:
    """Bring the tables to what this version ships, in `tx`, under the lock of the caller. Returns whether there was anything to do."""
    wanted = digest()
    if await tx.fetchval("select digest from terminology_shipped") == wanted:
        return False
    await tx.execute("delete from terminology_shipped")
    urls = await tables.forget(tx, "true")
    batch: list[tuple[int | None, Json]] = []
    async for rid, one in _everything(tx):
        if type(one.get("url")) is str:
            urls[TABLES[one["resourceType"]]].add(one["url"])
            batch.append((rid, one))
        if len(batch) == BATCH:
            await _put(tx, batch)
            batch = []
    await _put(tx, batch)
    for table, key in (("code_system", "cs"), ("value_set", "vs"), ("concept_map", "cm")):
        await ranking.choose(tx, table, key, urls[table])
    await tx.execute("analyze code_system, code_system_concept, code_system_parent, value_set, value_set_use")
    await tables.close(tx, sorted(urls["code_system"]))
    await expansions.renew(tx, urls["code_system"] | urls["value_set"])
    await tx.execute("insert into terminology_shipped (digest) values ($1)", wanted)
    return True


async def _everything(tx: Tx) -> AsyncIterator[tuple[int | None, Json]]:
    """What comes with the server, then what the region has stored already (in a database that is older than these tables)."""
    for one in resources():
        yield None, one
    kinds = [type_id(kind) for kind in TABLES]
    for row in await tx.fetch("select rid from resource where type = any($1) and not deleted order by rid", kinds):
        yield row["rid"], parse((await tx.fetchval("select body from resource where rid = $1", row["rid"])).encode())


async def _put(tx: Tx, batch: Sequence[tuple[int | None, Json]]) -> None:
    by_type = {kind: [(rid, one) for rid, one in batch if one["resourceType"] == kind] for kind in TABLES}
    await tables.put_code_systems(tx, by_type["CodeSystem"])
    await tables.put_value_sets(tx, by_type["ValueSet"])
    await tables.put_concept_maps(tx, by_type["ConceptMap"])
