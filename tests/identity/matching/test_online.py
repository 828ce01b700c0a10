"""One person against the whole index: found whatever was mistyped, in step with every write, and never more than may be told."""

from __future__ import annotations

import asyncio

import pytest

from tests.identity.matching.conftest import Json, delete, person, put
from yilian.db import Database
from yilian.fhir.identifiers import resident_id_from_15
from yilian.identity import matching
from yilian.identity.matching import features, index, online
from yilian.store.scope import SYSTEM, Scope

DOCUMENT = resident_id_from_15("516621560312003")
HOME = "四川省云溪市云溪县青石镇石坎村3组12号"
ONE = person("one", document=DOCUMENT, phone="16900123456", address=HOME)


def without_none(patient: Json) -> Json:
    return {key: value for key, value in patient.items() if value is not None}


async def find(db: Database, patient: Json, scope: Scope = SYSTEM) -> matching.Found:
    async with db.reading() as tx:
        return await matching.find(tx, scope, without_none(patient))


async def grades(db: Database, patient: Json) -> list[str]:
    return [one.grade for one in (await find(db, patient)).candidates]


@pytest.mark.parametrize(
    "again",
    [
        ONE,
        {**ONE, "name": [{"text": "单雄新"}]},
        {**ONE, "name": [{"text": "Xiongxin Shan"}]},
        {**ONE, "telecom": None},
        {**ONE, "address": [{"text": "四川省云溪市云城区东门街道文庙1号"}]},
        {**ONE, "identifier": None},
    ],
)
async def test_a_person_is_found_again(region: Database, again: Json) -> None:
    await put(region, ONE, person("other", "李秀英", "1980-01-01", "female", phone="16900999999"))
    assert await grades(region, again) == ["certain"]


async def test_a_name_alone_is_nobody(region: Database) -> None:
    await put(region, ONE)
    assert await grades(region, person("x", born=None, sex=None)) == []


async def test_name_sex_and_birth_date_are_never_certain(region: Database) -> None:
    await put(region, ONE)
    assert "certain" not in await grades(region, person("x"))


async def test_twins_are_never_certain(region: Database) -> None:
    twin = person("twin", "赵子轩", "2020-05-01", "male", phone="16900777777", address=HOME)
    await put(region, twin)
    assert "certain" not in await grades(region, {**twin, "name": [{"text": "赵子涵"}]})


async def test_two_sound_identity_numbers_are_two_people_whatever_else_agrees(region: Database) -> None:
    await put(region, ONE)
    assert "certain" not in await grades(
        region, {**ONE, "identifier": [{**ONE["identifier"][0], "value": resident_id_from_15("516621560312006")}]}
    )


async def test_what_is_written_is_found_at_once_and_what_is_changed_no_longer_by_what_it_was(region: Database) -> None:
    await put(region, ONE)
    moved = person("one", "李四", "1999-09-09", "female", phone="16900222222")
    await put(region, moved)
    assert await grades(region, ONE) == []
    assert len(await grades(region, moved)) == 1
    await delete(region, "one")
    assert await grades(region, moved) == []
    async with region.reading() as tx:
        assert await tx.fetchval("select count(*) from match_key") == 0
        assert await tx.fetchval("select count(*) from match_feature") == 0
    await put(region, ONE)
    assert await grades(region, ONE) == ["certain"]


async def test_keys_are_those_of_the_last_version_whatever_the_order_of_writes(region: Database) -> None:
    versions = [
        person("one", name, born, phone=phone)
        for name in ("张伟", "李四")
        for born in ("1956-03-12", None)
        for phone in ("16900123456", None)
    ]
    await put(region, versions[0])
    await asyncio.gather(*(put(region, one) for one in versions[1:]))
    async with region.reading() as tx:
        secret = await index.secret_of(tx)
        body = await tx.fetchval("select body from resource where id = 'one'")
        kept = sorted(row["key"] for row in await tx.fetch("select key from match_key"))
        listed = await tx.fetchval("select keys from match_feature")
    from yilian.fhir.json import parse
    from yilian.identity.matching import keys

    assert kept == sorted(listed) == keys.stored(features.of(parse(body.encode())), secret)


async def test_a_write_that_is_rolled_back_leaves_no_keys(region: Database) -> None:
    from yilian.store.change import Change
    from yilian.store.write import write

    async def broken_off() -> None:
        async with region.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", "Patient", "one", ONE)])
            await tx.settle()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken_off()
    assert await grades(region, ONE) == []


async def test_a_number_half_the_town_gives_brings_nobody_together(region: Database) -> None:
    await put(
        region,
        *(
            person(f"p{n}", f"{a}{b}", None, None, phone="16900123456")
            for n, (a, b) in enumerate((a, b) for a in "赵钱孙李周吴郑王冯陈褚卫" for b in "一二三四五六七八九")
        ),
    )
    found = await find(region, {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "16900123456"}]})
    assert found.candidates == ()
    assert found.too_common
    assert not (await find(region, person("x", "无此人", "1901-01-01"))).too_common


async def test_who_is_confined_to_another_institution_is_not_found(region: Database) -> None:
    await put(region, ONE)
    async with region.transaction() as tx:
        await tx.execute("update resource set confined = 7 where id = 'one'")
    here = Scope("grounds", "gp", "Practitioner/gp", "gp", institution="Organization/x", institution_rid=8)
    assert (await find(region, ONE, here)).candidates == ()
    assert len((await find(region, ONE)).candidates) == 1


async def test_patients_that_were_there_before_are_caught_up_with(region: Database) -> None:
    await put(region, *(person(f"p{n}", born=f"19{n:02}-01-01") for n in range(30, 50)))
    async with region.transaction() as tx:
        assert await matching.is_behind(tx)
        await tx.execute("delete from match_key")
        await tx.execute("delete from match_feature where patient % 2 = 0")
        await tx.execute("update match_feature set made = 0, keys = '{}'")
    assert await index.catch_up(region) == 20
    assert await index.catch_up(region) == 0
    async with region.reading() as tx:
        assert not await matching.is_behind(tx)
        assert await tx.fetchval("select count(*) from match_feature where made = $1", features.FORM) == 20
        assert await tx.fetchval("select count(*) from match_key") == 60


async def test_the_waterfall_adds_up(region: Database) -> None:
    one, two = await put(region, ONE, without_none({**ONE, "id": "two", "name": [{"text": "单雄新"}], "telecom": None}))
    async with region.reading() as tx:
        told = await matching.explain(tx, one.rid, two.rid)
        assert told is not None
        assert abs(sum(step.bits for step in told.steps) - told.scored.weight) < 1e-9
        assert [step.comparison for step in told.steps] == ["prior", "name", "born", "sex", "phone", "address", "document", "number"]
        assert {step.comparison: step.level for step in told.steps}["name"] == "homophone"
        assert {step.comparison: step.level for step in told.steps}["phone"] == ""
        assert await matching.explain(tx, one.rid, 999_999) is None
        found = await online.find_like(tx, SYSTEM, features.of(ONE), without=two.rid)
    assert [candidate.patient for candidate in found.candidates] == [one.rid]
