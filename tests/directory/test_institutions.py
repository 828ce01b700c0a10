"""What the directory tells of institutions: tier, approval, telephone, and whom a department or village post speaks for."""

from __future__ import annotations

from typing import Any

import pytest

from yilian.db import Database
from yilian.directory import codes, specialties, tiers
from yilian.directory.institutions import by_rid, institution
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write


def organization(id: str, tier: str = "", **more: Any) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Organization", "id": id, "name": f"{id}院"}
    if tier:
        resource["extension"] = [{"url": urls.TIER, "valueCode": tier}]
    return resource | more


async def put(db: Database, *resources: dict[str, Any]) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Organization", one["id"], one) for one in resources])


async def test_an_institution_is_read_with_what_a_referral_needs(db: Database) -> None:
    centre = organization("centre", "township", telecom=[{"system": "email", "value": "a@b.cn"}, {"system": "phone", "value": "0516-1"}])
    centre["extension"].append({"url": urls.NEEDS_APPROVAL, "valueBoolean": True})
    centre["identifier"] = [{"system": urls.INSTITUTION_ID, "value": "12345"}]
    await put(db, centre)
    async with db.reading() as tx:
        found = await institution(tx, "centre")
    assert found is not None
    assert (found.reference, found.name, found.tier, found.code, found.phone) == (
        "Organization/centre",
        "centre院",
        "township",
        "12345",
        "0516-1",
    )
    assert found.active
    assert found.needs_approval


async def test_departments_and_village_posts_lead_to_the_institution_that_answers_for_them(db: Database) -> None:
    part = {"partOf": {"reference": "Organization/centre"}}
    await put(db, organization("centre", "township"), organization("post", "village", **part), organization("ward", **part))
    async with db.reading() as tx:
        assert [(await institution(tx, id)).reference for id in ("centre", "post", "ward")] == ["Organization/centre"] * 3  # type: ignore[union-attr]
        assert await institution(tx, "nowhere") is None


async def test_a_change_is_seen_at_once(db: Database) -> None:
    await put(db, organization("centre", "township"))
    async with db.reading() as tx:
        first = await institution(tx, "centre")
    assert first is not None
    await put(db, organization("centre", "county", active=False))
    async with db.reading() as tx:
        second = (await by_rid(tx, [first.rid]))[first.rid]
    assert (second.tier, second.active) == ("county", False)


@pytest.mark.parametrize(
    ("sender", "receiver", "stands"),
    [
        ("township", "county", "higher"),
        ("city", "village", "lower"),
        ("county", "county", "equal"),
        ("", "city", "unknown"),
        ("city", "x", "unknown"),
    ],
)
def test_tiers_are_compared_and_unknown_ones_meet_no_rule(sender: str, receiver: str, stands: str) -> None:
    assert tiers.compare(sender, receiver) == stands


def test_names_of_departments_are_short_and_every_second_level_has_its_first() -> None:
    assert (specialties.name("03.04"), specialties.name("03"), specialties.name("99")) == ("心血管内科", "内科", "99")
    assert {code[:2] for code in specialties.SPECIALTIES} <= specialties.SPECIALTIES.keys()
    system = next(one for one in codes.definitions() if one["url"] == urls.SPECIALTY)
    assert system["count"] == len(system["concept"]) == len(specialties.SPECIALTIES)
