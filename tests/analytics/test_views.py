"""Views: what is refused, what the shipped ones show, and that both engines and FHIRPath itself say the same."""

from __future__ import annotations

import gzip
import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.analytics.views import shipped
from yilian.analytics.views.definition import read
from yilian.analytics.views.run import Table, as_csv, as_json, as_ndjson, over_files
from yilian.analytics.views.select import DuckDB, Postgres, compiled
from yilian.errors import BadRequest, InvalidResource
from yilian.fhir.path import compile as compile_path

Json = dict[str, Any]
ID = {"name": "id", "path": "id"}


def view(*columns: Json, **more: Any) -> Json:
    return {"resource": "Patient", "select": [{"column": list(columns) or [ID]}], **more}


def column(path: str, **more: Any) -> Json:
    return view({"name": "x", "path": path, **more})


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({}, "ViewDefinition.resource"),
        ({"resource": "Cat", "select": []}, "ViewDefinition.resource"),
        ({"resource": "Patient"}, "ViewDefinition.select"),
        ({"resource": "Patient", "select": [{}]}, "ViewDefinition.select[0]"),
        ({"resource": "Patient", "select": [{"columns": []}]}, "ViewDefinition.select[0]"),
        (view({"name": "1x", "path": "id"}), "ViewDefinition.select[0].column[0].name"),
        (view({"name": 'x"; drop table resource', "path": "id"}), "ViewDefinition.select[0].column[0].name"),
        (view(ID, ID), "ViewDefinition.select"),
        (column("nme"), "ViewDefinition.select[0].column[0].path"),
        (column("name.where("), "ViewDefinition.select[0].column[0].path"),
        (column("deceased"), "ViewDefinition.select[0].column[0].path"),
        (column("active + 1"), "ViewDefinition.select[0].column[0].path"),
        (column("gender > 3"), "ViewDefinition.select[0].column[0].path"),
        (column("%nothing"), "ViewDefinition.select[0].column[0].path"),
        (column("name.repeat(given)"), "ViewDefinition.select[0].column[0].path"),
        (column("id", collection="yes"), "ViewDefinition.select[0].column[0].collection"),
        (view(where=[{"path": "name.family"}]), "ViewDefinition.where[0].path"),
        (view(constant=[{"name": "c", "valueString": "a", "valueCode": "b"}]), "ViewDefinition.constant[0]"),
        ({"resource": "Patient", "select": [{"forEach": "name", "forEachOrNull": "name", "column": [ID]}]}, "ViewDefinition.select[0]"),
        (
            {"resource": "Patient", "select": [{"repeat": ["name", "contact"], "column": [{"name": "x", "path": "id"}]}]},
            "ViewDefinition.select[0].repeat[0]",
        ),
    ],
)
def test_a_view_that_cannot_be_is_refused_with_its_place(wrong: Json, place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        compiled(read(wrong), Postgres(), "given")
    assert refused.value.issues[0].expression == place


async def test_words_of_a_view_never_become_sql(dsn: str) -> None:
    words = "x'; drop table given; --"
    escaped = words.replace("'", "\\'")
    asked = view({"name": "x", "path": f"name.family.first() = '{escaped}'"}, {"name": "y", "path": "name.family.first()"})
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create temp table given (v jsonb)")
        await connection.execute("insert into given values ($1::text::jsonb)", json.dumps({"name": [{"family": words}]}))
        made = compiled(read(asked), Postgres(), "(select v from given)")
        assert [tuple(row) for row in await connection.fetch(made.sql)] == [(True, words)]
    finally:
        await connection.close()


@pytest.mark.parametrize("name", shipped.names())
def test_every_shipped_view_is_sound_on_both_engines(name: str) -> None:
    found = shipped.view(name)
    assert found.name == name
    assert compiled(found, Postgres(), "given").columns == compiled(found, DuckDB(), "given").columns


def test_a_spreadsheet_gets_no_formula_out_of_a_name() -> None:
    table = Table((("name", "string", False), ("value", "decimal", False)), [("=1+1", -3), ("李", None)])
    assert as_csv(table).decode("utf-8-sig").splitlines() == ["name,value", "'=1+1,-3", "李,"]
    assert list(as_ndjson(table)) == [b'{"name":"=1+1","value":-3}\n', '{"name":"李"}\n'.encode()]


def ndjson(folder: Path, shared: Path, most: int = 6) -> None:
    """Resources of a few Synthea patients, one file a type."""
    by_type: dict[str, list[str]] = {}
    with gzip.open(shared / "synthea-r4" / "bundles.ndjson.gz") as lines:
        for line in itertools.islice(lines, most):
            for entry in json.loads(line)["entry"]:
                by_type.setdefault(entry["resource"]["resourceType"], []).append(json.dumps(entry["resource"]))
    for kind, found in by_type.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(found) + "\n", "utf-8")


def test_files_of_an_export_become_a_table(shared_data: Path, tmp_path: Path) -> None:
    ndjson(tmp_path, shared_data)
    observations = [json.loads(line) for line in (tmp_path / "Observation.ndjson").read_text("utf-8").splitlines()]
    laboratory = [one for one in observations if any(c["code"] == "laboratory" for k in one["category"] for c in k["coding"])]
    rows = json.loads(as_json(over_files(shipped.view("lab_results"), tmp_path)))
    assert len(rows) == len(laboratory)
    assert {row["key"] for row in rows} == {f"Observation/{one['id']}" for one in laboratory}
    by_key = {row["key"]: row for row in rows}
    for one in laboratory:
        row = by_key[f"Observation/{one['id']}"]
        assert row["code"] == one["code"]["coding"][0]["code"]
        assert row["value"] == pytest.approx(one["valueQuantity"]["value"]) if "valueQuantity" in one else row["value"] is None
    vital = json.loads(as_json(over_files(shipped.view("vital_signs"), tmp_path)))
    assert {row["code"] for row in vital} >= {"8480-6", "8462-4"}, "the two halves of a blood pressure"
    with pytest.raises(BadRequest):
        over_files(read({"resource": "Goal", "select": [{"column": [ID]}]}), tmp_path / "..")


def test_a_view_that_takes_the_whole_resource_reads_files_too(tmp_path: Path) -> None:
    patients = [{"resourceType": "Patient", "id": "a", "active": True}, {"resourceType": "Patient", "id": "b", "active": None}]
    (tmp_path / "Patient.ndjson").write_text("".join(json.dumps(one) + "\n" for one in patients), "utf-8")

    def rows(*columns: Json) -> list[Json]:
        found: list[Json] = json.loads(as_json(over_files(read({"resource": "Patient", "select": [{"column": list(columns)}]}), tmp_path)))
        return found

    whole = {"name": "whole", "path": "$this", "collection": True}
    assert rows(ID, whole) == [{"id": one["id"], "whole": [one]} for one in patients]
    assert rows(whole) == [{"whole": [one]} for one in patients]
    assert rows({"name": "one", "path": "1"}) == [{"one": 1}, {"one": 1}], "a view that looks at nothing has its rows all the same"
    assert rows({"name": "active", "path": "active"}) == [{"active": True}, {"active": None}]


def test_a_line_that_is_no_resource_ends_a_view(tmp_path: Path) -> None:
    for line in ("[1]", '"a"', '{"id":', '{"id": "a"} {"id": "b"}', '{"id": "a", "id": "b"}'):
        (tmp_path / "Patient.ndjson").write_text(line + "\n", "utf-8")
        with pytest.raises(BadRequest):
            over_files(read({"resource": "Patient", "select": [{"column": [ID]}]}), tmp_path)


EXPRESSIONS = {
    "Patient": ["id", "active", "gender = 'female'", "name.first().family", "name.given.first()", "birthDate", "name.exists()",
                "telecom.where(system = 'phone').value.first()", "name.where(use = 'official').given.join(' ')", "name.count()",
                "address.line.count() > 1 or gender = 'male'", "deceased.ofType(dateTime).exists()", "multipleBirth.ofType(boolean).not()",
                "identifier.where(type.coding.code.first() = 'SS').value.first()", "extension.count()", "(name.count() + 1) * 3",
                "extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex').value.ofType(code).first()",
                "address.extension.extension.value.ofType(decimal).first()", "maritalStatus.coding.display.first()", "name.prefix.empty()"],
    "Observation": ["status", "code.coding.first().code", "value.ofType(Quantity).value", "value.ofType(Quantity).value > 50",
                    "value.ofType(Quantity).value / 2", "component.count()",
                    "component.where(code.coding.code.first() = '8480-6').value.ofType(Quantity).value.first()",
                    "effective.ofType(dateTime)", "value.ofType(CodeableConcept).text", "category.coding.code.first() = 'laboratory'",
                    "value.exists() implies status = 'final'", "value.ofType(Quantity).unit & '!'"],
}  # fmt: skip
EXPRESSION = st.sampled_from([(kind, text) for kind, texts in EXPRESSIONS.items() for text in texts])


@pytest.fixture(scope="module")
def files(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    ndjson(folder, shared_data, 3)
    return folder


def plain(value: Any) -> Any:
    return round(float(value), 6) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EXPRESSION, min_size=1, max_size=4).filter(lambda chosen: len({kind for kind, _ in chosen}) == 1))
async def test_both_engines_and_fhirpath_itself_say_the_same(files: Path, dsn: str, chosen: list[tuple[str, str]]) -> None:
    kind = chosen[0][0]
    asked = read({"resource": kind, "select": [{"column": [{"name": f"c{n}", "path": text} for n, (_, text) in enumerate(chosen)]}]})
    resources = [json.loads(line) for line in (files / f"{kind}.ndjson").read_text("utf-8").splitlines()][:60]
    expected = []
    for resource in resources:
        row = {}
        for n, (_, text) in enumerate(chosen):
            values = compile_path(text, kind).evaluate(resource)
            row[f"c{n}"] = (
                plain(values[0] if values else None) if not hasattr(values[0] if values else None, "value") else plain(values[0].value)
            )
        expected.append(json.dumps(row))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create temp table given (v jsonb)")
        await connection.executemany("insert into given values ($1::text::jsonb)", [(json.dumps(one),) for one in resources])
        made = compiled(asked, Postgres(), "(select v from given)")
        ours = json.loads(as_json(Table(made.columns, [tuple(row) for row in await connection.fetch(made.sql)])))
    finally:
        await connection.close()
    with duckdb.connect() as engine:
        engine.execute("create table given (v json)")
        engine.executemany("insert into given values (?)", [[json.dumps(one)] for one in resources])
        made = compiled(asked, DuckDB(), "(select v from given)")
        theirs = json.loads(as_json(Table(made.columns, engine.execute(made.sql).fetchall())))
    for rows in (ours, theirs):
        assert sorted(json.dumps({name: plain(value) for name, value in row.items()}) for row in rows) == sorted(expected)
