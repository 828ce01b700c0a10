"""How sensitive stored resources are, worked out anew from all their versions: for what was written before the kinds were known, and after
the table of kinds was changed (`yilian reindex`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from yilian.fhir.json import parse
from yilian.sealing.keyring import opened

if TYPE_CHECKING:
    from yilian.db import Tx

BREATH = 50

CURRENT = """
select r.rid, r.sensitive, r.body from resource r
where r.rid > $1 and ($2::bigint is null or r.rid <= $2) and not r.shared and ($3::smallint[] is null or r.type = any($3))
order by r.rid for no key update of r
"""
OLDER = "select h.rid, h.sensitive, h.body from history h where h.rid = any($1::bigint[])"
MARK = """
update {0} r set sensitive = m.sensitive from unnest($1::bigint[], $2::smallint[]) as m (rid, sensitive)
where r.rid = m.rid and r.sensitive <> m.sensitive
"""


async def mark(tx: Tx, after: int, until: int | None, types: list[int] | None) -> None:
    """Put right what stands of the resources with keys in (after, until] (None: to the end), deleted ones too; in `tx`, which locks them.

    A kind that no version belongs to any more, by the table as it is now, is taken away.
    """
    kinds_of = tx.hooks.sensitive
    if kinds_of is None:
        return
    rows = await tx.fetch(CURRENT, after, until, types)
    wanted: dict[int, int] = dict.fromkeys([row[0] for row in rows], 0)
    there: dict[int, set[int]] = {rid: set() for rid in wanted}
    for number, (rid, sensitive, body) in enumerate([*rows, *await tx.fetch(OLDER, list(wanted))], 1):
        there[rid].add(sensitive)
        if body:
            text = opened(rid, body)
            wanted[rid] |= kinds_of(parse(text.encode()), text)
        if number % BREATH == 0:
            await asyncio.sleep(0)
    changed = {rid: kinds for rid, kinds in wanted.items() if there[rid] != {kinds}}
    if changed:
        for table in ("resource", "history"):
            await tx.execute(MARK.format(table), list(changed), list(changed.values()))
