"""What a request needs of a token that is finer than types to read and types to write: which letters, and whether it can be answered within
a part of a type at all.

HL7 SMART App Launch 2.2: c, r, u, d, s; r is also vread and the history of one resource, s also the history of many.
"""

from __future__ import annotations

from yilian.access.policy import require_letters, require_whole
from yilian.fhir.definitions import ADDRESSED_TYPES
from yilian.store.permission import LETTERS
from yilian.store.rights import Letter
from yilian.store.scope import Scope

TYPES = frozenset(ADDRESSED_TYPES)

WITHIN_PARTS = frozenset({"$everything", "$timeline", "$lastn", "$meta", "$run", "$criteria"})
"""Operations whose every statement asks the scope row by row. All others are refused to tokens for parts of types."""
WITHOUT_RECORDS = frozenset({"$expand", "$lookup", "$validate-code", "$subsumes", "$translate"})
"""Operations that look at nothing but terminology."""


def asker_for(asker: Scope, way: list[str], method: str) -> Scope:
    """The asker as far as the token goes for this request. Forbidden where the token does not allow such a request.

    Operations, and conditions in writes, see what may be read and searched alike.
    """
    if not way or way == ["_search"]:
        return asker.for_letter("s") if way or method == "GET" else asker  # the entries of a Bundle are asked for one by one
    if way == ["_history"]:
        return asker.for_letter("s")
    kind, last = way[0], way[-1]
    if last.startswith("$"):
        if last not in WITHIN_PARTS and last not in WITHOUT_RECORDS:
            require_whole(asker, last)
        return asker
    if kind not in TYPES:
        require_whole(asker, f"/{kind}")
        return asker
    if kind == "AuditEvent":
        require_whole(asker, "Searching the trail")
    if method == "GET" or last == "_search":
        of_one = (len(way) == 2 and last not in ("_history", "_search")) or (len(way) >= 3 and way[2] == "_history")
        letter: Letter = "r" if of_one else "s"
        found = way[2] if len(way) >= 3 and way[2] in TYPES else kind
        require_letters(asker, (letter,), found)
        return asker.for_letter(letter)
    require_letters(asker, LETTERS.get(method, ()) or ("c",), kind)
    return asker
