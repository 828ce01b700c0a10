"""A view carried out: over the store, within a scope; or over files of NDJSON, with DuckDB."""

from __future__ import annotations

import csv
import io
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from yilian.analytics.views.definition import View
from yilian.analytics.views.dialect import LARGEST_LINE, DuckDB, Postgres, quoted
from yilian.analytics.views.paths import NUMBERS
from yilian.analytics.views.select import Compiled, compiled
from yilian.errors import BadRequest, TooLarge
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.sealing.keyring import opened
from yilian.sealing.personal import MARK
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx

MOST = 100_000
"""Rows of one answer; more are taken out with an export and a view over its files."""

AT_A_TIME = 1000
"""Resources with something sealed in them that are opened for one statement."""

_PLAIN = f"strpos(r.body, '{MARK}') = 0"

LONGEST_S = 1800.0
"""A view over files may take."""
log = logging.getLogger("yilian.views")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which rows: of these patients only, of what was updated since (aware), `limit` at most."""

    patients: tuple[int, ...] = ()
    since: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """columns: (name, FHIR type, whether it is a list); rows in no order; patients: rid of each whose data is in them, in order."""

    columns: tuple[tuple[str, str, bool], ...]
    rows: Sequence[Row]
    patients: tuple[int, ...] = ()


async def over_store(tx: Tx, scope: Scope, view: View, wish: Wish) -> Table:
    """The rows of a view over what the scope sees; PostgreSQL makes them.

    Raises InvalidResource for a view that cannot be carried out, BadRequest where a column without `collection` meets several values,
    TooLarge beyond `MOST` rows without a limit.
    """
    where = [f"r.type = {type_id(view.resource)}", "not r.deleted", scope.condition("r", (view.resource,))]
    args: list[Any] = []
    if wish.patients:
        args.append(list(wish.patients))
        where.append(f"r.patient = any(${len(args)}::bigint[])")
    if wish.since is not None:
        args.append(wish.since)
        where.append(f"r.updated >= ${len(args)}")
    limit = MOST + 1 if wish.limit is None else wish.limit
    # offset 0: the cast is made once a row, not once a column
    source = f"(select r.body::jsonb as v, r.patient as whose from resource r where {' and '.join(where)} and {_PLAIN} offset 0)"
    made = compiled(view, Postgres(whose=True), source)
    try:
        rows = await tx.fetch(f"select * from ({made.sql}) whole limit {limit}", *args)
        if len(rows) < limit:
            rows += await _of_sealed(tx, view, " and ".join(where), args, limit - len(rows))
    except asyncpg.InvalidTextRepresentationError as error:
        raise BadRequest(f"{view.name}: {str(error).partition(':')[2].strip()[:120]}", zh="某一列在一条记录中有多个值,无法列出。") from None
    except (asyncpg.DataError, asyncpg.SyntaxOrAccessError, asyncpg.ProgramLimitExceededError) as error:
        log.info("view %s: %s", view.name, error)
        raise BadRequest(f"{view.name}: a value there does not fit what the view does with it.", zh="视图的计算与数据不符。") from None
    if wish.limit is None and len(rows) > MOST:
        raise TooLarge(
            f"The view has more than {MOST} rows: ask with _limit, or export the resources and run it over the files.",
            zh=f"结果超过 {MOST} 行,请限制行数或使用批量导出。",
        )
    whose = sorted({row[-1] for row in rows if row[-1] is not None and row[-1] > 0})
    return Table(made.columns, [tuple(row)[:-1] for row in rows], tuple(whose))


async def _of_sealed(tx: Tx, view: View, where: str, args: Sequence[Any], limit: int) -> list[Any]:
    """The same over resources with something sealed in them: they are opened here and given back to PostgreSQL, some at a time."""
    source = "(select g.body::jsonb as v, g.whose from unnest($1::text[], $2::bigint[]) as g (body, whose) offset 0)"
    made = compiled(view, Postgres(whose=True), source)
    found: list[Any] = []
    after = -1
    while len(found) < limit:
        rows = await tx.fetch(
            f"select r.rid, r.body, r.patient from resource r where {where} and not {_PLAIN} and r.rid > ${len(args) + 1}"
            f" order by r.rid limit {AT_A_TIME}",
            *args,
            after,
        )
        if not rows:
            break
        after = rows[-1]["rid"]
        bodies = [opened(row["rid"], row["body"]) for row in rows]
        found += await tx.fetch(f"select * from ({made.sql}) whole limit {limit - len(found)}", bodies, [row["patient"] for row in rows])
    return found


def over_files(view: View, folder: Path) -> Table:
    """The rows of a view over the `*.ndjson` of a folder, as an export writes them; DuckDB makes them.

    Files are those named after the type (`Patient.ndjson`, `Patient.000.ndjson`). Raises BadRequest when there are none, or when a column
    without `collection` meets several values.
    """
    import duckdb  # slow to import, and only for this

    files = sorted(path for path in folder.iterdir() if path.name.split(".")[0] == view.resource and ".ndjson" in path.name)
    if not files:
        raise BadRequest(f"There are no {view.resource}*.ndjson in {folder.name}.")
    made = over(view, files)
    with _confined(folder) as connection:
        try:
            rows = connection.execute(made.sql).fetchall()
        except duckdb.InvalidInputException as error:
            raise BadRequest(str(error).removeprefix("Invalid Input Error: ")) from None
    return Table(made.columns, rows)


def into_file(view: View, files: Sequence[Path], format: str, path: Path) -> int:
    """Write the rows of a view over these files to `path`, by DuckDB; how many. Blocks: run it in a thread.

    `format`: csv (lists as JSON texts), ndjson or parquet. Raises BadRequest when a column without `collection` meets several values.
    """
    import duckdb

    made = over(view, files)
    shown = ", ".join(_as_told(name, kind, many, format) for name, kind, many in made.columns)
    options = {"csv": "format csv, header", "ndjson": "format json", "parquet": "format parquet"}[format]
    with _confined(path.parent, *sorted({file.parent for file in files})) as connection:
        try:
            told = connection.execute(f"copy (select {shown} from ({made.sql})) to {quoted(str(path))} ({options})").fetchone()
        except duckdb.InvalidInputException as error:
            raise BadRequest(f"{view.name}: {str(error).removeprefix('Invalid Input Error: ')[:200]}") from None
        except (duckdb.DataError, duckdb.ProgrammingError) as error:
            log.info("view %s over files: %s", view.name, error)
            raise BadRequest(f"{view.name}: a value there does not fit what the view does with it.", zh="视图的计算与数据不符。") from None
        except duckdb.InterruptException:
            raise BadRequest(f"{view.name}: it takes longer than {LONGEST_S / 60:.0f} minutes.", zh="视图计算时间过长。") from None
    return int(told[0]) if told else 0


@contextmanager
def _confined(*folders: Path) -> Iterator[Any]:
    """A DuckDB that sees these folders and nothing else of the machine or the network, for `LONGEST_S` at most."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set temp_directory = {quoted(str(folders[0]))}")
        connection.execute(f"set allowed_directories = [{', '.join(quoted(str(folder)) for folder in folders)}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        bell = threading.Timer(LONGEST_S, connection.interrupt)
        bell.daemon = True
        bell.start()
        try:
            yield connection
        finally:
            bell.cancel()


def _as_told(name: str, kind: str, many: bool, format: str) -> str:
    column = f'"{name}"'
    if format == "csv" and many:
        return f"cast(to_json({column}) as varchar) as {column}"
    if format == "csv" and kind not in NUMBERS and kind != "boolean":  # no formula out of a name
        return f"case when left({column}, 1) in ('=', '+', '-', '@') then '''' || {column} else {column} end as {column}"
    return column


def over(view: View, files: Sequence[Path]) -> Compiled:
    """The statement for DuckDB over these files; none is a table without rows."""
    named = "[" + ", ".join(quoted(str(path)) for path in files) + "]"
    if not files:
        return compiled(view, DuckDB(), "(select null::json as v where false)")
    read = f"(select json as v from read_ndjson_objects({named}, maximum_object_size = {LARGEST_LINE}))"
    return compiled(view, DuckDB(named), read)


# --- as text


def as_ndjson(table: Table) -> Iterator[bytes]:
    """One JSON object a line; a column that has no value is left out."""
    for row in table.rows:
        yield dump({name: value for name, value in _named(table, row) if value is not None}) + b"\n"


def as_json(table: Table) -> bytes:
    """A JSON array of objects; a column that has no value is null."""
    return b"[" + b",\n".join(dump(dict(_named(table, row))) for row in table.rows) + b"]"


def as_csv(table: Table) -> bytes:
    """With a line of names first, UTF-8 with the mark that spreadsheets look for; lists as JSON."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for name, _, _ in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value) for _, value in _named(table, row)])
    return text.getvalue().encode("utf-8-sig")


def _named(table: Table, row: Row) -> Iterable[tuple[str, Any]]:
    for (name, _, many), value in zip(table.columns, row, strict=True):
        yield name, _list(value) if many else value


def _list(value: Any) -> list[Any]:
    """A collection as PostgreSQL (one text of JSON) or DuckDB (a list of texts) gives it."""
    import msgspec

    if value is None:
        return []
    if isinstance(value, str):
        found: list[Any] = msgspec.json.decode(value)
        return found
    return [msgspec.json.decode(one) for one in value]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return dump(value).decode()
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") and not _is_number(value) else text  # no formula out of a name


def _is_number(value: Any) -> bool:
    return not isinstance(value, str)
