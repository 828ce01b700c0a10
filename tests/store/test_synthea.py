"""Other people's records come back as they went in."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.store.region import Json
from tests.store.test_index_rows import check
from yilian.db import Database
from yilian.fhir.json import dump, parse
from yilian.store import read
from yilian.store.bundle import transaction
from yilian.store.everything import everything
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.validation import issues

BUNDLES = 3


def without_references(value: Any) -> Any:
    """The same with every `urn:uuid:` and every local reference taken out."""
    if isinstance(value, dict):
        return {key: without_references(item) for key, item in value.items() if key != "reference"}
    return [without_references(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def bundles(shared_data: Path) -> list[bytes]:
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as file:
        return [next(file) for _ in range(BUNDLES)]


async def test_a_bundle_comes_back_as_it_went_in(db: Database, bundles: list[bytes]) -> None:
    db.hooks = Hooks(validate=issues)
    for line in bundles:
        sent = parse(line)
        async with db.transaction() as tx:
            answer = await transaction(tx, SYSTEM, sent)
        assert sent == parse(line), "what was sent is left alone"
        wanted = [tuple(one["response"]["location"].split("/")[:2]) for one in answer["entry"]]
        async with db.reading() as tx:
            found = await read.many(tx, SYSTEM, wanted)  # type: ignore[arg-type]
        of = {entry["fullUrl"]: "/".join(where) for entry, where in zip(sent["entry"], wanted, strict=True)}
        for entry, where in zip(sent["entry"], wanted, strict=True):
            before: Json = entry["resource"]
            back = parse(found[where].body)  # type: ignore[index]
            assert back.pop("id") == where[1]
            meta = back.pop("meta")
            assert (meta.pop("versionId"), meta["tag"]) == ("1", before["meta"]["tag"])
            expected = {key: value for key, value in before.items() if key not in ("id", "meta")}
            assert dump(without_references(back)) == dump(without_references(expected)), "keys, order and digits"
            text = dump(expected).decode()
            for urn, reference in of.items():
                text = text.replace(f'"reference":"{urn}"', f'"reference":"{reference}"')
            assert dump(back).decode() == text


async def test_everything_of_a_patient_is_the_bundle_again(db: Database, bundles: list[bytes]) -> None:
    for line in bundles:
        async with db.transaction() as tx:
            answer = await transaction(tx, SYSTEM, parse(line))
        where = {"/".join(one["response"]["location"].split("/")[:2]) for one in answer["entry"]}
        (patient,) = [one for one in where if one.startswith("Patient/")]
        async with db.reading() as tx:
            page = await everything(tx, SYSTEM, patient.removeprefix("Patient/"))
        assert page.next is None
        assert {f"{found.type}/{found.id}" for found in [*page.matches, *page.included]} == where


async def test_the_index_rows_of_a_record_are_those_of_a_fresh_extraction(db: Database, bundles: list[bytes]) -> None:
    async with db.transaction() as tx:
        await transaction(tx, SYSTEM, parse(bundles[0]))
        await check(tx)


async def test_loading_a_bundle_again_by_its_ids_changes_nothing(db: Database, bundles: list[bytes]) -> None:
    bundle = parse(bundles[0])
    for entry in bundle["entry"]:
        entry["request"] = {"method": "PUT", "url": f"{entry['resource']['resourceType']}/{entry['resource']['id']}"}
    async with db.transaction() as tx:
        first = await transaction(tx, SYSTEM, bundle)
    async with db.transaction() as tx:
        second = await transaction(tx, SYSTEM, bundle)
        assert await tx.fetchval("select count(*) from history") == 0
    assert {one["response"]["status"] for one in first["entry"]} == {"201 Created"}
    assert {one["response"]["status"] for one in second["entry"]} == {"200 OK"}
    assert [one["response"]["etag"] for one in second["entry"]] == [one["response"]["etag"] for one in first["entry"]]
