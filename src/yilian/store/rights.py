"""What a token allows, letter by letter and down to a part of a type: the finer half of a `Scope`.

Most tokens allow whole types, reading and writing alike, and have none of this. A token may allow less: reading but not searching, or
of a type only what has a certain code (`user/Observation.rs?category=laboratory`). Then every version of a resource is held against
its own body: in SQL (`condition`) where it is read, and in Python (`admits`) where it is written.
HL7 SMART App Launch 2.2, "Scopes for requesting FHIR Resources": https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from yilian.fhir.definitions import type_id
from yilian.fhir.fhirpath import Branch
from yilian.search.parameters import Parameter, parameters_of

Letter = Literal["c", "r", "u", "d", "s"]
"""create, read (vread, the history of one), update (patch), delete, search (history of a type, and what else looks for many)."""

SPEAKABLE = re.compile(r"[A-Za-z0-9._:/|,~+-]+")
"""What the value of a clause may be written with. It becomes part of the SQL, and of a JSON path in it: so no quotes, no backslash."""

_FORMS = frozenset({"CodeableConcept", "Coding", "code", "boolean"})
"""Elements that can be told apart by. Identifiers and telephone numbers are not: their values lie sealed."""


@dataclass(frozen=True, slots=True)
class Test:
    """One `param=value`: that one of the elements its parameter looks at has one of these codings. system None: any; "": none; code None:
    any of the system."""

    parameter: Parameter
    values: tuple[tuple[str | None, str | None], ...]

    def holds(self, resource: dict[str, Any]) -> bool:
        found = [(value, branch.type) for branch in self.parameter.branches for value in branch.values(resource)]
        return any(_is(value, form, wanted) for value, form in found for wanted in self.values)

    def paths(self) -> list[str]:
        """JSON paths (PostgreSQL, lax) of which one finds something exactly when the test holds."""
        return [f"{_way(branch)} ? ({_filter(branch.type, wanted)})" for branch in self.parameter.branches for wanted in self.values]


@dataclass(frozen=True, slots=True)
class Part:
    """Of one resource type what passes all the tests."""

    type: str
    tests: tuple[Test, ...]

    def holds(self, resource: dict[str, Any]) -> bool:
        return resource.get("resourceType") == self.type and all(test.holds(resource) for test in self.tests)

    def condition(self, alias: str) -> str:
        """The same of `alias`, a row of `resource` or `history`. A deletion has no body and passes no test."""
        tests = [" or ".join(f"body_has({alias}.body, '{path}')" for path in test.paths()) for test in self.tests]
        every = " and ".join(f"({test})" for test in tests)
        return f"case when {alias}.type = {type_id(self.type)} then {every} else false end"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one letter is allowed for: whole types (None: all), and parts of others, which add up."""

    types: frozenset[str] | None
    parts: tuple[Part, ...] = ()

    def kinds(self) -> frozenset[str] | None:
        """Types of which at least something is allowed; None: all."""
        return None if self.types is None else self.types | {part.type for part in self.parts}

    def admits(self, resource: dict[str, Any]) -> bool:
        """Whether this resource is allowed, by its type and what it says."""
        return self.types is None or resource.get("resourceType") in self.types or any(part.holds(resource) for part in self.parts)

    def within(self, types: frozenset[str] | None) -> Allowed:
        """The same, of these types alone."""
        if types is None:
            return self
        return Allowed(types if self.types is None else self.types & types, tuple(part for part in self.parts if part.type in types))

    def and_(self, other: Allowed) -> Allowed:
        """What both allow."""
        if self.types is None or other.types is None or self == other:
            one, whole = (other, self) if self.types is None else (self, other)
            return one if whole.types is None or one == whole else one._with(whole)
        return self._with(other)

    def _with(self, other: Allowed) -> Allowed:
        types = (self.types or frozenset()) & (other.types or frozenset())
        parts = [part for part in self.parts if other.types and part.type in other.types]
        parts += [part for part in other.parts if self.types and part.type in self.types]
        for mine in self.parts:
            for theirs in other.parts:
                if mine.type == theirs.type:
                    parts.append(mine if mine == theirs else replace(mine, tests=mine.tests + theirs.tests))
        return Allowed(types, tuple(dict.fromkeys(parts)))


NOTHING = Allowed(frozenset())


@dataclass(frozen=True, slots=True)
class Rights:
    """What each letter is allowed for."""

    c: Allowed
    r: Allowed
    u: Allowed
    d: Allowed
    s: Allowed

    def of(self, letter: Letter) -> Allowed:
        return {"c": self.c, "r": self.r, "u": self.u, "d": self.d, "s": self.s}[letter]

    @property
    def reads(self) -> Allowed:
        """What may be read and searched alike."""
        return self.r.and_(self.s)

    @property
    def writes(self) -> Allowed:
        """What may be created, changed and deleted alike."""
        return self.c.and_(self.u).and_(self.d)

    def plain(self) -> bool:
        """Whether this is no finer than types to read and types to write."""
        letters = (self.c, self.r, self.u, self.d, self.s)
        return self.r == self.s and self.c == self.u == self.d and not any(one.parts for one in letters)

    def within(self, reads: frozenset[str] | None, writes: frozenset[str] | None) -> Rights:
        """The same, where only these types may be read and written."""
        return Rights(self.c.within(writes), self.r.within(reads), self.u.within(writes), self.d.within(writes), self.s.within(reads))


def either(parts: Iterable[Part], alias: str) -> str:
    """SQL: that one of the parts has the row."""
    return " or ".join(part.condition(alias) for part in parts)


@cache
def test(kind: str, code: str, text: str) -> Test | None:
    """`code=text` of a resource type as a test. None where that is not understood: an unknown parameter or one that is no token, a
    modifier, a value that is not written with `SPEAKABLE` alone."""
    parameter = parameters_of(kind).get(code)
    if parameter is None or parameter.type != "token" or not parameter.branches or SPEAKABLE.fullmatch(text) is None:
        return None
    for branch in parameter.branches:
        if branch.type not in _FORMS or any(step.tests or step.first for step in branch.steps):
            return None
    values = tuple(_value(one) for one in text.split(","))
    if any(value is None for value in values):
        return None
    return Test(parameter, tuple(value for value in values if value is not None))


def _value(text: str) -> tuple[str | None, str | None] | None:
    system, bar, code = text.rpartition("|")
    if "|" in system or (not system and not code):
        return None
    return (system if bar else None), code or None


def _way(branch: Branch) -> str:
    return "$" + "".join(f".{step.key}" for step in branch.steps) + (".coding" if branch.type == "CodeableConcept" else "")


def _filter(form: str, wanted: tuple[str | None, str | None]) -> str:
    """A code and a truth value stand by themselves, without a system: whoever names one means no such element."""
    system, code = wanted
    if form == "boolean":
        return f"@ == {code}" if code in ("true", "false") and not system else "false == true"
    if form == "code":
        return f'@ == "{code}"' if code is not None and not system else "false == true"
    found = [] if code is None else [f'@.code == "{code}"']
    if system is not None:
        found.append(f'@.system == "{system}"' if system else "!exists(@.system)")
    return " && ".join(found)


def _is(value: Any, form: str, wanted: tuple[str | None, str | None]) -> bool:
    system, code = wanted
    if form == "boolean":
        return type(value) is bool and code == ("true" if value else "false") and not system
    if form == "code":
        return code is not None and value == code and not system
    if type(value) is not dict:
        return False
    codings = value.get("coding") if form == "CodeableConcept" else [value]
    for one in codings if type(codings) is list else ():
        if type(one) is dict and (code is None or one.get("code") == code) and (system is None or one.get("system", "") == system):
            return True
    return False
