"""A store that was filled before quantities were kept in base units: what is due is marked, withheld, and made good."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.migrations.test_migrations import empty_database
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.search import parameters
from yilian.search.query import parse
from yilian.search.statement import page
from yilian.store import custom_parameters, reindex
from yilian.store.hooks import Hooks
from yilian.store.migrate import FOLDER, migrate
from yilian.store.scope import SYSTEM

ZONE = ZoneInfo("Asia/Kathmandu")
UCUM = "http://unitsofmeasure.org"


@pytest.fixture(autouse=True)
def nothing_stays_withheld() -> Iterator[None]:
    yield
    parameters.use((), {})
    custom_parameters.look_again()


async def test_amounts_stored_before_are_taken_up_and_nobody_is_answered_until_then(cluster: str, tmp_path: Path) -> None:
    for file in FOLDER.glob("000[1-5]_*.sql"):
        shutil.copy(file, tmp_path)
    weight = {
        "resourceType": "Observation",
        "id": "w",
        "status": "final",
        "code": {"text": "weight"},
        "valueQuantity": {"value": Decimal("70.5"), "system": UCUM, "code": "kg"},
    }
    async with empty_database(cluster, "yilian_before_base_units") as dsn:
        await migrate(dsn, tmp_path)
        db = Database(dsn, Hooks(validate=lambda resource: [], refresh=custom_parameters.keep_fresh))
        old = Database(dsn, Hooks(validate=lambda resource: []))
        await old.open()
        async with old.transaction() as tx:
            await tx.execute(
                "insert into resource (rid, type, id, ver, updated, method, body) values (1, $1, 'w', 1, now(), 'PUT', $2)",
                type_id("Observation"),
                dump(weight).decode(),
            )
        await old.close()
        await migrate(dsn)
        await db.open()
        try:
            asked = [("value-quantity", f"70500|{UCUM}|g")]
            async with db.reading() as tx:
                (due,) = await reindex.open_runs(tx)
                assert (due.state, due.types) == ("due", None)
                assert "quantity" in due.withheld
                with pytest.raises(Unavailable, match="made anew"):
                    parse("Observation", asked, zone=ZONE)
            (run,) = await reindex.carry_out_due(db)
            assert (run.state, run.done, run.changed) == ("done", 1, 1)
            custom_parameters.look_again()
            async with db.reading() as tx:
                found = page(parse("Observation", asked, zone=ZONE), SYSTEM)
                assert [row["id"] for row in await tx.fetch(found.sql, *found.args)] == ["w"]
        finally:
            await db.close()


async def test_an_empty_store_owes_nothing(cluster: str) -> None:
    async with empty_database(cluster, "yilian_owes_nothing") as dsn:
        await migrate(dsn)
        db = Database(dsn, Hooks(validate=lambda resource: []))
        await db.open()
        try:
            assert await reindex.carry_out_due(db) == []
        finally:
            await db.close()
