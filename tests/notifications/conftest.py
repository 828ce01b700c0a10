"""The small region of the HTTP tests, to tell things to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest

from tests.conftest import REGION_ZONE
from tests.http.conftest import server
from yilian import app, config
from yilian.access.standing import of_person
from yilian.db import Database, Tx
from yilian.fhir.definitions import type_id
from yilian.policy import put
from yilian.sealing.keyring import opened
from yilian.store.change import Change
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import write

__all__ = ["Region", "region", "server"]


NUMBER = "13800000001"


@dataclass
class Region:
    """The open database of the house, as it is wired, and who is in it."""

    db: Database

    async def rid(self, kind: str, id: str) -> int:
        async with self.db.reading() as tx:
            return int(await tx.fetchval("select rid from resource where type = $1 and id = $2", type_id(kind), id))

    async def scope(self, tx: Tx, account: str) -> Scope:
        """How this person asks, at the first post."""
        row = await tx.fetchrow("select name as account, display, agent, patient from account where name = $1", account)
        assert row is not None
        where = await tx.fetchval("select institution from post where account = $1 order by nth limit 1", account)
        found = await of_person(tx, row, where, "yilian-web", "patient/*.*" if row["patient"] else "user/*.*")
        return replace(found.scope, address="10.0.0.7", request_id="test")


@pytest.fixture
async def region(furnished_dsn: str) -> AsyncIterator[Region]:
    database = app.database(config.Settings(zone=REGION_ZONE), furnished_dsn)
    await database.open()
    yield Region(database)
    await database.close()


@pytest.fixture
async def daytime(region: Region) -> Region:
    """Nobody is asleep, and p1 has a telephone."""
    async with region.db.transaction() as tx:
        await put(tx, "notifications.quiet_hours", {"from": "", "to": ""}, valid_from=tx.now.date() - timedelta(days=2), source="test")
        body = await tx.fetchval("select body from resource where rid = $1", await region.rid("Patient", "p1"))
    patient = msgspec.json.decode(opened(await region.rid("Patient", "p1"), body))
    patient.pop("meta", None)
    patient["telecom"] = [{"system": "phone", "value": NUMBER}]
    async with region.db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", "p1", patient)])
    return region
