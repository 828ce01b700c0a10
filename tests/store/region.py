"""Short ways to write in tests, and a small region to write in: two township centres, each with a doctor and a patient."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests import writing
from yilian.db import Database
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, Written, write

Json = dict[str, Any]


@dataclass(frozen=True)
class Region:
    """Two institutions, a patient of each, and who asks from where. `ground(institution, patient)` lets an institution see a patient."""

    qingshi: Scope
    liuhe: Scope
    system: Scope
    qingshi_patient: Written
    liuhe_patient: Written
    ground: Callable[[Scope, Written], Awaitable[None]]


def doctor(name: str, institution: Written) -> Scope:
    return Scope(
        "grounds",
        user=name,
        agent=f"Practitioner/{name}",
        name=name,
        roles=frozenset({"gp"}),
        institution=f"Organization/{institution.id}",
        institution_rid=institution.rid,
    )


async def put(db: Database, resource: Json, scope: Scope = SYSTEM, **more: Any) -> Written:
    """As `writing.put`, in a transaction of its own."""
    async with db.transaction() as tx:
        return await writing.put(tx, resource, scope, **more)


async def delete(db: Database, type: str, id: str, scope: Scope = SYSTEM, **more: Any) -> Written:
    async with db.transaction() as tx:
        (done,) = await write(tx, scope, [Change("DELETE", type, id, None, **more)])
    return done


def patient(id: str | None = None, **more: Any) -> Json:
    return {"resourceType": "Patient", **({"id": id} if id else {}), "name": [{"text": "王秀英"}], "gender": "female", **more}


def observation(of: str, id: str | None = None, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        **({"id": id} if id else {}),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "收缩压"}]},
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": "2026-03-01T09:30:00+08:00",
        **more,
    }
