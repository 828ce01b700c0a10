"""The official tests of SQL-on-FHIR v2, each on both engines. What does not pass would stand here with its reason; everything does."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest

from yilian.analytics.views.definition import read
from yilian.analytics.views.run import Table, as_json, over
from yilian.analytics.views.select import DuckDB, Postgres, compiled
from yilian.errors import InvalidResource

pytestmark = pytest.mark.shared_data

DATA = Path(os.environ.get("YILIAN_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
Json = dict[str, Any]


def files() -> list[Path]:
    return sorted((DATA / "sql-on-fhir-tests").glob("*.json"))


def same(rows: list[Json], expected: list[Json]) -> bool:
    """Rows in any order; 1 and 1.0 are one number."""
    return sorted(_shown(row) for row in rows) == sorted(_shown(row) for row in expected)


def _shown(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return round(float(value), 9)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


NONE = pytest.param(None, marks=pytest.mark.skip(reason="no collected data sets"))


@pytest.fixture(scope="module", params=files() or [NONE], ids=lambda path: path.stem)
def suite(request: pytest.FixtureRequest) -> Json:
    found: Json = json.loads(request.param.read_text("utf-8"))
    return found


def verdicts(suite: Json, outcomes: dict[str, list[Json] | Exception], columns: dict[str, list[str]]) -> list[str]:
    """The titles of the tests that did not come out as they should."""
    wrong = []
    for test in suite["tests"]:
        title, found = test["title"], outcomes[test["title"]]
        if test.get("expectError"):
            right = isinstance(found, Exception)
        else:
            right = not isinstance(found, Exception) and ("expect" not in test or same(found, test["expect"]))
            right = right and ("expectColumns" not in test or columns[title] == test["expectColumns"])
        if not right:
            wrong.append(f"{title}: {found!r}")
    return wrong


async def test_postgresql_makes_the_rows_the_standard_expects(suite: Json, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create table given (type text, v jsonb)")
        await connection.executemany(
            "insert into given values ($1, $2::text::jsonb)", [(one["resourceType"], json.dumps(one)) for one in suite["resources"]]
        )
        outcomes: dict[str, list[Json] | Exception] = {}
        columns: dict[str, list[str]] = {}
        for test in suite["tests"]:
            try:
                view = read(test["view"])
                made = compiled(view, Postgres(), f"(select v from given where type = '{view.resource}')")
                columns[test["title"]] = [name for name, _, _ in made.columns]
                rows = [tuple(row) for row in await connection.fetch(made.sql)]
                outcomes[test["title"]] = json.loads(as_json(Table(made.columns, rows)))
            except (InvalidResource, asyncpg.DataError) as error:
                outcomes[test["title"]] = error
        assert verdicts(suite, outcomes, columns) == []
    finally:
        await connection.close()


def test_duckdb_makes_the_rows_the_standard_expects(suite: Json) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table given (type varchar, v json)")
        for one in suite["resources"]:
            connection.execute("insert into given values (?, ?)", [one["resourceType"], json.dumps(one)])
        outcomes: dict[str, list[Json] | Exception] = {}
        columns: dict[str, list[str]] = {}
        for test in suite["tests"]:
            try:
                view = read(test["view"])
                made = compiled(view, DuckDB(), f"(select v from given where type = '{view.resource}')")
                columns[test["title"]] = [name for name, _, _ in made.columns]
                outcomes[test["title"]] = json.loads(as_json(Table(made.columns, connection.execute(made.sql).fetchall())))
            except (InvalidResource, duckdb.InvalidInputException) as error:
                outcomes[test["title"]] = error
        assert verdicts(suite, outcomes, columns) == []


def test_duckdb_makes_the_same_of_exported_files(suite: Json, tmp_path: Path) -> None:
    """Files are read in another way than a table of JSON."""
    for one in suite["resources"]:
        with (tmp_path / f"{one['resourceType']}.ndjson").open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")
    outcomes: dict[str, list[Json] | Exception] = {}
    columns: dict[str, list[str]] = {}
    with duckdb.connect() as connection:
        for test in suite["tests"]:
            try:
                view = read(test["view"])
                made = over(view, list(tmp_path.glob(f"{view.resource}.ndjson")))
                columns[test["title"]] = [name for name, _, _ in made.columns]
                outcomes[test["title"]] = json.loads(as_json(Table(made.columns, connection.execute(made.sql).fetchall())))
            except (InvalidResource, duckdb.InvalidInputException) as error:
                outcomes[test["title"]] = error
    assert verdicts(suite, outcomes, columns) == []
