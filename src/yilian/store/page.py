"""What a search, `$everything` and the worklists give back."""

from __future__ import annotations

from dataclasses import dataclass, field

from yilian.store.read import Stored


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer, in order.

    matches   what was asked for; total counts these, over all pages
    included  what goes with them, each once on this page, none that is also a match
    total     how many matches there are within the scope; None where it was neither asked for nor known anyway
    next      cursor of the next page; None exactly on the last
    """

    matches: list[Stored]
    included: list[Stored] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
