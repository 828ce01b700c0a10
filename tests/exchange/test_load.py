"""`exchange.load`: records made elsewhere come in whole, once, and what is refused is named."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from yilian import app, config
from yilian.app import opened
from yilian.db import Database
from yilian.errors import BadRequest
from yilian.exchange import load as loading
from yilian.exchange import sources
from yilian.fhir.definitions import RESOURCE_TYPES, type_id
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


@pytest.fixture
async def house(prepared_dsn: str) -> AsyncIterator[Database]:
    database = app.database(config.Settings(), prepared_dsn)
    await database.open()
    async with database.transaction() as tx:
        await write(
            tx,
            SYSTEM,
            [Change("PUT", "Organization", "qingshi", {"resourceType": "Organization", "id": "qingshi", "name": "青石镇卫生院"})],
        )
    yield database
    await database.close()


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def bundle(number: int, status: str = "final") -> Json:
    """One patient, one result, and a hospital that every Bundle brings along."""
    patient, result, hospital = uuid(number * 10), uuid(number * 10 + 1), uuid(7)
    resources = [
        {"resourceType": "Organization", "id": hospital, "name": "Far Hospital"},
        {"resourceType": "Patient", "id": patient, "name": [{"family": f"Patient{number}"}]},
        {
            "resourceType": "Observation",
            "id": result,
            "status": status,
            "code": {"text": "x"},
            "subject": {"reference": f"urn:uuid:{patient}"},
            "performer": [{"reference": f"urn:uuid:{hospital}"}],
        },
    ]
    entries = [
        {"fullUrl": f"urn:uuid:{one['id']}", "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def count(db: Database, kind: str) -> int:
    async with db.reading() as tx:
        return int(await tx.fetchval("select count(*) from resource where type = $1 and not deleted", type_id(kind)))


async def load(db: Database, *paths: Path, institution: str | None = "Organization/qingshi") -> loading.Report:
    return await loading.load(db, sources.find(list(paths)), institution, UTC, lambda done, share: None)


async def test_bundles_come_in_and_a_second_load_changes_nothing(house: Database, tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(json.dumps(bundle(n)) for n in range(1, 6)).encode()))
    report = await load(house, file)
    assert (report.stored, report.refused) == (15, [])
    assert (await count(house, "Patient"), await count(house, "Observation")) == (5, 5)
    assert await count(house, "Organization") == 2
    async with house.reading() as tx:
        assert await tx.fetchval("select max(ver) from resource") == 1
        grounds = await tx.fetchval("select count(*) from access_ground where kind = 'registered'")
    assert grounds == 5
    again = await load(house, file)
    assert (again.stored, again.before) == (0, 15)


async def test_a_faulty_bundle_is_refused_whole_and_named(house: Database, tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson"
    lines = [json.dumps(bundle(1)), "{not json", json.dumps(bundle(3, status="finished")), "", json.dumps(bundle(4))]
    file.write_text("\n".join(lines), encoding="utf-8")
    report = await load(house, file)
    assert report.stored == 6
    assert {refusal.line for refusal in report.refused} == {2, 3}
    fault = next(refusal for refusal in report.refused if refusal.line == 3)
    assert "Bundle.entry[2].resource.status" in fault.reasons[0]
    assert await count(house, "Patient") == 2
    again = await load(house, file)
    assert {refusal.line for refusal in again.refused} == {2, 3}


async def test_exports_of_one_type_a_file_are_loaded_in_the_order_of_their_references(house: Database, tmp_path: Path) -> None:
    patients = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(700)]
    results = [
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final" if n != 3 else "odd",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/p{n}"},
        }
        for n in range(700)
    ]
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Observation.ndjson", "\n".join(map(json.dumps, results)))
        archive.writestr("Patient.ndjson", "\n".join(map(json.dumps, patients)))
        archive.writestr("log.txt", "not a resource")
    report = await load(house, packed)
    assert report.stored == 1399
    assert [(refusal.source, refusal.line) for refusal in report.refused] == [("export.zip/Observation.ndjson", 4)]


async def test_what_refers_to_an_earlier_bundle_finds_it(house: Database, tmp_path: Path) -> None:
    resources = [{"resourceType": "Organization", "id": f"org{n}", "name": f"机构{n}"} for n in range(2000)]
    first = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} for one in resources]}
    patients = [{"resourceType": "Patient", "id": "late", "managingOrganization": {"reference": "Organization/org1999"}}]
    second = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} for one in patients]}
    file = tmp_path / "some.ndjson"
    file.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n", encoding="utf-8")
    report = await load(house, file)
    assert (report.stored, report.refused) == (2001, [])


async def test_a_damaged_file_says_so_and_keeps_what_was_read(house: Database, tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson.gz"
    whole = gzip.compress("\n".join(json.dumps(bundle(n)) for n in range(1, 400)).encode())
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadRequest, match="damaged"):
        await load(house, file)
    assert await count(house, "Patient") > 0


@pytest.mark.parametrize("name", ["notes.txt", "missing.ndjson"])
async def test_what_cannot_be_read_is_refused_before_anything_is_stored(tmp_path: Path, name: str) -> None:
    if name == "notes.txt":
        (tmp_path / name).write_text("hello", encoding="utf-8")
    with pytest.raises(BadRequest):
        sources.find([tmp_path / name])


@pytest.mark.shared_data
async def test_a_load_killed_in_the_middle_goes_on_where_it_stopped(
    house: Database, prepared_dsn: str, shared_data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fifty.ndjson.gz"
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as all_of_them, gzip.open(file, "wb", 1) as some:
        lines_of_file = list(islice(all_of_them, 50))
        some.writelines(lines_of_file)
    command = [sys.executable, "-m", "yilian", "load", str(file), "--database-url", prepared_dsn, "--institution", "青石镇卫生院"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YILIAN_")}
    quiet = asyncio.subprocess.DEVNULL
    first = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet, env=environment)
    for _ in range(1200):
        if await _noted(prepared_dsn) >= 12:
            break
        await asyncio.sleep(0.05)
    first.kill()
    await first.wait()
    lines = {int(row["line"]): int(row["stored"]) for row in await _rows(prepared_dsn, "select line, stored from load_progress")}
    assert 12 <= len(lines) < 50
    noted = [json.loads(line)["entry"] for number, line in enumerate(lines_of_file, 1) if number in lines]
    assert [len(entries) for entries in noted] == [lines[number] for number in sorted(lines)]
    whole = {f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entries in noted for entry in entries}
    there = await _rows(prepared_dsn, "select type, id from resource where id <> 'qingshi' and method = 'PUT' and body like '%synthea%'")
    assert {f"{RESOURCE_TYPES[row['type'] - 1]}/{row['id']}" for row in there} == whole, (
        "what was noted is whole, and nothing else is there"
    )
    report = await load(house, file)
    assert report.refused == []
    assert report.before == sum(lines.values())
    assert report.before + report.stored == sum(len(json.loads(line)["entry"]) for line in lines_of_file)
    assert await count(house, "Patient") == 50


async def _noted(dsn: str) -> int:
    return int((await _rows(dsn, "select count(*) as count from load_progress"))[0]["count"])


async def _rows(dsn: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_several_processes_load_what_one_would(
    house: Database, prepared_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SMALL_BYTES", 0)
    file = tmp_path / "some.ndjson"
    lines = [json.dumps(bundle(n)) for n in range(1, 40)]
    lines[7] = json.dumps(bundle(8, status="finished"))
    late = {
        "resourceType": "Observation",
        "id": "late",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/" + uuid(390)},
    }
    file.write_text("\n".join([json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": late}]}), *lines]))
    side_by_side = loading.SideBySide(2, partial(opened, config.Settings(zone="Asia/Kathmandu"), prepared_dsn))
    report = await loading.load(house, sources.find([file]), "Organization/qingshi", UTC, lambda done, share: None, side_by_side)
    assert [refusal.line for refusal in report.refused] == [9]
    assert report.stored == 38 * 3 + 1
    assert (await count(house, "Patient"), await count(house, "Observation"), await count(house, "Organization")) == (38, 39, 2)
    async with house.reading() as tx:
        assert await tx.fetchval("select max(ver) from resource") == 1
        assert await tx.fetchval("select count(*) from load_progress") == 40
    again = await loading.load(house, sources.find([file]), "Organization/qingshi", UTC, lambda done, share: None, side_by_side)
    assert (again.stored, again.before) == (0, report.stored)


async def test_a_hospital_that_comes_with_every_bundle_is_written_once_and_anew_when_it_differs(house: Database, tmp_path: Path) -> None:
    lines = [bundle(n) for n in range(1, 6)]
    lines[3]["entry"][0]["resource"]["name"] = "Far Hospital, renamed"
    file = tmp_path / "some.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = await load(house, file)
    assert (report.stored, report.refused) == (15, [])
    async with house.reading() as tx:
        found = await tx.fetchrow("select ver, body from resource where type = $1 and id = $2", type_id("Organization"), uuid(7))
        pointing = await tx.fetchval(
            "select count(*) from index_reference p join resource r on r.rid = p.target where r.id = $1 and p.param <> 0", uuid(7)
        )
    assert found is not None
    assert found["ver"] > 1
    assert pointing == 5
