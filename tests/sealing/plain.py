"""A database as it was before anything was sealed."""

from __future__ import annotations

from yilian import app
from yilian.access import keys
from yilian.audit import months
from yilian.db import Database
from yilian.fhir import urls
from yilian.identity import card_keys, matching
from yilian.policy import seed
from yilian.store import find
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

CARD, PHONE, OLD_PHONE = "A516621009", "13812345678", "13912345678"


async def furnished_plainly(dsn: str) -> dict[str, str]:
    """What is to be seen in it, by name."""
    db = Database(dsn, app.HOOKS)
    await db.open()
    try:
        async with db.transaction() as tx:
            await months.ensure(tx)
            await seed(tx)
            await keys.ensure(tx)
            await card_keys.ensure(tx)
            await matching.ensure(tx)
        for phone in (OLD_PHONE, PHONE):
            async with db.transaction() as tx:
                await write(
                    tx,
                    SYSTEM,
                    [
                        Change(
                            "PUT",
                            "Patient",
                            "a",
                            {
                                "resourceType": "Patient",
                                "identifier": [{"system": urls.HEALTH_CARD, "value": CARD}],
                                "name": [{"text": "单雄信"}],
                                "telecom": [{"system": "phone", "value": phone}],
                            },
                        )
                    ],
                )
    finally:
        await db.close()
    return {"card": CARD, "phone": PHONE, "old phone": OLD_PHONE, "keys": '""d"":""'}


async def all_found(db: Database) -> None:
    """By number and by telephone, and whole; and the secrets are of use."""
    async with db.transaction() as tx:
        for asked in ([("identifier", f"{urls.HEALTH_CARD}|{CARD}")], [("phone", PHONE)]):
            one = await find.only(tx, SYSTEM, "Patient", asked)
            assert one is not None
            assert CARD.encode() in one.body
        assert await find.only(tx, SYSTEM, "Patient", [("phone", OLD_PHONE)]) is None
        assert len(await keys.usable(tx)) == 1
        assert len(await card_keys.usable(tx)) == 1
