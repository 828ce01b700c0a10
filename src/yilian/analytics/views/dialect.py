"""What PostgreSQL and DuckDB say differently about JSON.

A *node* is SQL for one JSON object, a *list* SQL for several JSON values in order (null where there are none): `jsonb` holding an array in
PostgreSQL, `JSON[]` in DuckDB. A *way* is keys from a node down, `*` after each that holds an array.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from yilian.errors import InvalidResource

Way = tuple[str, ...]
Inner = Callable[[str], str]
"""SQL made of the SQL for one JSON value of a list."""


class Dialect(Protocol):
    """One engine. All arguments and results are SQL."""

    name: str

    def node(self, node: str, way: Way) -> str:
        """The JSON value at the end of a way without `*`."""

    def text(self, node: str, way: Way) -> str:
        """The same as text, without quotation marks."""

    def values(self, node: str, way: Way) -> str:
        """The list of all values at the end of a way."""

    def below(self, values: str, way: Way) -> str:
        """The list of what lies at the end of a way from each of a list."""

    def kept(self, values: str, condition: Inner) -> str:
        """The list of those for which a condition holds."""

    def count(self, values: str) -> str: ...

    def at(self, values: str, place: int) -> str:
        """One of a list, counted from 0."""

    def one(self, node: str) -> str:
        """The list of a single JSON value, which may be null."""

    def joined(self, values: str, separator: str) -> str:
        """Texts one after the other; an empty text where there is none."""

    def chained(self, lists: Sequence[str]) -> str:
        """Several lists as one."""

    def cast(self, text: str, kind: str) -> str:
        """A text as boolean, integer or decimal."""

    def refused(self, words: str, kind: str, count: str) -> str:
        """An expression of this SQL type that ends the statement with these words and a number of the row it meets."""

    def matches(self, text: str, pattern: str) -> str: ...

    def part_of(self, text: str, pattern: str) -> str:
        """The first group of a pattern, null where it does not match."""

    def end_of_month(self, month: str) -> str:
        """`2020-02` → `2020-02-29`"""

    def moment(self, text: str) -> str:
        """A dateTime of any precision as the instant it begins, for comparisons."""


LARGEST_LINE = 64 * 1024 * 1024
"""Bytes of one resource in a file."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def quoted(text: str) -> str:
    """A text as an SQL literal. InvalidResource for one with control characters: FHIR has none, and `select` marks places by them."""
    if _UNPRINTABLE.search(text):
        raise InvalidResource("A text in a view has no control characters.", zh="视图中的文本不能含控制字符。")
    return "'" + text.replace("'", "''") + "'"


class Postgres:
    name = "postgres"

    def __init__(self, *, whose: bool = False) -> None:
        """whose: the source has a column of that name, which comes out last."""
        self._aliases = 0
        self.whose = whose

    def node(self, node: str, way: Way) -> str:
        return node + "".join(f" -> {quoted(key)}" for key in way)

    def text(self, node: str, way: Way) -> str:
        if not way:
            return f"({node} #>> '{{}}')"
        return f"({self.node(node, way[:-1])} ->> {quoted(way[-1])})"

    def values(self, node: str, way: Way) -> str:
        return self._query(node, "$", way)

    def below(self, values: str, way: Way) -> str:
        return self._query(values, "$[*]", way)

    def _query(self, node: str, root: str, way: Way) -> str:
        path = root + "".join("[*]" if key == "*" else f'."{key}"' for key in way)
        return f"nullif(jsonb_path_query_array({node}, {quoted(path)}), '[]')"

    def kept(self, values: str, condition: Inner) -> str:
        x = self._alias()
        return f"(select jsonb_agg({x}.v order by {x}.n) from {self.elements(values, x)} where {condition(f'{x}.v')})"

    def elements(self, values: str, alias: str) -> str:
        """The rows (v, n) of a list, n from 1."""
        return f"jsonb_array_elements({values}) with ordinality {alias} (v, n)"

    def count(self, values: str) -> str:
        return f"coalesce(jsonb_array_length({values}), 0)"

    def at(self, values: str, place: int) -> str:
        return f"({values} -> {place})"

    def one(self, node: str) -> str:
        return f"case when {node} is not null then jsonb_build_array({node}) end"

    def joined(self, values: str, separator: str) -> str:
        x = self._alias()
        return f"coalesce((select string_agg({x}.v #>> '{{}}', {separator} order by {x}.n) from {self.elements(values, x)}), '')"

    def chained(self, lists: Sequence[str]) -> str:
        return "(" + " || ".join(f"coalesce({one}, '[]')" for one in lists) + ")" if len(lists) > 1 else lists[0]

    def cast(self, text: str, kind: str) -> str:
        return f"{text}::{ {'boolean': 'boolean', 'integer': 'integer', 'decimal': 'numeric'}[kind] }"

    def refused(self, words: str, kind: str, count: str) -> str:
        failing = f"({quoted(words + ': ')} || {count})::integer"  # hangs on the row, or it would fail while it is planned
        return failing if kind == "integer" else f"({failing})::{ {'boolean': 'boolean', 'decimal': 'numeric'}.get(kind, 'text') }"

    def matches(self, text: str, pattern: str) -> str:
        return f"{text} ~ {pattern}"

    def part_of(self, text: str, pattern: str) -> str:
        return f"substring({text} from {quoted(pattern)})"

    def end_of_month(self, month: str) -> str:
        return f"to_char(({month} || '-01')::date + interval '1 month - 1 day', 'YYYY-MM-DD')"

    def moment(self, text: str) -> str:
        return f"({padded(text)})::timestamptz"

    def _alias(self) -> str:
        self._aliases += 1
        return f"x{self._aliases}"


class DuckDB:
    """DuckDB keeps JSON as text and parses it for each look. So the keys of the resource that a query looks at are taken out once, in one
    pass, as columns of their own; `keys` collects them while the query is made, and `whole` whether it looks at the resource itself.
    """

    name = "duckdb"
    RESOURCE = "v0"

    def __init__(self, files: str = "") -> None:
        """files: SQL of the list of NDJSON files that the source reads, one resource a line; "" for a source that is something else."""
        self._aliases = 0
        self._files = files
        self.keys: dict[str, str] = {}
        self.whole = False

    def taken(self, source: str) -> str:
        """A query that gives the resource and its keys (`taken_columns`), from one with a column `v`.

        Files are read as a table of the keys where that is enough: each line is parsed once, as it is read, which takes a quarter off.
        """
        if not self.keys:
            return f"select v as {self.RESOURCE} from {source}"
        if self._files and not self.whole:
            kinds = ", ".join(f"{quoted(key)}: 'JSON'" for key in self.keys)
            columns = ", ".join(f'"{key}" as {column}' for key, column in self.keys.items())
            return (
                f"select {columns} from read_json({self._files}, format = 'newline_delimited', records = true, auto_detect = false,"
                f" hive_partitioning = false, columns = {{{kinds}}}, maximum_object_size = {LARGEST_LINE})"
            )
        paths = ", ".join(self._path((key,)) for key in self.keys)
        columns = ", ".join(f"taken[{place}] as {column}" for place, column in enumerate(self.keys.values(), 1))
        return f"select {self.RESOURCE}, {columns} from (select v as {self.RESOURCE}, json_extract(v, [{paths}]) as taken from {source})"

    def taken_columns(self) -> str:
        """The names of the columns of `taken`, when the query is made."""
        return ", ".join([*([] if self._files and self.keys and not self.whole else [self.RESOURCE]), *self.keys.values()])

    def _from(self, node: str, way: Way) -> tuple[str, Way]:
        if node != self.RESOURCE:
            return node, way
        if not way:
            self.whole = True
            return node, way
        return self.keys.setdefault(way[0], f"k{len(self.keys)}"), way[1:]

    def node(self, node: str, way: Way) -> str:
        node, way = self._from(node, way)
        return f"json_extract({node}, {self._path(way)})" if way else node

    def text(self, node: str, way: Way) -> str:
        node, way = self._from(node, way)
        return f"json_extract_string({node}, {self._path(way)})"

    def values(self, node: str, way: Way) -> str:
        if "*" in way:
            node, way = self._from(node, way)
            return f"json_extract({node}, {self._path(way)})"
        return self.one(self.node(node, way))

    def below(self, values: str, way: Way) -> str:
        x = self._alias()
        inner = f"json_extract({x}, {self._path(way)})"
        if "*" in way:
            return f"flatten(list_transform({values}, lambda {x}: {inner}))"
        y = self._alias()
        return f"list_filter(list_transform({values}, lambda {x}: {inner}), lambda {y}: {y} is not null)"

    def _path(self, way: Way) -> str:
        return quoted("$" + "".join("[*]" if key == "*" else f'."{key}"' for key in way))

    def kept(self, values: str, condition: Inner) -> str:
        x = self._alias()
        return f"list_filter({values}, lambda {x}: coalesce({condition(x)}, false))"

    def count(self, values: str) -> str:
        return f"coalesce(len({values}), 0)"

    def at(self, values: str, place: int) -> str:
        return f"({values})[{place + 1}]"

    def one(self, node: str) -> str:
        return f"case when {node} is not null then [{node}] end"

    def joined(self, values: str, separator: str) -> str:
        x = self._alias()
        return f"coalesce(array_to_string(list_transform({values}, lambda {x}: {x} ->> '$'), {separator}), '')"

    def chained(self, lists: Sequence[str]) -> str:
        found = lists[0]
        for one in lists[1:]:
            found = f"list_concat(coalesce({found}, []), coalesce({one}, []))"
        return found

    def cast(self, text: str, kind: str) -> str:
        return f"cast({text} as { {'boolean': 'boolean', 'integer': 'integer', 'decimal': 'double'}[kind] })"

    def refused(self, words: str, kind: str, count: str) -> str:
        type_ = {"boolean": "boolean", "integer": "integer", "decimal": "double"}.get(kind, "varchar")
        return f"cast(error({quoted(words + ': ')} || {count}) as {type_})"

    def matches(self, text: str, pattern: str) -> str:
        return f"regexp_matches({text}, {pattern})"

    def part_of(self, text: str, pattern: str) -> str:
        return f"nullif(regexp_extract({text}, {quoted(pattern)}, 1), '')"

    def end_of_month(self, month: str) -> str:
        return f"strftime(last_day(cast({month} || '-01' as date)), '%Y-%m-%d')"

    def moment(self, text: str) -> str:
        return f"cast({padded(text)} as timestamptz)"

    def _alias(self) -> str:
        self._aliases += 1
        return f"x{self._aliases}"


def padded(text: str) -> str:
    """A dateTime of any precision written out to the second, UTC where it says none."""
    return (
        f"case length({text}) when 4 then {text} || '-01-01T00:00:00Z' when 7 then {text} || '-01T00:00:00Z'"
        f" when 10 then {text} || 'T00:00:00Z' else {text} end"
    )
