"""`_contained`: what is contained is found as if it stood by itself, page by page, each once, within the scope."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.search.loader import EPOCH, Kept, Shelf
from tests.search.oracle import Oracle
from tests.store.region import Json, Region, delete, patient, put
from yilian.db import Database
from yilian.errors import BadRequest, NotSupported, TooLarge, Unavailable
from yilian.fhir.json import parse as read
from yilian.search import contained as inner
from yilian.search import parameters
from yilian.search.extract import extract
from yilian.search.query import Query, parse
from yilian.search.rows import CONTAINED
from yilian.store import contained
from yilian.store.bundle import transaction
from yilian.store.page import Page
from yilian.store.scope import SYSTEM, Scope

ZONE = ZoneInfo("Asia/Kathmandu")
KINDS = ["container", "contained"]
Pairs = list[tuple[str, str]]


def asked(type: str, pairs: Pairs) -> Query:
    return inner.answerable(parse(type, pairs, zone=ZONE, contained_too=True))


async def search(db: Database, type: str, pairs: Pairs, scope: Scope = SYSTEM) -> Page:
    async with db.reading() as tx:
        return await contained.find(tx, scope, asked(type, pairs))


def names(page: Page) -> list[str]:
    return [f"{one.type}/{one.id}" + (f"#{one.name}" if isinstance(one, contained.Inside) else "") for one in page.matches]


async def walk(db: Database, type: str, pairs: Pairs, scope: Scope = SYSTEM) -> tuple[list[str], list[int]]:
    """All matches over all pages, and how many each page had."""
    found: list[str] = []
    sizes: list[int] = []
    cursor: Pairs = []
    while True:
        page = await search(db, type, [*pairs, *cursor], scope)
        found += names(page)
        sizes.append(len(page.matches))
        if page.next is None:
            return found, sizes
        cursor = [("_cursor", page.next)]
        assert len(sizes) < 500


# --- the answer, worked out from the words of the standard


def expected(stored: list[Json], type: str, conditions: Pairs, *, both: bool, kind: str) -> list[str]:
    """`stored` in the order it was stored."""

    def holds(resource: Json) -> bool:
        kept = Kept(0, resource, EPOCH, None, False, None)
        return resource["resourceType"] == type and all(Oracle(Shelf(), ZONE).holds(kept, name, value) for name, value in conditions)

    ordinary = [f"{one['resourceType']}/{one['id']}" for one in stored if both and holds(one)]
    found = []
    for one in stored:
        for held in one.get("contained", []):
            if holds(held):
                name = f"{one['resourceType']}/{one['id']}"
                found.append(name if kind == "container" else f"{name}#{held['id']}")
    return list(dict.fromkeys([*ordinary, *found]))


def organization(random: Random, id: str) -> Json:
    found: Json = {"resourceType": "Organization", "id": id, "name": random.choice(["青石镇卫生院", "柳河医院", "Clinic"])}
    if random.random() < 0.7:
        found["active"] = random.random() < 0.5
    if random.random() < 0.5:
        found["identifier"] = [{"system": "urn:a", "value": str(random.randrange(3))}]
    return found


def made_up(random: Random) -> list[Json]:
    """Organizations, some of which contain others, patients that contain one or several, and some that contain nothing or other things."""
    found: list[Json] = []
    for n in range(25):
        held = [organization(random, f"h{k}") for k in range(random.choice([0, 0, 1, 1, 3]))]
        if random.random() < 0.3:
            held.insert(0, {"resourceType": "Practitioner", "id": "doctor", "active": True})
        one = patient(f"x{n}") if random.random() < 0.5 else organization(random, f"x{n}")
        found.append(one | ({"contained": held} if held else {}))
    return found


QUESTIONS: list[Pairs] = [
    [],
    [("active", "true")],
    [("active:not", "true")],
    [("active:missing", "true")],
    [("name", "clinic")],
    [("name:contains", "医院")],
    [("identifier", "urn:a|1,urn:a|2")],
    [("_id", "h1,x3")],
    [("name", "clinic"), ("active", "false")],
]


@pytest.mark.parametrize("seed", range(3))
async def test_the_pages_together_are_what_the_standard_says_each_once(db: Database, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    stored = made_up(random)
    for one in stored:
        await put(db, one)
    some = 0
    for conditions, both, kind in product(QUESTIONS, [False, True], KINDS):
        size = random.choice([1, 2, 3, 7, 1000])
        monkeypatch.setattr(contained, "BATCH", random.choice([1, 4, 100]))
        monkeypatch.setattr(contained, "MOST", random.choice([3, 5_000]))
        pairs = [*conditions, ("_contained", "both" if both else "true"), ("_containedType", kind), ("_count", str(size))]
        wanted = expected(stored, "Organization", conditions, both=both, kind=kind)
        found, sizes = await walk(db, "Organization", pairs)
        ordinary = expected([one | {"contained": []} for one in stored], "Organization", conditions, both=both, kind=kind)
        assert len(set(found)) == len(found)
        assert (sorted(found), max(sizes) <= size) == (sorted(wanted), True), pairs
        assert set(found[: len(ordinary)]) == set(ordinary), "ordinary matches come first"
        assert found[len(ordinary) :] == wanted[len(ordinary) :], "the others in the order their containers were stored"
        totalled = await search(db, "Organization", [*pairs, ("_total", "accurate")])
        counted = await search(db, "Organization", [*(p for p in pairs if p[0] != "_count"), ("_summary", "count")])
        assert (totalled.total, counted.total) == (len(wanted), len(wanted))
        some += bool(wanted)
    assert some > 20


async def test_a_page_that_looked_into_enough_ends_and_the_next_goes_on(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "BATCH", 2)
    monkeypatch.setattr(contained, "MOST", 4)
    for n in range(10):
        held = {"resourceType": "Organization", "id": "h", "name": "last" if n == 9 else "other"}
        await put(db, patient(f"x{n}", contained=[held]))
    pairs = [("name", "last"), ("_contained", "true")]
    assert await walk(db, "Organization", pairs) == (["Patient/x9"], [0, 0, 1])
    assert (await search(db, "Organization", pairs)).total is None, "not known yet"
    monkeypatch.setattr(contained, "MOST_COUNTED", 4)
    with pytest.raises(TooLarge, match="not counted"):
        await search(db, "Organization", [*pairs, ("_total", "accurate")])


async def test_what_synthea_contains_is_found(db: Database, shared_data: Path) -> None:
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz") as file:
        lines = [next(file) for _ in range(3)]
    sent = min(lines, key=len)
    async with db.transaction() as tx:
        await transaction(tx, SYSTEM, read(sent))
        stored = [read(row["body"].encode()) for row in await tx.fetch("select body from resource order by rid")]
    containers = [one for one in stored if "contained" in one]
    assert len(containers) > 5
    someone = next(f"Patient/{one['id']}" for one in stored if one["resourceType"] == "Patient")
    questions: list[tuple[str, Pairs]] = [
        ("Coverage", []),
        ("Coverage", [("status", "active")]),
        ("ServiceRequest", [("subject", someone)]),
        ("ServiceRequest", [("status", "active"), ("intent", "order")]),
        ("ServiceRequest", [("requester:missing", "true")]),
        ("ServiceRequest", [("subject", "Patient/nobody")]),
    ]
    sizes = []
    for (type, conditions), kind in product(questions, KINDS):
        wanted = expected(stored, type, conditions, both=False, kind=kind)
        pairs = [*conditions, ("_contained", "true"), ("_containedType", kind), ("_count", "4")]
        assert (await walk(db, type, pairs))[0] == wanted
        sizes.append(len(wanted))
    assert sizes[0] == len(containers)
    assert sizes[4] > 5


async def test_what_lies_outside_the_scope_is_not_there(db: Database, region: Region) -> None:
    held = {"resourceType": "Organization", "id": "h", "name": "Clinic"}
    for of in ("here", "there"):
        encounter = {"resourceType": "Encounter", "id": f"e-{of}", "status": "finished", "class": {"code": "AMB"}}
        await put(db, encounter | {"subject": {"reference": f"Patient/{of}"}, "contained": [held]})
    for kind, end in (("container", ""), ("contained", "#h")):
        pairs = [("name", "clinic"), ("_contained", "both"), ("_containedType", kind)]
        page = await search(db, "Organization", [*pairs, ("_total", "accurate")], region.qingshi)
        assert (names(page), page.total, page.next) == ([f"Encounter/e-here{end}"], 1, None)
        assert names(await search(db, "Organization", pairs, region.liuhe)) == [f"Encounter/e-there{end}"]
        blind = replace(region.qingshi, reads=frozenset({"Organization"}))
        page = await search(db, "Organization", pairs, blind)
        assert (page.matches, page.total) == ([], 0), "who may not read encounters does not read what they contain"
    assert (await search(db, "Organization", [("_contained", "true"), ("_summary", "count")], region.qingshi)).total == 1


async def test_what_is_written_over_or_deleted_is_not_found_any_more(db: Database) -> None:
    held = {"resourceType": "Organization", "id": "h", "name": "Clinic"}
    pairs = [("_contained", "true")]
    await put(db, patient("x", contained=[held]))
    await put(db, patient("y", contained=[held]))
    assert names(await search(db, "Organization", pairs)) == ["Patient/x", "Patient/y"]
    await put(db, patient("x", contained=[{"resourceType": "Practitioner", "id": "h"}]))
    await delete(db, "Patient", "y")
    assert names(await search(db, "Organization", pairs)) == []
    assert names(await search(db, "Practitioner", pairs)) == ["Patient/x"]


@pytest.mark.parametrize(
    ("type", "more", "why"),
    [
        ("Observation", [("subject:Patient.name", "x")], "With _contained: subject.name: a single resource"),
        ("Patient", [("_has:Observation:patient:code", "x")], "With _contained: _has:Observation:patient: a single"),
        ("Observation", [("code:in", "http://a.example/vs")], "what a terminology says"),
        ("Encounter", [("location:below", "Location/x")], "what is part of what"),
        ("Patient", [("_list", "1")], "a single resource cannot tell"),
        ("Patient", [("_lastUpdated", "gt2020")], "no time of its own"),
        ("Patient", [("_sort", "name")], "_sort does not go with _contained=true"),
        ("Patient", [("_include", "Patient:organization")], "_include and _revinclude do not go with"),
        ("Patient", [("_revinclude", "Observation:patient")], "_include and _revinclude do not go with"),
    ],
)
def test_what_a_contained_resource_cannot_answer_is_refused_by_name(type: str, more: Pairs, why: str) -> None:
    with pytest.raises(NotSupported, match=why):
        asked(type, [*more, ("_contained", "true")])


def test_who_cannot_answer_it_refuses_it() -> None:
    with pytest.raises(NotSupported, match=r"of one type only, GET /Type\?_contained=both; not here"):
        parse("Patient", [("_contained", "both")], zone=ZONE)


def test_nobody_is_answered_while_containers_are_being_indexed() -> None:
    parameters.use((), {"contained": "its index is being made anew"})
    try:
        with pytest.raises(Unavailable, match="cannot be asked just now: its index"):
            asked("Patient", [("_contained", "true")])
        assert asked("Patient", [("_contained", "false")]).contained is None
    finally:
        parameters.use((), {})


async def test_a_cursor_of_another_search_is_refused(db: Database) -> None:
    held = [organization(Random(1), name) for name in ("a", "b", "c")]
    await put(db, patient("x", contained=held))
    page = await search(db, "Organization", [("_contained", "true"), ("_containedType", "contained"), ("_count", "1")])
    assert page.next is not None
    for pairs in ([("_contained", "true")], [("name", "x"), ("_contained", "true"), ("_containedType", "contained")]):
        with pytest.raises(BadRequest, match="another search"):
            await search(db, "Organization", [*pairs, ("_cursor", page.next)])
    with pytest.raises(BadRequest, match="_cursor"):
        await search(db, "Organization", [("_contained", "both"), ("_cursor", "made up")])


def test_a_resource_has_one_row_for_each_type_it_contains_and_none_for_nothing() -> None:
    held: list[Any] = [{"resourceType": "Organization", "id": "a"}, {"resourceType": "Organization", "id": "b"}]
    with_some = extract(patient("x", contained=[*held, {"resourceType": "Practitioner", "id": "c"}]))
    assert [row for row in with_some.tokens if row[0] == CONTAINED] == [(CONTAINED, "", "Organization"), (CONTAINED, "", "Practitioner")]
    assert all(row[0] != CONTAINED for row in extract(patient("x")).tokens)
