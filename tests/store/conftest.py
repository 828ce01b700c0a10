"""The small region of `region.py`, written into a fresh database."""

from __future__ import annotations

import pytest

from tests.store.region import Region, doctor, patient, put
from yilian.db import Database
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Written


@pytest.fixture
async def region(db: Database) -> Region:
    qingshi = await put(db, {"resourceType": "Organization", "id": "qingshi", "name": "青石镇卫生院"})
    liuhe = await put(db, {"resourceType": "Organization", "id": "liuhe", "name": "柳河镇卫生院"})
    here = await put(db, patient("here", managingOrganization={"reference": "Organization/qingshi"}))
    there = await put(db, patient("there", managingOrganization={"reference": "Organization/liuhe"}))
    gp, gp2 = doctor("gp", qingshi), doctor("gp2", liuhe)

    async def ground(scope: Scope, of: Written) -> None:
        async with db.transaction() as tx:
            await tx.execute(
                "insert into access_ground (institution, patient, kind, source) values ($1, $2, 'registered', $2) on conflict do nothing",
                scope.institution_rid,
                of.rid,
            )

    await ground(gp, here)
    await ground(gp2, there)
    return Region(gp, gp2, SYSTEM, here, there, ground)
