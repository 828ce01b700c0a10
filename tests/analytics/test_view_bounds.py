"""A view is somebody's text that becomes SQL: it stays within its query, its folder and its means."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from yilian.analytics.views import run
from yilian.analytics.views.definition import read
from yilian.analytics.views.dialect import DuckDB, Postgres
from yilian.analytics.views.select import compiled
from yilian.errors import BadRequest, InvalidResource

Json = dict[str, Any]
BOTH = (Postgres, DuckDB)


def of(path: str, **more: Any) -> Json:
    return {"resource": "Patient", "select": [{"column": [{"name": "a", "path": path}]}], **more}


UNION = [{"column": [{"name": "c", "path": "id"}]}] * 10


@pytest.mark.parametrize(
    "view",
    [
        of("birthDate" + ".lowBoundary()" * 40),
        of("%x", constant=[{"name": "x", "valueDecimal": Decimal("1e99999999")}]),
        of("id & 'a\\u0000b'"),
        of("id & 'a\\u0001b'"),
        of("id & 'a\\ud800b'"),
        of("%x", constant=[{"name": "x", "valueString": "a\0b"}]),
        of("extension('a\\u0000b').value.ofType(string)"),
        {"resource": "Patient", "select": [{"unionAll": [{"column": [{"name": f"c{n}", "path": "id"}]}] * 10} for n in range(12)]},
        {"resource": "Patient", "select": [{"column": [{"name": f"c{n}", "path": "id"} for n in range(50_000)]}]},
        of("id" + " & id" * 5000),
    ],
)
def test_a_view_that_would_grow_without_end_or_leave_its_text_is_refused(view: Json) -> None:
    for dialect in BOTH:
        begun_s = time.process_time()
        with pytest.raises(InvalidResource):
            compiled(read(view), dialect(), "source")
        assert time.process_time() - begun_s < 5


def written(folder: Path) -> None:
    line = '{"resourceType":"Patient","id":"p","gender":"male","birthDate":"nonsense","active":true,"name":[{"family":"x"}]}\n'
    (folder / "Patient.1.ndjson").write_text(line)


def test_braces_and_quotes_in_a_text_are_text(tmp_path: Path) -> None:
    written(tmp_path)
    for text in ("{0}", "{", "{0.__class__}", "'' or true --", "$$", "%s", "$1"):
        fhirpath = text.replace("'", "\\'")
        table = run.over_files(read(of(f"extension('{fhirpath}').value.ofType(boolean).first()")), tmp_path)
        assert [list(row) for row in table.rows] == [[None]], text
        table = run.over_files(read(of("%x", constant=[{"name": "x", "valueString": text}])), tmp_path)
        assert [list(row) for row in table.rows] == [[text]]


def test_duckdb_sees_the_folder_of_the_view_and_nothing_else(tmp_path: Path) -> None:
    import duckdb

    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    written(elsewhere)
    written(here)
    with run._confined(here) as connection:
        assert connection.execute(f"select count(*) from read_ndjson_objects('{here}/Patient.1.ndjson')").fetchone() == (1,)
        for statement in (
            f"select * from read_text('{elsewhere}/Patient.1.ndjson')",
            f"copy (select 1) to '{elsewhere}/x.csv'",
            f"attach '{elsewhere}/x.db'",
            "set enable_external_access = true",
            f"set allowed_directories = ['{elsewhere}']",
            "install httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


@pytest.mark.parametrize("path", ["birthDate < @2020-01-01T00:00:00Z", "gender.lowBoundary() + 1"])
def test_what_does_not_fit_is_said_without_sql(tmp_path: Path, path: str) -> None:
    written(tmp_path)
    with pytest.raises((BadRequest, InvalidResource)) as refused:
        run.into_file(read(of(path)), [tmp_path / "Patient.1.ndjson"], "ndjson", tmp_path / "out.ndjson")
    assert "select" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)
