"""Walking the pages gives each match once and in order: for any sort, any size of page, one type or several, and while others write."""

from __future__ import annotations

from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.store.region import Region, delete, observation, patient, put
from yilian.db import Database
from yilian.search.query import parse
from yilian.store import find, several
from yilian.store.page import Page
from yilian.store.read import Stored
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo("Asia/Shanghai")
Json = dict[str, Any]
KEYS: dict[str, list[str]] = {
    "Observation": ["date", "status", "_id", "_lastUpdated", "category", "value-quantity", "value-string", "patient", "subject"],
    "Patient": ["birthdate", "gender", "_id", "_lastUpdated", "family", "phone", "organization"],
}


async def fill(db: Database, random: Random) -> list[str]:
    """Observations and patients, with and without each of the values they are sorted by, and many of the same. Their names."""
    names = []
    for n in range(24):
        one = observation("here", f"s{n}", status=random.choice(["final", "amended"]))
        del one["effectiveDateTime"]
        if random.random() < 0.7:
            one["effectiveDateTime"] = random.choice(["2026", "2026-03", "2026-03-01", "2026-03-01T09:00:00+08:00", "2025-12-31"])
        if random.random() < 0.3:
            one["subject"] = random.choice(
                [{"reference": "http://other.example/fhir/Patient/1"}, {"display": "?"}, {"reference": "Patient/there"}]
            )
        if random.random() < 0.5:
            one["category"] = [{"coding": [{"system": "urn:c", "code": random.choice("ab")}]}]
        if random.random() < 0.5:
            one["valueQuantity"] = {"value": random.choice([1, 2, 10]), "unit": "mmHg"}
        elif random.random() < 0.5:
            one["valueString"] = random.choice(["阴性", "positive"])
        await put(db, one)
        names.append(f"Observation/s{n}")
    for n in range(16):
        person = patient(f"s{n}", name=[{"family": random.choice("张王李")}])
        del person["gender"]
        if n % 3:
            person["gender"] = random.choice(["male", "female"])
        if n % 4:
            person["birthDate"] = random.choice(["1950", "1950-06", "1990-01-02"])
        if n % 5:
            person["telecom"] = [{"system": "phone", "value": random.choice(["1", "2"])}]
        await put(db, person)
        names.append(f"Patient/s{n}")
    return names


async def page_of(db: Database, kinds: list[str], pairs: list[tuple[str, str]], scope: Scope = SYSTEM) -> Page:
    async with db.reading() as tx:
        if len(kinds) == 1:
            return await find.find(tx, scope, parse(kinds[0], pairs, zone=ZONE))
        return await several.find(tx, scope, [parse(kind, pairs, zone=ZONE, together=kinds) for kind in kinds])


async def walk(db: Database, kinds: list[str], pairs: list[tuple[str, str]], size: int, between: Any = None) -> list[Stored]:
    found: list[Stored] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = await page_of(db, kinds, [*pairs, ("_count", str(size)), *cursor])
        assert len(page.matches) <= size
        found += page.matches
        if page.next is None:
            return found
        assert len(page.matches) == size
        cursor = [("_cursor", page.next)]
        if between:
            await between()


def sorting(random: Random, kinds: list[str]) -> list[tuple[str, str]]:
    common = [key for key in KEYS[kinds[0]] if all(key in KEYS[kind] for kind in kinds)]
    keys = random.sample(common, random.randint(0, min(3, len(common))))
    return [("_sort", ",".join(random.choice(["", "-"]) + key for key in keys))] if keys else []


@pytest.mark.parametrize("seed", range(3))
async def test_pages_of_any_size_are_the_one_great_page(db: Database, region: Region, seed: int) -> None:
    random = Random(seed)
    await fill(db, random)
    for _ in range(25):
        kinds = random.choice([["Observation"], ["Patient"], ["Observation", "Patient"], ["Patient", "Observation"]])
        pairs = sorting(random, kinds)
        whole = (await page_of(db, kinds, [*pairs, ("_count", "1000")])).matches
        assert len({one.rid for one in whole}) == len(whole) >= 16
        walked = await walk(db, kinds, pairs, random.choice([1, 2, 5, 7, len(whole), 100]))
        assert [one.rid for one in walked] == [one.rid for one in whole], (kinds, pairs)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_left_alone_comes_once_while_others_write(db: Database, region: Region, seed: int) -> None:
    random = Random(seed)
    names = await fill(db, random)
    left_alone = set(random.sample(names, 25))
    touched = [name for name in names if name not in left_alone]
    made = 0

    async def disturb() -> None:
        nonlocal made
        for _ in range(3):
            what = random.choice(["change", "delete", "make"])
            kind, _, id = random.choice(touched).partition("/")
            if what == "make":
                made += 1
                kind, id = random.choice(["Observation", "Patient"]), f"new{made}"
                touched.append(f"{kind}/{id}")
            if what == "delete":
                await delete(db, kind, id)
            elif kind == "Observation":
                await put(db, observation("here", id, status=random.choice(["final", "amended"])))
            else:
                await put(db, patient(id, gender=random.choice(["male", "female"])))

    for _ in range(4):
        kinds = random.choice([["Observation"], ["Patient"], ["Observation", "Patient"]])
        pairs = sorting(random, kinds)
        before = [
            f"{one.type}/{one.id}"
            for one in (await page_of(db, kinds, [*pairs, ("_count", "1000")])).matches
            if f"{one.type}/{one.id}" in left_alone
        ]
        walked = [f"{one.type}/{one.id}" for one in await walk(db, kinds, pairs, random.choice([2, 3, 8]), disturb)]
        assert [name for name in walked if name in left_alone] == before, (kinds, pairs)


async def test_several_keys_count_in_turn_and_what_is_missing_is_lowest(db: Database, region: Region) -> None:
    for n, (gender, birth) in enumerate(
        [("female", "1950"), ("", "1990"), ("male", ""), ("female", ""), ("", ""), ("female", "1990"), ("male", "1950")]
    ):
        one = patient(f"k{n}")
        del one["gender"]
        await put(db, one | ({"gender": gender} if gender else {}) | ({"birthDate": birth} if birth else {}))
    order = {
        "gender,birthdate": ["k4", "k1", "k3", "k0", "k5", "k2", "k6"],
        "-gender,birthdate": ["k2", "k6", "k3", "k0", "k5", "k4", "k1"],
        "gender,-birthdate": ["k1", "k4", "k5", "k0", "k3", "k6", "k2"],
        "-birthdate,gender,-_id": ["k1", "k5", "k0", "k6", "k4", "k3", "k2"],
    }
    asked = ("_id", ",".join(f"k{n}" for n in range(7)))
    for keys, expected in order.items():
        for size in (1, 2, 10):
            assert [one.id for one in await walk(db, ["Patient"], [asked, ("_sort", keys)], size)] == expected, keys


async def test_a_cursor_of_one_search_is_of_no_use_to_another(db: Database, region: Region) -> None:
    await fill(db, Random(1))
    kinds = ["Observation", "Patient"]
    page = await page_of(db, kinds, [("_sort", "_id"), ("_count", "3")])
    for others, pairs in ((kinds, [("_sort", "-_id")]), (kinds[::-1], [("_sort", "_id")]), (kinds, []), (["Patient"], [("_sort", "_id")])):
        with pytest.raises(Exception, match="_cursor"):
            await page_of(db, others, [*pairs, ("_count", "3"), ("_cursor", page.next or "")])
