"""Searches meet the database: pages, totals, what goes along, and conditions that mean one resource."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database, Tx
from yilian.errors import BadRequest, NotSupported, VersionStale
from yilian.search.query import parse
from yilian.store import find
from yilian.store.page import Page
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo("Asia/Shanghai")


async def search(db: Database, type: str, *pairs: tuple[str, str], scope: Scope = SYSTEM) -> Page:
    async with db.reading() as tx:
        return await find.find(tx, scope, parse(type, pairs, zone=ZONE))


async def observations(db: Database) -> None:
    for n in range(7):
        await put(db, observation("here", f"o{n}", effectiveDateTime=f"2026-03-0{n + 1}", encounter={"display": "x"}))
    await put(db, observation("there", "theirs"))


async def test_pages_follow_each_other_to_the_end(db: Database, region: Region) -> None:
    await observations(db)
    found: list[str] = []
    pairs = [("patient", "here"), ("_sort", "-date"), ("_count", "3")]
    page = await search(db, "Observation", *pairs)
    while True:
        found += [match.id for match in page.matches]
        if page.next is None:
            break
        page = await search(db, "Observation", *pairs, ("_cursor", page.next))
    assert found == [f"o{n}" for n in range(6, -1, -1)]


async def test_the_total_is_given_when_asked_for_or_known_anyway(db: Database, region: Region) -> None:
    await observations(db)
    assert (await search(db, "Observation", ("patient", "here"))).total == 7
    assert (await search(db, "Observation", ("patient", "here"), ("_count", "3"))).total is None
    assert (await search(db, "Observation", ("patient", "here"), ("_count", "3"), ("_total", "accurate"))).total == 7
    counted = await search(db, "Observation", ("_summary", "count"), scope=region.qingshi)
    assert (counted.total, counted.matches, counted.next) == (7, [], None)


async def test_what_goes_along_is_within_the_scope(db: Database, region: Region) -> None:
    await observations(db)
    await region.ground(region.qingshi, region.liuhe_patient)
    page = await search(db, "Patient", ("_id", "here"), ("_revinclude", "Observation:patient"), ("_include", "Patient:organization"))
    assert {found.id for found in page.included} == {"qingshi", *(f"o{n}" for n in range(7))}
    assert page.total == 1
    page = await search(db, "Observation", ("_id", "theirs"), ("_include", "Observation:patient"), scope=region.liuhe)
    assert [found.id for found in page.included] == ["there"]


async def test_an_update_moves_a_resource_and_a_deletion_removes_it(db: Database, region: Region) -> None:
    await put(db, observation("here", "o"))
    await put(db, observation("here", "o", status="amended"))
    assert [m.version for m in (await search(db, "Observation", ("status", "amended"))).matches] == [2]
    assert (await search(db, "Observation", ("status", "final"))).matches == []
    await delete(db, "Observation", "o")
    for pairs in ([("status", "amended")], [("patient", "here")], [("_id", "o")], []):
        assert (await search(db, "Observation", *pairs)).matches == []
    await put(db, observation("here", "o"))
    assert [m.version for m in (await search(db, "Observation", ("status", "final"))).matches] == [4]


async def test_a_condition_means_one_resource_or_none(db: Database) -> None:
    for id in ("a", "b"):
        await put(db, patient(id, identifier=[{"system": "http://id", "value": id}, {"system": "http://id", "value": "both"}]))
    async with db.reading() as tx:
        found = await find.only(tx, SYSTEM, "Patient", [("identifier", "http://id|a")])
        assert found is not None
        assert found.id == "a"
        assert await find.only(tx, SYSTEM, "Patient", [("identifier", "http://id|c")]) is None
        with pytest.raises(VersionStale, match="more than one"):
            await find.only(tx, SYSTEM, "Patient", [("identifier", "both")])
        for params, error in (([], BadRequest), ([("_count", "5")], BadRequest), ([("nonsense", "1")], NotSupported)):
            with pytest.raises((error, BadRequest)):
                await find.only(tx, SYSTEM, "Patient", params)


async def test_many_conditions_are_looked_up_together_or_one_by_one_with_one_result(db: Database) -> None:
    for id in ("a", "b"):
        await put(db, patient(id, identifier=[{"system": "http://id", "value": id}, {"system": "http://id", "value": "both"}]))
    await put(db, patient("gone", identifier=[{"system": "http://id", "value": "gone"}]))
    await delete(db, "Patient", "gone")
    asked = {
        "a": "identifier=http://id|a",
        "b": "identifier=http%3A%2F%2Fid%7Cb",
        "both": "identifier=http://id|both",
        "gone": "identifier=http://id|gone",
        "other": "identifier=http://other|a",
        "bare": "identifier=a",
        "bare both": "identifier=both",
        "two": "identifier=http://id|a,http://id|c",
        "name": "name=王秀英&identifier=b",
        "nonsense": "nonsense=1",
    }
    async with db.reading() as tx:
        found = await find.only_each(tx, SYSTEM, {name: ("Patient", text) for name, text in asked.items()})
    assert {name: match.id for name, match in found.items() if not isinstance(match, str)} == {
        "a": "a",
        "b": "b",
        "bare": "a",
        "two": "a",
        "name": "b",
    }
    assert {name for name, match in found.items() if isinstance(match, str) and "more than one" in match} == {"both", "bare both"}
    assert found["gone"] == "There is no gone."
    assert found["other"] == "There is no other."
    assert "nonsense" in str(found["nonsense"])


async def test_who_writes_meanwhile_is_in_the_page_the_total_and_what_goes_along_or_in_none(
    db: Database, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    await observations(db)
    written = 0
    ask = Tx.fetch

    async def and_somebody_writes(tx: Tx, sql: str, *args: object) -> list[object]:
        nonlocal written
        found = await ask(tx, sql, *args)
        if tx.alone and "person_member" not in sql:  # who else the patient is, is looked up before
            written += 1
            await put(db, observation("here", f"late{written}"))
        return found

    monkeypatch.setattr(Tx, "fetch", and_somebody_writes)
    for size in ("1", "3"):
        before = 7 + written
        pairs = [("patient", "here"), ("_sort", "-date"), ("_count", size), ("_total", "accurate"), ("_include", "Observation:patient")]
        page = await search(db, "Observation", *pairs, ("_revinclude:iterate", "Observation:patient"))
        assert (page.total, len(page.matches)) == (before, int(size))
        assert sorted(f.id for f in page.included if f.type == "Observation") == sorted(
            {*(f"o{n}" for n in range(7)), *(f"late{n}" for n in range(1, before - 6))} - {match.id for match in page.matches}
        )
    assert written == 2  # one statement each


async def test_a_page_without_a_transaction_is_the_same_page(db: Database, region: Region) -> None:
    await observations(db)
    for pairs in (
        [("patient", "here")],
        [("patient", "here"), ("_count", "2"), ("_total", "accurate")],
        [("patient", "here"), ("_count", "0")],
        [("_id", "o1"), ("_include", "*"), ("_revinclude", "*")],
        [("patient", "nobody"), ("_total", "accurate"), ("_include", "Observation:patient")],
    ):
        for scope in (SYSTEM, region.qingshi, region.liuhe):
            query = parse("Observation", pairs, zone=ZONE)
            assert await find.page(db, scope, query) == await search(db, "Observation", *pairs, scope=scope)
    with pytest.raises(NotSupported, match="cannot be searched by"):
        await find.page(db, SYSTEM, parse("Observation", [("code:in", "http://nowhere.example/ValueSet/x")], zone=ZONE))


async def test_a_page_behind_the_last_match_tells_the_total_too(db: Database, region: Region) -> None:
    await observations(db)
    pairs = [("patient", "here"), ("_sort", "date"), ("_count", "6"), ("_total", "accurate")]
    first = await search(db, "Observation", *pairs)
    assert first.next is not None
    await delete(db, "Observation", "o6")
    query = parse("Observation", [*pairs, ("_cursor", first.next)], zone=ZONE)
    for page in (await search(db, "Observation", *pairs, ("_cursor", first.next)), await find.page(db, SYSTEM, query)):
        assert (page.matches, page.total, page.next) == ([], 6, None)
