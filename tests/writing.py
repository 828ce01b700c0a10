"""Writing one resource in a test, by whoever it is."""

from __future__ import annotations

from typing import Any

from yilian.db import Tx
from yilian.fhir.definitions import type_id
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, Method, Written, write


async def put(tx: Tx, resource: dict[str, Any], scope: Scope = SYSTEM, **more: Any) -> Written:
    """PUT when the resource has an id, POST otherwise, and where nothing is there yet for who does not choose ids; in `tx`."""
    kind, id = resource["resourceType"], resource.get("id")
    there = id and await tx.fetchval("select true from resource where type = $1 and id = $2", type_id(kind), id)
    method: Method = "PUT" if there or (id and scope is SYSTEM) else "POST"
    (done,) = await write(tx, scope, [Change(method, kind, id, resource, **more)])
    return done
