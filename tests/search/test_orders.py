"""`_sort`: by every type that has an order, several keys, missing values lowest; and cursors that say a place and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.search.conftest import ZONE, World
from tests.search.oracle import FIRST, Oracle
from yilian.errors import BadRequest
from yilian.search.parameters import parameters_of
from yilian.search.query import parse
from yilian.search.statement import page
from yilian.store.scope import SYSTEM


async def test_dates_sort_by_their_beginning_and_undated_ones_are_lowest(small_world: World) -> None:
    oracle = Oracle(small_world.shelf, ZONE)
    parameter = parameters_of("Observation")["date"]
    starts = {}
    for kept in small_world.shelf.of("Observation"):
        spans = [oracle.span(*value) for value in oracle.values(kept, parameter)]
        starts[kept.resource["id"]] = spans[0][0] if spans and spans[0] else FIRST
    for pairs in ([("_sort", "date")], [("_sort", "date"), ("status", "final")], [("_sort", "date"), ("patient", "p3")]):
        found = [starts[id_] for id_ in await small_world.ids("Observation", *pairs)]
        assert found == sorted(found)
    assert FIRST in starts.values()
    for pairs in ([("_sort", "-date")], [("_sort", "-date"), ("category", "laboratory")], [("_sort", "-date"), ("code", "8480-6")]):
        found = [starts[id_] for id_ in await small_world.ids("Observation", *pairs)]
        assert found == sorted(found, reverse=True)


async def test_a_record_without_sort_comes_newest_first(small_world: World) -> None:
    for pairs in ([("patient", "p3")], [("patient", "p3"), ("code", "8480-6,2339-0")], [("code", "8480-6"), ("date", "ge2020")]):
        assert await small_world.ids("Observation", *pairs) == await small_world.ids("Observation", *pairs, ("_sort", "-date"))


async def test_chinese_names_sort_where_their_pinyin_stands(small_world: World) -> None:
    found = await small_world.ids("Patient", ("_sort", "name"), ("name", "吕,曾,单,张,欧阳"))
    families = []
    for id_ in found:
        name = small_world.shelf.kept[f"Patient/{id_}"].resource["name"][0]
        families.append((name.get("text") or name["family"])[0])
    assert "".join(dict.fromkeys(families)) == "吕欧单曾张"  # lv, ouyang, shan, zeng, zhang


async def test_several_keys_count_in_turn(small_world: World) -> None:
    found = await small_world.ids("Patient", ("_sort", "gender,-_id"))
    keys = [(small_world.shelf.kept[f"Patient/{id_}"].resource.get("gender", ""), id_) for id_ in found]
    assert keys == sorted(sorted(keys, key=lambda key: key[1], reverse=True), key=lambda key: key[0])


async def test_numbers_sort_as_numbers_and_change_by_time(small_world: World) -> None:
    found = await small_world.ids("Observation", ("_sort", "-value-quantity"), ("value-quantity", "ne-1||mmHg"))
    values = [small_world.shelf.kept[f"Observation/{id_}"].resource.get("valueQuantity", {}).get("value") for id_ in found]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert len(known) == len(values) > 5
    newest = [small_world.shelf.kept[f"Patient/{id_}"].updated for id_ in await small_world.ids("Patient", ("_sort", "-_lastUpdated"))]
    assert newest == sorted(newest, reverse=True)
    assert newest[0] - newest[-1] > timedelta(minutes=5)


async def test_a_page_is_not_disturbed_by_what_is_written_before_it(small_world: World) -> None:
    pairs = [("patient", "p3"), ("_sort", "-date"), ("_count", "2")]
    first = page(parse("Observation", pairs, zone=ZONE), SYSTEM)
    rows = await small_world.connection.fetch(first.sql, *first.args)
    everything = await small_world.ids("Observation", ("patient", "p3"), ("_sort", "-date"))
    await small_world.connection.execute("delete from index_clinical where rid = $1", rows[0]["rid"])
    second = page(parse("Observation", [*pairs, ("_cursor", first.cursor_after(rows[1]))], zone=ZONE), SYSTEM)
    assert [row["id"] for row in (await small_world.connection.fetch(second.sql, *second.args))[:2]] == everything[2:4]


@pytest.mark.parametrize(
    "cursor", ["x", "", "AAAA", "bnVsbA", "W10", "WyJhIixbXSwxXQ", "中", "WyJhIixbIid-LCI7ZHJvcCB0YWJsZSJdLDFd", "A" * 100_000]
)
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest, match="_cursor"):
        page(parse("Observation", [("patient", "p3"), ("_cursor", cursor)], zone=ZONE), SYSTEM)


async def test_a_cursor_of_another_search_is_refused(small_world: World) -> None:
    asked = page(parse("Observation", [("patient", "p3"), ("_count", "1")], zone=ZONE), SYSTEM)
    rows = await small_world.connection.fetch(asked.sql, *asked.args)
    cursor = ("_cursor", asked.cursor_after(rows[0]))
    for pairs in ([("patient", "p4")], [("patient", "p3"), ("_sort", "date")], [], [("subject", "Patient/p3"), ("status", "final")]):
        with pytest.raises(BadRequest, match="another search"):
            page(parse("Observation", [*pairs, cursor], zone=ZONE), SYSTEM)


async def test_references_sort_by_what_they_point_to(small_world: World) -> None:
    def pointed(id_: str) -> str:
        return str(small_world.shelf.kept[f"Observation/{id_}"].resource.get("subject", {}).get("reference", ""))

    for key, falling in (("subject", False), ("-subject", True)):
        found = [pointed(id_) for id_ in await small_world.ids("Observation", ("_sort", key))]
        assert found == sorted(found, reverse=falling, key=lambda text: (text.startswith("http"), text))
    assert len(set(found)) > 5
