"""A store that was filled before containers were indexed: what is due is marked, withheld, and made good."""

from __future__ import annotations

import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.migrations.test_migrations import empty_database
from tests.migrations.test_quantities import nothing_stays_withheld  # noqa: F401
from yilian.db import Database
from yilian.errors import Unavailable
from yilian.fhir.definitions import type_id
from yilian.fhir.json import dump
from yilian.search.query import parse
from yilian.store import contained, custom_parameters, reindex
from yilian.store.hooks import Hooks
from yilian.store.migrate import FOLDER, migrate
from yilian.store.scope import SYSTEM

ZONE = ZoneInfo("Asia/Kathmandu")


async def test_what_was_stored_before_is_taken_up_and_nobody_is_answered_until_then(cluster: str, tmp_path: Path) -> None:
    for file in FOLDER.glob("00*_*.sql"):
        if file.name < "0011":
            shutil.copy(file, tmp_path)
    held = {"resourceType": "Organization", "id": "h", "name": "Clinic"}
    someone = {"resourceType": "Patient", "id": "x", "contained": [held], "managingOrganization": {"reference": "#h"}}
    async with empty_database(cluster, "yilian_before_containers") as dsn:
        await migrate(dsn, tmp_path)
        old = Database(dsn, Hooks(validate=lambda resource: []))
        await old.open()
        async with old.transaction() as tx:
            await tx.execute("delete from reindex_run")
            await tx.execute(
                "insert into resource (rid, type, id, ver, updated, method, body) values (1, $1, 'x', 1, now(), 'PUT', $2)",
                type_id("Patient"),
                dump(someone).decode(),
            )
        await old.close()
        await migrate(dsn)
        db = Database(dsn, Hooks(validate=lambda resource: [], refresh=custom_parameters.keep_fresh))
        await db.open()
        try:
            asked = [("name", "clinic"), ("_contained", "true")]
            async with db.reading() as tx:
                (due,) = await reindex.open_runs(tx)
                assert (due.state, due.types) == ("due", None)
                assert "contained" in due.withheld
                with pytest.raises(Unavailable, match="made anew"):
                    parse("Organization", asked, zone=ZONE, contained_too=True)
            assert [run.state for run in await reindex.carry_out_due(db)] == ["done"]
            custom_parameters.look_again()
            async with db.reading() as tx:
                page = await contained.find(tx, SYSTEM, parse("Organization", asked, zone=ZONE, contained_too=True))
                assert [match.id for match in page.matches] == ["x"]
        finally:
            await db.close()
