"""Who asks, from where, for what: the `Scope` that every read takes and that becomes part of the SQL.

A scope is built by `access/` from a token and never by a request's own words. It is a value; it opens no connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Literal, TypeVar

from yilian.fhir.compartments import PATIENT_TYPES, SHARED_TYPES
from yilian.fhir.definitions import type_id
from yilian.search.persons import records_of
from yilian.store.rights import Allowed, Letter, Part, Rights, either

Reach = Literal["everything", "grounds", "self", "nothing"]

CARE, OPERATIONS, EMERGENCY = 1, 2, 3
"""What data is asked for, as `access_ground` and `consent_rule` count it: to treat somebody, to run an institution, in an emergency."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The asker and how far the asker sees.

    reach       everything: a system client of the region; grounds: patients the institution has a ground for (see `access_ground`);
                self: one resident's own record; nothing: no clinical data at all (administrator, statistics)
    user        account name or client id, for the audit trail
    agent       reference of the person or device, e.g. "Practitioner/gp"
    name        how the agent is called on screen and paper
    roles       posts of the agent (`urls.ROLE` codes)
    institution reference of the institution spoken for, "Organization/…"; "" for none
    institution_rid, patient_rid   the same as database keys, 0 for none
    purpose     v3-ActReason code, why the data is asked for: TREAT, COVERAGE, HOPERAT, PUBHLTH, PATRQT, HSYSADMIN …
    may_write   false: changes nothing at all
    reads, writes   the resource types the token and the posts allow; None: every type
    client      the application that asks, by its client id; address: where the request came from. Both for the audit trail
    parts       parts of further types that may be read too: `Observation?category=laboratory`
    only        key of the one patient the token is for, as its application was launched; 0: whomever the reach allows
    rights      what each letter of the token allows, where that is finer than `reads` and `writes`; these are then what all letters allow
    """

    reach: Reach
    user: str
    agent: str
    name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    institution: str = ""
    institution_rid: int = 0
    institution_name: str = ""
    patient_rid: int = 0
    purpose: str = "TREAT"
    request_id: str = ""
    may_write: bool = True
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None
    client: str = ""
    address: str = ""
    parts: tuple[Part, ...] = ()
    only: int = 0
    rights: Rights | None = None

    def asked(self, request_id: str, address: str) -> Scope:
        """The same asker with another request. Every request makes one, so it is spelled out: `dataclasses.replace` takes much longer."""
        return Scope(
            self.reach, self.user, self.agent, self.name, self.roles, self.institution, self.institution_rid, self.institution_name,
            self.patient_rid, self.purpose, request_id, self.may_write, self.reads, self.writes, self.client, address,
            self.parts, self.only, self.rights,
        )  # fmt: skip

    def for_letter(self, letter: Letter) -> Scope:
        """The same asker for a request that only reads by id ("r"), or only looks for many ("s")."""
        if self.rights is None:
            return self
        allowed = self.rights.of(letter)
        return replace(self, reads=allowed.types, parts=allowed.parts)

    @property
    def is_partial(self) -> bool:
        """Whether more than the type and the reach decides about a row: then `readable` needs another text (`finely`)."""
        return bool(self.parts) or bool(self.only)

    def may_read(self, kind: str) -> bool:
        """Whether at least some of this type may be read."""
        return self.reads is None or kind in self.reads or any(part.type == kind for part in self.parts)

    def finely(self, sql: str) -> str:
        """A statement with `readable` in it, for this asker.

        Who has a token for a part of a type, or for one patient, sees nothing by the common text, whose `keys` name no type for them: what
        they may see is said in a text of their own.
        """
        return sql if not self.is_partial else _finely(sql, Allowed(self.reads, self.parts), self.only)

    def condition(self, alias: str, types: tuple[str, ...]) -> str:
        """The SQL condition that `alias` (a row of `resource` or `history`) is within this scope.

        `types` are the resource types the row can be of; what cannot occur is left out of the SQL. The keys are written as literals: they
        are integers of ours, never words of a request. Returns "true" where nothing restricts.
        """
        return self._condition(alias, types, seldom=False)

    def seldom(self, alias: str, types: tuple[str, ...]) -> str:
        """The same condition, made for rows that are seldom asked: slower for each of them, and next to nothing in the plan."""
        return self._condition(alias, types, seldom=True)

    def _condition(self, alias: str, types: tuple[str, ...], *, seldom: bool) -> str:
        if self.is_partial:
            readable = tuple(t for t in types if self.may_read(t))
            if not readable:
                return "false"
            return f"({_partial(alias, Allowed(self.reads, self.parts), self.only)} and {self._reachable(alias, readable, seldom)})"
        if self.reads is not None and not self.reads.issuperset(types):
            readable = tuple(t for t in types if t in self.reads)
            if not readable:
                return "false"
            numbers = ", ".join(str(type_id(t)) for t in readable)
            return f"({alias}.type in ({numbers}) and {self._reachable(alias, readable, seldom)})"
        return self._reachable(alias, types, seldom)

    def patients(self) -> str:
        """A query (column `rid`) for the patients within this scope, each once; "" where that is no list shorter than all of them.

        `condition` holds for no Patient besides; for some of these it may not hold (one that is confined to another institution).
        """
        if self.reach != "grounds" or not self.institution_rid:
            return ""
        here = int(self.institution_rid)
        now = "(g.until is null or g.until > now())"
        return f"select distinct g.patient as rid from access_ground g where g.institution = {here} and {now}"

    def of_patient(self, patient: str) -> tuple[str, str] | None:
        """Two SQL conditions on the key of a patient: that the institution has a ground for it, and that it refused nobody anything.

        No row of a patient may be seen where the first does not hold. Where both do, a row may be that is confined to nobody and not
        sensitive. Both are scalar, so the planner looks them up for a row at a time. None where grounds decide nothing, or not alone.
        """
        if self.reach != "grounds" or not self.institution_rid or self.is_partial:
            return None
        ground = _ground(patient, str(int(self.institution_rid)), str(self.asks_for))
        refused = f"(select true from consent_rule d where d.patient = {patient} and not d.permit limit 1)"
        return f"(select true {ground} limit 1)", f"{refused} is null"

    def _reachable(self, alias: str, types: tuple[str, ...], seldom: bool) -> str:
        if self.reach == "everything":
            return "true"
        shared = [t for t in types if t in SHARED_TYPES]
        open_part = "true" if len(shared) == len(types) else (f"{alias}.patient is null and {alias}.shared" if shared else "")
        if open_part == "true":
            return "true"
        parts = [p for p in (open_part, self._own(alias, seldom)) if p]
        return "(" + " or ".join(parts) + ")" if parts else "false"

    def keys(self, *, of_a_write: bool = False) -> tuple[bool, int, int, list[int] | None]:
        """What `readable` takes as parameters: sees everything, institution, patient (0 where there is none), type ids (None: every type).

        `of_a_write`: what a writer may point to and change does not depend on the types the token may read back.
        """
        if of_a_write:
            return (*self.sees(), None)
        if self.is_partial:
            return (*self.sees(), [])
        return (*self.sees(), None if self.reads is None else [type_id(name) for name in self.reads])

    def sees(self) -> tuple[bool, int, int]:
        """What `readable_by` takes: sees everything, institution, patient (0 where there is none).

        The institution is negative where it asks for anything but care: what was granted or refused for one purpose says nothing of others.
        """
        reach = self.reach
        here = self.institution_rid if self.asks_for == CARE else -self.institution_rid
        return reach == "everything", here if reach == "grounds" else 0, self.patient_rid if reach == "self" else 0

    @property
    def asks_for(self) -> int:
        """CARE or OPERATIONS. An emergency is no purpose somebody comes with: it is a kind of ground."""
        return CARE if self.purpose == "TREAT" else OPERATIONS

    def _own(self, alias: str, seldom: bool) -> str:
        if self.reach == "self":
            return f"({alias}.patient = any(array({records_of(str(int(self.patient_rid)))})) and {alias}.confined is null)"
        if self.reach == "grounds" and self.institution_rid:
            here = str(int(self.institution_rid))
            grounded = _specially(alias, here, str(self.asks_for)) if seldom else _grounded(alias, here, str(self.asks_for))
            return (
                f"(({alias}.confined is null or {alias}.confined = {here}) and ("
                f"({alias}.patient is null and {alias}.confined = {here}) or {grounded}))"
            )
        return ""


def readable(alias: str, first: int) -> str:
    """`Scope.condition` with the asker as parameters `$first` to `$first+3` (`Scope.keys`), right for rows of any type.

    For statements whose text must be the same for every asker, so that they are prepared once: reads by id, and what a write looks up.
    """
    everything, here, own, types = f"${first}::boolean", f"${first + 1}::bigint", f"${first + 2}::bigint", f"${first + 3}::smallint[]"
    return f"({readable_by(alias, everything, here, own)} and {of_readable_type(alias, types)})"


def of_readable_type(alias: str, types: str) -> str:
    """That a row is of a type that may be read. `types`: SQL, the last of `Scope.keys`. `Scope.finely` knows it by its form."""
    return f"({alias}.type = any({types}) or {types} is null)"


_OF_TYPE = re.compile(r"\((\w+)\.type = any\((\$\d+::smallint\[\])\) or \2 is null\)")


@lru_cache(maxsize=1024)
def _finely(sql: str, allowed: Allowed, only: int) -> str:
    return _OF_TYPE.sub(lambda found: f"({found[2]} is not null and {_partial(found[1], allowed, only)})", sql)


def _partial(alias: str, allowed: Allowed, only: int) -> str:
    """That a row is of an allowed type, or within an allowed part of one; and about this patient, or the directory's."""
    types = "true"
    if allowed.types is not None:
        types = f"{alias}.type = any('{{{','.join(str(type_id(kind)) for kind in sorted(allowed.types))}}}'::smallint[])"
    fits = f"({types} or {either(allowed.parts, alias)})" if allowed.parts else types
    if not only:
        return fits
    return f"({fits} and (({alias}.patient is null and {alias}.shared) or {alias}.patient = any(array({records_of(str(int(only)))}))))"


def readable_by(alias: str, everything: str, here: str, own: str) -> str:
    """The same with the asker as three SQL expressions (`Scope.sees`). Whether the type may be read is left to the caller.

    Of the row it takes rid, patient, confined, shared, origin and sensitive.
    """
    at, purpose = f"abs({here})", f"(case when {here} < 0 then {OPERATIONS} else {CARE} end)"
    return (
        f"({everything} or ({alias}.patient is null and {alias}.shared) or ({alias}.patient = {own} and {alias}.confined is null)"
        f" or (({alias}.confined is null or {alias}.confined = {at})"
        f" and (({alias}.patient is null and {alias}.confined = {at}) or {_grounded(alias, at, purpose)}))"
        f" or ({own} <> 0 and {alias}.confined is null and {alias}.patient in ({records_of(own)})))"
    )


def _grounded(alias: str, here: str, purpose: str) -> str:
    """That the institution has a ground to read this row. All three are SQL.

    Of what is ordinary, of patients who have refused nobody anything, that is one look for a ground, as if there were no consents. Else the
    function `readable_specially` says it (migration 0025), which keeps the plan of every statement small:

    - what somebody else wrote is barred by a refusal of the patient's (`consent_rule`). A refusal that names no purpose leaves out
      emergencies; one that names emergencies bars these alone. An institution goes on reading what it wrote itself;
    - what is sensitive needs, besides, to be of one's own writing, or to be granted, kind by kind, or an emergency access that asked for
      it, or to be the letter a referral consists of: the Task and what it names.

    `offset 0` has the ground looked up for each row. Without it the planner may gather all patients of the institution first, for a page
    of fifty: it does not know that the rest is never asked for.
    """
    return (
        f"case when {alias}.sensitive <> 0 or exists (select from consent_rule d where d.patient = {alias}.patient and not d.permit)"
        f" then {_specially(alias, here, purpose)} else exists (select {_ground(f'{alias}.patient', here, purpose)} offset 0) end"
    )


def _ground(patient: str, here: str, purpose: str) -> str:
    """What follows `select` in a query for the grounds the institution has just now to read a patient, for that purpose. All are SQL."""
    return (
        f"from access_ground g where g.institution = {here} and g.patient = {patient}"
        f" and (g.until is null or g.until > now()) and (g.purpose is null or g.purpose = {purpose})"
    )


def _specially(alias: str, here: str, purpose: str) -> str:
    """The same for any row, by the function alone."""
    return f"readable_specially({alias}.rid, {alias}.patient, {alias}.origin, {alias}.sensitive, {here}, {purpose}::smallint)"


Room = TypeVar("Room", bound=Scope)


def lent(scope: Scope, room: type[Room], reach: Reach) -> Room:
    """Who acts stays who acted, with what it takes to write what a room has checked by rules of its own.

    `room` is that room's own kind of Scope, made there alone: its guard knows by it what comes by the right road.
    """
    same = {field.name: getattr(scope, field.name) for field in fields(Scope)}
    return room(**{**same, "reach": reach, "may_write": True, "reads": None, "writes": None, "parts": (), "rights": None})


SYSTEM = Scope(reach="everything", user="yilian", agent="Device/yilian", name="Yilian", purpose="HSYSADMIN")
"""The platform itself: migrations, the demo region, loads from the command line."""

__all__ = [
    "CARE",
    "EMERGENCY",
    "OPERATIONS",
    "PATIENT_TYPES",
    "SHARED_TYPES",
    "SYSTEM",
    "Reach",
    "Scope",
    "lent",
    "readable",
    "readable_by",
    "records_of",
]
