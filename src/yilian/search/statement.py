"""A query and a scope become SQL.

Candidates come from one index (`starts`), every other condition is looked up for each candidate (`predicates`), and bodies are joined for
the page alone. So a statement keeps its plan whatever values it is called with. Numbers of parameters and types are literals, values are
arguments: one shape of request, one prepared statement. The scope is part of every statement.

Texts are remembered by what they depend on (`Search.likeness`), since a second request of the same shape needs new arguments only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec

from yilian.search import order as ordering
from yilian.search.clauses import Clause
from yilian.search.conditions import Args
from yilian.search.kinds import order_of
from yilian.search.order import Key, Order, Place
from yilian.search.parameters import Parameter, when_redefined
from yilian.search.predicates import NARROW, Predicates, Scoped, all_of, width
from yilian.search.query import Query
from yilian.search.starts import FAR_ENOUGH, Start, start

LARGE_BYTES = 64 * 1024
GUARDED = (
    "r.sensitive <> 0 or r.patient = any(array("
    "select e.patient from access_ground e where e.kind = 'emergency' and e.until > now())) as guarded"
)
"""Whether whoever reads the row waits until that is in the trail: it is sensitive, or about somebody whose record stands open in an
emergency just now, to whomever. That is asked for once a statement, of an index that holds emergency grounds alone, and so it does not
matter who asks: the text stays the same for everybody."""
COLUMNS = (
    "r.rid, r.type, r.id, r.ver, r.updated, r.deleted, r.patient,"
    f" case when octet_length(r.body) <= {LARGE_BYTES} then r.body end as body, {GUARDED}"
)
"""What a page brings of each resource. A large body is null: it is fetched by itself once it is known that all are not too much together
(`store.large`). Its size is known without reading it."""
BESIDES_KEY = "{0}.type, {0}.id, {0}.ver, {0}.updated, {0}.deleted, {0}.patient, {0}.body, {0}.guarded"
"""The other columns, of a row that has them already."""
PAGE_SIZES = (1, 10, 20, 50, 100, 200, 500, 1000)
"""Pages are fetched in these sizes (plus one), so that every `_count` does not become a statement of its own."""


UNORDERED = Order(())

FEW = 2000
"""So many candidates are sorted rather than found in order: some milliseconds' work."""


class Statement(msgspec.Struct, frozen=True):
    """sql, args: for the connection. order: of a page; mark: gives what tells its search from others, for the cursor of the next page."""

    sql: str
    args: tuple[Any, ...]
    order: Order = UNORDERED
    mark: Callable[[], str] = str

    def cursor_after(self, row: Mapping[str, Any]) -> str:
        """The `_cursor` that continues after this row of the page."""
        return ordering.cursor(self.mark(), self.order, row)


def page_limit(count: int) -> int:
    """How many rows are fetched for a page of `count`."""
    return next((size for size in PAGE_SIZES if size >= count), count) + 1


def page(query: Query, scope: Scoped) -> Statement:
    """One page: rows of `COLUMNS` and k1 …, in order. Use the first `query.count`; there is a next page when there are more.

    Raises BadRequest for a cursor that is malformed or of another search.
    """
    return made(Search(query, scope), "page", Search.page)


def count(query: Query, scope: Scoped) -> Statement:
    """How many resources match, in all: one row, column `total`."""
    return made(Search(query, scope), "count", lambda search: (search.count(), UNORDERED))


def keys(query: Query, scope: Scoped, limit: int) -> Statement:
    """Which resources match, in no order, `limit` at most: rows of one column `rid`."""
    search = Search(query, scope)
    search.begin()
    where = all_of([*search.start.keyless, *search.rest])
    return Statement(f"select distinct c.rid from {search.start.source}{where} limit {limit}", tuple(search.args.values))


def part(query: Query, scope: Scoped, after: Callable[[Order], Place | None]) -> tuple[str, Sequence[Any], Order]:
    """A page of one type as part of a statement over several: keys and sort values in order, its arguments from $1, its order.

    `after`: where the page begins, given the order. The cursor of the query is left alone.
    """
    search = Search(query, scope)
    search.begin()
    order = search.order()
    return search.candidates(order, after(order)), search.args.values, order


FEW_SOURCES = 30_000
"""So many resources that point somewhere are followed to where they point; it takes some 40 ms."""


class Search:
    """The conditions of a query with their arguments (`ask`), and the statements that are made of them once it has begun (`begin`)."""

    def __init__(self, query: Query, scope: Scoped) -> None:
        self.query = query
        self.scope = scope
        self.links = [clause for clause in query.clauses if clause.chain is not None]
        self.never = {clause for clause in self.links if clause.reverse and width(clause) > FAR_ENOUGH}
        self.ask(self.never)

    def ask(self, nested: AbstractSet[Clause]) -> None:
        """Puts the clauses into conditions, `nested` chains excepted."""
        self.having = Predicates(self.scope)
        clauses = dict.fromkeys(self.query.clauses) if len(self.query.clauses) > 1 else self.query.clauses  # said twice is said once
        self.asked = [self.having.asked(clause, nested=clause in nested) for clause in clauses]

    @property
    def args(self) -> Args:
        return self.having.args

    def likeness(self) -> Hashable | None:
        """What the text of its statements depends on: equal for two searches, equal texts. None where that is not known beforehand.

        Conditions are texts themselves and hold places for their arguments, which `ask` gathers in the same order. Parameters compare by
        identity, so one that is redefined is another. Of the scope there is what it says of the type; what it says of the types at the
        ends of chains stands in the conditions. Chains that are followed from each candidate, and cursors, add arguments later.
        """
        query = self.query
        if query.cursor is not None or any(link.reverse or width(link) > NARROW for link in self.links):
            return None
        asked = [(a.clause.parameter, a.clause.modifier, a.clause.is_negative, width(a.clause), *a.conditions) for a in self.asked]
        return (
            query.type,
            query.sort,
            page_limit(query.count),
            tuple(asked),
            self.scope.condition("r", (query.type,)),
            self.scope.patients(),
        )

    def begin(self) -> None:
        """Chooses where to start."""
        self.start = start(self.query, self.asked, self.scope.patients())
        if self.links:
            wide = {c for c in self.links if c not in self.start.uses and (c.reverse or width(c) > NARROW)}
            if wide != self.never:
                self.ask(wide)
                self.start = start(self.query, self.asked, self.scope.patients())
        self.others = self.others_of(self.start)
        self.rest = [*self.others, *self.seen_of(self.start)]

    def rest_of(self, begun: Start) -> list[str]:
        """What must hold of the rows of a start besides its own conditions: the other clauses, and the scope."""
        return [*self.others_of(begun), *self.seen_of(begun)]

    def others_of(self, begun: Start) -> list[str]:
        """The other clauses alone."""
        return [self.having.holds(a, begun.table, "c") for a in self.asked if a.clause not in begun.uses]

    def seen_of(self, begun: Start) -> list[str]:
        """The scope alone."""
        if begun.patient:
            return self.having.seen_of_one(begun.patient, "c", (self.query.type,))
        return self.having.seen(begun.table, "c", self.query.type)

    # --- statements

    def page(self) -> tuple[str, Order]:
        read = self.read_once()
        if read is not None:
            return read
        found, order = self.first()
        return f"select {COLUMNS}{order.texts('p')} from ({found}) p join resource r on r.rid = p.rid order by {order.by('p')}", order

    def read_once(self) -> tuple[str, Order] | None:
        """The page where its rows come in order and each is to be looked at for the scope anyhow: what is looked at is read then and there.

        Who is asked about is settled first, patient by patient (`plain`: what is ordinary may be seen), so a row is asked no more than
        whether it is ordinary. None where nothing restricts, or the rows do not come in the order asked for.
        """
        begun, kind, order = self.start, self.query.type, self.order()
        by_patient = begun.of is not None
        if begun.table != "index_clinical" or not begun.once or not order.is_direct or (begun.keys and not by_patient):
            return None
        grounded = self.scope.of_patient("c.patient")
        if grounded is None or self.scope.condition("r", (kind,)) in ("true", "false"):
            return None
        place = ordering.place(self.query.cursor, mark_of(self.query), order) if self.query.cursor is not None else None
        limit, having = page_limit(self.query.count), self.having
        patient, at_ease = ("k.key", "k.plain") if by_patient else ("c.patient", grounded[1])
        seen = f"case when {having.ordinary('r', patient)} and {at_ease} then true else {self.scope.seldom('r', (kind,))} end"
        row = f"cross join lateral (select {COLUMNS} from resource r where r.rid = c.rid and {seen} offset 0) r"
        where = [*(begun.of[1] if begun.of else begun.where), *self.others]
        if not by_patient:
            where.append(f"(c.patient = 0 or {grounded[0]})")
        if place:
            where.append(order.after(place, "c", self.args, direct=True))
        columns, by = f"c.rid, {BESIDES_KEY.format('r')}{order.columns()}", order.by("c", direct=True)
        rows = f"select {columns} from index_clinical c {row}{all_of(where)} order by {by} limit {limit}"
        texts = f"select p.rid, {BESIDES_KEY.format('p')}{order.texts('p')} from"
        if begun.of is None:
            return f"{texts} ({rows}) p order by {order.by('p')}", order
        asked, plain = begun.of[0], having.at_once("a", (kind,), "u.key")
        if not begun.keys:  # of one row and a list in order comes that list in order
            return f"{texts} (select u.key, {plain} as plain from ({asked} offset 0) u offset 0) k cross join lateral ({rows}) p", order
        who = f"select u.key, {plain} as plain from (select distinct v.key from ({asked}) v) u offset 0"
        return f"{texts} ({who}) k cross join lateral ({rows}) p order by {order.by('p')} limit {limit}", order

    def first(self) -> tuple[str, Order]:
        """Keys and sort values of the page the query asks for, and its order. Raises BadRequest for a cursor of another search."""
        order = self.order()
        place = ordering.place(self.query.cursor, mark_of(self.query), order) if self.query.cursor is not None else None
        return self.candidates(order, place), order

    def candidates(self, order: Order, place: Place | None) -> str:
        """Keys and sort values of the page after `place`."""
        if self.start.otherwise is not None and self.query.sort:
            return self.few_or_many(self.start, self.start.otherwise, order, place)
        if self.start.table == "resource" and not self.start.uses:
            for clause in self.query.clauses:
                if clause.reverse and clause.chain is not None and not clause.chain.is_negative and clause.chain.modifier != "missing":
                    return self.few_or_many_sources(clause, order, place)
        return self.found(self.start, self.rest, order, place)

    def few_or_many_sources(self, clause: Clause, order: Order, place: Place | None) -> str:
        """A `_has` that says little, and nothing else to start from: what points here is counted up to `FEW_SOURCES`.

        Of that many the ends are looked for; where more point somewhere, asking one resource after the other soon fills a page.
        """
        assert clause.chain is not None
        sources = f"select u.key from ({self.having.far_ends(clause.chain)}) u limit {FEW_SOURCES + 1}"
        ends = f"c.rid = any(array({self.having.ends_of(clause, 'select key from few')}))"
        near = replace(self.start, where=[*self.start.where, ends], uses=(clause,))
        first = self.found(near, [f"(select count(*) from few) <= {FEW_SOURCES}", *self.rest_of(near)], order, place)
        second = self.found(self.start, [f"(select count(*) from few) > {FEW_SOURCES}", *self.rest], order, place)
        return (
            f"with few as materialized ({sources}) select u.* from (({first}) union all ({second})) u"
            f" order by {order.by('u')} limit {page_limit(self.query.count)}"
        )

    def few_or_many(self, few: Start, many: Start, order: Order, place: Place | None) -> str:
        """A page from whichever start is cheaper, decided as it runs: the rows of `few` are counted up to `FEW`.

        Up to that many are sorted; of more, `many` has the order already and finds a page among its first rows. Which of the two is read
        hangs on one count, so the other costs nothing.
        """
        some = Start("", "few c", [f"(select count(*) from few) <= {FEW}"], once=few.once)
        by_order = [f"(select count(*) from few) > {FEW}", *self.rest_of(many)]
        counted = f"select c.rid from {few.source}{all_of(few.keyless)} limit {FEW + 1}"
        in_order = Order(tuple(self.key_from(many, sort.parameter, sort.descending) for sort in self.query.sort))
        first = self.found(some, self.rest, order, place)
        second = self.found(many, by_order, in_order, place)
        return (
            f"with few as materialized ({counted}) select u.* from (({first}) union all ({second})) u"
            f" order by {order.by('u')} limit {page_limit(self.query.count)}"
        )

    def found(self, begun: Start, rest: Sequence[str], order: Order, place: Place | None) -> str:
        """The same from one start."""
        limit = page_limit(self.query.count)
        where = [*begun.where, *rest]
        if order.is_direct and begun.once:
            if place:
                where.append(order.after(place, "c", self.args, direct=True))
            found = f"select c.rid{order.columns()} from {begun.source}{all_of(where)} order by {order.by('c', direct=True)} limit {limit}"
        else:
            found = f"select {'' if begun.once else 'distinct '}c.rid{order.columns()} from {begun.source}{all_of(where)}"
            if order.keys and order.is_direct:  # what is there twice is dropped in the order of the index: a page ends when it is full
                found += f" order by {order.by('c', direct=True)}"
            after = f" where {order.after(place, 'q', self.args)}" if place else ""
            found = f"select q.* from ({found}) q{after} order by {order.by('q')} limit {limit}"
        if begun.keys:
            found = (
                f"select distinct l.* from (select distinct key from ({begun.keys}) u) k cross join lateral ({found}) l"
                f" order by {order.by('l')} limit {limit}"
            )
        return found

    def count(self) -> str:
        where = all_of([*self.start.keyless, *self.rest])
        what = "count(*)" if self.start.once and not self.start.keys else "count(distinct c.rid)"
        return f"select {what} as total from {self.start.source}{where}"

    def order(self) -> Order:
        if not self.query.sort:
            return Order(self.start.natural)
        return Order(tuple(self.key_from(self.start, sort.parameter, sort.descending) for sort in self.query.sort))

    def key_from(self, begun: Start, parameter: Parameter, descending: bool) -> Key:
        if parameter.is_clinical_date and begun.table == "index_clinical":
            return Key("c.lo", "timestamptz", descending, True)
        if parameter.code == "_lastUpdated" and begun.table == "resource":
            return Key("c.updated", "timestamptz", descending, True)
        expression, type_ = order_of(parameter)(parameter, "c.rid", descending)
        return Key(expression, type_, descending)


REMEMBERED = 1000
_texts: dict[Hashable, tuple[str, Order]] = {}
"""Texts and orders by kind of statement and likeness, oldest first; the oldest goes when there are more than `REMEMBERED`."""
when_redefined(_texts.clear)  # `_include=*` follows every parameter there is


def made(search: Search, what: str, make: Callable[[Search], tuple[str, Order]], besides: Hashable = None) -> Statement:
    """The statement `make` gives for a search that has begun, or its text from the last time.

    `what`: which; `besides`: what else it hangs on. Raises what `make` raises.
    """
    like = search.likeness()
    key = (what, like, besides)
    known = _texts.get(key) if like is not None else None
    if known is None:
        search.begin()
        before = len(search.args.values)
        known = make(search)
        if like is not None and len(search.args.values) == before:
            if len(_texts) >= REMEMBERED:
                del _texts[next(iter(_texts))]
            _texts[key] = known
    return Statement(known[0], tuple(search.args.values), known[1], partial(mark_of, search.query))


def mark_of(query: Query) -> str:
    """Tells searches apart, so that a cursor is not carried from one to the other."""

    def of(clause: Clause) -> tuple[Any, ...]:
        also = [of(other) for other in clause.also]
        return clause.parameter.id, clause.modifier, clause.values, of(clause.chain) if clause.chain else (), clause.reverse, also

    text = repr((query.type, [of(c) for c in query.clauses], [(s.parameter.id, s.descending) for s in query.sort]))
    return blake2b(text.encode(), digest_size=6).hexdigest()
