"""The selects of a view → one statement.

A union inside a select is spread out first: a view becomes one flat query for each way through its unions, put together with `union all`.
In a flat query every forEach is one more step over lists, after which all columns are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from yilian.analytics.views.definition import Column, Path, Select, View, wrong
from yilian.analytics.views.dialect import Dialect, DuckDB, Postgres
from yilian.analytics.views.paths import Context, Nothing, One, Paths, Result, Unknown, placed

INNER, TAKEN = "\0", "\1"
"""Where, in a step for DuckDB, the query before it goes, and what is taken of the resource, which is known when all columns are."""

WHOSE = '"~whose"'
"""The last column where PostgreSQL is asked for it: `whose` of the source, the patient a row is about. No column of a view is called so."""

MOST_PARTS = 200
"""Flat queries that unions inside unions may spread out to."""
LONGEST = 2_000_000
"""Characters of SQL."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """sql: a query over the rows of `source` (one JSON column `v`). columns: (name, FHIR type, whether it is a collection), in order."""

    sql: str
    columns: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Part(Compiled):
    """One flat query; `condition`: for DuckDB, what its source `taken` is cut down by, the same for all parts."""

    condition: str


@dataclass(frozen=True, slots=True)
class _Level:
    """One select on a way through the unions: what it is repeated for, and its own columns."""

    select: Select
    below: tuple[_Level, ...]


def compiled(view: View, dialect: Dialect, source: str) -> Compiled:
    """Raises InvalidResource, naming the place in the view."""
    ways = _ways(view.select)
    parts: list[_Part] = []
    length = 0
    for way in ways:
        parts.append(_Flat(view, dialect, source).query(way))
        length += len(parts[-1].sql)
        if length > LONGEST:
            raise wrong("The view makes too long a query; ask for less in one.", "ViewDefinition.select")
    first = parts[0].columns
    for part in parts[1:]:
        for (name, kind, many), (_, other, also) in zip(first, part.columns, strict=True):
            if many != also or (kind and other and _shape(kind) != _shape(other)):
                raise wrong(
                    f"The column {name!r} is of type {kind} in one part of a union and {other} in another.", "ViewDefinition.select"
                )
    columns = tuple(
        (name, next((part.columns[n][1] for part in parts if part.columns[n][1]), ""), many) for n, (name, _, many) in enumerate(first)
    )
    sql = "\nunion all\n".join(part.sql for part in parts)
    if isinstance(dialect, DuckDB):
        begun = f"select * from ({dialect.taken(source)}){parts[0].condition}"
        # What several parts are made of is read once.
        kept = "materialized " if len(parts) > 1 else ""
        sql = f"with taken as {kept}({begun})\n{sql.replace(TAKEN, dialect.taken_columns())}"
    return Compiled(sql, columns)


def _shape(kind: str) -> str:
    return {"boolean": "boolean", "decimal": "number", "integer": "number", "positiveInt": "number", "unsignedInt": "number"}.get(
        kind, "text"
    )


def _ways(select: Select) -> list[_Level]:
    """Every way through the unions of a select."""
    inner: list[tuple[_Level, ...]] = [()]
    for one in select.selects:
        inner = _spread(inner, _ways(one))
    if select.unions:
        inner = _spread(inner, [way for union in select.unions for way in _ways(union)])
    return [_Level(select, below) for below in inner]


def _spread(inner: list[tuple[_Level, ...]], ways: list[_Level]) -> list[tuple[_Level, ...]]:
    if len(inner) * len(ways) > MOST_PARTS:
        raise wrong(f"Its unions spread out to more than {MOST_PARTS} queries.", "ViewDefinition.select")
    return [(*before, way) for before in inner for way in ways]


class _Flat:
    """One flat query."""

    def __init__(self, view: View, dialect: Dialect, source: str) -> None:
        self.view = view
        self.paths = Paths(dialect)
        self.dialect = dialect
        self.root = One("r.v" if isinstance(dialect, Postgres) else "v0", view.resource)
        self.steps: list[str] = []
        self.columns: list[tuple[str, str, str, bool]] = []
        self.source = source
        self.carried = [TAKEN]

    def query(self, way: _Level) -> _Part:
        context = Context(self.root, self.root, "0", self.view.constants)
        where = [self.paths.boolean(one.node, context, one.place) for one in self.view.where]
        condition = f" where {' and '.join(where)}" if where else ""
        self.level(way, context)
        shown = ", ".join(f'{sql} as "{name}"' for name, sql, _, _ in self.columns)
        if isinstance(self.dialect, Postgres):
            whose = f", r.whose as {WHOSE}" if self.dialect.whose else ""
            sql = f"select {shown}{whose} from {self.source} r{''.join(self.steps)}{condition}"
        else:
            assert isinstance(self.dialect, DuckDB)
            sql = f"select {shown} from ({self.nested()})"
        return _Part(sql, tuple((name, kind, many) for name, _, kind, many in self.columns), condition)

    def nested(self) -> str:
        begun = "from taken"
        for step in self.steps:
            begun = step.replace(INNER, begun)
        return begun

    def level(self, way: _Level, context: Context) -> None:
        select = way.select
        if select.expansion:
            context = self.expanded(select, context)
        for column in select.columns:
            self.column(column, context)
        for below in way.below:
            self.level(below, context)

    def column(self, column: Column, context: Context) -> None:
        sql, kind = self.paths.column(column.path.node, context, column.path.place, collection=column.collection)
        self.columns.append((column.name, sql, kind, column.collection))

    def expanded(self, select: Select, context: Context) -> Context:
        """The step of a forEach, and what its columns are taken of."""
        number = len(self.steps) + 1
        if select.expansion == "repeat":
            values, deeper, kind = self.repeated(select.over, context, number)
            if isinstance(self.dialect, Postgres):
                index = self._postgres_repeat(number, values, deeper)
            else:
                index = self._duckdb_repeat(number, values, deeper)
        else:
            path = select.over[0]
            values, kind = self.paths.rows(path.node, context, path.place)
            or_null = select.expansion == "each-or-null"
            index = (
                self._postgres_each(number, values, or_null)
                if isinstance(self.dialect, Postgres)
                else self._duckdb_each(number, values, or_null)
            )
        this: Result = One(f"e{number}.v" if isinstance(self.dialect, Postgres) else f"v{number}", kind) if kind else Nothing()
        return Context(this, context.root, index, context.constants)

    def repeated(self, over: tuple[Path, ...], context: Context, number: int) -> tuple[str, str, str]:
        """(children of the context, children of one of them, their type). An expression that fits only one of the two counts there."""
        kinds: set[str] = set()

        def children(of: Context) -> str:
            lists = []
            for path in over:
                try:
                    values, kind = self.paths.rows(path.node, of, path.place)
                except Unknown:
                    continue
                if kind:
                    kinds.add(kind)
                    lists.append(values)
            return self.dialect.chained(lists) if lists else "null"

        first = children(context)
        if not kinds:
            return "null", "null", ""
        if len(kinds) > 1:
            raise placed(wrong(f"repeat leads to {' and '.join(sorted(kinds))}; it can be over one type."), over[0].place)
        kind = next(iter(kinds))
        one = One(f"t{number}.v" if isinstance(self.dialect, Postgres) else f"v{number}", kind)
        deeper = children(Context(one, context.root, "0", context.constants))
        if len(kinds) > 1:
            raise placed(wrong(f"repeat leads to {' and '.join(sorted(kinds))}; it can be over one type."), over[0].place)
        return first, deeper, kind

    # --- PostgreSQL: lateral joins

    def _postgres_each(self, number: int, values: str, or_null: bool) -> str:
        rows = f"jsonb_array_elements({values}) with ordinality e{number} (v, n)"
        self.steps.append(f" left join lateral {rows} on true" if or_null else f" cross join lateral {rows}")
        return f"(coalesce(e{number}.n, 1) - 1)::integer"

    def _postgres_repeat(self, number: int, values: str, deeper: str) -> str:
        t, x = f"t{number}", f"y{number}"
        self.steps.append(
            f" cross join lateral (with recursive {t} (v, p) as ("
            f"select {x}.v, array[{x}.n] from jsonb_array_elements({values}) with ordinality {x} (v, n) union all "
            f"select {x}.v, {t}.p || {x}.n from {t} cross join lateral jsonb_array_elements({deeper}) with ordinality {x} (v, n)"
            f") select v, row_number() over (order by p) as n from {t}) e{number}"
        )
        return f"(e{number}.n - 1)::integer"

    # --- DuckDB: unnested columns, one query around the other

    def _duckdb_each(self, number: int, values: str, or_null: bool) -> str:
        c = f"c{number}"
        filled = f"case when coalesce(len({c}), 0) = 0 then [null] else {c} end" if or_null else c
        self.steps.append(
            f"select {', '.join(self.carried)}, unnest({filled}) as v{number}, unnest(range(0, len({filled}))) as n{number}"
            f" from (select *, {values} as {c} from ({INNER}))"
        )
        self.carried += [f"v{number}", f"n{number}"]
        return f"cast(n{number} as integer)"

    def _duckdb_repeat(self, number: int, values: str, deeper: str) -> str:
        c, kept = f"c{number}", ", ".join(self.carried)
        seed = (
            f"select {kept}, b, unnest({c}) as v{number}, unnest(list_transform(range(0, len({c})), lambda i: [i])) as p"
            f" from (select *, {values} as {c}, row_number() over () as b from ({INNER}))"
        )
        grown = (
            f"select {kept}, b, unnest({c}) as v{number}, unnest(list_transform(range(0, len({c})), lambda i: list_append(p, i))) as p"
            f" from (select *, {deeper} as {c} from t{number})"
        )
        self.steps.append(
            f"with recursive t{number} as ({seed} union all {grown})"
            f" select {kept}, v{number}, row_number() over (partition by b order by p) - 1 as n{number} from t{number}"
        )
        self.carried += [f"v{number}", f"n{number}"]
        return f"cast(n{number} as integer)"


__all__ = ["Compiled", "DuckDB", "Postgres", "compiled"]
