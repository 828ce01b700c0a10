"""A region that is wired as the server is, and a few people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from yilian import app, policy
from yilian.db import Database
from yilian.fhir import urls
from yilian.identity import matching
from yilian.store.change import Change
from yilian.store.hooks import Hooks
from yilian.store.scope import SYSTEM
from yilian.store.write import Written, write

Json = dict[str, Any]


def person(
    id: str,
    name: str = "单雄信",
    born: str | None = "1956-03-12",
    sex: str | None = "male",
    document: str | None = None,
    phone: str | None = None,
    address: str | None = None,
    **more: Any,
) -> Json:
    """A Patient as a desk would register it; what is None is left out."""
    made: Json = {"resourceType": "Patient", "id": id, "name": [{"text": name}], **more}
    if born:
        made["birthDate"] = born
    if sex:
        made["gender"] = sex
    if document:
        made["identifier"] = [{"system": urls.RESIDENT_ID, "value": document}]
    if phone:
        made["telecom"] = [{"system": "phone", "value": phone}]
    if address:
        made["address"] = [{"text": address}]
    return made


@pytest.fixture
async def region(dsn: str) -> AsyncIterator[Database]:
    """A database that keeps features of what is written, with the shipped model in use."""
    hooks = Hooks(validate=app.HOOKS.validate, reactions=(matching.follow,))
    database = Database(dsn, hooks)
    await database.open()
    async with database.transaction() as tx:
        await policy.seed(tx)
        await matching.ensure(tx)
    yield database
    await database.close()


async def put(db: Database, *patients: Json) -> list[Written]:
    async with db.transaction() as tx:
        return await write(tx, SYSTEM, [Change("PUT", "Patient", one["id"], one) for one in patients])


async def delete(db: Database, id: str) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "Patient", id, None)])
