"""Admitting refuses what contradicts, and of many who want one bed one gets it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.beds.places import bed, encounter, occupants, states, ward
from tests.referral.region import Region
from yilian.beds import holds, moves
from yilian.errors import Conflict, NotFound, VersionStale
from yilian.store.change import Written


@pytest.fixture
async def house(region: Region) -> Region:
    """Everybody has been at the first hospital before, so that its people may read the records."""
    await region.write(ward(), bed("b1"), bed("b2", sex="female"))
    await region.write(*(encounter(f"before-{who}", who, status="finished") for who in ("p1", "p2", "p3")))
    return region


async def admit(region: Region, place: str, patient: str, who: str = "expert") -> Written:
    async with region.db.transaction() as tx:
        return await moves.admit(tx, region.scope(who), place, patient=patient)


async def test_of_those_who_are_admitted_to_one_bed_at_once_one_lies_there(house: Region) -> None:
    done = await asyncio.gather(*(admit(house, "b1", who) for who in ("p1", "p2", "p3")), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Conflict", "Written"]
    assert list(await occupants(house)) == ["b1"]
    async with house.db.reading() as tx:
        assert await tx.fetchval("select count(*) from bed_claim where not stands") == 0
        assert await tx.fetchval("select last from visit_number") == 1, "no number is lost to those who came too late"


async def test_a_bed_that_is_kept_is_given_to_whom_it_is_kept_for(house: Region) -> None:
    async with house.db.transaction() as tx:
        until = tx.now + timedelta(hours=1)
        await holds.hold(tx, house.scope("coordinator"), "b1", house.rids["Patient/p2"], until)
    with pytest.raises(Conflict, match="no free bed"):
        await admit(house, "b1", "p3")
    await admit(house, "cardio", "p2")
    assert await states(house) == {"b1": "occupied", "b2": "free"}
    with pytest.raises(Conflict, match="no free bed"):
        await admit(house, "b2", "p3")  # a boy, and the bed is set apart for women
    with pytest.raises(Conflict, match="already"):
        await admit(house, "b2", "p2", who="coordinator")


async def test_a_patient_who_is_admitted_twice_at_once_lies_in_one_bed(house: Region) -> None:
    await house.write(bed("b3"), bed("b4"))
    done = await asyncio.gather(*(admit(house, place, "p1") for place in ("b3", "b4", "cardio")), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Conflict", "Written"]
    assert len(await occupants(house)) == 1


async def test_two_who_transfer_one_patient_at_once_do_it_once(house: Region) -> None:
    await house.write(bed("b3"), bed("b4"))
    await admit(house, "b1", "p2")

    async def transfer(to: str) -> None:
        async with house.db.transaction() as tx:
            await moves.transfer(tx, house.scope("expert"), "b1", to)

    done = await asyncio.gather(transfer("b3"), transfer("b4"), return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert all(one is None or isinstance(one, VersionStale | Conflict | NotFound) for one in done)
    assert len(await occupants(house)) == 1
