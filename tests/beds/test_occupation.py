"""What Encounters say is who lies in which bed; what contradicts is stored, listed, and stands once it can."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.beds.places import bed, encounter, occupants, rid_of, room, states, stay, ward
from tests.referral.region import Region
from yilian.beds import contradictions, holds
from yilian.beds.occupation import Stay, one_at_a_time, stays
from yilian.errors import Conflict, InvalidResource
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
NINE = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)


async def listed(region: Region) -> list[tuple[str, str, str]]:
    async with region.db.reading() as tx:
        rids = [await tx.fetchval("select rid from resource where id = 'first'")]
        return [(one.kind, one.bed, one.encounter) for one in await contradictions.find(tx, rids)]


async def test_a_stay_a_transfer_and_a_discharge_are_what_the_encounter_says(region: Region) -> None:
    await region.write(ward(), bed("b1"), bed("b2"))
    await region.write(encounter("e1", "p1", stay("b1", NINE)))
    assert await occupants(region) == {"b1": "e1"}
    await region.write(encounter("e1", "p1", stay("b1", NINE), stay("b2", TEN)))
    assert await occupants(region) == {"b2": "e1"}, "a feed that forgets to end the stay before leaves no bed occupied"
    await region.write(encounter("e1", "p1", stay("b1", NINE, TEN, "completed"), stay("b2", TEN), status="finished"))
    assert await occupants(region) == {}
    async with region.db.reading() as tx:
        rows = await tx.fetch("select r.id, starts, ends, stands from bed_claim c join resource r on r.rid = c.bed order by nth")
    assert [tuple(row) for row in rows] == [("b1", NINE, TEN, True), ("b2", TEN, region.clock.now, True)]


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
async def test_who_is_only_expected_or_never_came_lies_nowhere(region: Region, status: str) -> None:
    await region.write(ward(), bed("b1"))
    await region.write(encounter("e1", "p1", stay("b1", NINE)))
    await region.write(encounter("e1", "p1", stay("b1", NINE), status=status))
    await region.write(encounter("e2", "p2", stay("b1", NINE, status="planned")))
    assert await states(region) == {"b1": "free"}


async def test_two_encounters_in_one_bed_are_both_stored_and_the_earlier_stands(region: Region) -> None:
    await region.write(ward(), bed("b1"))
    await region.write(encounter("e1", "p1", stay("b1", NINE)))
    await region.write(encounter("e2", "p2", stay("b1", NINE - timedelta(hours=1))))
    assert (await region.read("system", "Encounter/e2"))["location"][0]["location"]["reference"] == "Location/b1"
    assert await occupants(region) == {"b1": "e1"}
    assert await listed(region) == [("two-in-one-bed", "b1", "e2")]
    await region.write(encounter("e1", "p1", stay("b1", NINE), period={"start": NINE.isoformat()}))
    assert await occupants(region) == {"b1": "e1"}, "what stood before goes on standing when it is written again"
    region.clock.later(hours=1)
    await region.write(encounter("e1", "p1", stay("b1", NINE), status="cancelled"))
    assert await occupants(region) == {"b1": "e2"}, "as soon as nothing is against it"
    assert await listed(region) == []


async def test_one_patient_in_two_beds_a_bed_that_is_stopped_and_one_kept_for_another_are_listed(region: Region) -> None:
    await region.write(ward(), bed("b1"), bed("b2"), bed("b3"), bed("b4"))
    async with region.db.transaction() as tx:
        await holds.hold(tx, region.scope("coordinator"), "b3", region.rids["Patient/p2"], tx.now + timedelta(hours=1))
    await region.write(encounter("e1", "p1", stay("b1", NINE)), encounter("e2", "p1", stay("b2", NINE)))
    await region.write(encounter("e3", "p3", stay("b3", NINE)), encounter("e4", "dead", stay("b4", NINE)), bed("b4", status="suspended"))
    assert (await states(region))["b4"] == "occupied"
    assert sorted(await listed(region)) == [
        ("held-for-another", "b3", "e3"),
        ("out-of-service", "b4", "e4"),
        ("two-beds", "b1", "e1"),
        ("two-beds", "b2", "e2"),
    ]


async def test_encounters_that_come_together_never_share_a_bed(region: Region) -> None:
    await region.write(ward(), bed("b1"), bed("b2"))

    async def claim(n: int) -> None:
        async with region.db.transaction() as tx:
            one = encounter(f"e{n}", ("p1", "p2", "p3")[n % 3], stay(f"b{1 + n % 2}", NINE + timedelta(minutes=n)))
            await write(tx, SYSTEM, [Change("PUT", "Encounter", one["id"], one)])

    await asyncio.gather(*(claim(n) for n in range(24)))
    assert len(await occupants(region)) == 2
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(*) from bed_claim") == 24, "nothing of what was written is lost"
        assert await tx.fetchval("select count(*) from bed_claim where stands") == 2


async def test_a_bed_is_cleaned_after_the_patient_and_given_only_where_there_is_no_other(region: Region) -> None:
    region.clock.now = datetime.now(UTC).replace(microsecond=0)
    start = region.clock.now - timedelta(days=1)
    await region.write(ward(), bed("b1"), bed("b2"))
    await region.write(encounter("e1", "p1", stay("b1", start)))
    region.clock.later(minutes=-5)
    await region.write(encounter("e1", "p1", stay("b1", start), status="finished"))
    assert await states(region) == {"b1": "cleaning", "b2": "free"}
    async with region.db.transaction() as tx:
        for patient, expected in (("p2", "b2"), ("p3", "b1")):
            until = tx.now + timedelta(hours=2)
            id = await holds.hold(tx, region.scope("coordinator"), "cardio", region.rids[f"Patient/{patient}"], until)
            assert (await holds.one(tx, id)).location == expected


async def test_a_bed_follows_its_ward_and_is_not_removed_under_a_patient(region: Region) -> None:
    nobodys = {key: value for key, value in ward("later").items() if key != "managingOrganization"}
    await region.write(nobodys, bed("b0", "later"), ward(), room("r1"), bed("b1", "r1"))
    assert await states(region) == {"b1": "free"}, "a bed of a ward that is nobody's counts nowhere"
    await region.write(ward("later", "county", kind="isolation", specialty="16"))
    async with region.db.reading() as tx:
        row = await tx.fetchrow("select * from bed where rid = $1", await rid_of(region, "Location/b0"))
    assert row is not None
    assert (row["institution"], row["kind"], row["specialty"]) == (region.rids["Organization/county"], "isolation", "16")
    await region.write(encounter("e1", "p1", stay("b1", NINE)))
    without_a_ward = {key: value for key, value in bed("b1").items() if key != "partOf"}
    for gone in (bed("b1", "r1", status="inactive"), ward(status="inactive"), without_a_ward):
        with pytest.raises(Conflict, match="Somebody lies"):
            await region.write(gone)
    await region.write(encounter("e1", "p1", status="finished"))
    await region.write(bed("b1", "r1", status="inactive"), ward("later", "county", status="inactive"))
    assert await states(region) == {}
    with pytest.raises(InvalidResource, match="A bed is of one kind"):
        await region.write(bed("b1", "r1", kind="sofa"))


def test_what_is_not_dated_keeps_the_time_it_was_first_told() -> None:
    told = {"status": "in-progress", "location": [stay("b1")]}
    assert stays(told, TEN) == [Stay(0, "b1", TEN, None, None)]
    assert stays(told, TEN, {0: (NINE, None)}) == [Stay(0, "b1", NINE, None, None)]
    ended = {"status": "in-progress", "location": [stay("b1", status="completed")]}
    assert stays(ended, TEN, {0: (NINE, None)}) == [Stay(0, "b1", NINE, TEN, None)]


def test_an_end_that_lies_ahead_is_one_that_is_expected() -> None:
    ahead = TEN + timedelta(days=2)
    assert stays({"status": "in-progress", "location": [stay("b1", NINE, ahead)]}, TEN) == [Stay(0, "b1", NINE, None, ahead)]
    assert stays({"status": "finished", "period": {"end": TEN.isoformat()}, "location": [stay("b1", NINE, ahead)]}, ahead)[0].ends == TEN


MOMENTS = some.integers(0, 20).map(lambda n: NINE + timedelta(hours=n))


@given(
    some.lists(
        some.builds(Stay, some.integers(0, 9), some.sampled_from(("a", "b")), MOMENTS, some.none() | MOMENTS, some.none()), max_size=8
    )
)
def test_a_patient_is_in_one_place_at_a_time_and_in_the_last_that_is_open(told: list[Stay]) -> None:
    told = [Stay(n, one.bed, one.starts, one.ends, None) for n, one in enumerate(told)]
    made = one_at_a_time(told)
    for before, after in pairwise(made):
        assert before.ends is not None
        assert before.ends <= after.starts
    assert all(one.ends is None or one.ends > one.starts for one in made)
    if told and (last := max(told, key=lambda one: (one.starts, one.nth))).ends is None:
        assert made[-1].bed == last.bed
        assert made[-1].ends is None
