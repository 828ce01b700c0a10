"""What a search asks of the terminology is known here, or the search is refused: `code:in`, `:not-in`, `:above`, `:below`.

A value set that is unknown or cannot be listed would make the answer wrong without anyone noticing.
FHIR R4: http://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yilian.errors import NotSupported
from yilian.search.clauses import Clause, all_values
from yilian.search.kinds.concepts import Concept, ValueSet, needs

if TYPE_CHECKING:
    from yilian.db import Tx

UNLISTED = """
select w.url, s.reason from unnest($1::text[]) as w (url) left join value_set_state s on s.value_set = w.url
where s.complete is not true order by w.url limit 1
"""
UNPLACED = """
select w.system, w.code from unnest($1::text[], $2::text[]) as w (system, code)
where not exists (select from code_ancestor a where a.system = w.system and a.ancestor = w.code and a.code = w.code) limit 1
"""


def asks(clauses: Iterable[Clause]) -> bool:
    """Whether a condition names any, so that `require` has something to look up."""
    return any(isinstance(value, (ValueSet, Concept)) for value in all_values(clauses))


async def require(tx: Tx, clauses: Iterable[Clause]) -> None:
    """Raises NotSupported when a condition names a value set or a place in a hierarchy that cannot be answered from what is known here."""
    wanted = [value for value in all_values(clauses) if isinstance(value, (ValueSet, Concept))]
    if not wanted:
        return
    asked = needs(wanted)
    if asked.value_sets:
        for url, reason in await tx.fetch(UNLISTED, list(asked.value_sets)):
            why = f"it cannot be listed: {reason}" if reason else "it is unknown here; store it as a ValueSet first"
            raise NotSupported(f"The value set {url[:200]} cannot be searched by: {why}.", zh=f"值集“{url[:200]}”无法用于检索。")
    if asked.concepts:
        for system, code in await tx.fetch(UNPLACED, [s for s, _ in asked.concepts], [c for _, c in asked.concepts]):
            raise NotSupported(
                f"{system[:200]}|{code[:80]} has no place in a hierarchy known here; store its CodeSystem with its parents first.",
                zh=f"“{code[:80]}”不在已知的编码层级中,无法按上下级检索。",
            )
