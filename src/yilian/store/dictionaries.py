"""The two dictionaries beside the index tables: identifier systems get a number, token hashes are spelled out.

What is known to be committed is remembered in the process (`Database.namespaces`, `.concepts`), so that a write asks the database only for
words it sees for the first time. New entries are written in the order of their key: two writers with the same new words then wait for each
other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yilian.errors import Conflict
from yilian.search.rows import Token, token_hash

if TYPE_CHECKING:
    from yilian.db import Tx

MOST_REMEMBERED = 500_000
"""Token hashes kept in memory, some 30 MB; beyond that the memory starts anew and the database is asked again."""

NAMESPACES = "select uri, id from namespace where uri = any($1::text[])"
NEW_NAMESPACES = """
with fresh as (
    insert into namespace (uri) select uri from unnest($1::text[]) as w (uri) order by uri on conflict (uri) do nothing returning uri, id
)
select uri, id from fresh
"""
NEW_CONCEPTS = """
insert into concept (h, param, system, code)
select * from unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[]) as w (h, param, system, code) order by h
on conflict (h) do nothing
"""
OTHER_CONCEPTS = """
select c.system, c.code, w.system, w.code
from unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[]) as w (h, param, system, code)
join concept c on c.h = w.h
where (c.param, c.system, c.code) <> (w.param, w.system, w.code)
"""


async def namespaces(tx: Tx, wanted: set[str]) -> dict[str, int]:
    """The numbers of these identifier systems; new ones are written in `tx`."""
    known = tx.db.namespaces
    numbers = {uri: known[uri] for uri in wanted if uri in known}
    missing = wanted - numbers.keys()
    if missing:
        found: dict[str, int] = {}
        for sql in (NAMESPACES, NEW_NAMESPACES, NAMESPACES):  # the last for those another writer has just committed
            if left := sorted(missing - found.keys()):
                found.update((row[0], row[1]) for row in await tx.fetch(sql, left))
        numbers.update(found)
        tx.after_commit.append(lambda: known.update(found))
    return numbers


async def spell_out(tx: Tx, tokens: Iterable[Token]) -> None:
    """See that every token's hash stands in `concept`. Conflict if another token has the same hash (one in 10^7 with a million tokens)."""
    known = tx.db.concepts
    new = {h: token for token in tokens if (h := token_hash(*token)) not in known}
    if not new:
        return
    hashes = sorted(new)
    arrays = (hashes, [new[h][0] for h in hashes], [new[h][1] for h in hashes], [new[h][2] for h in hashes])
    await tx.execute(NEW_CONCEPTS, *arrays)
    for row in await tx.fetch(OTHER_CONCEPTS, *arrays):
        raise Conflict(f"The code {row[2]}|{row[3]} cannot be told from {row[0]}|{row[1]} here; nothing was stored.")

    def remember() -> None:
        if len(known) + len(hashes) > MOST_REMEMBERED:
            known.clear()
        known.update(hashes)

    tx.after_commit.append(remember)
