"""SMART scopes: what an application was granted, as resource types to read and to write.

This version knows `user/`, `patient/` and `system/` with a type or `*`, and as action `read`, `write`, `*` (SMART 1) or `rs`, `cud`,
`cruds` (SMART 2). Anything finer (`.r` alone, `?category=…`) is not granted, rather than granted too widely.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from yilian.fhir.definitions import is_resource_type

Context = Literal["user", "patient", "system"]

_CLAUSE = re.compile(r"(user|patient|system)/(\*|[A-Za-z]+)\.(\*|read|write|rs|cud|cruds)")
_ACTIONS = {
    "read": (True, False),
    "rs": (True, False),
    "write": (False, True),
    "cud": (False, True),
    "*": (True, True),
    "cruds": (True, True),
}

IDENTITY = ("openid", "fhirUser", "profile")
"""Who is signed in; no data."""
CONTEXT = ("launch/patient", "online_access")
"""Tell me the patient; let me stay signed in as long as the session lasts."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One scope about data. kind: a resource type, or "*"."""

    context: Context
    kind: str
    read: bool
    write: bool

    def covers(self, other: Clause) -> bool:
        """Whether whoever has this has that too."""
        return self.context == other.context and self.kind in ("*", other.kind) and self.read >= other.read and self.write >= other.write


@dataclass(frozen=True, slots=True)
class Permissions:
    """Resource types one may read and write; None: every type."""

    reads: frozenset[str] | None
    writes: frozenset[str] | None


def clauses(scope: str) -> list[Clause]:
    """The scopes about data in a space-separated list; what is not understood is left out."""
    return [found for found in (_clause(text) for text in scope.split()) if found]


def _clause(text: str) -> Clause | None:
    match = _CLAUSE.fullmatch(text)
    if match is None or not (match[2] == "*" or is_resource_type(match[2])):
        return None
    return Clause(match[1], match[2], *_ACTIONS[match[3]])  # type: ignore[arg-type]


def granted(asked: str | None, registered: str) -> str | None:
    """What of the scopes asked for an application gets: those it is registered for, or that these cover. Without a wish: all it is
    registered for.

    None when nothing is left.
    """
    if not asked or not asked.strip():
        return registered or None
    names, having = set(registered.split()), clauses(registered)
    kept = []
    for text in dict.fromkeys(asked.split()):
        wanted = _clause(text)
        if text in names or (wanted is not None and any(own.covers(wanted) for own in having)):
            kept.append(text)
    return " ".join(kept) or None


def permissions(scope: str, context: Context) -> Permissions | None:
    """What the scopes of one context add up to. None where there is no scope of that context at all."""
    own = [clause for clause in clauses(scope) if clause.context == context]
    if not own:
        return None
    return Permissions(_types(own, "read"), _types(own, "write"))


def _types(own: list[Clause], action: Literal["read", "write"]) -> frozenset[str] | None:
    kinds = {clause.kind for clause in own if (clause.read if action == "read" else clause.write)}
    return None if "*" in kinds else frozenset(kinds)


def both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """What both allow; None: every type."""
    if one is None:
        return other
    return one if other is None else one & other
