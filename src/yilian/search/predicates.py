"""What must hold of a candidate, as SQL: its conditions, chains, and the scope.

Each condition is looked up for one candidate at a time by a scalar sub-select with a limit, which cannot be turned into a join: the
planner's guesses about several conditions at once, wrong by factors of thousands, have nothing to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from yilian.fhir.compartments import SHARED_TYPES
from yilian.fhir.definitions import type_id
from yilian.search import persons
from yilian.search.clauses import Clause
from yilian.search.conditions import Args, Condition, either
from yilian.search.kinds import kind_of, reference


class Scoped(Protocol):
    """What search needs of `store.scope.Scope`."""

    @property
    def is_partial(self) -> bool:
        """Whether what may be seen depends on what a resource says, besides."""

    def condition(self, alias: str, types: tuple[str, ...], /) -> str:
        """SQL that the row `alias` of resource may be seen.

        "true" and "false" stand as such. It depends on the row's patient, confined and shared alone, and on its type where only some of
        `types` may be seen; and then, where it is sensitive or its patient refused somebody something, on rid, origin and sensitive.
        What holds of a row that is not sensitive and of unknown origin holds of every other that is not.
        """

    def seldom(self, alias: str, types: tuple[str, ...], /) -> str:
        """The same condition for rows that are seldom asked: dear for each of them, cheap in the plan."""

    def patients(self) -> str:
        """A query (column `rid`) for the patients who may be seen at all, each once; "" where that is no short list."""

    def of_patient(self, patient: str, /) -> tuple[str, str] | None:
        """Two conditions on a patient's key: without the first no row about the patient may be seen, with both every ordinary one may.

        Ordinary: confined to nobody, not sensitive. None where there are none such.
        """


class Asked(msgspec.Struct, frozen=True):
    """A clause and the conditions any of which fulfils it (or, for a negative clause, none of which may hold).

    `nested`: a chain that is followed from each candidate, instead of looking for its far ends first; there are no conditions then.
    """

    clause: Clause
    conditions: list[Condition]
    nested: bool = False

    @property
    def only(self) -> Condition:
        return self.conditions[0]


class Predicates:
    """Collects the arguments of one statement and gives out its aliases."""

    def __init__(self, scope: Scoped) -> None:
        self.scope = scope
        self.args = Args()
        self._aliases = 0

    def alias(self) -> str:
        self._aliases += 1
        return f"x{self._aliases}"

    def asked(self, clause: Clause, *, nested: bool = False) -> Asked:
        return Asked(clause, [] if nested else self.conditions(clause), nested)

    def beyond(self, clause: Clause) -> Asked:
        """What is asked at the other end of a link. A link there that is wide, or leads backwards, is followed from each candidate too."""
        return self.asked(clause, nested=clause.reverse or (clause.chain is not None and width(clause) > NARROW))

    def conditions(self, clause: Clause) -> list[Condition]:
        found = self._conditions(clause)
        if clause.also:
            found = found + [one for other in clause.also for one in self.conditions(other)]
        return found

    def _conditions(self, clause: Clause) -> list[Condition]:
        kind = kind_of(clause.parameter)
        if clause.chain is not None:
            if clause.reverse:
                return [Condition("resource", column="rid", keys=self.near_ends(clause), once=True)]
            far = self.far_ends(clause.chain)
            return reference.to(clause.parameter, clause.modifier, persons.whole(far) if persons.is_of_people(clause) else far)
        if clause.modifier == "missing":
            return kind.present(clause.parameter)
        if clause.modifier in ("above", "below") and clause.parameter.type == "reference" and reference.hierarchies(clause.parameter):
            every = [reference.hierarchy(value, clause.modifier, self.seen, self.args) for value in clause.values]
            return [Condition("index_reference", f"@.param = {clause.parameter.id}", "target", keys=" union ".join(every))]
        return kind.conditions(clause.parameter, clause.modifier, clause.values, self.args)

    def far_ends(self, clause: Clause) -> str:
        """A query (column `key`) for the resources within the scope for which a clause holds: what a chain may lead to."""
        kind, asked = clause.subject, self.asked(clause)
        parts = []
        if clause.is_negative or clause.modifier == "missing":
            row = self.alias()
            where = [
                f"{row}.type = {type_id(kind)}",
                f"not {row}.deleted",
                *self.seen("resource", row, kind),
                self.holds(asked, "resource", row),
            ]
            return f"select {row}.rid as key from resource {row}{all_of(where)}"
        for condition in asked.conditions:
            row = self.alias()
            where = [*typed(kind, condition, row), *self.seen(condition.table, row, kind)]
            parts.append(f"select {row}.rid as key from {condition.table} {row}{all_of(where)}")
        return " union ".join(parts)

    def near_ends(self, clause: Clause) -> str:
        """A query (column `key`) for all that resources within the scope point to for which the rest of a `_has` holds.

        It says nothing of the resources pointed to: whether they may be seen is asked where they stand. A code leads to its patients
        within one index.
        """
        assert clause.chain is not None
        source, inner = clause.parameter.base, clause.chain
        if is_coded(inner) and not inner.also and reference.in_clinical(clause.parameter, clause.modifier):
            x = self.alias()
            (token,) = self.conditions(inner)
            where = [as_code(token).on(x), f"{x}.patient <> 0", *self.seen("index_clinical", x, source)]
            return persons.whole(f"select distinct {x}.patient as key from index_clinical {x}{all_of(where)}")
        return self.ends_of(clause, self.far_ends(inner))

    def ends_of(self, clause: Clause, sources: str) -> str:
        """A query (column `key`) for all that those of `sources` (a query for keys) point to by the reference of a `_has`."""
        x = self.alias()
        if reference.in_clinical(clause.parameter, clause.modifier):
            where = f"{x}.nth = 0 and {x}.patient <> 0 and {x}.rid = any(array({sources}))"
            return persons.whole(f"select distinct {x}.patient as key from index_clinical {x} where {where}")
        where = f"{x}.param = {clause.parameter.id} and {x}.rid = any(array({sources}))"
        ends = f"select distinct {x}.target as key from index_reference {x} where {where}"
        return persons.whole(ends) if persons.is_of_people(clause) else ends

    def holds(self, asked: Asked, table: str, row: str) -> str:
        """That a clause holds for the candidate `row`, a row of `table`."""
        return self._holds(asked, f"{row}.rid", row if table in ("resource", "index_clinical") else "", table)

    def _holds(self, asked: Asked, rid: str, row: str = "", table: str = "") -> str:
        """The same for the resource with the key `rid`; `row` is a row about it where `table` has one at hand."""
        clause = asked.clause
        if asked.nested:
            return self._pointed_at(clause, rid) if clause.reverse else self._chain(clause, rid)
        parts = [f"({one.on(row)})" if row and one.table == table else self._probe(one, rid) for one in asked.conditions]
        return f"({either(parts)}) is not true" if clause.is_negative else either(parts)

    def _probe(self, condition: Condition, rid: str) -> str:
        if not condition.table:
            return f"({condition.where})"
        if condition.column == "rid" and not condition.where:
            return f"({rid} = any(array({condition.keys})))"
        x = self.alias()
        where = [f"{x}.rid = {rid}", condition.on(x), *([f"{x}.nth = 0"] if condition.table == "index_clinical" else [])]
        return f"(select true from {condition.table} {x}{all_of(where)} limit 1)"

    def _chain(self, clause: Clause, rid: str) -> str:
        """That the candidate points to a resource within the scope for which the rest of the chain holds."""
        assert clause.chain is not None
        parts = []
        for link in reference.to(clause.parameter, clause.modifier, ""):
            x, s = self.alias(), self.alias()
            far, seen, source = f"{x}.{link.column}", self.scope.condition(s, (clause.modifier,)), f"{link.table} {x}"
            if persons.is_of_people(clause):
                w = self.alias()
                source += f" cross join lateral ({persons.records_of(far)}) {w}"
                far = f"{w}.patient"
            where = [
                f"{x}.rid = {rid}",
                *([link.where.replace("@", x)] if link.where else []),
                *([f"{x}.nth = 0"] if link.table == "index_clinical" else []),
                f"(select {s}.type = {type_id(clause.modifier)} and not {s}.deleted and {seen} from resource {s} where {s}.rid = {far})",
                self._holds(self.beyond(clause.chain), far),
            ]
            parts.append(f"(select true from {source}{all_of(where)} limit 1)")
        return either(parts)

    def _pointed_at(self, clause: Clause, rid: str) -> str:
        """That a resource within the scope points to the candidate, for which the rest of the `_has` holds."""
        assert clause.chain is not None
        source, inner, x = clause.parameter.base, self.beyond(clause.chain), self.alias()
        also = ""
        if persons.is_of_people(clause):
            w = self.alias()
            also, rid = f"({persons.records_of(rid)}) {w} cross join ", f"{w}.patient"
        if not reference.in_clinical(clause.parameter, clause.modifier):
            where = [f"{x}.target = {rid}", f"{x}.param = {clause.parameter.id}", self.holds(inner, "index_reference", x)]
            return f"(select true from {also}index_reference {x}{all_of([*where, *self.seen('index_reference', x, source)])} limit 1)"
        rest = (
            [as_code(inner.only).on(x)]
            if is_coded(clause.chain) and len(inner.conditions) == 1
            else [f"{x}.type = {type_id(source)}", f"{x}.nth = 0", self.holds(inner, "index_clinical", x)]
        )
        where = [f"{x}.patient = {rid}", *rest, *self.seen("index_clinical", x, source)]
        return f"(select true from {also}index_clinical {x}{all_of(where)} limit 1)"

    # --- scope

    def seen(self, table: str, row: str, kind: str) -> list[str]:
        """That `row`, a row of `table` about a resource of type `kind`, may be seen; nothing where all may."""
        if table == "resource":
            found = self.scope.condition(row, (kind,))
            return [] if found == "true" else [found]
        s = self.alias()
        found = self.scope.condition(s, (kind,))
        if found in ("true", "false"):
            return [] if found == "true" else [found]
        if table == "index_clinical" and (of_patient := self.scope.of_patient(f"{row}.patient")):
            grounded, at_ease = of_patient
            ordinary = f"{self.ordinary(s, f'{row}.patient')} and {at_ease}"
            each = f"case when {ordinary} then true else {self.scope.seldom(s, (kind,))} end"
            return [f"({row}.patient = 0 or {grounded})", f"(select {each} from resource {s} where {s}.rid = {row}.rid)"]
        return [f"(select {found} from resource {s} where {s}.rid = {row}.rid)"]

    @staticmethod
    def ordinary(row: str, patient: str) -> str:
        """That a row of resource is about this patient and nothing but the patient decides who may see it."""
        return f"{row}.patient = {patient} and {row}.confined is null and not {row}.shared and {row}.sensitive = 0"

    def at_once(self, row: str, kinds: tuple[str, ...], patient: str) -> str:
        """That what is ordinary about one patient may be seen, asked once for all of it; `row`: an alias to take for it."""
        return (
            f"(select {self.scope.condition(row, kinds)} from (select {patient} as patient, null::bigint as confined, false as shared,"
            f" null::bigint as rid, null::bigint as origin, 0::smallint as sensitive) {row})"
        )

    def seen_of_one(self, patient: str, row: str, kinds: tuple[str, ...]) -> list[str]:
        """The same for rows of index_clinical that are all about one patient, whose key is the SQL `patient`.

        A scope's condition on what is not sensitive depends on patient, confined, shared and origin alone (the caller leaves out types that
        may not be seen), so it is asked once for a row with the patient's values of the first three and an unknown origin. Where that one
        may be seen, every resource with the same values may. Others are asked each for itself.
        """
        s, a = self.alias(), self.alias()
        if self.scope.is_partial:  # then each is asked for what it says itself
            return [f"(select {self.scope.condition(s, kinds)} from resource {s} where {s}.rid = {row}.rid)"]
        each = self.scope.seldom(s, kinds)
        if each == "true":
            return []
        ordinary = f"{self.ordinary(s, f'{row}.patient')} and {self.at_once(a, kinds, patient)}"
        return [f"(select case when {ordinary} then true else {each} end from resource {s} where {s}.rid = {row}.rid)"]


NARROW = 40
"""The far ends of a chain that is at most this wide are looked for first; a wider chain is followed from each candidate."""

HOW_WIDE = {"reference": 20, "special": 25, "uri": 30, "string": 40, "composite": 45, "number": 70, "quantity": 70, "date": 80}
TO_THE_DIRECTORY = 55
"""A reference to an institution or a doctor: many point to the same one."""


def width(clause: Clause) -> int:
    """How many resources a clause is likely to leave, as a rank. There are no statistics here: the guess goes by the kind of condition."""
    parameter, modifier = clause.parameter, clause.modifier
    if clause.chain is not None:
        return 25 + width(clause.chain) // 2
    if modifier == "missing" or clause.is_negative:
        return 900
    if parameter.code == "_id":
        return 0
    if parameter.code == "_lastUpdated":
        return 150
    if modifier in ("of-type", "identifier"):
        return 10
    if modifier in ("text", "in", "above", "below"):
        return 65 if parameter.type == "token" else 75
    if parameter.type == "token":
        if parameter.is_identifying:
            return 10 if all(value.code is not None for value in clause.values) else 160
        if parameter.is_clinical_code:
            return 50
        return 60 if parameter.value_types & {"CodeableConcept", "Coding", "Identifier"} else 120  # a status halves the record, not more
    if modifier == "contains":
        return 170
    if parameter.type == "reference" and not parameter.is_clinical_patient and _leads_to_the_directory(clause):
        return TO_THE_DIRECTORY
    return HOW_WIDE[parameter.type]


def _leads_to_the_directory(clause: Clause) -> bool:
    targets = clause.parameter.targets
    return all(not SHARED_TYPES.isdisjoint((kind,) if kind else targets) for kind, _ in clause.values)


def is_coded(clause: Clause) -> bool:
    """Whether the code column of index_clinical can answer it."""
    return clause.parameter.is_clinical_code and clause.modifier in ("", "in", "above", "below")


def as_code(token: Condition) -> Condition:
    """A condition on index_token for a type's main code, put to the code column of index_clinical, which holds the same hashes."""
    return Condition("index_clinical", column="code", value=token.value, keys=token.keys)


def typed(kind: str, condition: Condition, row: str) -> list[str]:
    """A condition on a row with what keeps it to the type, where its parameter does not say that already."""
    if condition.table == "index_clinical":
        return [condition.on(row), f"{row}.type = {type_id(kind)}", f"{row}.nth = 0"]
    if condition.table == "resource":
        return [condition.on(row), f"{row}.type = {type_id(kind)}", f"not {row}.deleted"]
    return [condition.on(row)]


def all_of(conditions: Sequence[str]) -> str:
    """` where … and …`"""
    return f" where {' and '.join(conditions)}" if conditions else ""
