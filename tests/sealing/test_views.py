"""Tables of SQL-on-FHIR over sealed resources: columns and conditions see the values as they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sealing.dump import found
from yilian import app, config
from yilian.analytics.views import definition
from yilian.analytics.views.run import Wish, over_store
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


def view(**more: Any) -> definition.View:
    columns = [
        {"name": "id", "path": "getResourceKey()"},
        {"name": "card", "path": f"identifier.where(system='{urls.HEALTH_CARD}').value.first()"},
        {"name": "phones", "path": "telecom.value", "collection": True},
    ]
    return definition.read({"resourceType": "ViewDefinition", "resource": "Patient", "name": "v", "select": [{"column": columns}], **more})


def person(number: int) -> Json:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"system": urls.HEALTH_CARD, "value": f"A516621{number:04d}"}],
        "telecom": [{"system": "phone", "value": f"1381234{number:04d}"}],
    }


async def test_a_view_tells_and_asks_for_what_is_sealed(dsn: str, tmp_path: Path) -> None:
    settings = config.Settings(data=tmp_path)
    await app.prepare(settings, dsn)
    db = app.database(settings, dsn)
    await db.open()
    try:
        async with db.transaction() as tx:
            people = [*map(person, range(5)), {"resourceType": "Patient", "id": "nobody"}]
            await write(tx, SYSTEM, [Change("PUT", "Patient", one["id"], one) for one in people])
        assert await found(dsn, {"card": "A5166210003", "phone": "13812340003"}) == {}
        async with db.reading() as tx:
            rows = {row[0].removeprefix("Patient/"): row[1:] for row in (await over_store(tx, SYSTEM, view(), Wish())).rows}
            where = [{"path": "telecom.where(value = '13812340003').exists()"}]
            chosen = (await over_store(tx, SYSTEM, view(where=where), Wish())).rows
            few = (await over_store(tx, SYSTEM, view(), Wish(limit=3))).rows
    finally:
        await db.close()
    assert len(rows) == 6
    assert rows["p3"] == ("A5166210003", '["13812340003"]')
    assert rows["nobody"][0] is None
    assert [row[0] for row in chosen] == ["Patient/p3"]
    assert len(few) == 3
