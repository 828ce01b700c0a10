"""What higher rooms ask to be told of every write, wired once in `app.py`.

The store knows only these shapes. A guard may refuse; a reaction writes what must be true in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yilian.errors import Issue

if TYPE_CHECKING:
    from yilian.db import Tx
    from yilian.store.scope import Scope
    from yilian.store.write import Change, Written

Validate = Callable[[dict[str, Any]], list[Issue]]
Profiles = Callable[["Tx", "Scope", Sequence[dict[str, Any]]], Awaitable[Mapping[int, Sequence[Issue]]]]
Amend = Callable[["Tx", "Scope", "Change", Mapping[str, Any] | None], Awaitable[dict[str, Any]]]
Guard = Callable[["Tx", "Scope", Sequence["Change"]], Awaitable[None]]
Sensitivity = Callable[[Mapping[str, Any], str], int]
"""Which sensitive kinds a resource belongs to, as bits; 0: none. Given the resource and the same as text."""
SpeaksFor = Callable[["Tx", Sequence[int]], Awaitable[Mapping[int, int]]]
"""Organizations (rids) → the institution each speaks for."""
Reaction = Callable[["Tx", "Scope", Sequence["Written"]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the house was wired with.

    validate   faults of one resource, empty when sound; warnings do not refuse it
    profiles   what profiles say of resources that are sound: their place → issues; errors refuse, warnings are told (`Written.warnings`)
    sensitive  which sensitive kinds a resource belongs to; nobody's data is never asked for
    speaks_for which institution what systems of the region write for others comes from
    amend      by resource type: what is stored instead of what was sent, such as without a secret that is kept elsewhere. Given the
               change as it will be and the version before; called before the guards, may raise to refuse it
    guards     raise to refuse a set of changes. Called when the rows are found; ids are known, a PATCH has its outcome as resource
    reactions  told once of everything a write did, also of what turned out unchanged
    refresh    called when a transaction is opened, when it begins in the database, and before reads: brings what is kept in memory up to
               date, on the connection as it is (`Tx.ahead`), and returns the generation of the search parameters
    outdated   called when a write was refused because of what memory did not know yet
    """

    validate: Validate
    guards: tuple[Guard, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    refresh: Callable[[Tx], Awaitable[int]] | None = None
    outdated: Callable[[], None] | None = None
    profiles: Profiles | None = None
    amend: Mapping[str, Amend] = field(default_factory=dict)
    sensitive: Sensitivity | None = None
    speaks_for: SpeaksFor | None = None
