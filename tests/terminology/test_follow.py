"""What is derived follows what is written, in the same transaction."""

from __future__ import annotations

import asyncio

import pytest

from tests.terminology.words import BASE, SIGNS, by_filter, code_system, codes, concept, listed, remove, store, value_set
from yilian.db import Database
from yilian.errors import NotFound, NotSupported
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write
from yilian.terminology import codes_in, is_member, subsumes
from yilian.terminology.ranking import version_key

ALL_SIGNS = value_set("all", {"system": SIGNS})


async def members_of(db: Database, url: str) -> set[str]:
    async with db.reading() as tx:
        return {code for _, code in await codes_in(tx, url)}


async def state_of(db: Database, url: str) -> tuple[bool, str | None] | None:
    async with db.reading() as tx:
        row = await tx.fetchrow("select complete, reason from value_set_state where value_set = $1", url)
    return (row["complete"], row["reason"]) if row is not None else None


async def test_a_changed_code_system_changes_every_value_set_made_of_it(followed: Database) -> None:
    outer = value_set("outer", {"valueSet": [ALL_SIGNS["url"]]}, exclude=[listed("b")])
    await store(followed, code_system(concept("a"), concept("b")), ALL_SIGNS, outer)
    assert (await members_of(followed, ALL_SIGNS["url"]), await members_of(followed, outer["url"])) == ({"a", "b"}, {"a"})
    await store(followed, code_system(concept("a"), concept("b"), concept("c")))
    assert (await members_of(followed, ALL_SIGNS["url"]), await members_of(followed, outer["url"])) == ({"a", "b", "c"}, {"a", "c"})


async def test_a_value_set_waits_for_its_system_and_says_so(followed: Database) -> None:
    await store(followed, ALL_SIGNS)
    complete, reason = await state_of(followed, ALL_SIGNS["url"]) or (True, None)
    assert not complete
    assert SIGNS in (reason or "")
    async with followed.reading() as tx:
        assert await is_member(tx, ALL_SIGNS["url"], SIGNS, "a") is None
        with pytest.raises(NotSupported, match="cannot be listed"):
            await codes_in(tx, ALL_SIGNS["url"])
    system = code_system(concept("a"))
    await store(followed, system)
    assert await state_of(followed, ALL_SIGNS["url"]) == (True, None)
    await remove(followed, system)
    assert (await state_of(followed, ALL_SIGNS["url"]) or (True,))[0] is False


async def test_a_deleted_value_set_is_unknown(followed: Database) -> None:
    await store(followed, code_system(concept("a")), ALL_SIGNS)
    await remove(followed, ALL_SIGNS)
    assert await state_of(followed, ALL_SIGNS["url"]) is None
    async with followed.reading() as tx:
        assert await is_member(tx, ALL_SIGNS["url"], SIGNS, "a") is None
        with pytest.raises(NotFound):
            await codes_in(tx, ALL_SIGNS["url"])
        assert await tx.fetchval("select count(*) from value_set_use") == 0


async def test_nothing_is_derived_from_a_write_that_is_rolled_back(followed: Database) -> None:
    async def change_your_mind() -> None:
        async with followed.transaction() as tx:
            await write(tx, SYSTEM, [Change("PUT", "CodeSystem", "signs", code_system(concept("a")))])
            raise LookupError

    with pytest.raises(LookupError):
        await change_your_mind()
    async with followed.reading() as tx:
        assert await tx.fetchval("select count(*) from code_system_concept") == 0
        assert await subsumes(tx, SIGNS, "a", "a") is None


async def test_the_newest_active_version_answers_and_the_others_are_there_by_name(followed: Database) -> None:
    versions = [("1.9", "active"), ("1.10", "active"), ("2.0", "draft"), ("3.0", "retired")]
    systems = [code_system(concept(f"v{number}"), version=number, status=status) | {"id": f"s{number}"} for number, status in versions]
    await store(followed, *systems, ALL_SIGNS)
    assert await codes(followed, ALL_SIGNS) == ["v1.10"]
    for number, _ in versions:
        assert await codes(followed, value_set("v", {"system": SIGNS, "version": number})) == [f"v{number}"]
    await remove(followed, systems[1])
    assert await codes(followed, ALL_SIGNS) == ["v1.9"]
    assert await members_of(followed, ALL_SIGNS["url"]) == {"v1.9"}


def test_versions_are_compared_by_their_numbers() -> None:
    ordered = ["", "beta", "0.9", "1.9", "1.10", "2.0.0-rc", "2.0.0", "2020-05-01", "2020-11-01"]
    assert sorted(set(ordered), key=version_key) == ["beta", "", *ordered[2:]]


async def test_the_closure_has_every_code_with_all_above_it_and_follows_the_version_that_answers(followed: Database) -> None:
    older = code_system(concept("a", "", concept("b", "", concept("c"))), version="1")
    await store(followed, older)
    closure = "select array_agg(code || '<' || ancestor order by code, ancestor) from code_ancestor where system = $1"
    async with followed.reading() as tx:
        assert await tx.fetchval(closure, SIGNS) == ["a<a", "b<a", "b<b", "c<a", "c<b", "c<c"]
        assert [await subsumes(tx, SIGNS, *pair) for pair in ("ac", "ca", "aa", "bb")] == [
            "subsumes",
            "subsumed-by",
            "equivalent",
            "equivalent",
        ]
    await store(followed, code_system(concept("a"), concept("c"), version="2") | {"id": "newer"})
    async with followed.reading() as tx:
        assert await tx.fetchval(closure, SIGNS) == ["a<a", "c<c"]
        assert await subsumes(tx, SIGNS, "a", "c") == "not-subsumed"
        assert await subsumes(tx, SIGNS, "a", "c", version="1") == "subsumes"


async def test_a_circle_of_parents_ends(followed: Database) -> None:
    told = [concept(code, property=[{"code": "parent", "valueCode": above}]) for code, above in ("ab", "bc", "ca")]
    await store(followed, code_system(*told), value_set("below", by_filter("concept", "is-a", "a")))
    assert await members_of(followed, value_set("below")["url"]) == {"a", "b", "c"}


async def test_a_part_of_a_system_is_never_taken_for_the_whole(followed: Database) -> None:
    await store(followed, code_system(concept("a"), content="fragment"), ALL_SIGNS, value_set("two", listed("a", "q")))
    assert (await state_of(followed, ALL_SIGNS["url"]) or (True,))[0] is False
    assert await members_of(followed, value_set("two")["url"]) == {"a", "q"}  # what a value set lists itself is taken at its word
    async with followed.reading() as tx:
        assert await is_member(tx, ALL_SIGNS["url"], SIGNS, "a") is True
        assert await is_member(tx, ALL_SIGNS["url"], SIGNS, "q") is None


async def test_two_who_store_the_same_system_at_once_leave_one_that_answers(followed: Database) -> None:
    await asyncio.gather(*(store(followed, code_system(concept(name)) | {"id": name}) for name in "abcdef"))
    async with followed.reading() as tx:
        assert await tx.fetchval("select count(*) from code_system where url = $1 and answers", SIGNS) == 1
        assert await tx.fetchval("select count(*) from code_system where url = $1", SIGNS) == 6


async def test_units_languages_and_media_types_belong_without_being_listed(followed: Database) -> None:
    units = value_set("units", {"system": "http://unitsofmeasure.org"}, {"system": SIGNS})
    await store(followed, code_system(concept("a")), units)
    async with followed.reading() as tx:
        asked = [
            ("http://unitsofmeasure.org", "mg/dL"),
            ("http://unitsofmeasure.org", "mg/parsnip"),
            (SIGNS, "a"),
            (SIGNS, "b"),
            (BASE, "a"),
        ]
        assert [await is_member(tx, units["url"], *one) for one in asked] == [True, False, True, False, False]
        with pytest.raises(NotSupported, match="without end"):
            await codes_in(tx, units["url"])
