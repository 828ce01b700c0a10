"""A small region whose writes and reads leave traces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import writing
from yilian import validation
from yilian.access import grounds
from yilian.audit.record import ReadLog, follow_writes
from yilian.db import Database
from yilian.store import read
from yilian.store.hooks import Hooks
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, Written, write

Json = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(slots=True)
class Region:
    """gp at qingshi with patient `here`, gp2 at liuhe with patient `there`; `resident` is the patient `here`."""

    db: Database
    clock: Clock
    gp: Scope
    gp2: Scope
    resident: Scope
    admin: Scope
    regulator: Scope

    async def write(self, scope: Scope, *changes: Change) -> list[Written]:
        async with self.db.transaction() as tx:
            return await write(tx, scope, changes)

    async def put(self, resource: Json, scope: Scope = SYSTEM) -> Written:
        async with self.db.transaction() as tx:
            return await writing.put(tx, resource, scope)

    async def stored(self, scope: Scope, kind: str, *ids: str) -> list[Stored]:
        async with self.db.reading() as tx:
            return [await read.by_id(tx, scope, kind, id) for id in ids]

    async def rows(self, where: str = "true") -> list[Any]:
        async with self.db.reading() as tx:
            return await tx.fetch(f"select * from audit_event where {where} order by seq")

    def log(self, **settings: Any) -> ReadLog:
        return ReadLog(self.db, **settings)


def patient(id: str, organization: str) -> Json:
    return {"resourceType": "Patient", "id": id, "managingOrganization": {"reference": f"Organization/{organization}"}}


def observation(id: str, patient: str, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "血压"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Region]:
    clock = Clock()
    db = Database(dsn, Hooks(validation.issues, (), (grounds.follow, follow_writes)), clock=clock)
    await db.open()
    async with db.transaction() as tx:
        resources: list[Json] = [{"resourceType": "Organization", "id": id, "name": id} for id in ("qingshi", "liuhe")]
        resources += [patient("here", "qingshi"), patient("there", "liuhe")]
        done = await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in resources])
    qingshi, liuhe, here, _ = (one.rid for one in done)

    def doctor(name: str, id: str, rid: int) -> Scope:
        return Scope(
            "grounds",
            name,
            f"Practitioner/{name}",
            f"{name} 医生",
            frozenset({"gp"}),
            f"Organization/{id}",
            rid,
            id,
            request_id=f"r-{name}",
            client="yilian-web",
            address="10.0.0.7",
        )

    def other(reach: Any, name: str, purpose: str, patient_rid: int = 0) -> Scope:
        roles = frozenset({name})
        return Scope(reach, name, f"Practitioner/{name}", name, roles, patient_rid=patient_rid, purpose=purpose, client="yilian-web")

    yield Region(
        db,
        clock,
        doctor("gp", "qingshi", qingshi),
        doctor("gp2", "liuhe", liuhe),
        other("self", "resident", "PATRQT", here),
        other("nothing", "admin", "HSYSADMIN"),
        other("nothing", "regulator", "PUBHLTH"),
    )
    await db.close()
