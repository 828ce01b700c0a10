"""A bed is kept for one patient at a time, and of many who want the last one gets it."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import pytest

from tests.beds.places import bed, encounter, occupants, rid_of, room, states, stay, ward
from tests.referral.region import Region, patient
from yilian import app, config
from yilian.beds import holds
from yilian.errors import BadRequest, Conflict, NotFound
from yilian.jobs import Job

ROUNDS = 1000 if os.environ.get("YILIAN_TEST_LONG") else 5
CLIENTS = 200


async def hold(region: Region, place: str, patient: str = "p1", who: str = "coordinator", hours: float = 2, **more: str) -> str:
    rid = await rid_of(region, f"Patient/{patient}")
    async with region.db.transaction() as tx:
        return await holds.hold(tx, region.scope(who), place, rid, tx.now + timedelta(hours=hours), **more)


async def held(region: Region, id: str) -> holds.Held:
    async with region.db.reading() as tx:
        return await holds.one(tx, id)


async def let_time_pass(region: Region) -> None:
    async with region.db.transaction() as tx:
        await tx.execute("update bed_hold set until = now() - interval '1 second' where ended is null")


async def test_any_bed_of_a_ward_a_bed_by_itself_and_any_of_an_institution_are_kept(region: Region) -> None:
    await region.write(ward(), bed("b1"), room("r"), bed("b2", "r"), bed("b3"))
    await hold(region, "Location/b2", "p1")
    assert await states(region) == {"b1": "free", "b2": "held", "b3": "free"}
    await hold(region, "cardio", "p2")
    await hold(region, "Organization/first", "p3")
    assert set((await states(region)).values()) == {"held"}
    with pytest.raises(Conflict, match="no free bed"):
        await hold(region, "cardio", "dead")
    for nothing in ("nowhere", "Location/first", "Organization/qingshi", "Patient/p1", "Location/b2/x"):
        with pytest.raises(NotFound):
            await hold(region, nothing, "dead")


async def test_a_hold_is_kept_for_good_released_and_ended_by_its_job(region: Region) -> None:
    await region.write(ward(), bed("b1"))
    first = await hold(region, "b1")
    async with region.db.transaction() as tx:
        until = await holds.keep(tx, first)
        assert timedelta(hours=71) < until - tx.now <= timedelta(hours=72)
    assert (await held(region, first)).state == "kept"
    async with region.db.transaction() as tx:
        assert await holds.release(tx, first)
        assert not await holds.release(tx, first), "it is over already"
    assert await states(region) == {"b1": "free"}
    second = await hold(region, "b1")
    job = Job(1, holds.EXPIRE, {"hold": second}, None, 1, {}, "worker")
    end = app.job_kinds(config.Settings())[holds.EXPIRE].handler
    await end(region.db, job)
    assert (await held(region, second)).state == "held", "it is not over yet"
    await let_time_pass(region)
    assert await states(region) == {"b1": "free"}, "nothing has to run for that"
    assert (await held(region, second)).state == "expired"
    await end(region.db, job)
    async with region.db.reading() as tx:
        assert await tx.fetchval("select ended from bed_hold where id = $1", second) is not None
    with pytest.raises(Conflict, match="is over"):
        async with region.db.transaction() as tx:
            await holds.keep(tx, second)


async def test_what_is_over_is_anybodys_and_one_person_keeps_one_bed_of_an_institution(region: Region) -> None:
    await region.write(ward(), bed("b1"), bed("b2"))
    await hold(region, "b1")
    with pytest.raises(Conflict, match="kept for the patient already"):
        await hold(region, "b2")
    assert (await states(region))["b2"] == "free"
    await let_time_pass(region)
    again = await hold(region, "b1", "p2")
    assert (await held(region, again)).location == "b1"
    await hold(region, "b2", "p1")


async def test_a_bed_suits_by_sex_age_kind_and_specialty(region: Region) -> None:
    await region.write(
        ward(), bed("men", sex="male"), bed("child", kind="child"), bed("isolated", kind="isolation"), bed("any"),
        ward("icu", kind="intensive", specialty="28"), bed("i1", "icu"),
    )  # fmt: skip
    assert (await held(region, await hold(region, "cardio", "p2"))).location == "men", "a man's bed first, so that the others are left"
    assert (await held(region, await hold(region, "cardio", "p3"))).location == "child"
    assert (await held(region, await hold(region, "cardio", "p1"))).location == "any"
    with pytest.raises(Conflict, match="no free bed"):
        await hold(region, "cardio", "dead")
    assert (await held(region, await hold(region, "cardio", "dead", kind="isolation"))).location == "isolated"
    await region.write(patient("p9", "钱多", "female", "1990-01-01", "qingshi"))
    with pytest.raises(Conflict):
        await hold(region, "first", "p9", specialty="28")
    assert (await held(region, await hold(region, "icu", "p9"))).location == "i1"
    with pytest.raises(BadRequest, match="kind is one of"):
        await hold(region, "icu", "p9", kind="sofa")
    with pytest.raises(BadRequest, match="to come"):
        await hold(region, "icu", "p9", hours=-1)


async def test_admission_makes_a_stay_of_a_hold(region: Region) -> None:
    await region.write(ward(), bed("b1"), bed("b2"))
    id = await hold(region, "b1")
    await region.write(encounter("e1", "p1", stay("b2")))
    assert (await held(region, id)).state == "admitted"
    assert await states(region) == {"b1": "free", "b2": "occupied"}
    assert await occupants(region) == {"b2": "e1"}
    with pytest.raises(Conflict):
        await hold(region, "b2", "p2")


async def test_a_bed_out_of_service_is_not_kept(region: Region) -> None:
    await region.write(ward(), bed("b1", status="suspended"))
    with pytest.raises(Conflict, match="no free bed"):
        await hold(region, "cardio")


async def test_the_last_bed_has_one_winner(region: Region) -> None:
    await region.write(ward(), bed("b1"), *(patient(f"x{n}", "某", "female", "1980-01-01", "qingshi") for n in range(CLIENTS)))
    rids = [await rid_of(region, f"Patient/x{n}") for n in range(CLIENTS)]

    async def ask(rid: int) -> str | None:
        try:
            async with region.db.transaction() as tx:
                return await holds.hold(tx, region.scope("coordinator"), "cardio", rid, tx.now + timedelta(hours=1))
        except Conflict:
            return None

    for _ in range(ROUNDS):
        won = [id for id in await asyncio.gather(*(ask(rid) for rid in rids)) if id is not None]
        assert len(won) == 1
        async with region.db.transaction() as tx:
            assert await tx.fetchval("select count(*) from bed_hold where ended is null") == 1
            await holds.release(tx, won[0])


async def test_as_many_get_a_bed_as_there_are_while_holds_expire_in_between(region: Region) -> None:
    await region.write(ward(), *(bed(f"b{n}") for n in range(6)))
    await region.write(*(patient(f"x{n}", "某", "female", "1980-01-01", "qingshi") for n in range(40)))
    rids = [await rid_of(region, f"Patient/x{n}") for n in range(40)]
    for rid in rids[:4]:
        async with region.db.transaction() as tx:
            await holds.hold(tx, region.scope("coordinator"), "cardio", rid, tx.now + timedelta(hours=1))
    await let_time_pass(region)

    async def ask(rid: int) -> bool:
        try:
            async with region.db.transaction() as tx:
                await holds.hold(tx, region.scope("coordinator"), "first", rid, tx.now + timedelta(hours=1))
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(ask(rid) for rid in rids[4:]))) == 6
    async with region.db.reading() as tx:
        assert await tx.fetchval("select count(distinct bed) from bed_hold where ended is null and until > now()") == 6
