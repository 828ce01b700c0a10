"""Who came with an identifier first: refused within an institution, contested between two names, raced for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.identity.conftest import Region, person
from yilian.errors import Conflict, YilianError
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.write import write

DOCUMENT = "11010519491231002X"
NUMBER = {"system": urls.INPATIENT_NO, "value": "ZY0001"}


async def holders(region: Region) -> list[tuple[str, str]]:
    rows = await region.rows("select c.kind, r.id from identifier_claim c join resource r on r.rid = c.patient order by 1, 2")
    return [tuple(row) for row in rows]


async def contests(region: Region) -> list[tuple[str, str, list[str]]]:
    rows = await region.rows("select c.kind, r.id, c.differs from identifier_contest c join resource r on r.rid = c.patient order by 1, 2")
    return [tuple(row) for row in rows]


async def test_a_second_record_with_one_inpatient_number_is_refused_within_the_institution_alone(region: Region) -> None:
    await region.put(person("a", identifier=[NUMBER]))
    with pytest.raises(Conflict) as refused:
        await region.put(person("b", name="程咬金", identifier=[{"system": urls.RECORD_NO, "value": "9"}, NUMBER]))
    assert refused.value.issues[0].expression == "Patient.identifier[1]"
    assert "住院号" in refused.value.issues[0].zh
    await region.put(person("c", at="liuhe", identifier=[NUMBER]))
    await region.put(person("d", at="liuhe", identifier=[{**NUMBER, "value": "ZY0002"}]))
    assert await holders(region) == [("inpatient", "a"), ("inpatient", "c"), ("inpatient", "d")]
    assert await region.value("select count(*) from resource where id = 'b'") == 0


async def test_nobody_finds_out_by_claiming_which_numbers_another_institution_has_given(region: Region) -> None:
    await region.put(person("a", at="liuhe", identifier=[NUMBER]))
    probing = person("b", identifier=[{**NUMBER, "assigner": {"reference": "Organization/liuhe"}}])
    async with region.db.transaction() as tx:
        await write(tx, region.qingshi, [Change("POST", "Patient", None, {**probing, "id": "x"})])
    assert await holders(region) == [("inpatient", "a")]


async def test_a_number_of_the_old_form_is_the_same_number(region: Region) -> None:
    """110105491231002 became 11010519491231002X in 1999 (GB 11643-1999)."""
    await region.put(person("a", document="110105491231002"))
    await region.put(person("b", at="liuhe", document=DOCUMENT))
    assert await holders(region) == [("resident", "a")]
    assert await contests(region) == [("resident", "b", [])]


async def test_the_same_person_in_two_institutions_is_stored_and_not_contested(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT))
    await region.put(person("b", at="liuhe", document=DOCUMENT))
    assert await holders(region) == [("resident", "a")]
    assert await contests(region) == [("resident", "b", [])]
    assert await region.tasks() == []


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"name": "程咬金"}, ["name"]),
        ({"born": "1957-03-12"}, ["birthDate"]),
        ({"name": "程咬金", "born": "1990-01-01"}, ["birthDate", "name"]),
    ],
)
async def test_another_name_or_birth_date_is_contested_and_on_the_worklist(region: Region, other: Any, differs: list[str]) -> None:
    await region.put(person("a", document=DOCUMENT))
    await region.put(person("b", at="liuhe", document=DOCUMENT, **other))
    ((kind, who, found),) = await contests(region)
    assert (kind, who, sorted(found)) == ("resident", "b", differs)
    assert await region.tasks() == [("a", "b", "contested", "open")]
    assert await region.members() == []


async def test_a_name_in_latin_letters_with_the_same_sound_is_not_another(region: Region) -> None:
    await region.put(person("a", name="张伟", document=DOCUMENT))
    await region.put(person("b", at="liuhe", name="Zhang Wei", document=DOCUMENT))
    assert await region.tasks() == []


async def test_a_corrected_name_settles_the_question(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT), person("b", at="liuhe", name="程咬金", document=DOCUMENT))
    assert await region.tasks() == [("a", "b", "contested", "open")]
    await region.put(person("b", at="liuhe", document=DOCUMENT))
    assert await region.tasks() == []
    await region.put(person("a", name="尤俊达", document=DOCUMENT))
    assert await region.tasks() == [("a", "b", "contested", "open")]


async def test_a_claim_that_is_given_up_goes_to_the_next(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT))
    await region.put(person("b", at="liuhe", name="程咬金", document=DOCUMENT))
    await region.put(person("c", at="first", document=DOCUMENT))
    await region.put(person("a"))
    assert await holders(region) == [("resident", "b")]
    assert await contests(region) == [("resident", "c", ["name"])]
    assert await region.tasks() == [("b", "c", "contested", "open")]
    await region.delete("Patient", "b")
    assert await holders(region) == [("resident", "c")]
    assert await region.tasks() == []
    await region.delete("Patient", "c")
    assert await holders(region) == []


async def test_many_at_once_in_one_write(region: Region) -> None:
    some = [person(f"p{n}", at=("qingshi", "liuhe")[n % 2], document=DOCUMENT, name=("单雄信", "程咬金")[n // 2 % 2]) for n in range(30)]
    await region.put(*some)
    assert await holders(region) == [("resident", "p0")]
    assert len(await contests(region)) == 29
    assert {(first, why, state) for first, _, why, state in await region.tasks()} == {("p0", "contested", "open")}


async def test_of_many_who_race_for_a_number_one_has_it(region: Region) -> None:
    async def register(n: int) -> str:
        try:
            await region.put(person(f"p{n}", name=f"单雄{'一二三四五六七八'[n]}", identifier=[NUMBER]))
        except Conflict:
            return "refused"
        return "stored"

    done = await asyncio.gather(*(register(n) for n in range(8)))
    assert sorted(done) == ["refused"] * 7 + ["stored"]
    assert await region.value("select count(*) from resource where type = (select type from resource where id like 'p_' limit 1)") == 1


async def test_of_many_who_race_with_one_document_all_are_stored_and_one_has_the_claim(region: Region) -> None:
    await asyncio.gather(*(region.put(person(f"p{n}", name=("单雄信", "程咬金")[n % 2], document=DOCUMENT)) for n in range(8)))
    assert len(await holders(region)) == 1
    found = await contests(region)
    assert len(found) == 7
    assert sum(bool(differs) for _, _, differs in found) == 4
    assert len(await region.tasks()) == 4


async def test_two_who_bring_the_same_numbers_in_another_order_do_not_deadlock(region: Region) -> None:
    numbers = [{"system": urls.INPATIENT_NO, "value": f"ZY{n:04}"} for n in range(40)]

    async def bring(name: str, some: list[Any]) -> None:
        try:
            await region.put(*(person(f"{name}{n}", name=name, identifier=[number]) for n, number in enumerate(some)))
        except Conflict:
            return

    await asyncio.gather(bring("a", numbers), bring("b", numbers[::-1]))
    assert await region.value("select count(*) from identifier_claim") == 40


async def test_nothing_of_a_number_can_be_read_from_the_tables(region: Region) -> None:
    await region.put(person("a", document=DOCUMENT), person("b", at="liuhe", name="程咬金", document=DOCUMENT))
    for table in ("identifier_claim", "identifier_contest", "match_task"):
        assert DOCUMENT not in str(await region.rows(f"select t::text from {table} t"))


async def test_a_refused_write_leaves_no_claim(region: Region) -> None:
    with pytest.raises(YilianError):
        await region.put(person("a", document=DOCUMENT), {"resourceType": "Patient", "id": "b", "gender": "?"})
    assert await holders(region) == []
