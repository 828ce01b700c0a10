"""What must hold of a candidate, as SQL: its conditions, chains, and the scope.

Each condition is looked up for one candidate at a time by a scalar sub-select with a limit, which cannot be turned into a join: the
planner's guesses about several conditions at once, wrong by factors of thousands, have nothing to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from yilian.fhir.definitions import type_id
from yilian.search.clauses import Clause
from yilian.search.conditions import Args, Condition, either
from yilian.search.kinds import kind_of, reference


class Scoped(Protocol):
    """What search needs of `store.scope.Scope`."""

    def condition(self, alias: str, types: tuple[str, ...], /) -> str:
        """SQL that the row `alias` of resource may be seen.

        "true" and "false" stand as such. It depends on the row's patient, confined and shared alone, and on its type where only some of
        `types` may be seen.
        """


@dataclass(frozen=True, slots=True)
class Asked:
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

    def conditions(self, clause: Clause) -> list[Condition]:
        kind = kind_of(clause.parameter)
        if clause.chain is not None:
            return reference.to(clause.parameter, clause.modifier, self.far_ends(clause.chain))
        if clause.modifier == "missing":
            return kind.present(clause.parameter)
        return kind.conditions(clause.parameter, clause.modifier, clause.values, self.args)

    def far_ends(self, clause: Clause) -> str:
        """A query (column `key`) for the resources within the scope for which a clause holds: what a chain may lead to."""
        kind, asked = clause.parameter.base, self.asked(clause)
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

    def holds(self, asked: Asked, table: str, row: str) -> str:
        """That a clause holds for the candidate `row`, a row of `table`."""
        if asked.nested:
            return self._chain(asked.clause, f"{row}.rid")
        inline = table in ("resource", "index_clinical")
        return self._fulfilled(
            asked, [f"({one.on(row)})" if inline and one.table == table else self._probe(one, f"{row}.rid") for one in asked.conditions]
        )

    def _fulfilled(self, asked: Asked, parts: list[str]) -> str:
        return f"({either(parts)}) is not true" if asked.clause.is_negative else either(parts)

    def _probe(self, condition: Condition, rid: str) -> str:
        x = self.alias()
        where = [f"{x}.rid = {rid}", condition.on(x), *([f"{x}.nth = 0"] if condition.table == "index_clinical" else [])]
        return f"(select true from {condition.table} {x}{all_of(where)} limit 1)"

    def _chain(self, clause: Clause, rid: str) -> str:
        """That the candidate points to a resource within the scope for which the rest of the chain holds."""
        assert clause.chain is not None
        parts = []
        for link in reference.to(clause.parameter, clause.modifier, ""):
            x, s = self.alias(), self.alias()
            far, seen = f"{x}.{link.column}", self.scope.condition(s, (clause.modifier,))
            inner = self.asked(clause.chain)
            where = [
                f"{x}.rid = {rid}",
                *([link.where.replace("@", x)] if link.where else []),
                *([f"{x}.nth = 0"] if link.table == "index_clinical" else []),
                f"(select {s}.type = {type_id(clause.modifier)} and not {s}.deleted and {seen} from resource {s} where {s}.rid = {far})",
                self._fulfilled(inner, [self._probe(one, far) for one in inner.conditions]),
            ]
            parts.append(f"(select true from {link.table} {x}{all_of(where)} limit 1)")
        return either(parts)

    # --- scope

    def seen(self, table: str, row: str, kind: str) -> list[str]:
        """That `row`, a row of `table` about a resource of type `kind`, may be seen; nothing where all may."""
        if table == "resource":
            found = self.scope.condition(row, (kind,))
            return [] if found == "true" else [found]
        s = self.alias()
        found = self.scope.condition(s, (kind,))
        return [] if found == "true" else [f"(select {found} from resource {s} where {s}.rid = {row}.rid)"]

    def seen_of_one(self, patient: str, row: str, kinds: tuple[str, ...]) -> list[str]:
        """The same for rows of index_clinical that are all about one patient, whose key is the SQL `patient`.

        A scope's condition depends on patient, confined and shared alone (the caller leaves out types that may not be seen), so it is asked
        once for a row with the patient's values of the three, and that answers for every resource with the same values. Others are asked
        each for itself.
        """
        s, a = self.alias(), self.alias()
        each = self.scope.condition(s, kinds)
        if each == "true":
            return []
        once = (
            f"(select {self.scope.condition(a, kinds)} from (select {patient} as patient, null::bigint as confined, false as shared) {a})"
        )
        return [
            f"(select case when {s}.patient = {row}.patient and {s}.confined is null and not {s}.shared then {once} else {each} end"
            f" from resource {s} where {s}.rid = {row}.rid)"
        ]


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
