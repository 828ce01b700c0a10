"""SMART scopes: what an application was granted, as resource types, or parts of them, and letters for what may be done with them.

`user/`, `patient/` and `system/` with a type or `*`; as action `read`, `write`, `*` (SMART 1) or letters of `cruds` in this order
(SMART 2); and behind `?` which resources of the type, by parameters that are tokens: `user/Observation.rs?category=laboratory`. Several
scopes add up, several parameters of one scope must all hold. A scope that is not understood is not granted: neither wholly nor in part.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from yilian.fhir.definitions import is_resource_type
from yilian.store.rights import Allowed, Letter, Part, Rights, Test, test

Context = Literal["user", "patient", "system"]

LETTERS: tuple[Letter, ...] = ("c", "r", "u", "d", "s")
MOST = 40
"""Scopes with a condition that are heeded in one token; more would make every statement long."""

_CLAUSE = re.compile(r"(user|patient|system)/(\*|[A-Za-z]+)\.(\*|read|write|(?=[cruds])c?r?u?d?s?)(?:\?([^?#]+))?")
_WORDS = {"read": "rs", "write": "cud", "*": "cruds"}

IDENTITY = ("openid", "fhirUser", "profile")
"""Who is signed in; no data."""
CONTEXT = ("launch", "launch/patient", "online_access")
"""Tell me what I was opened for; tell me the patient; let me stay signed in as long as the session lasts."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One scope about data. kind: a resource type, or "*"; letters: of `cruds`; tests: which of the type, all where there are none."""

    context: Context
    kind: str
    letters: frozenset[str]
    tests: frozenset[Test] = frozenset()

    def covers(self, other: Clause) -> bool:
        """Whether whoever has this has that too."""
        return (
            self.context == other.context and self.kind in ("*", other.kind) and self.letters >= other.letters and self.tests <= other.tests
        )


def clauses(scope: str) -> list[Clause]:
    """The scopes about data in a space-separated list; what is not understood is left out."""
    return [found for found in (_clause(text) for text in scope.split()) if found]


def _clause(text: str) -> Clause | None:
    match = _CLAUSE.fullmatch(text)
    if match is None or not (match[2] == "*" or is_resource_type(match[2])):
        return None
    tests = _tests(match[2], match[4]) if match[4] else frozenset()
    if tests is None:
        return None
    return Clause(match[1], match[2], frozenset(_WORDS.get(match[3], match[3])), tests)  # type: ignore[arg-type]


def _tests(kind: str, query: str) -> frozenset[Test] | None:
    if kind == "*":
        return None
    found = [test(kind, *pair) for pair in (part.split("=", 1) for part in query.split("&")) if len(pair) == 2]
    if len(found) != query.count("&") + 1 or None in found:
        return None
    return frozenset(one for one in found if one is not None)


def granted(asked: str | None, registered: str) -> str | None:
    """What of the scopes asked for an application gets: those it is registered for, or that these cover. Without a wish: all it is
    registered for.

    None when nothing is left.
    """
    if not asked or not asked.strip():
        return registered or None
    names, having = set(registered.split()), clauses(registered)
    kept, narrowed = [], 0
    for text in dict.fromkeys(asked.split()):
        wanted = _clause(text)
        if wanted is None and "/" in text and text not in CONTEXT:
            continue  # registered or not: it would open nothing
        narrowed += bool(wanted and wanted.tests)
        if wanted and wanted.tests and narrowed > MOST:
            continue
        if text in names or (wanted is not None and any(own.covers(wanted) for own in having)):
            kept.append(text)
    return " ".join(kept) or None


def rights(scope: str, context: Context) -> Rights | None:
    """What the scopes of one context add up to, letter by letter. None where there is no scope of that context at all."""
    own = [clause for clause in clauses(scope) if clause.context == context]
    return Rights(*(_allowed(own, letter) for letter in LETTERS)) if own else None


def _allowed(own: list[Clause], letter: Letter) -> Allowed:
    here = [clause for clause in own if letter in clause.letters]
    whole = frozenset(clause.kind for clause in here if not clause.tests)
    if "*" in whole:
        return Allowed(None)
    ordered = sorted((clause for clause in here if clause.kind not in whole), key=repr)
    parts = (Part(clause.kind, tuple(sorted(clause.tests, key=repr))) for clause in ordered)
    return Allowed(whole, tuple(dict.fromkeys(parts)))


def both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """What both allow; None: every type."""
    if one is None:
        return other
    return one if other is None else one & other
