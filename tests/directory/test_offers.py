"""What a service asks of those who refer to it, and what holds of memberships and posts whoever writes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.directory.region import DIRECTORY, affiliation, organization, put, service
from yilian.db import Database
from yilian.directory import columns, offers
from yilian.directory.offers import Settings
from yilian.errors import Conflict, InvalidResource
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]


@pytest.fixture
async def house(dsn: str) -> Any:
    database = Database(dsn, DIRECTORY)
    await database.open()
    yield database
    await database.close()


async def rid(db: Database, kind: str, id: str) -> int:
    async with db.reading() as tx:
        found = await tx.fetchval("select rid from resource where id = $1 and type = $2", id, columns.type_id(kind))
    return int(found)


async def test_a_service_says_what_it_asks_of_referrals(house: Database) -> None:
    asked = Settings(("up", "lateral"), needs_approval=True, direct_booking=True, attachments=("ecg", "laboratory"))
    await put(house, organization("first", "city"), service("first-heart", "first", "03.04", asked))
    async with house.reading() as tx:
        assert await offers.settings(tx, await rid(house, "HealthcareService", "first-heart")) == asked
        assert await offers.of_receiver(tx, await rid(house, "Organization", "first"), "03.04") == asked
        assert await offers.of_receiver(tx, await rid(house, "Organization", "first"), "03.01") == offers.USUAL
        found = await offers.by_reference(tx, "HealthcareService/first-heart")
        assert found is not None
        assert found[1] == asked
        assert await offers.by_reference(tx, "HealthcareService/none") is None
    assert asked.accepts_up
    assert not asked.accepts_down


async def test_what_a_department_offers_is_offered_by_its_hospital_and_moves_with_it(house: Database) -> None:
    heart = organization("heart") | {"partOf": {"reference": "Organization/first"}}
    await put(house, organization("first", "city"), organization("second", "city"), heart)
    asked = Settings(direct_booking=True)
    await put(house, service("heart-clinic", "heart", "03.04", asked))
    async with house.reading() as tx:
        assert await offers.of_receiver(tx, await rid(house, "Organization", "first"), "03.04") == asked
    await put(house, heart | {"partOf": {"reference": "Organization/second"}})
    async with house.reading() as tx:
        assert await offers.of_receiver(tx, await rid(house, "Organization", "first"), "03.04") == offers.USUAL
        assert await offers.of_receiver(tx, await rid(house, "Organization", "second"), "03.04") == asked


@pytest.mark.parametrize(
    "part", [{"url": "accepts", "valueCode": "sideways"}, {"url": "attachment", "valueCode": "gold"}, {"url": "else", "valueCode": "up"}]
)
async def test_settings_that_say_nothing_known_are_refused(house: Database, part: Json) -> None:
    await put(house, organization("first", "city"))
    strange = service("first-heart", "first", "03.04") | {"extension": [{"url": urls.REFERRAL_SETTINGS, "extension": [part]}]}
    with pytest.raises(InvalidResource):
        await put(house, strange)


async def test_nobody_is_a_member_of_one_consortium_twice_at_a_time(house: Database) -> None:
    await put(house, organization("net"), organization("other"), organization("first", "city"), organization("qingshi", "township"))
    await put(house, affiliation("a", "net", "qingshi", "2023-01-01", "2024-06-30"))
    await put(house, affiliation("b", "net", "qingshi", "2024-07-01"), affiliation("c", "other", "qingshi", "2023-01-01"))
    with pytest.raises(Conflict, match="member of the consortium at that time already"):
        await put(house, affiliation("d", "net", "qingshi", "2025-01-01"))
    await put(house, affiliation("b", "net", "qingshi", "2024-07-01", "2024-12-31"), affiliation("d", "net", "qingshi", "2025-01-01"))


async def test_a_consortium_has_one_lead_at_a_time(house: Database) -> None:
    await put(house, organization("net"), organization("first", "city"), organization("second", "city"))
    await put(house, affiliation("a", "net", "first", "2023-01-01", lead=True))
    with pytest.raises(Conflict, match="another lead"):
        await put(house, affiliation("b", "net", "second", "2024-01-01", lead=True))
    await put(house, affiliation("b", "net", "second", "2024-01-01"))


async def test_somebody_has_several_posts_and_one_main_place(house: Database) -> None:
    await put(house, organization("first", "city"), organization("qingshi", "township"), {"resourceType": "Practitioner", "id": "zhou"})

    def post(id: str, where: str, kind: str, start: str) -> Json:
        said = {"url": urls.POSITION, "extension": [{"url": "kind", "valueCode": kind}]}
        return {
            "resourceType": "PractitionerRole",
            "id": id,
            "extension": [said],
            "practitioner": {"reference": "Practitioner/zhou"},
            "organization": {"reference": f"Organization/{where}"},
            "period": {"start": start},
        }

    await put(house, post("a", "first", "main", "2020-01-01"), post("b", "qingshi", "multi-site", "2024-01-01"))
    with pytest.raises(Conflict, match="main place of practice"):
        await put(house, post("c", "qingshi", "main", "2025-01-01"))
    with pytest.raises(InvalidResource, match="one kind"):
        await put(house, post("d", "qingshi", "holiday", "2025-01-01"))


async def test_a_directory_from_before_is_read_once(house: Database) -> None:
    house.hooks = replace(DIRECTORY, reactions=())
    await put(house, organization("first", "city"), service("first-heart", "first", "03.04", Settings(direct_booking=True)))
    async with house.transaction() as tx:
        assert await columns.catch_up(tx) == 2
        assert await columns.catch_up(tx) == 0
    async with house.reading() as tx:
        assert (await offers.of_receiver(tx, await rid(house, "Organization", "first"), "03.04")).direct_booking


async def test_what_is_deleted_leaves_the_columns(house: Database) -> None:
    await put(house, organization("first", "city"), service("first-heart", "first", "03.04", Settings(direct_booking=True)))
    async with house.transaction() as tx:
        await write(tx, SYSTEM, [Change("DELETE", "HealthcareService", "first-heart", None)])
    async with house.reading() as tx:
        assert await tx.fetchval("select count(*) from service_offer") == 0
