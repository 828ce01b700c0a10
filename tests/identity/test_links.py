"""Records become one person and are parted again: members, grounds, history, and what nothing links by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.identity.conftest import STEWARD, Region, encounter, person
from yilian.access import grounds
from yilian.command.check import _grounds
from yilian.errors import BadRequest, Conflict, Forbidden, Unavailable
from yilian.identity import links
from yilian.store import agreement
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

DOCUMENT = "11010519491231002X"


@pytest.fixture
async def three(region: Region) -> Region:
    """a at qingshi, b at liuhe, c at the hospital; b was seen there too."""
    await region.put(person("a"), person("b", at="liuhe"), person("c", at="first"), encounter("e", "b", "first"))
    return region


def own(*grounds: tuple[str, str, str]) -> set[tuple[str, str, str, str]]:
    return {(*ground, "") for ground in grounds}


async def test_linking_gathers_the_records_in_a_person_and_alters_none_of_them(three: Region) -> None:
    before = await three.rows("select id, ver, body from resource where id in ('a', 'b') order by id")
    reference = await three.link("a", "b")
    assert await three.members() == [["a", "b"]]
    assert await three.rows("select id, ver, body from resource where id in ('a', 'b') order by id") == before
    body = await three.value("select body::jsonb from resource where id = $1", reference.removeprefix("Person/"))
    assert body
    assert '"assurance": "level4"' in str(body)
    provenance = await three.value('select body from resource where body like \'%"resourceType":"Provenance"%\'')
    assert "身份证与本人核对一致" in provenance
    assert '"value":"steward"' in provenance
    assert '"code":"link"' in provenance


async def test_grounds_of_one_record_hold_for_all_and_end_with_the_link(three: Region) -> None:
    mine = own(("qingshi", "registered", "a"))
    its = own(("liuhe", "registered", "b"), ("first", "encounter", "e"))
    assert (await three.grounds("a"), await three.grounds("b")) == (mine, its)
    await three.link("a", "b")
    assert await three.grounds("a") == mine | {("liuhe", "registered", "b", "b"), ("first", "encounter", "e", "b")}
    assert await three.grounds("b") == its | {("qingshi", "registered", "a", "a")}
    await three.unlink("a")
    assert (await three.grounds("a"), await three.grounds("b")) == (mine, its)
    assert await three.members() == []


async def test_a_ground_that_comes_or_goes_while_linked_comes_and_goes_for_all(three: Region) -> None:
    await three.link("a", "b")
    await three.put(encounter("late", "a", "first"))
    assert ("first", "encounter", "late", "a") in await three.grounds("b")
    await three.put(encounter("late", "a", "first", "entered-in-error"))
    assert not any(ground[2] == "late" for ground in await three.grounds("b"))
    await three.put(person("a", at="first"))
    assert {ground for ground in await three.grounds("b") if ground[1] == "registered"} == {
        ("liuhe", "registered", "b", ""),
        ("first", "registered", "a", "a"),
    }


async def test_an_encounter_that_is_moved_within_the_person_stays_a_ground_of_its_own(three: Region) -> None:
    await three.link("a", "b")
    await three.put(encounter("e", "a", "first"))
    assert ("first", "encounter", "e", "") in await three.grounds("a")
    assert ("first", "encounter", "e", "a") in await three.grounds("b")
    await three.unlink("b")
    assert ("first", "encounter", "e", "") in await three.grounds("a")
    assert not any(ground[2] == "e" for ground in await three.grounds("b"))


async def test_the_end_of_a_referral_ground_is_the_end_for_all(three: Region) -> None:
    await three.link("a", "b")
    rid = await three.rid("a")
    async with three.db.transaction() as tx:
        await grounds.open_referral_ground(tx, three.first.institution_rid, rid, 999)
    assert await three.value("select count(*) from access_ground where source = 999 and until is null") == 2
    async with three.db.transaction() as tx:
        await grounds.close_ground(tx, 999, tx.now)
    assert await three.value("select count(*) from access_ground where source = 999 and until is null") == 0
    async with three.db.transaction() as tx:
        await grounds.open_referral_ground(tx, three.first.institution_rid, rid, 999)
    assert await three.value("select count(*) from access_ground where source = 999 and until is null") == 2


async def test_persons_are_joined_and_the_one_that_is_empty_gathers_nobody(three: Region) -> None:
    await three.put(person("d", at="liuhe"))
    elder, younger = await three.link("a", "b"), await three.link("c", "d")
    assert await three.link("b", "c") == elder
    assert await three.members() == [["a", "b", "c", "d"]]
    emptied = await three.value("select body from resource where id = $1", younger.removeprefix("Person/"))
    assert '"active":false' in emptied
    assert '"link"' not in emptied
    assert len(await three.grounds("a")) == 5
    await three.unlink("c")
    assert await three.members() == [["a", "b", "d"]]


async def test_linking_again_changes_nothing(three: Region) -> None:
    first = await three.link("a", "b")
    version = await three.value("select ver from resource where id = $1", first.removeprefix("Person/"))
    assert await three.link("b", "a") == first
    assert await three.value("select ver from resource where id = $1", first.removeprefix("Person/")) == version


async def test_what_was_decided_to_be_two_people_is_not_joined_over_a_third(three: Region) -> None:
    a, b, c = [await three.rid(name) for name in "abc"]
    async with three.db.transaction() as tx:
        await links.keep_apart(tx, STEWARD, a, c, reason="本人否认在该院就诊")
    await three.link("a", "b")
    with pytest.raises(Conflict, match="two people"):
        await three.link("b", "c")
    async with three.db.transaction() as tx:
        await links.undo(tx, STEWARD, a, c, reason="核对有误")
    await three.link("b", "c")
    assert await three.members() == [["a", "b", "c"]]
    assert b


async def test_undoing_a_decision_parts_what_it_joined_and_no_more(three: Region) -> None:
    await three.put(person("d", at="liuhe"))
    await three.link("a", "b")
    await three.link("c", "d")
    await three.link("b", "c")
    b, c = await three.rid("b"), await three.rid("c")
    async with three.db.transaction() as tx:
        await links.undo(tx, STEWARD, b, c, reason="不是同一人")
    assert await three.members() == [["a", "b"], ["c", "d"]]
    assert ("b", "c", "asked", "open") in await three.tasks()


async def test_a_link_that_other_decisions_hold_too_is_not_undone_alone(three: Region) -> None:
    for pair in ("ab", "bc", "ac"):
        await three.link(*pair)
    a, b = await three.rid("a"), await three.rid("b")
    with pytest.raises(Conflict, match="Other decisions"):
        async with three.db.transaction() as tx:
            await links.undo(tx, STEWARD, a, b, reason="不是同一人")
    assert await three.members() == [["a", "b", "c"]]


async def test_a_patient_belongs_to_one_person(three: Region) -> None:
    await three.link("a", "b")
    gathers = {"resourceType": "Person", "id": "other", "link": [{"target": {"reference": f"Patient/{id}"}} for id in ("b", "c")]}
    with pytest.raises(Conflict, match="Patient/b belongs to another Person"):
        await three.put(gathers)
    assert await three.members() == [["a", "b"]]


async def test_a_person_written_by_a_system_of_the_region_links_and_its_deletion_parts(three: Region) -> None:
    gathers = {"resourceType": "Person", "id": "x", "link": [{"target": {"reference": f"Patient/{id}"}} for id in ("a", "b", "c")]}
    await three.put(gathers)
    assert await three.members() == [["a", "b", "c"]]
    assert len(await three.grounds("a")) == 4
    await three.put({**gathers, "link": gathers["link"][:2]})
    assert await three.members() == [["a", "b"]]
    await three.delete("Person", "x")
    assert await three.members() == []
    assert await three.grounds("a") == own(("qingshi", "registered", "a"))


async def test_nobody_of_an_institution_writes_a_person(three: Region) -> None:
    gathers = {"resourceType": "Person", "link": [{"target": {"reference": "Patient/a"}}]}
    with pytest.raises(Forbidden):
        async with three.db.transaction() as tx:
            await write(tx, three.qingshi, [Change("POST", "Person", None, gathers)])


async def test_a_record_that_is_linked_is_parted_before_it_is_deleted(three: Region) -> None:
    await three.link("a", "c")
    with pytest.raises(Conflict):
        await three.delete("Patient", "a")
    await three.unlink("a")
    await three.delete("Patient", "a")


async def test_what_says_nothing_is_no_reason() -> None:
    for text in ("", "  ", "x", "长" * 501):
        with pytest.raises(BadRequest):
            links.reason_of(text)
    assert links.reason_of("  本人\n到场 ") == "本人 到场"


async def test_it_is_in_the_trail_of_everybody_concerned(three: Region) -> None:
    await three.link("a", "b")
    rows = await three.rows(
        "select r.id, e.account from audit_event e join resource r on r.rid = e.patient where e.operation = 'link' order by 1"
    )
    assert [tuple(row) for row in rows] == [("a", "steward"), ("b", "steward")]


async def test_what_is_out_of_step_is_found(three: Region) -> None:
    async def amiss() -> list[tuple[str, str]]:
        looking = agreement.disagreements(three.db, lambda seen: None, [_grounds])
        return [(one.about.partition("/")[0], one.said) async for one in looking]

    await three.link("a", "b")
    assert await amiss() == []
    async with three.db.transaction() as tx:
        await tx.execute("delete from access_ground where derived_from is not null and kind = 'encounter'")
    ((kind, said),) = await amiss()
    assert kind == "Person"
    assert "does not hold for another" in said


# --- races


async def test_links_that_race_end_in_one_person(three: Region) -> None:
    for n in range(6):
        await three.put(person(f"p{n}"))
    pairs = [(f"p{n}", f"p{(n + 1) % 6}") for n in range(6)]
    await asyncio.gather(*(three.link(*pair) for pair in pairs))
    assert await three.members() == [[f"p{n}" for n in range(6)]]
    assert len(await three.grounds("p0")) == 6


async def test_grounds_given_while_records_are_linked_are_derived_whoever_comes_first(three: Region) -> None:
    async def insist(act: Callable[[], Awaitable[object]]) -> None:
        """As a caller does who is told to try again (503): of transactions that wait for each other the database ends one."""
        for _ in range(20):
            try:
                await act()
                return
            except Unavailable:
                await asyncio.sleep(0.01)
        await act()

    async def treat(n: int) -> None:
        await insist(lambda: three.put(encounter(f"t{n}", "ab"[n % 2], "first")))

    async def look_again() -> None:
        first, second = await three.rid("a"), await three.rid("b")
        async with three.db.transaction() as tx:
            await links.undo(tx, STEWARD, first, second, reason="重新核对")

    async def join_and_part() -> None:
        for _ in range(3):
            await insist(lambda: three.link("a", "b"))
            await insist(lambda: three.unlink("b"))
            await insist(look_again)
        await insist(lambda: three.link("a", "b"))

    await asyncio.gather(join_and_part(), *(treat(n) for n in range(24)))
    for one, other in ("ab", "ba"):
        mine = {ground[:3] for ground in await three.grounds(one) if not ground[3]}
        assert {ground[:3] for ground in await three.grounds(other) if ground[3]} == mine


async def test_a_system_that_writes_persons_and_a_steward_do_not_leave_one_patient_twice(three: Region) -> None:
    async def system(n: int) -> Any:
        gathers = {"resourceType": "Person", "id": f"x{n}", "link": [{"target": {"reference": f"Patient/{id}"}} for id in ("a", "c")]}
        try:
            async with three.db.transaction() as tx:
                await write(tx, SYSTEM, [Change("PUT", "Person", f"x{n}", gathers)])
        except Conflict:
            return "refused"

    await asyncio.gather(three.link("a", "b"), *(system(n) for n in range(4)))
    assert await three.value("select count(*) from person_member") in (2, 3)
    assert any("a" in group for group in await three.members())
