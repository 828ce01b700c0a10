"""`_sort`: by every type that has an order, several keys, missing values lowest; and cursors that say a place and nothing else."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import asyncpg
import pytest

from tests.search.conftest import ZONE, World
from tests.search.loader import Resource, load
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


def named(random: Random, n: int) -> Resource:
    """Somebody with one to three names, some of them the same twice, in Latin letters or Chinese."""
    families = random.choices(["Zhang", "zhang", "张", "Zhao", "章", "Zh", "Wang", "王", "Zhangsun"], k=random.randint(1, 3))
    born = random.choice(["1950", "1950-06", "1950-06-07", "1980-01-02", "2001-11-30", None])
    names = [{"family": family, "given": random.sample(["Zhen", "Wei", "伟", "珍"], k=random.randint(0, 2))} for family in families]
    found: Resource = {"resourceType": "Patient", "id": f"n{n}", "name": names}
    return found if born is None else {**found, "birthDate": born}


async def test_who_has_several_names_that_fit_comes_once_and_pages_follow_the_index(connection: asyncpg.Connection) -> None:
    random = Random(7)
    people = World(connection, await load(connection, [named(random, n) for n in range(300)]))
    for pairs in (
        *(
            [(parameter, value)]
            for parameter in ("family", "name", "given")
            for value in ("z", "zh", "zhang", "张", "w", "wang,zhang", "q")
        ),
        [("family:exact", "Zhang")],
        [("name:contains", "han")],
        [("family", "z"), ("given", "w")],
        *([("birthdate", f"{prefix}1950-06")] for prefix in ("", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap")),
        [("birthdate", "ge1950,lt1980")],
        [("birthdate", "ge1950-06-07"), ("birthdate", "lt2001")],
        [("family", "zh"), ("birthdate", "gt1970")],
    ):
        whole = await people.ids("Patient", *pairs)
        assert len(whole) == len(set(whole)) == await people.total("Patient", *pairs), pairs
        assert sorted(whole) == sorted(await people.ids("Patient", *pairs, ("_sort", "_id"))), pairs
        assert await people.walk("Patient", pairs, 7) == whole, pairs


async def test_what_is_late_begins_with_the_latest_and_what_is_early_with_the_earliest(connection: asyncpg.Connection) -> None:
    def due(n: int) -> Resource:
        code = {"coding": [{"system": "http://loinc.org", "code": "11779-6"}]}
        return {
            "resourceType": "Observation",
            "id": f"d{n}",
            "status": "final",
            "code": code,
            "valueDateTime": f"20{n * 7 % 30 + 10}-01-01",
        }

    dated = World(connection, await load(connection, [due(n) for n in range(60)]))
    for value, backwards in (("ge2015", True), ("gt2020-06", True), ("lt2030", False), ("2012", False)):
        pairs = [("value-date", value)]
        whole = await dated.ids("Observation", *pairs)
        days = [dated.shelf.kept[f"Observation/{id_}"].resource["valueDateTime"] for id_ in whole]
        assert len(days) == await dated.total("Observation", *pairs) > 1
        assert days == sorted(days, reverse=backwards)
        assert await dated.walk("Observation", pairs, 4) == whole


async def test_amounts_of_several_components_are_one_match(connection: asyncpg.Connection) -> None:
    def pressure(n: int) -> Resource:
        values = [{"value": 80 + n, "unit": "mmHg"}, {"value": 120 + n, "unit": "mmHg"}, {"value": 120 + n, "unit": "mmHg"}]
        part = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
        return {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}, {"system": "urn:local", "code": "bp"}]},
            "component": [{"code": part, "valueQuantity": value} for value in values],
        }

    measured = World(connection, await load(connection, [pressure(n) for n in range(30)]))
    code = "http://loinc.org|85354-9"
    for pairs in (
        [("component-value-quantity", "gt70")],
        [("combo-value-quantity", "gt70")],
        [("code", code), ("component-value-quantity", "gt70")],
        [("code", f"{code},urn:local|bp"), ("component-value-quantity", "gt70")],
        [("component-code-value-quantity", "http://loinc.org|8480-6$gt70")],
        [("combo-code-value-quantity", "http://loinc.org|8480-6$gt70")],
    ):
        whole = await measured.ids("Observation", *pairs)
        assert sorted(whole) == sorted(f"o{n}" for n in range(30)), pairs
        assert await measured.total("Observation", *pairs) == 30, pairs
        assert await measured.walk("Observation", pairs, 4) == whole, pairs


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
