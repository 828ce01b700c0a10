"""References to one version of a resource, `Observation/1/_history/2`: the version is there, or the reference leads nowhere.

What one transaction writes and refers to at once is not looked at: its versions come about only now.
FHIR R4: http://hl7.org/fhir/R4/references.html#versioned
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yilian.db import Tx

THERE = """
select w.nth from unnest($1::integer[], $2::bigint[], $3::integer[]) as w (nth, rid, ver)
where exists (select from resource r where r.rid = w.rid and r.ver = w.ver)
   or exists (select from history h where h.rid = w.rid and h.ver = w.ver)
"""


async def missing(tx: Tx, named: Mapping[str, tuple[int, str]]) -> set[str]:
    """The texts among `named` (text → rid of what it points to, version) whose version is not there: never made, or expunged."""
    texts = [text for text, (_, version) in named.items() if version.isascii() and version.isdigit() and 0 < len(version) < 10]
    rids, versions = [named[text][0] for text in texts], [int(named[text][1]) for text in texts]
    rows = await tx.fetch(THERE, list(range(len(texts))), rids, versions) if texts else []
    return set(named) - {texts[row["nth"]] for row in rows}
