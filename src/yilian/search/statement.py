"""A query and a scope become SQL.

Candidates come from one index (`starts`), every other condition is a sub-select for each candidate, and bodies are joined for the page
alone. That spelling leaves the planner no way to turn conditions into joins, so a statement keeps its plan whatever values it is called
with. Numbers of parameters and types are literals, values are arguments: one shape of request, one prepared statement. The scope is part
of every statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from yilian.fhir.definitions import type_id
from yilian.search import order as ordering
from yilian.search.conditions import Args, Condition, either
from yilian.search.kinds import kind_of, order_of, reference
from yilian.search.order import Key, Order
from yilian.search.parameters import Parameter
from yilian.search.query import Clause, Query
from yilian.search.starts import Asked, Start, start, typed

COLUMNS = "r.rid, r.type, r.id, r.ver, r.updated, r.deleted, r.patient, r.body"
PAGE_SIZES = (1, 10, 20, 50, 100, 200, 500, 1000)
"""Pages are fetched in these sizes (plus one), so that every `_count` does not become a statement of its own."""


UNORDERED = Order(())


class Scoped(Protocol):
    """What search needs of `store.scope.Scope`."""

    def condition(self, alias: str, types: tuple[str, ...], /) -> str:
        """SQL that the row `alias` of resource may be seen.

        "true" and "false" stand as such. It depends on the row's patient, confined and shared alone, and on its type where only some of
        `types` may be seen.
        """


@dataclass(frozen=True, slots=True)
class Statement:
    """sql, args: for the connection. order, mark: of a page, for the cursor of the next one."""

    sql: str
    args: tuple[Any, ...]
    order: Order = UNORDERED
    mark: str = ""

    def cursor_after(self, row: Mapping[str, Any]) -> str:
        """The `_cursor` that continues after this row of the page."""
        return ordering.cursor(self.mark, self.order, row)


def page_limit(count: int) -> int:
    """How many rows are fetched for a page of `count`."""
    return next((size for size in PAGE_SIZES if size >= count), count) + 1


def page(query: Query, scope: Scoped) -> Statement:
    """One page: rows of `COLUMNS` and k1 …, in order. Use the first `query.count`; there is a next page when there are more.

    Raises BadRequest for a cursor that is malformed or of another search.
    """
    return _Search(query, scope).page()


def count(query: Query, scope: Scoped) -> Statement:
    """How many resources match, in all: one row, column `total`."""
    return _Search(query, scope).count()


class _Search:
    def __init__(self, query: Query, scope: Scoped) -> None:
        self.query, self.scope = query, scope
        self.args = Args()
        self.aliases = 0
        self.asked = [Asked(clause, self.conditions(clause)) for clause in query.clauses]
        self.start = start(query, self.asked)
        self.rest = [self.holds(a, self.start.table, "c") for a in self.asked if a.clause not in self.start.uses]
        self.rest += self.visible(self.start)

    # --- conditions

    def conditions(self, clause: Clause) -> list[Condition]:
        kind = kind_of(clause.parameter)
        if clause.chain is not None:
            return reference.to(clause.parameter, clause.modifier, self.keys(clause.chain))
        if clause.modifier == "missing":
            return kind.present(clause.parameter)
        return kind.conditions(clause.parameter, clause.modifier, clause.values, self.args)

    def keys(self, clause: Clause) -> str:
        """A query for the resources within the scope for which a clause holds: the far end of a chain."""
        kind = clause.parameter.base
        asked = Asked(clause, self.conditions(clause))
        if clause.is_negative or clause.modifier == "missing":
            row = self.alias()
            where = [
                f"{row}.type = {type_id(kind)}",
                f"not {row}.deleted",
                *self.seen("resource", row, kind),
                self.holds(asked, "resource", row),
            ]
            return f"select {row}.rid as key from resource {row}{_where(where)}"
        parts = []
        for condition in asked.conditions:
            row = self.alias()
            where = [*typed(kind, condition, row), *self.seen(condition.table, row, kind)]
            parts.append(f"select {row}.rid as key from {condition.table} {row}{_where(where)}")
        return " union ".join(parts)

    def holds(self, asked: Asked, table: str, row: str) -> str:
        """That a clause holds for the candidate `row`."""
        parts = [
            f"({one.on(row)})" if one.table == table and table in ("resource", "index_clinical") else self.probe(one, row)
            for one in asked.conditions
        ]
        found = either(parts)
        return f"({found}) is not true" if asked.clause.is_negative else found

    def probe(self, condition: Condition, row: str) -> str:
        """Looked up for one candidate. A scalar sub-select with a limit cannot be turned into a join."""
        x = self.alias()
        first = f" and {x}.nth = 0" if condition.table == "index_clinical" else ""
        return f"(select true from {condition.table} {x} where {x}.rid = {row}.rid and {condition.on(x)}{first} limit 1)"

    # --- scope

    def seen(self, table: str, row: str, kind: str) -> list[str]:
        if table == "resource":
            found = self.scope.condition(row, (kind,))
            return [] if found == "true" else [found]
        s = self.alias()
        found = self.scope.condition(s, (kind,))
        return [] if found == "true" else [f"(select {found} from resource {s} where {s}.rid = {row}.rid)"]

    def visible(self, begun: Start) -> list[str]:
        """That the candidate may be seen. What holds for one patient's unconfined resources is asked once, not for each.

        A scope's condition depends on patient, confined and shared alone, so one row with the same three values answers for all that have
        them.
        """
        if not begun.patient:
            return self.seen(begun.table, "c", self.query.type)
        s, a = self.alias(), self.alias()
        each = self.scope.condition(s, (self.query.type,))
        if each == "true":
            return []
        once = self.scope.condition(a, (self.query.type,))
        once = f"(select {once} from (select {begun.patient} as patient, null::bigint as confined, false as shared) {a})"
        return [
            f"(select case when {s}.patient = c.patient and {s}.confined is null and not {s}.shared then {once} else {each} end"
            f" from resource {s} where {s}.rid = c.rid)"
        ]

    # --- statements

    def page(self) -> Statement:
        order, mark = self.order(), _mark(self.query)
        candidates = self.candidates(order, mark)
        sql = f"select {COLUMNS}{order.texts('p')} from ({candidates}) p join resource r on r.rid = p.rid order by {order.by('p')}"
        return Statement(sql, tuple(self.args.values), order, mark)

    def candidates(self, order: Order, mark: str) -> str:
        """Keys and sort values of one page."""
        begun, limit = self.start, page_limit(self.query.count)
        place = ordering.place(self.query.cursor, mark, order) if self.query.cursor is not None else None
        where = [*begun.where, *self.rest]
        if order.is_direct and begun.once:
            if place:
                where.append(order.after(place, "c", self.args, direct=True))
            found = f"select c.rid{order.columns()} from {begun.source}{_where(where)} order by {order.by('c', direct=True)} limit {limit}"
        else:
            found = f"select {'' if begun.once else 'distinct '}c.rid{order.columns()} from {begun.source}{_where(where)}"
            after = f" where {order.after(place, 'q', self.args)}" if place else ""
            found = f"select q.* from ({found}) q{after} order by {order.by('q')} limit {limit}"
        if begun.keys:
            found = (
                f"select distinct l.* from (select distinct key from ({begun.keys}) u) k cross join lateral ({found}) l"
                f" order by {order.by('l')} limit {limit}"
            )
        return found

    def count(self) -> Statement:
        where = _where([*self.start.keyless, *self.rest])
        what = "count(*)" if self.start.once and not self.start.keys else "count(distinct c.rid)"
        return Statement(f"select {what} as total from {self.start.source}{where}", tuple(self.args.values))

    def order(self) -> Order:
        if not self.query.sort:
            return Order(self.start.natural)
        return Order(tuple(self.key(sort.parameter, sort.descending) for sort in self.query.sort))

    def key(self, parameter: Parameter, descending: bool) -> Key:
        if parameter.is_clinical_date and self.start.table == "index_clinical":
            return Key("c.lo", "timestamptz", descending, True)
        if parameter.code == "_lastUpdated" and self.start.table == "resource":
            return Key("c.updated", "timestamptz", descending, True)
        expression, type_ = order_of(parameter)(parameter, "c.rid", descending)
        return Key(expression, type_, descending)

    def alias(self) -> str:
        self.aliases += 1
        return f"x{self.aliases}"


def _where(conditions: Sequence[str]) -> str:
    return f" where {' and '.join(conditions)}" if conditions else ""


def _mark(query: Query) -> str:
    """Tells searches apart, so that a cursor is not carried from one to the other."""

    def of(clause: Clause) -> tuple[Any, ...]:
        return clause.parameter.id, clause.modifier, clause.values, of(clause.chain) if clause.chain else ()

    text = repr((query.type, [of(c) for c in query.clauses], [(s.parameter.id, s.descending) for s in query.sort]))
    return blake2b(text.encode(), digest_size=6).hexdigest()
